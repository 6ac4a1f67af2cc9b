//! A run that an older release began: its ledger is carried over to the schema of today.
//!
//! All of it happens in one transaction, after the old schema was found to be the one of its version to the letter; a cut
//! at any moment leaves either the old ledger or the new one. What was approved stays what it was: the noted fingerprint
//! remains, and so does the way in which it is taken (see [`super::fingerprint`]).

use super::{
    LedgerError, approved,
    fingerprint::{self, CARRIED_OVER, PLANNED_SCHEMA},
    life::State,
    marks::{KEY, Marks, stored},
    read, schema,
};
use rusqlite::{Connection, Transaction, TransactionBehavior, config::DbConfig};

/// Under which it is noted from which schema a ledger was carried over.
pub(super) const CARRIED_FROM: &str = "carried_from";

/// Brings a ledger of schema 4, which was checked, to the schema of today.
pub(super) fn carry_over(connection: &mut Connection) -> Result<(), LedgerError> {
    // Renaming the old table is not to rewrite what mentions it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("DROP VIEW report; ALTER TABLE account RENAME TO account_4")?;
    transaction.execute_batch(&made_anew()?)?;
    transaction.execute_batch(
        "INSERT INTO account SELECT account_4.*, NULL, 0, NULL FROM account_4;
         DROP TABLE account_4",
    )?;
    transaction.execute_batch(&schema::indexes())?;
    let marks = Marks::generate()?;
    mark(&transaction, &marks)?;
    note(&transaction, &marks)?;
    transaction.pragma_update(None, "user_version", schema::VERSION)?;
    transaction.commit()?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, false)?;
    Ok(())
}

/// The statements of the schema that make what version 4 had otherwise.
fn made_anew() -> Result<String, LedgerError> {
    let whole = Connection::open_in_memory()?;
    whole.execute_batch(&schema::tables())?;
    let mut select = whole.prepare("SELECT sql || ';' FROM sqlite_schema WHERE name IN ('account', 'report')")?;
    let texts = select.query_map((), |row| row.get::<_, String>(0))?;
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

/// Commits to each password, and marks and proves each row.
fn mark(transaction: &Transaction<'_>, marks: &Marks) -> Result<(), LedgerError> {
    let mut select = transaction.prepare(
        "SELECT row, state, coalesce(replaced.password, account.password)
         FROM account LEFT JOIN replaced USING (row)
         WHERE replaced.nth IS NULL OR replaced.nth = (SELECT min(nth) FROM replaced AS first WHERE first.row = account.row)",
    )?;
    let mut commit = transaction.prepare("UPDATE account SET commitment = ?2 WHERE row = ?1")?;
    let mut rows = select.query(())?;
    while let Some(found) = rows.next()? {
        let row = found.get(0)?;
        if let Some(password) = stored(found.get_ref(2)?) {
            commit.execute((row, marks.commitment(row, 0, password).as_slice()))?;
        }
        approved::mark_again(transaction, marks, row)?;
        let state = found.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if State::parse(state).is_some_and(State::is_settled) {
            approved::prove(transaction, marks, row)?;
        }
    }
    Ok(())
}

/// Notes the key, and what the plan is from now on held against.
fn note(transaction: &Transaction<'_>, marks: &Marks) -> Result<(), LedgerError> {
    let settings = read::note(transaction, read::SETTINGS)?.unwrap_or_default();
    let is_complete = read::note(transaction, super::lookup::LOOKUP)?.is_some();
    let taken = approved::take_from(transaction, &settings, marks, is_complete)?.fingerprint;
    let mut insert = transaction.prepare("INSERT OR REPLACE INTO run VALUES (?1, ?2)")?;
    insert.execute((KEY, marks.noted()))?;
    insert.execute((CARRIED_FROM, "4"))?;
    // A plan that was not complete could not be approved, so its fingerprint may become one of today.
    if is_complete {
        insert.execute((PLANNED_SCHEMA, "4"))?;
        insert.execute((CARRIED_OVER, taken))?;
    } else {
        insert.execute((fingerprint::NAME, taken))?;
    }
    Ok(())
}
