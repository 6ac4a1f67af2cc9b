//! Keeps the server as the truth behind a working copy.
//!
//! The ledger works on a private SQLite database that nobody else sees. SQLite reports which rows a transaction has
//! touched. Before that transaction may commit, these rows are sent to the server and confirmed there.
//!
//! Invariant: SQLite commits nothing that the server has not confirmed. A change that does not come through here is rolled
//! back.

use super::{
    commit::{self, Change, Commit},
    error::PostgresError,
    lease::{Lease, LeaseState},
    link::{Link, Worker},
    overlaps,
    quota::{LeasedQuota, QuotaKey},
    rewrite,
    server::ServerIdentity,
    tables::{TABLES, Table, write_text},
};
use crate::{
    graph::quota::Quota,
    ledger::{LedgerError, overlap::StoredOverlap, rewrite::Rewrite},
};
use rusqlite::{Connection, OptionalExtension};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The most rows, and about the most bytes, in one statement.
const ROWS_MAX: usize = 1_000;
const BYTES_MAX: usize = 1 << 20;
/// How long a commit may take in all, with the attempt that is under way at its limit.
const WAIT: Duration = commit::LIMIT.saturating_add(Duration::from_secs(25));

/// The rows of each table that a transaction has touched.
type Touched = BTreeMap<usize, BTreeSet<i64>>;

/// The way from a working copy to the server.
pub(in crate::ledger) struct Mirror {
    worker: Arc<Worker>,
    link: Link,
    name: String,
    lease: Lease,
    commits: Cell<i64>,
    touched: Arc<Mutex<Touched>>,
    is_confirmed: Arc<AtomicBool>,
    /// The notes as the server has them.
    notes: RefCell<BTreeMap<String, String>>,
}

impl Mirror {
    /// Begins to watch the working copy, which is now as the server has it after this many commits.
    pub(super) fn watch(
        connection: &mut Connection,
        (worker, link): (Arc<Worker>, Link),
        name: String,
        lease: Lease,
        commits: i64,
    ) -> Result<Self, LedgerError> {
        let (touched, is_confirmed) = (Arc::<Mutex<Touched>>::default(), Arc::<AtomicBool>::default());
        let (seen, may_commit) = (Arc::clone(&touched), Arc::clone(&is_confirmed));
        connection.update_hook(Some(move |_, _: &str, table: &str, row| {
            if let Some(table) = Table::named(table) {
                seen.lock().unwrap_or_else(PoisonError::into_inner).entry(table).or_default().insert(row);
            }
        }))?;
        connection.commit_hook(Some(move || !may_commit.swap(false, Ordering::SeqCst)))?;
        let notes = RefCell::new(notes_of(connection)?);
        Ok(Self { worker, link, name, lease, commits: Cell::new(commits), touched, is_confirmed, notes })
    }

    /// The name of the run.
    pub(in crate::ledger) fn name(&self) -> &str {
        &self.name
    }

    /// What shows whether this process still holds the run.
    pub(in crate::ledger) fn lease(&self) -> Arc<LeaseState> {
        Arc::clone(&self.lease.state)
    }

    /// Notes which server confirms commits from now on.
    pub(in crate::ledger) fn note_server(&self, identity: ServerIdentity) -> Result<(), PostgresError> {
        self.lease.note_server(&self.worker, self.link.clone(), identity)
    }

