//! `report.csv`: one row for each roster row, in the same order, followed by the roster's own columns.
//!
//! Foreign text loses its control characters, and formulas get an apostrophe. Passwords are never changed, because they
//! must be exactly what was sent.

use super::{
    Fault,
    columns::{Columns, Passwords, RowsTogether, Value},
    sink::{Cells, RowSink},
    time,
};
use crate::{
    ledger::{ReadLedger, ReportRow},
    util::sanitize::defused,
};
use std::io::Write;

/// Without it, a spreadsheet reads UTF-8 as the system's old code page.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The table while it is written to `W`.
pub(super) struct Table<W: Write> {
    columns: Columns,
    writer: csv::Writer<W>,
}

impl<W: Write> Table<W> {
    /// Writes the header.
    pub(super) fn begin(ledger: &ReadLedger, passwords: Passwords, out: W) -> Result<Self, Fault> {
        Self::with(Columns::of(ledger, passwords)?, out)
    }

    /// The same with these columns.
    pub(super) fn with(columns: Columns, mut out: W) -> Result<Self, Fault> {
        out.write_all(BYTE_ORDER_MARK)?;
        let mut writer = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(out);
        for (name, _) in columns.names() {
            writer.write_field(&*defused(name))?;
        }
        writer.write_record(None::<&[u8]>)?;
        Ok(Self { columns, writer })
    }

    /// Writes the rest.
    pub(super) fn end(self) -> Result<W, Fault> {
        self.writer.into_inner().map_err(|error| Fault::Io(error.into_error()))
    }
}

impl<W: Write> RowSink for Table<W> {
    fn take(&mut self, row: &ReportRow, cells: &Cells<'_>) -> Result<(), Fault> {
        let Self { columns, writer } = self;
        put(writer, columns, row, cells)
    }
}

impl<W: Write> RowsTogether for Table<W> {
    fn take_of(&mut self, columns: &Columns, row: &ReportRow, cells: &Cells<'_>) -> Result<(), Fault> {
        put(&mut self.writer, columns, row, cells)
    }
}

fn put<W: Write>(
    writer: &mut csv::Writer<W>,
    columns: &Columns,
    row: &ReportRow,
    cells: &Cells<'_>,
) -> Result<(), Fault> {
    columns.values(row, cells, |value| write_value(writer, &value))?;
    Ok(writer.write_record(None::<&[u8]>)?)
}

fn write_value<W: Write>(writer: &mut csv::Writer<W>, value: &Value<'_>) -> Result<(), Fault> {
    Ok(match value {
        Value::Number(number) => writer.write_field(number.to_string()),
        Value::Time(at) => writer.write_field(at.map(time).unwrap_or_default()),
        Value::Text(text) => writer.write_field(&*defused(text)),
        // Never changed: it must be exactly what was sent, and passwords that begin like a formula are not accepted.
        Value::Secret(secret) => writer.write_field(secret),
    }?)
}
