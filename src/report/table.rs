//! `report.csv`: one row for each roster row, in the same order, followed by the roster's own columns.
//!
//! Foreign text loses its control characters, and formulas get an apostrophe. Passwords are never changed, because they
//! must be exactly what was sent.

use super::{
    Fault,
    columns::{Columns, Passwords, Tally, Value},
    time,
};
use crate::{ledger::ReadLedger, util::sanitize::defused};
use std::io::Write;

/// Without it, a spreadsheet reads UTF-8 as the system's old code page.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes the table to `file`, and returns how many passwords it shows or would show.
pub(super) fn write(ledger: &ReadLedger, file: &mut impl Write, passwords: Passwords) -> Result<Tally, Fault> {
    file.write_all(BYTE_ORDER_MARK)?;
    let mut writer = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(file);
    let columns = Columns::of(ledger)?;
    for (name, _) in columns.names() {
        writer.write_field(&*defused(name))?;
    }
    writer.write_record(None::<&[u8]>)?;
    let tally = columns.for_each_row(passwords, |row| {
        columns.values(row, |value| write_value(&mut writer, &value))?;
        Ok(writer.write_record(None::<&[u8]>)?)
    })?;
    writer.flush()?;
    Ok(tally)
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
