//! Rewrites the tables that had passwords.
//!
//! PostgreSQL keeps the old version of a changed row in the table's file until it needs the space. `VACUUM FULL` writes a
//! new file with only what is left. It locks the table, and only its owner may do it.
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
const LIMIT: Duration = Duration::from_secs(600);

/// The tables with passwords, keys, and what could confirm a guess.
const TABLES: &str = "passwave.account, passwave.replaced, passwave.data_key, passwave.note";

const IS_OWNER: &str = "SELECT pg_has_role(owner.datdba, 'USAGE') OR (
        SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class
        WHERE oid IN ('passwave.account'::regclass, 'passwave.replaced'::regclass, 'passwave.data_key'::regclass,
            'passwave.note'::regclass)
    ) FROM pg_database AS owner WHERE owner.datname = current_database()";
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
    // A server that does something else with the tables, such as a backup, does not give the lock.
    let cancel = client.cancel_token();
    match tokio::time::timeout(LIMIT, client.batch_execute(&format!("VACUUM (FULL, ANALYZE) {TABLES}"))).await {
        Ok(done) => done.map(|()| Rewrite::Done),
        Err(_) => {
            // If that fails, the server goes on, and rewrites them later.
            let _ = cancel.cancel_query(link.tls()).await;
            Ok(Rewrite::InUse)
        }
    }
}

/// Whether this role may rewrite the tables.
pub(super) async fn is_owner(client: &Client) -> Result<bool, tokio_postgres::Error> {
    client.query_typed_one(IS_OWNER, &[]).await?.try_get(0)
}
