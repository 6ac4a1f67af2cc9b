//! Loads a run from the server into a fresh working copy, page by page.
//!
//! All pages are from one moment, whoever works on the run meanwhile.

use super::{
    error::PostgresError,
    link::{Link, Worker},
    tables::{Kind, Loaded, TABLES, Table},
};
use crate::ledger::{LedgerError, schema};
use rusqlite::{Connection, params_from_iter};
use std::{sync::Arc, time::Duration};
use tokio_postgres::{Client, Row, types::Type};

/// Rows in a page.
const PAGE: i64 = 2_000;
/// How long the server may take for a page.
const LIMIT: Duration = Duration::from_secs(60);

/// A new private database for a working copy. SQLite removes its file as soon as it is open, so nothing of it is left
/// after any end of the process.
pub(in crate::ledger) fn working_copy() -> Result<Connection, LedgerError> {
    let connection = schema::harden(Connection::open("")?)?;
    schema::use_as_working_copy(&connection)?;
    connection.execute_batch(&schema::tables())?;
    Ok(connection)
}

/// A connection in a transaction that reads everything as of one moment.
struct Snapshot {
    worker: Arc<Worker>,
    client: Arc<Client>,
    server: String,
}

impl Snapshot {
    fn begin(worker: &Arc<Worker>, link: &Link) -> Result<Self, PostgresError> {
        let connect = link.clone();
        let begun = worker.wait(LIMIT, async move {
            let client = connect.connect().await?;
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            Ok(client)
        });
        let client = answered(begun, link.server())?;
        Ok(Self { worker: Arc::clone(worker), client: Arc::new(client), server: link.server().to_owned() })
    }

    /// Ends the transaction now: while it lasts, the server keeps old versions of rows. If that fails, the connection is
    /// lost, and the transaction with it.
    fn end(self) {
        let client = Arc::clone(&self.client);
        let _ = self.worker.wait(LIMIT, async move { client.batch_execute("COMMIT").await });
    }

    fn page(&self, sql: String, run: i64, after: i64) -> Result<Vec<Row>, PostgresError> {
        let client = Arc::clone(&self.client);
        let rows = self.worker.wait(LIMIT, async move {
            client.query_typed(&sql, &[(&run, Type::INT8), (&after, Type::INT8), (&PAGE, Type::INT8)]).await
        });
        answered(rows, &self.server)
    }

    fn all(&self, sql: &'static str, run: i64) -> Result<Vec<Row>, PostgresError> {
        let client = Arc::clone(&self.client);
        let rows = self.worker.wait(LIMIT, async move { client.query_typed(sql, &[(&run, Type::INT8)]).await });
        answered(rows, &self.server)
    }
}

/// What the server said, if it said anything.
pub(super) fn answered<T>(said: Option<Result<T, tokio_postgres::Error>>, server: &str) -> Result<T, PostgresError> {
    let silent = || PostgresError::Unreachable { server: server.to_owned(), why: "it does not answer".into() };
    said.ok_or_else(silent)?.map_err(|error| PostgresError::of(&error, server))
}

/// Fills the working copy with the rows of a run.
pub(super) fn load(worker: &Arc<Worker>, link: &Link, run: i64, copy: &Connection) -> Result<(), LedgerError> {
    let snapshot = Snapshot::begin(worker, link)?;
    let failed = |error: &tokio_postgres::Error| PostgresError::of(error, link.server());
    copy.execute_batch("BEGIN")?;
    for (sql, insert) in [
        ("SELECT name, value FROM passwave.note WHERE run = $1", "INSERT INTO run VALUES (?1, ?2)"),
        ("SELECT key, key FROM passwave.exclusion WHERE run = $1", "INSERT INTO exclusion VALUES (?1)"),
    ] {
        let mut insert = copy.prepare(insert)?;
        let values = insert.parameter_count();
        for row in snapshot.all(sql, run)? {
            let texts = [0, 1].map(|at| row.try_get::<_, &str>(at));
            let [Ok(first), Ok(second)] = texts else { continue };
            insert.execute(params_from_iter([Loaded::Text(first), Loaded::Text(second)].into_iter().take(values)))?;
        }
    }
    for table in &TABLES {
        let mut insert = copy.prepare(&table.insert())?;
        let mut after = i64::MIN;
        loop {
            let rows = snapshot.page(table.page(), run, after)?;
            for row in &rows {
                let values = values(table, row).map_err(|error| failed(&error))?;
                insert.execute(params_from_iter(values))?;
                after = row.try_get(0).map_err(|error| failed(&error))?;
            }
            if i64::try_from(rows.len()).unwrap_or(PAGE) < PAGE {
                break;
            }
        }
    }
    snapshot.end();
    copy.execute_batch("COMMIT")?;
    copy.execute_batch(&schema::indexes())?;
    Ok(())
}

/// The values of a row, the key first.
fn values<'a>(table: &Table, row: &'a Row) -> Result<Vec<Loaded<'a>>, tokio_postgres::Error> {
    let mut values = vec![Loaded::Number(row.try_get(0)?)];
    let mut at = 0;
    let mut next = || {
        at += 1;
        at
    };
    for (_, kind) in table.columns {
        values.push(match kind {
            Kind::Number => row.try_get::<_, Option<i64>>(next())?.map_or(Loaded::Nothing, Loaded::Number),
            Kind::Text => row.try_get::<_, Option<&str>>(next())?.map_or(Loaded::Nothing, Loaded::Text),
            Kind::Bytes => row.try_get::<_, Option<&[u8]>>(next())?.map_or(Loaded::Nothing, Loaded::Bytes),
            Kind::Either(_) => {
                let text: Option<&str> = row.try_get(next())?;
                let bytes: Option<&[u8]> = row.try_get(next())?;
                match (text, bytes) {
                    (Some(text), _) => Loaded::Text(text),
                    (None, Some(bytes)) => Loaded::Bytes(bytes),
                    (None, None) => Loaded::Nothing,
                }
            }
        });
    }
    Ok(values)
}
