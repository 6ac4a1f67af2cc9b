//! `report.csv`: one row for each roster row, in its order, with the roster's own columns behind.
//!
//! Foreign text is defused of formulas; the password never is, as it must be what was sent.

use super::{
    Fault,
    columns::{Columns, Passwords, Tally, Value},
    time,
};
use crate::ledger::Ledger;
use std::{borrow::Cow, io::Write};

/// Without it, a spreadsheet takes UTF-8 for the system's old code page.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes the table to `file`, and tells how many passwords it shows or would show.
pub(super) fn write(ledger: &Ledger, file: &mut impl Write, passwords: Passwords) -> Result<Tally, Fault> {
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
        // Never defused: it must be what was sent, and passwords that begin like a formula are not accepted.
        Value::Secret(secret) => writer.write_field(secret),
    }?)
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it, as spreadsheets mark text; a plain
/// number, with its sign, is none.
#[must_use]
pub fn defused(cell: &str) -> Cow<'_, str> {
    let harmless = match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => false,
        Some('+' | '-') => {
            cell.len() > 1 && cell[1..].bytes().all(|byte| byte.is_ascii_digit() || b" .,".contains(&byte))
        }
        _ => true,
    };
    if harmless { cell.into() } else { format!("'{cell}").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_nothing_else_is_touched() {
        for formula in
            ["=1+3", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "+", "-", "＝1", "=", "-x@y.zz"]
        {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for text in ["", "Ann", "1=1", "-5", "+44 20 7946 0958", "-1,5", "a@b.cc", " =1", "'x"] {
            assert_eq!(defused(text), text);
        }
    }
}