    /// Forgets what a transaction touched that was not committed.
    pub(in crate::ledger) fn begin(&self) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.is_confirmed.store(false, Ordering::SeqCst);
    }

    /// Makes the changes of the open transaction durable on the server. From then on it may commit.
    pub(in crate::ledger) fn confirm(&self, transaction: &Connection) -> Result<(), LedgerError> {
        let touched = std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner));
        let notes = notes_of(transaction)?;
        let mut changes = Changes::default();
        changes.add_notes(&self.notes.borrow(), &notes)?;
        for (table, rows) in touched {
            changes.add_rows(transaction, table, rows)?;
        }
        if let Some(changes) = changes.finished() {
            self.send(changes)?;
            self.notes.replace(notes);
        }
        self.is_confirmed.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn send(&self, changes: Vec<Change>) -> Result<(), PostgresError> {
        let commit = Commit {
            run: self.lease.run,
            epoch: self.lease.epoch,
            commits: self.commits.get(),
            lease: self.lease.length,
            changes,
        };
        let (link, name, state) = (self.link.clone(), self.name.clone(), Arc::clone(&self.lease.state));
        let job = async move { commit::confirm(&link, &name, &commit, &state).await };
        let unanswered = || Err(PostgresError::Unconfirmed { why: "the server does not answer".into() });
        let confirmed = self.worker.wait(WAIT, job).unwrap_or_else(unanswered);
        if confirmed.is_ok() {
            self.commits.set(self.commits.get() + 1);
        }
        confirmed
    }

    /// Takes part in a quota that processes share.
    pub(in crate::ledger) fn lease_quota(&self, key: QuotaKey, quota: Quota) -> Result<LeasedQuota, PostgresError> {
        LeasedQuota::join(&self.worker, self.link.another(), key, quota)
    }

    /// Notes why the run stopped, for a person to look at.
    pub(in crate::ledger) fn note_stop(&self, why: &str) -> Result<(), PostgresError> {
        self.lease.note_stop(&self.worker, self.link.clone(), why)
    }

    /// Other runs with accounts in common that write to the same directory.
    pub(in crate::ledger) fn overlaps(&self, directory: &str) -> Result<Vec<StoredOverlap>, PostgresError> {
        overlaps::find(&self.worker, self.link.clone(), self.lease.run, directory)
    }

    /// Notes that the run starts, unless there are others.
    pub(in crate::ledger) fn begin_run(
        &self,
        directory: &str,
        alongside: bool,
    ) -> Result<Vec<StoredOverlap>, PostgresError> {
        overlaps::begin(&self.worker, self.link.clone(), &self.lease, directory, alongside)
    }

    /// Rewrites the tables that had passwords, if that is possible.
    pub(in crate::ledger) fn rewrite(&self) -> Result<Rewrite, PostgresError> {
        rewrite::rewrite(&self.worker, self.link.clone(), self.lease.run)
    }

    /// Removes the run.
    pub(in crate::ledger) fn discard(&self) -> Result<(), PostgresError> {
        self.lease.discard(&self.worker, self.link.clone())
    }

    /// Gives the run back.
    pub(in crate::ledger) fn release(&self, is_finished: bool) {
        self.lease.release(&self.worker, self.link.clone(), is_finished);
    }
}

fn notes_of(connection: &Connection) -> Result<BTreeMap<String, String>, LedgerError> {
    let mut select = connection.prepare_cached("SELECT name, value FROM run")?;
    let notes = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(notes.collect::<Result<_, _>>()?)
}

/// Changes that are being collected, in statements of a bounded size.
#[derive(Default)]
pub(super) struct Changes {
    done: Vec<Change>,
    open: Change,
    rows: usize,
    bytes: usize,
}

impl Changes {
    /// The collected changes, if there are any.
    pub(super) fn finished(mut self) -> Option<Vec<Change>> {
        self.close();
        (!self.done.is_empty()).then_some(self.done)
    }

    /// The changes that are complete by now.
    pub(super) fn take_done(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.done)
    }

    fn close(&mut self) {
        let mut open = std::mem::take(&mut self.open);
        open.puts.iter_mut().for_each(|(_, json)| json.push(']'));
        let is_empty =
            open.puts.is_empty() && open.cuts.is_empty() && open.notes.is_none() && open.dropped_notes.is_empty();
        (self.rows, self.bytes) = (0, 0);
        if !is_empty {
            self.done.push(open);
        }
    }

    /// Adds the notes that differ.
    pub(super) fn add_notes(
        &mut self,
        old: &BTreeMap<String, String>,
        new: &BTreeMap<String, String>,
    ) -> Result<(), LedgerError> {
        let mut json = String::new();
        for (name, value) in new.iter().filter(|(name, value)| old.get(*name) != Some(*value)) {
            json.push_str(if json.is_empty() { "[{\"name\":" } else { ",{\"name\":" });
            write_text(name, &mut json)?;
            json.push_str(",\"value\":");
            write_text(value, &mut json)?;
            json.push('}');
        }
        if !json.is_empty() {
            json.push(']');
            self.open.notes = Some(json);
        }
        self.open.dropped_notes = old.keys().filter(|name| !new.contains_key(*name)).cloned().collect();
        Ok(())
    }

    /// Adds rows of a table as they are now.
    fn add_rows(&mut self, connection: &Connection, table: usize, rows: BTreeSet<i64>) -> Result<(), LedgerError> {
        let mut select = connection.prepare_cached(&TABLES[table].select())?;
        let mut gone = Vec::new();
        for row in rows {
            let found = select.query_row([row], |found| Ok(self.add_row(table, found))).optional()?;
            match found {
                Some(added) => added?,
                None => gone.push(row),
            }
        }
        if !gone.is_empty() {
            self.open.cuts.push((table, gone));
        }
        Ok(())
    }

    /// Adds a selected row.
    pub(super) fn add_row(&mut self, table: usize, row: &rusqlite::Row<'_>) -> Result<(), LedgerError> {
        if self.rows == ROWS_MAX || self.bytes > BYTES_MAX {
            self.close();
        }
        if self.open.puts.last().is_none_or(|(last, _)| *last != table) {
            self.open.puts.push((table, "[".into()));
        }
        let json = &mut self.open.puts.last_mut().expect("it was just made sure of").1;
        let before = json.len();
        if before > 1 {
            json.push(',');
        }
        TABLES[table].write(row, json)?;
        self.bytes += json.len() - before;
        self.rows += 1;
        Ok(())
    }
}
