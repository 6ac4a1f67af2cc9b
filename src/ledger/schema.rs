//! Checks everything in a ledger's file besides its rows: it must be exactly the schema of its version.
//!
//! SQLite runs triggers, views and expressions that are stored in the file, so anyone who can write to the file could
//! make them write something that was not approved. So a ledger with anything in its schema that passwave did not put
//! there is refused, and no connection runs triggers or views.

use super::LedgerError;
use crate::util::sanitize;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    borrow::Cow,
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Size of SQLite's page cache in KiB, the unit of its pragma.
pub(super) const CACHE_KIB: i64 = 16 << 10;

/// Length of a path that Windows takes in any form, with room for the ends of SQLite's other files; its limit is 260.
const PATH_BYTES_USUAL: usize = 220;

const TABLES: &str = include_str!("schema.sql");
const INDEXES: &str = include_str!("indexes.sql");
/// The tables of version 4.
const TABLES_4: &str = include_str!("schema_4.sql");
const INDEXES_4: &str = "CREATE INDEX due ON account (not_before, row) WHERE state = 'planned';
         CREATE INDEX sessions_due ON account (not_before, row) WHERE sessions = 'due'";

/// The number of prepared statements that a connection keeps: more than the ledger has in all, so none is parsed twice.
const STATEMENTS: usize = 64;

/// The tables of a new ledger. Line ends are normalized, so every checkout makes the same schema.
pub(super) fn tables() -> String {
    TABLES.replace('\r', "")
}

/// The indexes of a new ledger.
pub(super) fn indexes() -> String {
    INDEXES.replace('\r', "")
}

/// An object of a schema: its type, its name, its table and its text.
type Object = (String, String, String, String);

/// The content of the schema, without carriage returns.
fn objects(connection: &Connection) -> rusqlite::Result<BTreeSet<Object>> {
    let mut select = connection
        .prepare("SELECT type, name, tbl_name, replace(coalesce(sql, ''), char(13), '') FROM sqlite_schema")?;
    let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    rows.collect()
}

/// The content of that version's schema.
fn expected(version: i32) -> rusqlite::Result<BTreeSet<Object>> {
    let (tables, indexes) = if version == 4 { (TABLES_4, INDEXES_4) } else { (TABLES, INDEXES) };
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(&tables.replace('\r', ""))?;
    connection.execute_batch(&indexes.replace('\r', ""))?;
    objects(&connection)
}

/// Refuses a file whose schema is not that of `version`.
///
/// # Errors
/// Returns [`LedgerError::Altered`] with the first difference.
pub(super) fn must_be_ours(connection: &Connection, file: &Path, version: i32) -> Result<(), LedgerError> {
    let (found, expected) = (objects(connection)?, expected(version)?);
    let name =
        |object: &Object| format!("the {} {}", sanitize::for_terminal(&object.0), sanitize::for_terminal(&object.1));
    let is_known = |object: &Object| expected.iter().any(|known| known.0 == object.0 && known.1 == object.1);
    let added = found.difference(&expected).next().map(|object| match is_known(object) {
        true => format!("{} is not passwave's own", name(object)),
        false => format!("it contains {}, which passwave never creates", name(object)),
    });
    let missing = || expected.difference(&found).next().map(|object| format!("{} is missing", name(object)));
    match added.or_else(missing) {
        Some(what) => Err(LedgerError::Altered { file: file.to_owned(), what }),
        None => Ok(()),
    }
}

/// Opens a file so that only our own statements run in it.
pub(super) fn open(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    harden(Connection::open_with_flags(reachable(file), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?)
}

/// A path as the system takes it from SQLite. Windows takes a long one only in a special form (`\\?\`). The standard
/// library uses that by itself, and SQLite does not.
fn reachable(file: &Path) -> Cow<'_, Path> {
    let is_long = |whole: PathBuf| whole.as_os_str().len() > PATH_BYTES_USUAL;
    if cfg!(windows) && std::path::absolute(file).is_ok_and(is_long) {
        file.canonicalize().map_or(file.into(), Cow::from)
    } else {
        file.into()
    }
}

/// Makes a connection trust nothing that is stored in its file.
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
        // Without it, SQLite prepares a statement again each time another value is bound, in case a partial index fits
        // that value. It took a fifth of a run's processor time, and our indexes do not depend on bound values.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(config, value)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}

/// Sets up a private database that needs to survive nothing.
#[cfg(feature = "postgres")]
pub(super) fn use_as_working_copy(connection: &Connection) -> Result<(), LedgerError> {
    connection.pragma_update(None, "journal_mode", "MEMORY")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::version::VERSION;

    #[test]
    fn each_version_has_its_own_schema() {
        let (four, five) = (expected(4).expect("a schema"), expected(5).expect("a schema"));
        let names = |objects: &BTreeSet<Object>| objects.iter().map(|object| object.1.clone()).collect::<BTreeSet<_>>();
        let added: Vec<String> = names(&five).difference(&names(&four)).cloned().collect();
        assert_eq!(added, ["accepted_due", "audit", "claim", "sweep", "writeback", "writeback_due"]);
        let differs: Vec<&String> = five.difference(&four).map(|object| &object.1).collect();
        let expected =
            ["accepted_due", "due", "writeback_due", "account", "audit", "claim", "sweep", "writeback", "report"];
        assert_eq!(differs, expected);
        assert!(names(&four).is_subset(&names(&five)));
    }

    #[test]
    fn names_every_schema_difference() {
        for (sql, what) in [
            ("CREATE TRIGGER t AFTER UPDATE ON account BEGIN SELECT 1; END", "contains the trigger t,"),
            ("CREATE VIEW v AS SELECT 1", "contains the view v,"),
            ("CREATE INDEX i ON account (state)", "contains the index i,"),
            ("CREATE TABLE t (x)", "contains the table t,"),
            ("ALTER TABLE account ADD COLUMN x INTEGER", "the table account is not passwave's own"),
            ("DROP VIEW report; CREATE VIEW report AS SELECT 1 AS row", "the view report is not passwave's own"),
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
