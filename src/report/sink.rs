//! One pass over the rows for all reports that are written together.
//!
//! A row is read from the ledger, checked and parsed once, however many reports show it. Only one row is in memory at a
//! time.
//!
//! Invariant: each report gets every row once, in roster order, until it wants no more.

use super::Fault;
use crate::ledger::{LedgerError, ReadLedger, ReportRow};
use std::borrow::Cow;

/// The roster's cells of a row.
pub(super) type Cells<'r> = [Cow<'r, str>];

/// A report that is written row by row.
pub(super) trait RowSink {
    /// Whether it takes more rows.
    fn wants_more(&self) -> bool {
        true
    }

    /// Takes the next row.
    fn take(&mut self, row: &ReportRow, cells: &Cells<'_>) -> Result<(), Fault>;
}

/// Counts of passwords in a sealed run.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    /// Those that can be read here.
    pub readable: u64,
    /// Those that cannot.
    pub unreadable: u64,
}

/// Why reading the rows ended early.
enum Stop {
    /// No report wants more of them.
    Enough,
    Fault(Fault),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Fault(error.into())
    }
}

/// Hands every row to every report. Returns how many passwords the rows have.
pub(super) fn feed(ledger: &ReadLedger, sinks: &mut [&mut dyn RowSink]) -> Result<Tally, Fault> {
    let mut tally = Tally::default();
    let read = ledger.for_each_row(|row| {
        if !sinks.iter().any(|sink| sink.wants_more()) {
            return Err(Stop::Enough);
        }
        tally.readable += u64::from(row.password.is_some());
        tally.unreadable += u64::from(row.is_sealed);
        hand_out(&row, sinks).map_err(Stop::Fault)
    });
    match read {
        Err(Stop::Fault(fault)) => Err(fault),
        Ok(()) | Err(Stop::Enough) => Ok(tally),
    }
}

fn hand_out(row: &ReportRow, sinks: &mut [&mut dyn RowSink]) -> Result<(), Fault> {
    let cells = row.roster_cells()?;
    sinks.iter_mut().filter(|sink| sink.wants_more()).try_for_each(|sink| sink.take(row, &cells))
}
