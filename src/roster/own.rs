//! Recognizes passwave's own report as a roster, and restores its cells.
//!
//! It never touches other files. Invariant: a restored cell is exactly the cell that was reported.

use crate::util::sanitize::{restored, trim};
use csv::StringRecord;

/// Columns that every report has, even if someone has removed the passwords.
const COLUMNS: [&str; 8] =
    ["row", "user_principal_name", "status", "error_code", "error_message", "attempts", "request_id", "changed_at"];
/// The column with the account's name.
const ACCOUNT: &str = "user_principal_name";
const STATUS: &str = "status";
/// The columns with passwords.
const SECRETS: [&str; 2] = ["password", "earlier_passwords"];
/// The sheet of passwave's own workbook. Its texts need no apostrophe.
const SHEET: &str = "Report";

/// The positions of a report's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) account: usize,
    pub(super) status: usize,
    /// Columns with passwords.
    pub(super) secrets: Vec<usize>,
    /// Whether its cells have apostrophes against formulas.
    pub(super) is_defused: bool,
}

impl Own {
    /// The columns of a report, if `header` is one. The first of each name counts, because a report of a report has
    /// them twice.
    pub(super) fn of(header: &StringRecord, sheet: Option<&str>) -> Option<Self> {
        let at = |name: &str| header.iter().position(|cell| trim(cell) == name);
        let is_one = COLUMNS.iter().all(|name| at(name).is_some());
        let is_secret = |cell: &str| SECRETS.contains(&trim(cell));
        is_one.then(|| Self {
            account: at(ACCOUNT).unwrap_or_default(),
            status: at(STATUS).unwrap_or_default(),
            secrets: (0..header.len()).filter(|at| header.get(*at).is_some_and(is_secret)).collect(),
            is_defused: sheet != Some(SHEET),
        })
    }

    /// Removes the apostrophes that the report put before formulas. Passwords never had one.
    pub(super) fn restore(&self, cells: &mut StringRecord) {
        let before = |(at, cell)| if self.secrets.contains(&at) { cell } else { restored(cell) };
        if self.is_defused && cells.iter().enumerate().any(|(at, cell)| before((at, cell)) != cell) {
            *cells = cells.iter().enumerate().map(before).collect();
        }
    }

    /// Empties the report's passwords: they belong to another run. `kept` is the password column, if a flag names one.
    pub(super) fn forget_passwords(&self, cells: &mut StringRecord, kept: Option<usize>) {
        let goes = |at: usize| self.secrets.contains(&at) && Some(at) != kept;
        if cells.iter().enumerate().any(|(at, cell)| goes(at) && !cell.is_empty()) {
            *cells = cells.iter().enumerate().map(|(at, cell)| if goes(at) { "" } else { cell }).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cells: &[&str]) -> StringRecord {
        cells.iter().collect()
    }

    fn report() -> StringRecord {
        record(&[
            "row",
            "user_principal_name",
            "status",
            "password",
            "error_code",
            "error_message",
            "attempts",
            "request_id",
            "changed_at",
            "Name",
            "user_principal_name",
        ])
    }

    #[test]
    fn reports_are_recognized_by_columns() {
        let own = Own::of(&report(), None).expect("a report");
        assert_eq!((own.account, own.status, own.secrets, own.is_defused), (1, 2, vec![3], true));
        assert!(Own::of(&report(), Some("Report")).is_some_and(|own| !own.is_defused));
        assert!(Own::of(&report(), Some("report")).is_some_and(|own| own.is_defused), "saved from report.csv");
        assert_eq!(Own::of(&record(&["row", "user_principal_name", "status"]), None), None);
    }

    #[test]
    fn cells_are_restored_and_passwords_forgotten() {
        let own = Own::of(&report(), None).expect("a report");
        let mut cells = record(&["1", "'-ann@c.com", "failed", "'=x", "", "'@y", "'+49", "'x"]);
        own.restore(&mut cells);
        assert_eq!(cells, record(&["1", "-ann@c.com", "failed", "'=x", "", "@y", "'+49", "'x"]));
        own.forget_passwords(&mut cells, Some(3));
        assert_eq!(&cells[3], "'=x");
        own.forget_passwords(&mut cells, None);
        assert_eq!(&cells[3], "");
    }
}
