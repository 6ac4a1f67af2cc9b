//! Makes changes of the working copy durable on the server, in one statement, if this process still holds the run.
//!
//! A commit expects the run's epoch and its count of commits, and raises the count. So it can be sent again after the
//! connection was lost: whichever copy of it comes first is made, and the other one changes nothing. Whether it was made is
//! then read back.
//!
//! Invariant: `Ok` means that the server has confirmed the change, or showed that it has it.

use super::{
    error::{PostgresError, is_passing},
    lease::{LeaseState, Moment, millis},
    link::{Link, client},
    tables::TABLES,
};
use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

/// How long a change may stay unconfirmed, through lost connections and restarts of the server.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// How long one attempt waits for the server.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The wait between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Changes of some rows that go into one statement.
#[derive(Default)]
pub(super) struct Change {
    /// Rows of a table, as a JSON array.
    pub puts: Vec<(usize, String)>,
    /// Numbers of removed rows of a table.
    pub cuts: Vec<(usize, Vec<i64>)>,
    /// Notes as a JSON array.
    pub notes: Option<String>,
    /// Names of removed notes.
    pub dropped_notes: Vec<String>,
}

/// Everything that becomes durable together.
pub(super) struct Commit {
    pub run: i64,
    pub epoch: i64,
    /// The count of commits before this one.
    pub commits: i64,
    pub lease: Duration,
    /// At least one.
    pub changes: Vec<Change>,
}

/// A parameter with its type.
type Value<'a> = (&'a (dyn ToSql + Sync), Type);

const GUARD: &str = "UPDATE passwave.run
     SET commits = commits + 1, until = clock_timestamp() + $4 * interval '1 millisecond'
     WHERE run = $1 AND epoch = $2 AND commits = $3 RETURNING commits";

