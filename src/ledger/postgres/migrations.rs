//! The tables of the database: made once, changed in numbered steps, and checked at each connection.
//!
//! Making them needs a role that may create a schema. Everything else works with a role that may only read and write rows.
//!
//! Invariant: nothing is read or written unless all steps, and only those, are in place as this release knows them.

use super::{
    error::PostgresError,
    link::{Link, client},
};
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write as _;
use tokio_postgres::{Client, types::Type};

/// The steps, each with its number and its statements. A step that was released is never changed.
const STEPS: [(i32, &str); 1] = [(1, include_str!("ledgers.sql"))];

/// Errors of a process that makes the tables at the same time as another one.
const MADE_MEANWHILE: [&str; 5] = ["42P06", "42P07", "23505", "42710", "XX000"];

/// What is wrong with a step.
enum Fault {
    Driver(tokio_postgres::Error),
    Other(PostgresError),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

/// Makes or changes the tables if that is necessary, and checks them.
pub(super) async fn must_be_in_place(link: &Link) -> Result<(), PostgresError> {
    let mut result = step(link).await;
    if let Err(Fault::Driver(error)) = &result
        && error.code().is_some_and(|code| MADE_MEANWHILE.contains(&code.code()))
    {
        result = step(link).await;
    }
    result.map_err(|fault| match fault {
        Fault::Driver(error) if error.code().is_some_and(|code| code.code() == "42501") => {
            PostgresError::NoTables { server: link.server().to_owned() }
        }
        Fault::Driver(error) => link.failed(&error),
        Fault::Other(error) => error,
    })
}

async fn step(link: &Link) -> Result<(), Fault> {
    let mut held = link.connected().await?;
    let client = client(&mut held);
    let known = applied(client).await?;
    let missing = missing(&known, link.server()).map_err(Fault::Other)?;
    if missing.is_empty() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(
            "CREATE SCHEMA IF NOT EXISTS passwave;
             CREATE TABLE IF NOT EXISTS passwave.migration (
                 version    integer PRIMARY KEY,
                 hash       text NOT NULL,
                 applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
             );",
        )
        .await?;
    for (version, sql) in missing {
        let insert = "INSERT INTO passwave.migration (version, hash) VALUES ($1, $2)";
        transaction.execute_typed(insert, &[(version, Type::INT4), (&hash_of(sql), Type::TEXT)]).await?;
        transaction.batch_execute(sql).await?;
    }
    Ok(transaction.commit().await?)
}

/// The steps that a database with the `known` ones lacks.
pub(super) fn missing(known: &[(i32, String)], server: &str) -> Result<&'static [(i32, &'static str)], PostgresError> {
    let wrong = |why: String| PostgresError::Tables { server: server.to_owned(), why };
    for (at, (version, hash)) in known.iter().enumerate() {
        match STEPS.get(at) {
            None => return Err(wrong(format!("a newer release has changed them (step {version})"))),
            Some((own, sql)) if own != version || hash_of(sql) != *hash => {
                return Err(wrong(format!("step {version} is another one here")));
            }
            Some(_) => {}
        }
    }
    Ok(STEPS.get(known.len()..).unwrap_or_default())
}

/// The steps that the database has.
pub(super) async fn applied(client: &Client) -> Result<Vec<(i32, String)>, tokio_postgres::Error> {
    let there = client.query_typed_one("SELECT to_regclass('passwave.migration') IS NOT NULL", &[]).await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(Vec::new());
    }
    let rows = client.query_typed("SELECT version, hash FROM passwave.migration ORDER BY version", &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// The hash of a step, the same for every way in which a checkout ends lines.
fn hash_of(sql: &str) -> String {
    let hash = digest(&SHA256, sql.replace('\r', "").as_bytes());
    hash.as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}
