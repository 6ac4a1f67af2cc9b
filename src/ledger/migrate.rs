//! Migrates the ledger of a run from an older release to today's schema.
//!
//! Everything happens in one transaction, after a check that the old schema is exactly that of its version; a crash at
//! any time leaves either the old ledger or the new one. Approvals stay valid: the noted fingerprint is kept, and so is
//! the way it is computed (see [`super::fingerprint`]).

use super::{
    LedgerError,
    approved::{self, LookupState},
    marks::{First, Marks},
    note::{self, NoteKey},
    schema,
    state::State,
    version,
    words::Written,
};
use crate::outcome::Cause;
use rusqlite::{Connection, Transaction, TransactionBehavior, config::DbConfig};

/// Migrates a checked ledger of schema 4 to today's schema.
pub(super) fn carry_over(connection: &mut Connection) -> Result<(), LedgerError> {
    // Renaming the old table must not rewrite its references.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("DROP VIEW report; ALTER TABLE account RENAME TO account_4")?;
    transaction.execute_batch(&changed_tables()?)?;
    transaction.execute_batch(
        "INSERT INTO account SELECT account_4.*, NULL, 0, NULL, NULL, NULL FROM account_4;
         DROP TABLE account_4",
    )?;
    transaction.execute_batch(&schema::indexes())?;
    let marks = Marks::generate()?;
    mark(&transaction, &marks)?;
    guess_causes(&transaction)?;
    note_plan(&transaction, &marks)?;
    transaction.pragma_update(None, "user_version", version::VERSION)?;
    transaction.commit()?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, false)?;
    Ok(())
}

/// The statements of the schema for the tables that were different in version 4.
fn changed_tables() -> Result<String, LedgerError> {
    let whole = Connection::open_in_memory()?;
    whole.execute_batch(&schema::tables())?;
    let mut select = whole.prepare(
        "SELECT sql || ';' FROM sqlite_schema WHERE name IN ('account', 'report', 'claim', 'sweep', 'audit', 'writeback')",
    )?;
    let texts = select.query_map((), |row| row.get::<_, String>(0))?;
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

/// Adds a mark and a proof to each row. If a sealed first password was not kept, the next one takes its place.
fn mark(transaction: &Transaction<'_>, marks: &Marks) -> Result<(), LedgerError> {
    let mut select = transaction.prepare(
        "SELECT row, state, coalesce(replaced.password, account.password), account.nth > 0 AND coalesce(replaced.nth, 1) > 0
         FROM account LEFT JOIN replaced USING (row)
         WHERE replaced.nth IS NULL OR replaced.nth = (SELECT min(nth) FROM replaced AS first WHERE first.row = account.row)",
    )?;
    let mut commit = transaction.prepare("UPDATE account SET commitment = ?2 WHERE row = ?1")?;
    let mut rows = select.query(())?;
    while let Some(found) = rows.next()? {
        let row = found.get(0)?;
        if let Some(first) = First::of(found.get_ref(2)?).filter(|_| found.get(3) == Ok(true)) {
            commit.execute((row, first.hash().as_slice()))?;
        }
        approved::mark_again(transaction, marks, row)?;
        let state = found.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if state != State::Skipped.as_str() {
            approved::prove(transaction, marks, row)?;
        }
    }
    Ok(())
}

/// Stores why Graph refused each row, which older releases did not: guessed from what it said.
fn guess_causes(transaction: &Transaction<'_>) -> Result<(), LedgerError> {
    let mut select = transaction.prepare(
        "SELECT row, coalesce(error_code, ''), coalesce(error_message, '') FROM account WHERE state = 'failed'",
    )?;
    let mut update = transaction.prepare("UPDATE account SET cause = ?2 WHERE row = ?1")?;
    let mut rows = select.query(())?;
    while let Some(found) = rows.next()? {
        let text = |at: usize| found.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
        let cause = Cause::guessed(text(1)?, text(2)?);
        update.execute((found.get::<_, u64>(0)?, Written(cause)))?;
    }
    Ok(())
}

/// Notes the key, and what the plan is checked against from now on.
fn note_plan(transaction: &Transaction<'_>, marks: &Marks) -> Result<(), LedgerError> {
    let settings = note::read(transaction, NoteKey::Settings)?.unwrap_or_default();
    let is_complete = note::read(transaction, NoteKey::Lookup)?.is_some();
    let lookup = if is_complete { LookupState::Ended } else { LookupState::Unfinished };
    let taken = approved::take_from(transaction, &settings, marks, lookup)?.fingerprint;
    let write = |key, value: &str| note::write(transaction, key, value);
    write(NoteKey::MarksKey, &marks.noted())?;
    write(NoteKey::CarriedFrom, "4")?;
    // An incomplete plan could not have been approved, so its fingerprint may become one of today's.
    if is_complete {
        write(NoteKey::PlannedSchema, "4")?;
        write(NoteKey::CarriedOver, &taken)
    } else {
        write(NoteKey::Fingerprint, &taken)
    }
}
