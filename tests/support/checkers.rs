//! What must hold for a report, whatever happened: the invariants of the design, checked from outside.
//!
//! The checkers see a report, the roster's accounts and a directory. They know nothing about the faults, the cuts or
//! the code that wrote the report.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use passwave::{account::upn::is_object_id, simulator::Simulator};
use secrecy::ExposeSecret;
use std::{collections::HashMap, fmt};

/// What must hold, whatever happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// 1: no password reaches Graph before it is in the ledger.
    Durable,
    /// 2: a row is `reset` in the report, and the account has that password.
    ResetHolds,
    /// 3: a row is `failed`, and the account got no new password.
    FailedKeeps,
    /// 4: every roster row is in the report once, in order.
    EveryRowOnce,
    /// 7: an account that the roster does not name, or that the plan skips, is never touched.
    Untouched,
    /// 7: a rehearsal touches no tenant.
    RehearsalStaysHome,
    /// 8: nothing is sent unless its intent is in the ledger, and nothing is sent twice for one intent.
    IntentFirst,
    /// The promise: the operator has every password that an account got.
    OperatorHolds,
    /// The columns of a row fit its status, as the contract says: password, times and attempts.
    Contract,
    /// A row has one password, until Graph refuses it.
    OnePassword,
    /// Only one process at a time works on a run.
    Alone,
    /// Graph's limits are kept: batches of at most 20, and no request too early.
    Manners,
    /// A run ends.
    Ends,
}

/// An invariant that does not hold.
#[derive(Clone)]
pub struct Violation {
    /// The invariant.
    pub invariant: Invariant,
    /// What shows it.
    pub what: String,
}

impl Violation {
    /// `invariant` does not hold; `what` describes it.
    pub fn new(invariant: Invariant, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// The same as `Display`, for `expect`.
impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

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
    /// Column `earlier_passwords`, which sealed runs have.
    pub earlier: Option<Vec<String>>,
}

/// Reads `report.csv`.
pub fn read(report: &[u8]) -> Vec<Row> {
    let text = report.strip_prefix(b"\xef\xbb\xbf").expect("a byte order mark");
    let mut reader = csv::Reader::from_reader(text);
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|column| column == name).expect("the column");
    let columns = ["row", "user_principal_name", "status", "password", "error_code", "attempts", "changed_at"].map(at);
    let earlier = header.iter().position(|column| column == "earlier_passwords");
    let row = |record: csv::Result<csv::StringRecord>| {
        let record = record.expect("a record as wide as the header");
        let [row, name, status, password, code, attempts, changed_at] = columns.map(|at| record[at].to_owned());
        let number = |text: String| text.parse().expect("a number");
        let earlier = earlier.map(|at| record[at].lines().map(str::to_owned).collect());
        Row { row: number(row), name, status, password, code, attempts: number(attempts), changed_at, earlier }
    };
    reader.records().map(row).collect()
}

/// Checks a report against the directory; the run need not have ended.
///
/// `roster` has the accounts of the roster's rows in order, `strangers` all other accounts of the directory.
///
/// # Errors
/// Returns the first violation.
pub fn check(report: &[Row], roster: &[String], directory: &Simulator, strangers: &[String]) -> Result<(), Violation> {
    check_with(report, roster, directory, strangers, &Others::default())
}

/// Passwords that are correctly not in the report.
#[derive(Default)]
pub struct Others {
    /// Replaced passwords that the ledger keeps.
    pub superseded: Vec<(u64, String)>,
    /// Passwords that users have chosen themselves.
    pub chosen: Vec<String>,
}

/// The same with passwords that are not in the report.
///
/// # Errors
/// Returns the first violation.
pub fn check_with(
    report: &[Row],
    roster: &[String],
    directory: &Simulator,
    strangers: &[String],
    others: &Others,
) -> Result<(), Violation> {
    every_row_stands_once_in_order(report, roster)?;
    let given = |account: &str| -> Vec<String> {
        let all = directory.ever_given(account);
        let all = all.iter().map(|password| password.expose_secret().to_owned());
        all.filter(|password| !others.chosen.contains(password)).collect()
    };
    for (row, account) in report.iter().zip(roster) {
        let chosen = others.chosen.iter().any(|chosen| directory.holds(account, chosen));
        let holds = directory.holds(account, &row.password);
        // A user who got a password may choose another one.
        let held = holds || (chosen && given(account).last() == Some(&row.password));
        the_status_tells_the_truth(row, account, held, !given(account).is_empty())?;
    }
    the_operator_holds_what_was_given(report, roster, given, &others.superseded)?;
    match strangers.iter().find(|stranger| !given(stranger).is_empty()) {
        Some(stranger) => Err(Violation::new(
            Invariant::Untouched,
            format!("{stranger} is not in the roster, or left out of the plan, and was given a password"),
        )),
        None => Ok(()),
    }
}

