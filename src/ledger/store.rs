//! A plan on its way into a new ledger.
//!
//! It goes in with many commits, so that the write-ahead log stays small however large the plan is. The settings come last,
//! in a commit of their own: without them there never was a plan.
//!
//! Invariant: whoever finds the settings finds the whole plan on disk.

use super::{
    LedgerError,
    approved::{Approved, Known},
    fingerprint::{self, Fingerprint},
    marks::{KEY, Marks, Planned, to_be_stored},
    open::{RUN_ID, Skipped},
    read, schema,
    vault::Vault,
};
use crate::{
    password::Profile,
    plan::{Decision, Plan, PlannedRow},
    seal::Binding,
};
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde::Serializer;
use std::{fs::File, path::Path};

/// How many skipped rows are kept for telling; the report has them all.
const SKIPPED_TOLD_MAX: usize = 1_000;

/// What is noted with a plan.
pub(super) struct Notes<'a> {
    pub run_id: &'a str,
    pub settings: &'a str,
    pub is_rehearsal: bool,
}

/// Puts the plan into the new ledger in `file`.
pub(super) fn store(
    connection: &mut Connection,
    file: &Path,
    mut plan: Plan<'_>,
    vault: &Vault,
    marks: &Marks,
    notes: &Notes<'_>,
) -> Result<(Approved, Vec<Skipped>), LedgerError> {
    // What is cut off is no plan, so nothing has to reach the disk before the end.
    connection.pragma_update(None, "synchronous", "OFF")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for key in plan.exclusions() {
        transaction.prepare_cached("INSERT INTO exclusion VALUES (?1)")?.execute([key])?;
    }
    transaction.commit()?;
    let fingerprint = Fingerprint::new(connection, notes.settings, marks)?;
    let mut stored =
        Stored { fingerprint, known: Known::default(), encoded: Vec::new(), width: 0, skipped: Vec::new() };
    loop {
        let chunk = plan.next_chunk()?;
        if chunk.is_empty() {
            break;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        stored.rows(&transaction, vault, marks, chunk)?;
        transaction.commit()?;
    }
    connection.execute_batch(&schema::indexes())?;
    if !notes.is_rehearsal {
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        let synced = File::options().write(true).open(file).and_then(|file| file.sync_all());
        synced.map_err(|source| LedgerError::File { file: file.to_owned(), source })?;
        connection.pragma_update(None, "synchronous", "FULL")?;
    }
    let fingerprint = stored.fingerprint.finish();
    complete(connection, marks, notes, &fingerprint, stored.width)?;
    Ok((Approved::new(fingerprint, stored.known), stored.skipped))
}

/// Notes what makes a plan of it.
fn complete(
    connection: &mut Connection,
    marks: &Marks,
    notes: &Notes<'_>,
    fingerprint: &str,
    width: usize,
) -> Result<(), LedgerError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let notes = [
        ("planned_at", format!("{:.0}", Timestamp::now())),
        ("passwave", env!("CARGO_PKG_VERSION").into()),
        (fingerprint::NAME, fingerprint.to_owned()),
        (KEY, marks.noted()),
        (RUN_ID, notes.run_id.to_owned()),
        (read::WIDTH, width.to_string()),
        (read::SETTINGS, notes.settings.to_owned()),
    ];
    for (name, value) in notes {
        transaction.execute("INSERT INTO run VALUES (?1, ?2)", (name, value))?;
    }
    Ok(transaction.commit()?)
}

/// What is gathered while the rows go by.
struct Stored {
    fingerprint: Fingerprint,
    known: Known,
    encoded: Vec<u8>,
    /// Most cells of a row.
    width: usize,
    skipped: Vec<Skipped>,
}

impl Stored {
    fn rows(
        &mut self,
        transaction: &Transaction<'_>,
        vault: &Vault,
        marks: &Marks,
        rows: Vec<PlannedRow>,
    ) -> Result<(), LedgerError> {
        let mut roster = transaction.prepare_cached("INSERT INTO roster VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        let mut account = transaction.prepare_cached(
            "INSERT INTO account (row, state, password, error_code, error_message, commitment, mark)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for row in rows {
            self.width = self.width.max(row.cells.len());
            let cells = json_array(&row.cells)?;
            let (profile, language) = (row.form.profile.map(Profile::as_str), row.form.language.code());
            roster.execute((row.row, row.line, &row.user_principal_name, &cells, profile, language))?;
            let binding = Binding { row: row.row, nth: 0, account: &row.user_principal_name };
            let (state, password, skip) = match &row.decision {
                Decision::Write(password) => ("planned", Some(vault.put(&binding, password)?), None),
                Decision::Skip(reason, message) => ("skipped", None, Some((reason.code(), message))),
            };
            let commitment = password.as_ref().map(|password| marks.commitment(row.row, 0, to_be_stored(password)));
            let mark =
                self.add(marks, &row, &cells, skip.map(|skip| skip.0), commitment.as_ref().map(<[u8; 16]>::as_slice));
            let (code, message) = skip.unzip();
            account.execute((
                row.row,
                state,
                password,
                code,
                message,
                commitment.as_ref().map(<[u8; 16]>::as_slice),
                mark,
            ))?;
            if let Decision::Skip(skip, message) = row.decision
                && self.skipped.len() < SKIPPED_TOLD_MAX
            {
                self.skipped.push(Skipped { line: row.line, skip, message });
            }
        }
        Ok(())
    }

    /// Takes a row into the fingerprint; returns its mark.
    fn add(
        &mut self,
        marks: &Marks,
        row: &PlannedRow,
        cells: &str,
        skip: Option<&str>,
        commitment: Option<&[u8]>,
    ) -> i64 {
        let planned = Planned {
            row: row.row,
            line: row.line,
            name: &row.user_principal_name,
            cells,
            profile: row.form.profile.map(Profile::as_str),
            language: row.form.language.code(),
            skip,
            commitment,
            looked: None,
        };
        planned.encode(&mut self.encoded);
        self.fingerprint.add(&self.encoded);
        let mark = marks.mark(&self.encoded);
        self.known.push(row.row, mark);
        mark
    }
}

fn json_array(cells: &csv::StringRecord) -> Result<String, serde_json::Error> {
    let mut bytes = serde_json::Serializer::new(Vec::with_capacity(cells.as_slice().len() + 4 * cells.len() + 2));
    bytes.collect_seq(cells)?;
    Ok(String::from_utf8(bytes.into_inner()).expect("JSON is UTF-8"))
}
