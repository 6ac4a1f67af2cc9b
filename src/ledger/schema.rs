//! What stands in a ledger's file besides its rows: to the letter the schema of its version, and nothing else.
//!
//! SQLite runs triggers, views and expressions that are stored in the file, so whoever may write to the file could make
//! them write something else than was approved. So no ledger is used whose schema holds anything that passwave did not put
//! there, and no connection runs triggers or views.

use super::LedgerError;
use crate::clean;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{collections::BTreeSet, path::Path};

/// Marks the file as ours in SQLite's header: `pwav`.
pub(super) const APPLICATION_ID: i32 = 0x7077_6176;
/// The schema's version.
pub(super) const VERSION: i32 = 5;
/// The oldest one that is carried over.
pub(super) const OLDEST: i32 = 4;

const TABLES: &str = include_str!("schema.sql");
const INDEXES: &str = include_str!("indexes.sql");
/// As version 4 had them; its indexes are those of today.
const TABLES_4: &str = include_str!("schema_4.sql");
const INDEXES_4: &str = "CREATE INDEX due ON account (not_before, row) WHERE state = 'planned';
         CREATE INDEX sessions_due ON account (not_before, row) WHERE sessions = 'due'";

/// The tables of a new ledger. A checkout with other line ends makes no other schema.
pub(super) fn tables() -> String {
    TABLES.replace('\r', "")
}

/// The indexes of a new ledger.
pub(super) fn indexes() -> String {
    INDEXES.replace('\r', "")
}

/// An object of a schema: its type, its name, its table and its text.
type Object = (String, String, String, String);

/// What the schema holds; no text has carriage returns.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeSet<Object>> {
    let mut select = connection
        .prepare("SELECT type, name, tbl_name, replace(coalesce(sql, ''), char(13), '') FROM sqlite_schema")?;
    let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.collect()
}

/// What the schema of that version holds.
fn expected(version: i32) -> rusqlite::Result<BTreeSet<Object>> {
    let (tables, indexes) = if version == 4 { (TABLES_4, INDEXES_4) } else { (TABLES, INDEXES) };
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(&tables.replace('\r', ""))?;
    connection.execute_batch(&indexes.replace('\r', ""))?;
    objects(&connection)
}

/// Refuses a file whose schema is not the one of `version`.
///
/// # Errors
/// [`LedgerError::Altered`], which names what is wrong first.
pub(super) fn must_be_ours(connection: &Connection, file: &Path, version: i32) -> Result<(), LedgerError> {
    let (found, expected) = (objects(connection)?, expected(version)?);
    let name = |object: &Object| format!("the {} {}", clean::for_terminal(&object.0), clean::for_terminal(&object.1));
    let is_known = |object: &Object| expected.iter().any(|known| known.0 == object.0 && known.1 == object.1);
    let added = found.difference(&expected).next().map(|object| match is_known(object) {
        true => format!("{} is not the one of passwave", name(object)),
        false => format!("it holds {}, which passwave never makes", name(object)),
    });
    let missing = || expected.difference(&found).next().map(|object| format!("{} is missing", name(object)));
    match added.or_else(missing) {
        Some(what) => Err(LedgerError::Altered { file: file.to_owned(), what }),
        None => Ok(()),
    }
}

/// Opens a file so that nothing in it runs but our own statements.
pub(super) fn open(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    harden(Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
}

/// Has a connection trust nothing that is stored in its file.
pub(super) fn harden(connection: Connection) -> rusqlite::Result<Connection> {
    for (config, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(config, value)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_a_schema_of_its_own() {
        let (four, five) = (expected(4).expect("a schema"), expected(5).expect("a schema"));
        let names = |objects: &BTreeSet<Object>| objects.iter().map(|object| object.1.clone()).collect::<Vec<_>>();
        assert_eq!(names(&four), names(&five));
        let differs: Vec<&String> = five.difference(&four).map(|object| &object.1).collect();
        assert_eq!(differs, ["account"]);
    }

    #[test]
    fn whatever_is_added_changed_or_missing_is_named() {
        for (sql, what) in [
            ("CREATE TRIGGER t AFTER UPDATE ON account BEGIN SELECT 1; END", "holds the trigger t,"),
            ("CREATE VIEW v AS SELECT 1", "holds the view v,"),
            ("CREATE INDEX i ON account (state)", "holds the index i,"),
            ("CREATE TABLE t (x)", "holds the table t,"),
            ("ALTER TABLE account ADD COLUMN x INTEGER", "the table account is not the one"),
            ("DROP VIEW report; CREATE VIEW report AS SELECT 1 AS row", "the view report is not the one"),
            ("DROP INDEX due", "the index due is missing"),
            ("DROP VIEW report", "the view report is missing"),
            ("DROP TABLE moment", "the table moment is missing"),
        ] {
            let connection = Connection::open_in_memory().expect("memory");
            connection.execute_batch(&(tables() + &indexes())).expect("our schema");
            must_be_ours(&connection, Path::new("ledger.db"), VERSION).expect("as it was made");
            connection.execute_batch(sql).expect("a change");
            let told = must_be_ours(&connection, Path::new("ledger.db"), VERSION).expect_err("a refusal").to_string();
            assert!(told.contains(what), "{sql}: {told}");
        }
    }
}
