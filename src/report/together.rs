//! One report over the rows of several runs, in the order of the roster that they share.
//!
//! Invariant: every row of every run is in the report once.

use super::{
    CSV_NAME, Fault, ReportError, WORKBOOK_NAME, junit,
    runs::{self, Runs},
    table::Table,
    workbook,
};
use std::io::Write;

/// Writes the rows of all runs to `out`, as `report.csv` has them.
///
/// # Errors
/// Fails if a ledger cannot be read or `out` cannot be written.
pub fn print_csv_together(runs: &mut Runs<'_>, out: &mut impl Write) -> Result<(), ReportError> {
    let print = || {
        let (columns, _) = runs.columns()?;
        let Some(first) = columns.first() else { return Ok(()) };
        let mut table = Table::with(first.clone(), out)?;
        runs::feed(runs, &columns, &mut table)?;
        table.end().map(drop)
    };
    print().map_err(|fault: Fault| fault.about(CSV_NAME.into()))
}

/// Writes the runs as JUnit XML to `out`: a suite for each.
///
/// # Errors
/// Fails if a ledger cannot be read or `out` cannot be written.
pub fn print_junit_together(runs: &mut Runs<'_>, out: &mut impl Write) -> Result<(), ReportError> {
    junit::write_together(runs, out).map_err(|fault| fault.about("the report".into()))
}

/// The same as a workbook.
///
/// # Errors
/// Fails like [`print_csv_together`], or if the report is too large for a workbook.
pub fn print_workbook_together(runs: &mut Runs<'_>, out: &mut impl Write) -> Result<(), ReportError> {
    let mut print = || {
        let (columns, rows) = runs.columns()?;
        workbook::write_together(runs, rows, &columns, out)
    };
    print().map_err(|fault: Fault| fault.about(WORKBOOK_NAME.into()))
}
