//! Finds other runs of the database that would reset the same accounts, before a run starts.
//!
//! A run counts from when it starts until all of its accounts have ended, as in the register of run folders. Invariant: of
//! two runs with accounts in common that start at the same time, one is refused.

use super::{
    error::PostgresError,
    lease::Lease,
    link::{Link, Worker, client},
    load::answered,
};
use crate::ledger::overlap::StoredOverlap;
use std::time::Duration;
use tokio_postgres::{GenericClient, types::Type};

/// How long the server may take to compare the accounts.
const LIMIT: Duration = Duration::from_secs(120);

/// It sorts the names. A join of the names takes minutes for thousands of rows: the server knows nothing about them, and compares
/// each with each.
const FIND: &str = "WITH known AS (
        SELECT owner.run, account.\"row\", lower(one.name) AS name
        FROM passwave.run AS owner
            JOIN passwave.account ON account.run = owner.run AND account.state IN ('planned', 'in_flight', 'accepted')
            JOIN passwave.roster ON roster.run = owner.run AND roster.\"row\" = account.\"row\"
            LEFT JOIN passwave.looked_up ON looked_up.run = owner.run AND looked_up.\"row\" = account.\"row\"
            CROSS JOIN LATERAL (VALUES (roster.user_principal_name), (looked_up.user_principal_name),
                (looked_up.object_id)) AS one (name)
        WHERE (owner.run = $1 OR owner.directory = $2) AND one.name <> ''
    ), marked AS (
        SELECT run, min(\"row\") FILTER (WHERE run = $1) OVER (PARTITION BY name COLLATE \"C\") AS mine FROM known
    )
    SELECT other.name, to_char(other.begun_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
        count(DISTINCT marked.mine)
    FROM marked JOIN passwave.run AS other ON other.run = marked.run
    WHERE marked.run <> $1 AND marked.mine IS NOT NULL
    GROUP BY other.run, other.name, other.begun_at ORDER BY other.begun_at, other.name";

/// One process at a time compares and starts. The lock ends with the transaction, so any pooler will do.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('passwave.run ' || $1, 0))";

const BEGIN: &str =
    "UPDATE passwave.run SET directory = $3, begun_at = clock_timestamp() WHERE run = $1 AND epoch = $2";

/// The other runs.
pub(super) fn find(
    worker: &Worker,
    link: Link,
    run: i64,
    directory: &str,
) -> Result<Vec<StoredOverlap>, PostgresError> {
    let (server, directory) = (link.server().to_owned(), directory.to_ascii_lowercase());
    let found = worker.wait(LIMIT, async move {
        let mut held = link.connected().await?;
        read(client(&mut held), run, &directory).await
    });
    answered(found, &server)
}

/// Notes that the run starts, unless there are others and it may not run `alongside` them. Returns the others.
pub(super) fn begin(
    worker: &Worker,
    link: Link,
    lease: &Lease,
    directory: &str,
    alongside: bool,
) -> Result<Vec<StoredOverlap>, PostgresError> {
    let (server, directory) = (link.server().to_owned(), directory.to_ascii_lowercase());
    let (run, epoch) = (lease.run, lease.epoch);
    let begun = worker.wait(LIMIT, async move {
        let mut held = link.connected().await?;
        let transaction = client(&mut held).transaction().await?;
        transaction.query_typed(LOCK, &[(&directory, Type::TEXT)]).await?;
        let overlaps = if alongside { Vec::new() } else { read(&transaction, run, &directory).await? };
        if overlaps.is_empty() {
            let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
                [(&run, Type::INT8), (&epoch, Type::INT8), (&directory, Type::TEXT)];
            transaction.execute_typed(BEGIN, &values).await?;
        }
        transaction.commit().await?;
        Ok(overlaps)
    });
    answered(begun, &server)
}

async fn read(
    client: &impl GenericClient,
    run: i64,
    directory: &str,
) -> Result<Vec<StoredOverlap>, tokio_postgres::Error> {
    let rows = client.query_typed(FIND, &[(&run, Type::INT8), (&directory, Type::TEXT)]).await?;
    let overlap = |row: &tokio_postgres::Row| {
        let begun_at: Option<String> = row.try_get(1)?;
        let accounts = u64::try_from(row.try_get::<_, i64>(2)?).unwrap_or_default();
        Ok(StoredOverlap { name: row.try_get(0)?, begun_at: begun_at.unwrap_or_default(), accounts })
    };
    rows.iter().map(overlap).collect()
}
