//! Writes a plan into a new ledger.
//!
//! It uses many commits, so the write-ahead log stays small for plans of any size. The settings come last, in a commit
//! of their own: without them there is no plan.
//!
//! Invariant: if the settings are there, the whole plan is on disk.

use super::{
    LedgerError,
    approved::{Approved, Known},
    database::Database,
    fingerprint::Fingerprint,
    marks::{First, Marks, Planned, mark_of},
    note::{self, NoteKey},
    password_column::PasswordColumn,
    schema,
};
use crate::{
    outcome::Skip,
    password::Profile,
    plan::{Decision, Plan, PlannedRow},
    roster::Cells,
    seal::Binding,
};
use jiff::Timestamp;
use rusqlite::Transaction;
use serde::Serializer;
use std::{fs::File, path::Path};

/// How many skipped rows are returned; the report has all.
const SKIPPED_MAX: usize = 1_000;

/// A row that will not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Line of the file.
    pub line: u64,
    /// Why.
    pub skip: Skip,
    /// The same for display.
    pub message: String,
}

/// The notes of a plan.
pub(super) struct Notes<'a> {
    pub run_id: &'a str,
    pub settings: &'a str,
}

/// Writes the plan into a new ledger. If it is in a `file`, that is synced.
pub(super) fn store(
    connection: &Database,
    file: Option<&Path>,
    mut plan: Plan<'_>,
    passwords: &PasswordColumn,
    marks: &Marks,
    notes: &Notes<'_>,
) -> Result<(Approved, Vec<Skipped>), LedgerError> {
    // A plan that is cut off does not count, so nothing has to reach the disk before the end.
    connection.pragma_update(None, "synchronous", "OFF")?;
    let transaction = connection.write()?;
    for key in plan.exclusions() {
        transaction.prepare_cached("INSERT INTO exclusion VALUES (?1)")?.execute([key])?;
    }
    transaction.commit()?;
    let fingerprint = Fingerprint::new(connection, notes.settings, marks)?;
    let mut stored = Stored { fingerprint, known: Known::default(), width: 0, skipped: Vec::new() };
    loop {
        let chunk = plan.next_chunk()?;
        if chunk.is_empty() {
            break;
        }
        let transaction = connection.write()?;
        stored.rows(&transaction, passwords, marks, chunk)?;
        transaction.commit()?;
    }
    connection.execute_batch(&schema::indexes())?;
    if let Some(file) = file {
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        let synced = File::options().write(true).open(file).and_then(|file| file.sync_all());
        synced.map_err(|source| LedgerError::File { file: file.to_owned(), source })?;
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    let fingerprint = stored.fingerprint.finish();
    complete(connection, marks, notes, &fingerprint, stored.width)?;
    Ok((Approved::new(fingerprint, stored.known), stored.skipped))
}

/// Writes the notes that complete the plan.
fn complete(
    connection: &Database,
    marks: &Marks,
    notes: &Notes<'_>,
    fingerprint: &str,
    width: usize,
) -> Result<(), LedgerError> {
    let transaction = connection.write()?;
    let notes = [
        (NoteKey::PlannedAt, format!("{:.0}", Timestamp::now())),
        (NoteKey::Passwave, env!("CARGO_PKG_VERSION").into()),
        (NoteKey::Fingerprint, fingerprint.to_owned()),
        (NoteKey::MarksKey, marks.noted()),
        (NoteKey::RunId, notes.run_id.to_owned()),
        (NoteKey::Width, width.to_string()),
        (NoteKey::Settings, notes.settings.to_owned()),
    ];
    for (key, value) in notes {
        note::write(&transaction, key, &value)?;
    }
    transaction.commit()
}

/// What is collected while the rows are stored.
struct Stored {
    fingerprint: Fingerprint,
    known: Known,
    /// The number of cells in the widest row.
    width: usize,
    skipped: Vec<Skipped>,
}

impl Stored {
    fn rows(
        &mut self,
        transaction: &Transaction<'_>,
        passwords: &PasswordColumn,
        marks: &Marks,
        rows: Vec<PlannedRow>,
    ) -> Result<(), LedgerError> {
        let mut roster = transaction.prepare_cached("INSERT INTO roster VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        let mut account = transaction.prepare_cached(
            "INSERT INTO account (row, state, password, error_code, error_message, mark) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for row in rows {
            self.width = self.width.max(row.cells.len());
            let cells = json_array(&row.cells)?;
            let (profile, language) = (row.form.profile.map(Profile::as_str), row.form.language.code());
            roster.execute((row.row, row.line, &row.user_principal_name, &cells, profile, language))?;
            let binding = Binding { row: row.row, nth: 0, account: &row.user_principal_name };
            let (state, password, skip) = match &row.decision {
                Decision::Write(password) => ("planned", Some(passwords.put(&binding, password)?), None),
                Decision::Skip(reason, message) => ("skipped", None, Some((reason.code(), message))),
            };
            let first = password.as_ref().and_then(First::to_be_stored);
            let mark = self.add(marks, &row, &cells, skip.map(|skip| skip.0), first);
            let (code, message) = skip.unzip();
            account.execute((row.row, state, password, code, message, mark))?;
            if let Decision::Skip(skip, message) = row.decision
                && self.skipped.len() < SKIPPED_MAX
            {
                self.skipped.push(Skipped { line: row.line, skip, message });
            }
        }
        Ok(())
    }

    /// Adds a row to the fingerprint; returns its mark.
    fn add(
        &mut self,
        marks: &Marks,
        row: &PlannedRow,
        cells: &str,
        skip: Option<&str>,
        first: Option<First<'_>>,
    ) -> i64 {
        let planned = Planned {
            row: row.row,
            line: row.line,
            name: &row.user_principal_name,
            cells,
            profile: row.form.profile.map(Profile::as_str),
            language: row.form.language.code(),
            skip,
            first,
            looked: None,
        };
        let tag = marks.tag_of(&planned);
        self.fingerprint.add(&tag);
        let mark = mark_of(&tag);
        self.known.push(row.row, mark);
        mark
    }
}

fn json_array(cells: &Cells) -> Result<String, serde_json::Error> {
    let mut bytes = serde_json::Serializer::new(Vec::with_capacity(cells.bytes() + 4 * cells.len() + 2));
    bytes.collect_seq(cells.iter())?;
    Ok(String::from_utf8(bytes.into_inner()).expect("JSON is UTF-8"))
}
