//! What must hold of a report, whatever happened: the invariants of the design, checked from outside.
//!
//! The checkers see a report, the roster's accounts and a directory. They know nothing of the faults, the cuts or the
//! code that wrote the report.

use passwave::{graph::simulator::Simulator, upn::is_object_id};
use secrecy::ExposeSecret;
use std::collections::HashMap;

/// One line of `report.csv`.
pub struct Row {
    /// Column `row`.
    pub row: u64,
    /// Column `user_principal_name`.
    pub name: String,
    /// Column `status`.
    pub status: String,
    /// Column `password`.
    pub password: String,
    /// Column `error_code`.
    pub code: String,
    /// Column `attempts`.
    pub attempts: u64,
    /// Column `changed_at`.
    pub changed_at: String,
}

/// Reads `report.csv`.
pub fn read(report: &[u8]) -> Vec<Row> {
    let text = report.strip_prefix(b"\xef\xbb\xbf").expect("a byte order mark");
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|column| column == name).expect("the column");
    let columns = ["row", "user_principal_name", "status", "password", "error_code", "attempts", "changed_at"].map(at);
    let row = |record: csv::Result<csv::StringRecord>| {
        let record = record.expect("a record as wide as the header");
        let [row, name, status, password, code, attempts, changed_at] = columns.map(|at| record[at].to_owned());
        let number = |text: String| text.parse().expect("a number");
        Row { row: number(row), name, status, password, code, attempts: number(attempts), changed_at }
    };
    reader.records().map(row).collect()
}

/// Checks a report, as it may be written at any moment, against the directory.
///
/// `roster` holds the accounts of the roster's rows in order, `strangers` all others of the directory.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(report: &[Row], roster: &[String], directory: &Simulator, strangers: &[String]) -> Result<(), String> {
    every_row_stands_once_in_order(report, roster)?;
    for (row, account) in report.iter().zip(roster) {
        the_status_tells_the_truth(row, account, directory)?;
    }
    what_is_in_force_is_in_the_report(report, roster, directory)?;
    match strangers.iter().find(|stranger| !given(directory, stranger).is_empty()) {
        Some(stranger) => Err(format!("{stranger} is not in the roster and was given a password")),
        None => Ok(()),
    }
}

/// Checks the report of a run that has ended.
///
/// # Errors
/// The first row that has not.
pub fn check_ended(report: &[Row]) -> Result<(), String> {
    match report.iter().find(|row| row.status == "pending") {
        Some(row) => Err(format!("row {} is pending after the end", row.row)),
        None => Ok(()),
    }
}

fn every_row_stands_once_in_order(report: &[Row], roster: &[String]) -> Result<(), String> {
    if report.len() != roster.len() {
        return Err(format!("{} rows in the report, {} in the roster", report.len(), roster.len()));
    }
    let misplaced = |(at, row): (usize, &Row)| {
        let name = row.name.strip_prefix('\'').unwrap_or(&row.name);
        // What was looked up by its object id is shown by its name, which the simulator makes of the id.
        let by_id =
            is_object_id(&roster[at]) && name.to_ascii_lowercase().starts_with(&roster[at].to_ascii_lowercase());
        row.row != at as u64 + 1 || (name != roster[at] && !by_id)
    };
    match report.iter().enumerate().position(misplaced) {
        Some(at) => Err(format!("place {at} of the report holds row {} ({})", report[at].row, report[at].name)),
        None => Ok(()),
    }
}

fn the_status_tells_the_truth(row: &Row, account: &str, directory: &Simulator) -> Result<(), String> {
    let fault = |what: &str| Err(format!("row {} ({account}, {}, {}): {what}", row.row, row.status, row.code));
    let shown = !row.password.is_empty();
    match row.status.as_str() {
        "reset" if !directory.holds(account, &row.password) => fault("the account does not hold the password"),
        "reset" if row.changed_at.is_empty() => fault("a reset without its time"),
        "failed" if !given(directory, account).is_empty() => fault("the account was given a password"),
        "failed" | "skipped" if shown => fault("a password that was never set is shown"),
        "failed" | "in_doubt" if row.attempts == 0 => fault("it has ended and was never sent"),
        "in_doubt" | "pending" if !shown => fault("the password that may be in force is not shown"),
        "skipped" if row.attempts > 0 => fault("it was sent"),
        "reset" | "failed" | "in_doubt" | "pending" | "skipped" => Ok(()),
        _ => fault("an unknown status"),
    }
}

fn what_is_in_force_is_in_the_report(report: &[Row], roster: &[String], directory: &Simulator) -> Result<(), String> {
    let mut told: HashMap<String, Vec<&str>> = HashMap::new();
    for (row, account) in report.iter().zip(roster) {
        told.entry(account.to_ascii_lowercase()).or_default().push(&row.password);
    }
    for (account, passwords) in told {
        let given = given(directory, &account);
        if given.len() > 1 {
            return Err(format!("{account} was given {} passwords one after another", given.len()));
        }
        if given.last().is_some_and(|in_force| !passwords.contains(&in_force.as_str())) {
            return Err(format!("the password that {account} holds is not in the report"));
        }
    }
    Ok(())
}

/// All passwords that the account was given, in order. One that was refused was not given.
fn given(directory: &Simulator, account: &str) -> Vec<String> {
    directory.ever_given(account).iter().map(|password| password.expose_secret().to_owned()).collect()
}
