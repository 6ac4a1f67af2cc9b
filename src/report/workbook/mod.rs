//! `report.xlsx`: the same table as `report.csv` with typed columns, and a sheet with the summary.
//!
//! Numbers are numbers, and times are times in UTC. Everything else is text, so that nothing becomes a number, a date,
//! a formula or a link. The workbook is built in memory, because the library's memory-saving mode would write passwords
//! to a temporary file.
//!
//! Invariant: a report that does not fit into a workbook is refused as a whole, never truncated.

mod sheet;
mod summary;

use super::{
    Fault, ReportError, Summary,
    columns::{Columns, Passwords},
    runs::{self, Runs},
    sink::feed,
};
use crate::{
    ledger::ReadLedger,
    util::format::{counted, grouped},
};
use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};
use sheet::Sheet;
use std::io::Write;
use zeroize::Zeroizing;

/// Maximum rows, columns and characters per cell, from Excel's specifications and limits; the first row is the header.
const ROWS_MAX: u64 = (1 << 20) - 1;
const COLUMNS_MAX: usize = 1 << 14;
const CELL_UNITS_MAX: usize = 32_767;

impl From<XlsxError> for Fault {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::IoError(error) => Self::Io(error),
            other => refused(format!("the workbook cannot be written: {other}")),
        }
    }
}

fn refused(why: String) -> Fault {
    Fault::Other(ReportError::Workbook(why))
}

/// Writes the workbook to `out`.
pub(super) fn write(ledger: &ReadLedger, out: &mut impl Write, passwords: Passwords) -> Result<(), Fault> {
    let columns = Columns::of(ledger, passwords)?;
    must_fit(ledger.counts().rows(), columns.names().count())?;
    let summary = Summary::of(ledger)?;
    let mut book = Workbook::new();
    book.set_properties(&DocProperties::new().set_title("passwave report"));
    let mut sheet = Sheet::begin(columns, book.add_worksheet().set_name("Report")?)?;
    feed(ledger, &mut [&mut sheet])?;
    sheet.end()?;
    summary::write(&summary, book.add_worksheet().set_name("Summary")?)?;
    Ok(out.write_all(&Zeroizing::new(book.save_to_buffer()?))?)
}

/// Writes the rows of several runs to `out`.
pub(super) fn write_together(
    all: &mut Runs<'_>,
    rows: u64,
    columns: &[Columns],
    out: &mut impl Write,
) -> Result<(), Fault> {
    let first = columns.first().ok_or_else(|| refused("there is no run".into()))?;
    must_fit(rows, first.names().count())?;
    let mut book = Workbook::new();
    book.set_properties(&DocProperties::new().set_title("passwave report"));
    let mut sheet = Sheet::begin(first.clone(), book.add_worksheet().set_name("Report")?)?;
    runs::feed(all, columns, &mut sheet)?;
    sheet.end()?;
    Ok(out.write_all(&Zeroizing::new(book.save_to_buffer()?))?)
}

fn must_fit(rows: u64, columns: usize) -> Result<(), Fault> {
    if rows > ROWS_MAX {
        let (has, most) = (counted(rows, "row", "rows"), grouped(ROWS_MAX));
        return Err(refused(format!("the report has {has}, and a sheet of a workbook holds {most} below its header")));
    }
    if columns > COLUMNS_MAX {
        let (has, most) = (counted(columns as u64, "column", "columns"), grouped(COLUMNS_MAX as u64));
        return Err(refused(format!("the report has {has}, and a sheet of a workbook holds {most}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oversized_reports_are_refused() {
        assert!(must_fit(ROWS_MAX, COLUMNS_MAX).is_ok());
        for (rows, columns, words) in [
            (ROWS_MAX + 1, 9, "1,048,576 rows, and a sheet of a workbook holds 1,048,575"),
            (1, COLUMNS_MAX + 1, "16,385 columns, and a sheet of a workbook holds 16,384"),
        ] {
            let error = must_fit(rows, columns).expect_err(words).about("report.xlsx".into()).to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
