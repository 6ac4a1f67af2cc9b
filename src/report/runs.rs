//! The rows of several runs, in the order of the roster that they share.
//!
//! A ledger is open only while its rows are read, and a limited number of rows is in memory at a time, so neither open
//! files nor memory grow with the number of runs.
//!
//! Invariant: every row of every run is handed out once, by its number in the roster.

use super::{
    Fault,
    columns::{Columns, Passwords, RowsTogether},
};
use crate::ledger::{LedgerError, ReadLedger, ReportRow};

/// How many numbers of rows are read at a time.
const WINDOW: u64 = 100_000;

/// The runs: the name of each, and how to open its ledger.
pub struct Runs<'a> {
    /// The name of each run's tenant.
    pub names: &'a [String],
    /// Opens one of them, by its position.
    pub open: &'a mut dyn FnMut(usize) -> Result<ReadLedger, LedgerError>,
    /// Whether files that are not sealed show the passwords.
    pub shows_passwords: bool,
}

impl Runs<'_> {
    /// The columns of each run, and the number of all rows.
    pub(super) fn columns(&mut self) -> Result<(Vec<Columns>, u64), Fault> {
        let (mut all, mut rows) = (Vec::new(), 0);
        for (at, name) in self.names.iter().enumerate() {
            let ledger = (self.open)(at)?;
            let withheld = ledger.sealed_to().is_some() && !self.shows_passwords;
            let passwords = if withheld { Passwords::Withheld } else { Passwords::Shown };
            rows += ledger.counts().rows();
            all.push((name.clone(), Columns::of(&ledger, passwords)?));
        }
        Ok((Columns::together(all), rows))
    }
}

/// Why reading a run's rows ended early.
enum Stop {
    /// The other rows come later.
    Later,
    Fault(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Fault(error)
    }
}

/// Hands every row to the report, in the order of their numbers.
pub(super) fn feed(runs: &mut Runs<'_>, columns: &[Columns], report: &mut impl RowsTogether) -> Result<(), Fault> {
    // Rows are numbered from 1.
    let (mut from, mut more) = (1, true);
    while more {
        let to = from + WINDOW;
        more = false;
        let mut rows: Vec<(usize, ReportRow)> = Vec::new();
        for at in 0..runs.names.len() {
            let read = (runs.open)(at)?.for_each_row(|row| {
                match row.row {
                    before if before < from => {}
                    within if within < to => rows.push((at, row)),
                    _ => return Err(Stop::Later),
                }
                Ok(())
            });
            match read {
                Ok(()) => {}
                Err(Stop::Later) => more = true,
                Err(Stop::Fault(error)) => return Err(error.into()),
            }
        }
        rows.sort_by_key(|(_, row)| row.row);
        for (at, row) in rows {
            report.take_of(&columns[at], &row, &row.roster_cells()?)?;
        }
        from = to;
    }
    Ok(())
}
