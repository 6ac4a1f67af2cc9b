//! What an administrator wants to know of a server before a run depends on it.
//!
//! It only reads, and makes no tables.

use super::{
    address::Address,
    error::PostgresError,
    limit_of,
    link::{Link, Worker, client},
    migrations, rewrite,
};
use crate::ledger::LedgerError;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::Client;

/// The state of the tables for ledgers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tables {
    /// They are as this release needs them.
    InPlace,
    /// They, or some of them, are still to be made; the role may or may not do that.
    Missing {
        /// Whether it may.
        may_create: bool,
    },
    /// The role may not use their schema.
    NotUsable,
    /// They are of another release.
    Other(String),
}

/// What was found at a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerHealth {
    /// The version of PostgreSQL.
    pub version: String,
    /// The role that has signed in.
    pub role: String,
    /// How long the server took to answer one statement.
    pub round_trip: Duration,
    /// How the database stores text.
    pub encoding: String,
    /// Settings that are off, so that the server may lose what it has confirmed.
    pub unsafe_settings: Vec<&'static str>,
    /// Whether it is a standby, which only reads.
    pub is_standby: bool,
    /// How many standbys follow.
    pub standbys: u64,
    /// Whether commits wait for a standby.
    pub waits_for_standbys: bool,
    /// The tables.
    pub tables: Tables,
    /// What the role lacks on the tables: a table and its missing rights.
    pub lacking: Vec<(String, String)>,
    /// Whether the role may rewrite the tables after passwords were removed.
    pub may_rewrite: bool,
}

const SERVER: &str = "SELECT current_setting('server_version'), current_user::text, current_setting('server_encoding'),
        current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'),
        pg_is_in_recovery(), (SELECT count(*) FROM pg_stat_replication), current_setting('synchronous_standby_names') <> ''";

const SCHEMA: &str =
    "SELECT has_schema_privilege(pg_namespace.oid, 'USAGE'), has_database_privilege(current_database(), 'CREATE')
    FROM (SELECT 1) AS always LEFT JOIN pg_namespace ON nspname = 'passwave'";

const LACKING: &str = "SELECT relname::text, string_agg(wanted, ', ')
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted
    WHERE nspname = 'passwave' AND relkind = 'r' AND (relname <> 'migration' OR wanted = 'SELECT')
        AND NOT has_table_privilege(pg_class.oid, wanted)
    GROUP BY relname ORDER BY relname";

impl ServerHealth {
    /// Connects and asks.
    ///
    /// # Errors
    /// Fails if the server cannot be reached, or refuses.
    pub fn ask(address: Address) -> Result<Self, LedgerError> {
        let worker = Worker::start().map_err(|error| PostgresError::Address(error.to_string()))?;
        let limit = limit_of(&address);
        let link = Link::new(&Arc::new(address))?;
        let server = link.server().to_owned();
        let silent = || PostgresError::Unreachable { server, why: "it does not answer".into() };
        let asked = worker.wait(limit, async move { ask(&link).await });
        Ok(asked.ok_or_else(silent)??)
    }
}

async fn ask(link: &Link) -> Result<ServerHealth, PostgresError> {
    let asked = async {
        let mut held = link.connected().await?;
        let client = client(&mut held);
        let mut health = of_server(client).await?;
        health.tables = tables(client, link.server()).await?;
        if health.tables == Tables::InPlace {
            let rows = client.query_typed(LACKING, &[]).await?;
            health.lacking = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, _>>()?;
            health.may_rewrite = rewrite::is_owner(client).await?;
        }
        Ok(health)
    };
    asked.await.map_err(|error: tokio_postgres::Error| link.failed(&error))
}

async fn of_server(client: &Client) -> Result<ServerHealth, tokio_postgres::Error> {
    let asked = Instant::now();
    let row = client.query_typed_one(SERVER, &[]).await?;
    let round_trip = asked.elapsed();
    let settings = [(3, "synchronous_commit"), (4, "fsync"), (5, "full_page_writes")];
    let is_off = |at: usize| row.try_get::<_, &str>(at).is_ok_and(|value| value == "off");
    Ok(ServerHealth {
        version: row.try_get(0)?,
        role: row.try_get(1)?,
        round_trip,
        encoding: row.try_get(2)?,
        unsafe_settings: settings.into_iter().filter(|(at, _)| is_off(*at)).map(|(_, name)| name).collect(),
        is_standby: row.try_get(6)?,
        standbys: u64::try_from(row.try_get::<_, i64>(7)?).unwrap_or_default(),
        waits_for_standbys: row.try_get(8)?,
        tables: Tables::NotUsable,
        lacking: Vec::new(),
        may_rewrite: false,
    })
}

async fn tables(client: &Client, server: &str) -> Result<Tables, tokio_postgres::Error> {
    let row = client.query_typed_one(SCHEMA, &[]).await?;
    let (may_use, may_create): (Option<bool>, bool) = (row.try_get(0)?, row.try_get(1)?);
    match may_use {
        None => return Ok(Tables::Missing { may_create }),
        Some(false) => return Ok(Tables::NotUsable),
        Some(true) => {}
    }
    Ok(match migrations::missing(&migrations::applied(client).await?, server) {
        Ok([]) => Tables::InPlace,
        Ok(_) => Tables::Missing { may_create },
        Err(PostgresError::Tables { why, .. }) => Tables::Other(why),
        Err(error) => Tables::Other(error.to_string()),
    })
}