/// Checks the report of a run that has ended.
///
/// # Errors
/// Returns the first row that has not ended.
pub fn check_ended(report: &[Row]) -> Result<(), Violation> {
    match report.iter().find(|row| row.status == "pending") {
        Some(row) => Err(Violation::new(Invariant::Ends, format!("row {} is pending after the end", row.row))),
        None => Ok(()),
    }
}

fn every_row_stands_once_in_order(report: &[Row], roster: &[String]) -> Result<(), Violation> {
    let fault = |what: String| Err(Violation::new(Invariant::EveryRowOnce, what));
    if report.len() != roster.len() {
        return fault(format!("{} rows in the report, {} in the roster", report.len(), roster.len()));
    }
    let misplaced = |(at, row): (usize, &Row)| {
        let name = row.name.strip_prefix('\'').unwrap_or(&row.name);
        // An account that was looked up by its object id is shown by its name, which the simulator derives from the id.
        let by_id =
            is_object_id(&roster[at]) && name.to_ascii_lowercase().starts_with(&roster[at].to_ascii_lowercase());
        row.row != at as u64 + 1 || (name != roster[at] && !by_id)
    };
    match report.iter().enumerate().position(misplaced) {
        Some(at) => fault(format!("place {at} of the report holds row {} ({})", report[at].row, report[at].name)),
        None => Ok(()),
    }
}

fn the_status_tells_the_truth(row: &Row, account: &str, held: bool, given: bool) -> Result<(), Violation> {
    use Invariant::{Contract, FailedKeeps, ResetHolds, Untouched};
    let fault = |invariant: Invariant, what: &str| {
        let what = format!("row {} ({account}, {}, {}): {what}", row.row, row.status, row.code);
        Err(Violation::new(invariant, what))
    };
    let shown = !row.password.is_empty();
    match row.status.as_str() {
        "reset" if !held => fault(ResetHolds, "the account does not hold the password"),
        "reset" if row.changed_at.is_empty() => fault(Contract, "a reset without its time"),
        "failed" if given => fault(FailedKeeps, "the account was given a password"),
        "failed" | "skipped" if shown => fault(Contract, "a password that was never set is shown"),
        "failed" | "in_doubt" if row.attempts == 0 => fault(Contract, "it has ended and was never sent"),
        "in_doubt" | "pending" if !shown => fault(Contract, "the password that may be in force is not shown"),
        "skipped" if row.attempts > 0 => fault(Untouched, "it was sent"),
        "reset" | "failed" | "in_doubt" | "pending" | "skipped" => Ok(()),
        _ => fault(Contract, "an unknown status"),
    }
}

/// Every password that an account ever had is in the report, or is a replaced one in the ledger: a slow tenant may put
/// it in force again, and someone may have received it.
fn the_operator_holds_what_was_given(
    report: &[Row],
    roster: &[String],
    given: impl Fn(&str) -> Vec<String>,
    superseded: &[(u64, String)],
) -> Result<(), Violation> {
    let mut held: HashMap<String, Vec<&str>> = HashMap::new();
    for (row, account) in report.iter().zip(roster) {
        let passwords = held.entry(account.to_ascii_lowercase()).or_default();
        passwords.push(&row.password);
        let earlier = superseded.iter().filter(|(of, _)| *of == row.row);
        passwords.extend(earlier.map(|(_, password)| password.as_str()));
    }
    for (account, passwords) in held {
        if given(&account).iter().any(|given| !passwords.contains(&given.as_str())) {
            let what = format!("{account} was given a password that is neither in the report nor kept in the ledger");
            return Err(Violation::new(Invariant::OperatorHolds, what));
        }
    }
    Ok(())
}
