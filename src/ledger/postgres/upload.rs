//! Stores a new run on the server: all of it in one transaction, or nothing.

use super::{
    commit::{Change, put, statement},
    error::PostgresError,
    lease::{Claim, Holder, LeaseState, Moment, millis},
    link::{Link, Worker},
    load::answered,
    mirror::Changes,
    server::ServerIdentity,
    tables::TABLES,
};
use crate::ledger::{LedgerError, version};
use rusqlite::Connection;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_postgres::{Client, types::Type};

/// How long the server may take for one part.
const LIMIT: Duration = Duration::from_secs(60);
/// SQLSTATE of a name that is taken.
const TAKEN: &str = "23505";

/// A run that is being stored.
struct Upload<'a> {
    worker: &'a Worker,
    client: Arc<Client>,
    server: String,
    run: i64,
}

/// What a new run is called, and who makes it.
pub(super) struct NewRun<'a> {
    pub name: &'a str,
    pub run_id: &'a str,
    pub holder: &'a Holder,
    pub lease: Duration,
    pub server: &'a ServerIdentity,
}

/// Stores the run that is in the working copy, and takes it.
pub(super) fn upload(
    worker: &Worker,
    link: &Link,
    copy: &Connection,
    new: &NewRun<'_>,
) -> Result<(Claim, Arc<LeaseState>), LedgerError> {
    let upload = Upload::begin(worker, link, new)?;
    let mut changes = Changes::default();
    let mut select = copy.prepare("SELECT name, value FROM run")?;
    let notes = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    changes.add_notes(&BTreeMap::new(), &notes.collect::<Result<_, _>>()?)?;
    upload.exclusions(copy)?;
    for (at, table) in TABLES.iter().enumerate() {
        let mut select = copy.prepare(&table.select_all())?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            changes.add_row(at, row)?;
            upload.put(changes.take_done())?;
        }
    }
    upload.put(changes.finished().unwrap_or_default())?;
    let run = upload.run;
    let asked = Moment::now();
    upload.commit(new.lease)?;
    let claim = Claim { run, epoch: 1, commits: 1, ledger: version::VERSION, is_takeover: false, confirmed_by: None };
    Ok((claim, LeaseState::new(asked, new.lease)))
}

impl<'a> Upload<'a> {
    fn begin(worker: &'a Worker, link: &Link, new: &NewRun<'_>) -> Result<Self, PostgresError> {
        let (connect, name, run_id, holder) =
            (link.clone(), new.name.to_owned(), new.run_id.to_owned(), new.holder.clone());
        let (millis, identity) = (millis(new.lease), new.server.clone());
        let begun = worker.wait(LIMIT, async move {
            let client = connect.connect().await?;
            client.batch_execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'").await?;
            let sql = "INSERT INTO passwave.run (name, run_id, ledger, holder, holder_name, epoch, until, system_id, timeline)
                 VALUES ($1, $2, $3, $4, $5, 1, clock_timestamp() + $6 * interval '1 millisecond', $7, $8) RETURNING run";
            let row = client
                .query_typed_one(
                    sql,
                    &[
                        (&name, Type::TEXT),
                        (&run_id, Type::TEXT),
                        (&version::VERSION, Type::INT4),
                        (&holder.id, Type::TEXT),
                        (&holder.name, Type::TEXT),
                        (&millis, Type::FLOAT8),
                        (&identity.system_id, Type::TEXT),
                        (&identity.timeline, Type::INT8),
                    ],
                )
                .await?;
            Ok((client, row.try_get(0)?))
        });
        let (client, run) = answered(begun, link.server()).map_err(|error| match error {
            PostgresError::Refused { code, server, .. } if code == TAKEN => {
                PostgresError::Exists { name: new.name.to_owned(), server }
            }
            other => other,
        })?;
        Ok(Self { worker, client: Arc::new(client), server: link.server().to_owned(), run })
    }

    fn put(&self, changes: Vec<Change>) -> Result<(), PostgresError> {
        for change in changes {
            let (client, run) = (Arc::clone(&self.client), self.run);
            let done = self.worker.wait(LIMIT, async move {
                let sql = statement(&change, "SELECT $1::bigint AS run", 1);
                put(&client, &sql, run, &change).await
            });
            answered(done, &self.server)?;
        }
        Ok(())
    }

    fn exclusions(&self, copy: &Connection) -> Result<(), LedgerError> {
        let mut select = copy.prepare("SELECT key FROM exclusion")?;
        let keys = select.query_map((), |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let (client, run) = (Arc::clone(&self.client), self.run);
        let done = self.worker.wait(LIMIT, async move {
            let sql = "INSERT INTO passwave.exclusion (run, key) SELECT $1, unnest($2)";
            client.execute_typed(sql, &[(&run, Type::INT8), (&keys, Type::TEXT_ARRAY)]).await
        });
        answered(done, &self.server)?;
        Ok(())
    }

    fn commit(self, lease: Duration) -> Result<(), PostgresError> {
        let (client, run, millis) = (Arc::clone(&self.client), self.run, millis(lease));
        let done = self.worker.wait(LIMIT, async move {
            let sql = "UPDATE passwave.run SET commits = 1, until = clock_timestamp() + $2 * interval '1 millisecond'
                       WHERE run = $1";
            client.execute_typed(sql, &[(&run, Type::INT8), (&millis, Type::FLOAT8)]).await?;
            client.batch_execute("COMMIT").await
        });
        answered(done, &self.server)
    }
}