/// Makes a commit durable.
pub(super) async fn confirm(
    link: &Link,
    name: &str,
    commit: &Commit,
    state: &Arc<LeaseState>,
) -> Result<(), PostgresError> {
    let began = Instant::now();
    loop {
        let last;
        let asked = Moment::now();
        match tokio::time::timeout(ATTEMPT, attempt(link, commit)).await {
            Ok(Ok(true)) => {
                state.renewed(asked, commit.lease);
                return Ok(());
            }
            Ok(Ok(false)) => match tokio::time::timeout(ATTEMPT, read_back(link, name, commit)).await {
                Ok(Ok(result)) => {
                    if result.is_err() {
                        state.lose();
                    }
                    return result;
                }
                Ok(Err(error)) => last = link.failed(&error).to_string(),
                Err(_) => last = "the server does not answer".into(),
            },
            Ok(Err(error)) if !is_passing(&error) => return Err(link.failed(&error)),
            Ok(Err(error)) => last = link.failed(&error).to_string(),
            Err(_) => last = "the server does not answer".into(),
        }
        link.drop_connection().await;
        if began.elapsed() > LIMIT {
            return Err(PostgresError::Unconfirmed { why: last });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Sends the commit once. `false` if it does not apply: not any more, or not again.
async fn attempt(link: &Link, commit: &Commit) -> Result<bool, tokio_postgres::Error> {
    let mut held = link.connected().await?;
    let client = client(&mut held);
    match commit.changes.as_slice() {
        [only] => {
            let sql = statement(only, GUARD, 4);
            let rows = ask(client, &sql, commit, only).await?;
            Ok(!rows.is_empty())
        }
        many => {
            let transaction = client.transaction().await?;
            // Should this process stop in the middle, others need not wait for it.
            transaction.batch_execute("SET LOCAL idle_in_transaction_session_timeout = '10s'").await?;
            let millis = millis(commit.lease);
            let guard: [Value<'_>; 4] = [
                (&commit.run, Type::INT8),
                (&commit.epoch, Type::INT8),
                (&commit.commits, Type::INT8),
                (&millis, Type::FLOAT8),
            ];
            if transaction.query_typed(GUARD, &guard).await?.is_empty() {
                return Ok(false);
            }
            for change in many {
                let sql = statement(change, "SELECT $1::bigint AS run", 1);
                put(transaction.client(), &sql, commit.run, change).await?;
            }
            transaction.commit().await?;
            Ok(true)
        }
    }
}

async fn ask(client: &Client, sql: &str, commit: &Commit, change: &Change) -> Result<Vec<Row>, tokio_postgres::Error> {
    let millis = millis(commit.lease);
    let mut values: Vec<Value<'_>> = vec![
        (&commit.run, Type::INT8),
        (&commit.epoch, Type::INT8),
        (&commit.commits, Type::INT8),
        (&millis, Type::FLOAT8),
    ];
    values.extend(values_of(change));
    client.query_typed(sql, &values).await
}

/// Puts rows of a run within a transaction that has made sure that it may.
pub(super) async fn put(client: &Client, sql: &str, run: i64, change: &Change) -> Result<(), tokio_postgres::Error> {
    let mut values: Vec<Value<'_>> = vec![(&run, Type::INT8)];
    values.extend(values_of(change));
    client.query_typed(sql, &values).await?;
    Ok(())
}

fn values_of(change: &Change) -> Vec<Value<'_>> {
    let mut values: Vec<Value<'_>> = Vec::new();
    values.extend(change.puts.iter().map(|(_, rows)| (rows as &(dyn ToSql + Sync), Type::TEXT)));
    values.extend(change.cuts.iter().map(|(_, rows)| (rows as &(dyn ToSql + Sync), Type::INT8_ARRAY)));
    values.extend(change.notes.iter().map(|notes| (notes as &(dyn ToSql + Sync), Type::TEXT)));
    if !change.dropped_notes.is_empty() {
        values.push((&change.dropped_notes, Type::TEXT_ARRAY));
    }
    values
}

/// The statement for a change. `mine` is what must have a row, and uses the first `used` parameters.
pub(super) fn statement(change: &Change, mine: &str, used: usize) -> String {
    let (mut sql, mut nth) = (format!("WITH mine AS ({mine})"), used);
    let mut next = || {
        nth += 1;
        nth
    };
    let mut part = |name: &str, text: String| {
        write!(sql, ",\n{name} AS ({text})").expect("a string takes everything");
    };
    for (table, _) in &change.puts {
        let table = &TABLES[*table];
        part(&format!("put_{}", table.name), table.put(next()));
    }
    for (table, _) in &change.cuts {
        let table = &TABLES[*table];
        part(&format!("cut_{}", table.name), table.cut(next()));
    }
    if change.notes.is_some() {
        part(
            "put_note",
            format!(
                "INSERT INTO passwave.note (run, name, value)
                 SELECT $1, name, value FROM mine CROSS JOIN json_populate_recordset(NULL::passwave.note, ${}::json)
                 ON CONFLICT (run, name) DO UPDATE SET value = excluded.value",
                next()
            ),
        );
    }
    if !change.dropped_notes.is_empty() {
        part(
            "cut_note",
            format!("DELETE FROM passwave.note AS old USING mine WHERE old.run = $1 AND old.name = ANY(${})", next()),
        );
    }
    sql.push_str("\nSELECT 1 FROM mine");
    sql
}

/// Finds out why a commit changed nothing: an earlier copy of it was made, another process has the run, or the server has
/// lost commits.
///
/// It asks with a change of its own. A commit can be seen before a synchronous standby has it, if the wait for the standby was
/// cut off; but a later commit is confirmed only when the standby has both.
async fn read_back(
    link: &Link,
    name: &str,
    commit: &Commit,
) -> Result<Result<(), PostgresError>, tokio_postgres::Error> {
    let mut held = link.connected().await?;
    let client = client(&mut held);
    let sql = "UPDATE passwave.run SET until = clock_timestamp() + $3 * interval '1 millisecond'
               WHERE run = $1 AND epoch = $2 RETURNING commits";
    let millis = millis(commit.lease);
    let values: [Value<'_>; 3] = [(&commit.run, Type::INT8), (&commit.epoch, Type::INT8), (&millis, Type::FLOAT8)];
    if let Some(row) = client.query_typed_opt(sql, &values).await? {
        let is_made = row.try_get::<_, i64>(0)? == commit.commits + 1;
        let rewound = || PostgresError::Rewound { server: link.server().to_owned() };
        return Ok(if is_made { Ok(()) } else { Err(rewound()) });
    }
    let sql = "SELECT coalesce(holder_name, 'another process'), epoch > $2 FROM passwave.run WHERE run = $1";
    let row = client.query_typed_opt(sql, &[(&commit.run, Type::INT8), (&commit.epoch, Type::INT8)]).await?;
    Ok(Err(match row {
        None => PostgresError::NoRun { name: name.to_owned(), server: link.server().to_owned() },
        Some(row) if row.try_get(1)? => PostgresError::Overtaken { name: name.to_owned(), holder: row.try_get(0)? },
        Some(_) => PostgresError::Rewound { server: link.server().to_owned() },
    }))
}
