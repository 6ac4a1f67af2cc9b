//! A failing disk: triggers in the ledger, made through another connection, count writes down to the failure.
//!
//! A failed write leaves what SQLite leaves: the transaction is rolled back, and stays so.

use rusqlite::Connection;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Writing the row itself.
    Write,
    /// The commit of its transaction.
    Commit,
}

/// Tables that the engine writes, and by which statements.
const WRITES: [(&str, &str); 6] = [
    ("account", "UPDATE"),
    ("looked_up", "INSERT"),
    ("replaced", "INSERT"),
    ("session", "INSERT"),
    ("run", "INSERT"),
    ("writeback", "INSERT"),
];

/// Makes the `nth` written row from now on fail, and all after it.
pub fn arm(ledger: &Connection, failure: Failure, nth: u32) {
    let mut sql = format!(
        "BEGIN; CREATE TABLE disk (free INTEGER); INSERT INTO disk VALUES ({nth});
         CREATE TABLE sector (id INTEGER PRIMARY KEY);
         CREATE TABLE lost (id INTEGER REFERENCES sector DEFERRABLE INITIALLY DEFERRED);"
    );
    let fails = match (failure, nth % 3) {
        // The commit finds the dangling foreign key.
        (Failure::Commit, _) => "INSERT INTO lost SELECT 1",
        (Failure::Write, 0) => "SELECT raise(ABORT, 'database or disk is full')",
        (Failure::Write, 1) => "SELECT raise(ROLLBACK, 'disk I/O error')",
        (Failure::Write, _) => "SELECT raise(FAIL, 'disk I/O error')",
    };
    for (table, statement) in WRITES {
        sql.push_str(&format!(
            "CREATE TRIGGER disk_{table} BEFORE {statement} ON {table}
             BEGIN UPDATE disk SET free = free - 1; {fails} WHERE (SELECT free FROM disk) < 1; END;"
        ));
    }
    sql.push_str("COMMIT");
    ledger.execute_batch(&sql).expect("triggers");
}

/// The disk works again.
pub fn mend(ledger: &Connection) {
    let mut sql = "BEGIN;".to_owned();
    for (table, _) in WRITES {
        sql.push_str(&format!("DROP TRIGGER disk_{table};"));
    }
    sql.push_str("DROP TABLE lost; DROP TABLE sector; DROP TABLE disk; COMMIT");
    ledger.execute_batch(&sql).expect("triggers");
}
