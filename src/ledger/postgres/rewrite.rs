//! Rewrites the tables that had passwords.
//!
//! PostgreSQL keeps the old version of a changed row in the table's file until it needs the space. `VACUUM FULL` writes a
//! new file with only what some transaction might still read. It locks the table, and only its owner may do it.
//!
//! Invariant: no process that works on another run waits for it.

use super::{
    error::PostgresError,
    link::{Link, Worker, client},
    load::answered,
};
use crate::ledger::rewrite::Rewrite;
use std::time::Duration;
use tokio_postgres::{Client, types::Type};

/// How long the server may take to rewrite all tables.
const LIMIT: Duration = Duration::from_secs(300);

/// How often they are rewritten while another transaction might still read old versions.
const TRIES: u32 = 5;
/// The time before each try. A session counts its own changes into the server's statistics once a second, and what it has
/// not yet counted in is missing from what `ANALYZE` counts.
const PAUSE: Duration = Duration::from_millis(1_200);

/// The tables with passwords, keys, and what could confirm a guess.
const TABLES: &str = "passwave.account, passwave.replaced, passwave.data_key, passwave.note";

const IS_OWNER: &str = "SELECT pg_has_role(owner.datdba, 'USAGE') OR (
        SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class
        WHERE oid IN ('passwave.account'::regclass, 'passwave.replaced'::regclass, 'passwave.data_key'::regclass,
            'passwave.note'::regclass)
    ) FROM pg_database AS owner WHERE owner.datname = current_database()";
const IS_LOCKED: &str = "SELECT EXISTS (SELECT 1 FROM pg_locks
    WHERE granted AND pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND relation IN ('passwave.account'::regclass, 'passwave.replaced'::regclass, 'passwave.data_key'::regclass,
            'passwave.note'::regclass))";
/// `ANALYZE` has just counted the old versions of rows.
const IS_CLEAN: &str = "SELECT coalesce(sum(n_dead_tup), 0) = 0 FROM pg_stat_user_tables
    WHERE schemaname = 'passwave' AND relname IN ('account', 'replaced', 'data_key', 'note')";
const IS_IN_USE: &str = "SELECT EXISTS (SELECT 1 FROM passwave.run WHERE run <> $1 AND until > clock_timestamp())";

/// Rewrites them, if this role may and nobody is disturbed by it.
pub(super) fn rewrite(worker: &Worker, link: Link, run: i64) -> Result<Rewrite, PostgresError> {
    let (server, limit) = (link.server().to_owned(), LIMIT + Duration::from_secs(60));
    answered(worker.wait(limit, async move { try_rewrite(&link, run).await }), &server)
}

async fn try_rewrite(link: &Link, run: i64) -> Result<Rewrite, tokio_postgres::Error> {
    let mut held = link.connected().await?;
    let client = client(&mut held);
    if !is_owner(client).await? {
        return Ok(Rewrite::NotOwner);
    }
    if client.query_typed_one(IS_IN_USE, &[(&run, Type::INT8)]).await?.try_get(0)? {
        return Ok(Rewrite::InUse);
    }
    let cancel = client.cancel_token();
    match tokio::time::timeout(LIMIT, until_nothing_is_left(client)).await {
        Ok(done) => done,
        Err(_) => {
            // If that fails, the server goes on, and rewrites them later.
            let _ = cancel.cancel_query(link.tls()).await;
            Ok(Rewrite::InUse)
        }
    }
}

/// Rewrites the tables until they have no old version of a row. As long as another transaction might still read one, the
/// server copies it, too.
async fn until_nothing_is_left(client: &Client) -> Result<Rewrite, tokio_postgres::Error> {
    for _ in 0..TRIES {
        tokio::time::sleep(PAUSE).await;
        // A session that reads a table, such as a backup, would keep us waiting, and all others behind us.
        if !client.query_typed_one(IS_LOCKED, &[]).await?.try_get(0)? {
            client.batch_execute(&format!("VACUUM (FULL, ANALYZE) {TABLES}")).await?;
            if client.query_typed_one(IS_CLEAN, &[]).await?.try_get(0)? {
                return Ok(Rewrite::Done);
            }
        }
    }
    Ok(Rewrite::InUse)
}

/// Whether this role may rewrite the tables.
pub(super) async fn is_owner(client: &Client) -> Result<bool, tokio_postgres::Error> {
    client.query_typed_one(IS_OWNER, &[]).await?.try_get(0)
}
