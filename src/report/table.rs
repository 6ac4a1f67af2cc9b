//! `report.csv`: one row for each roster row, in its order, with the roster's own columns behind.
//!
//! Foreign text is defused of formulas; the password never is, as it must be what was sent.

use super::{Fault, time};
use crate::ledger::{Ledger, ReportRow};
use std::{borrow::Cow, io::Write};

/// The columns that come before the roster's own.
pub const COLUMNS: [&str; 9] = [
    "row",
    "user_principal_name",
    "status",
    "password",
    "error_code",
    "error_message",
    "attempts",
    "request_id",
    "changed_at",
];

/// The column that comes with `--verify`, after these.
pub const VERIFIED_COLUMN: &str = "verified_at";
/// The column that comes with `--revoke-sessions`, after that.
pub const SESSIONS_COLUMN: &str = "sessions_revoked";

/// Without it, a spreadsheet takes UTF-8 for the system's old code page.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes the table to `file`.
pub(super) fn write(ledger: &Ledger, file: &mut impl Write) -> Result<(), Fault> {
    file.write_all(BYTE_ORDER_MARK)?;
    let mut writer = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(file);
    let header = &ledger.settings().header;
    let width = ledger.widest_row()?.max(header.len());
    let extra = Extra { verified: ledger.is_verified()?, sessions: ledger.revokes_sessions()? };
    for column in COLUMNS.into_iter().chain(extra.columns()) {
        writer.write_field(column)?;
    }
    for at in 0..width {
        writer.write_field(&*defused(header.get(at).map_or("", String::as_str)))?;
    }
    writer.write_record(None::<&[u8]>)?;
    ledger.for_each_row(|row| write_row(&mut writer, &row, width, extra))?;
    Ok(writer.flush()?)
}

/// The columns that come with their flags.
#[derive(Clone, Copy)]
struct Extra {
    verified: bool,
    sessions: bool,
}

impl Extra {
    fn columns(self) -> impl Iterator<Item = &'static str> {
        let verified = self.verified.then_some(VERIFIED_COLUMN);
        verified.into_iter().chain(self.sessions.then_some(SESSIONS_COLUMN))
    }
}

fn write_row<W: Write>(writer: &mut csv::Writer<W>, row: &ReportRow, width: usize, extra: Extra) -> Result<(), Fault> {
    writer.write_field(row.row.to_string())?;
    writer.write_field(&*defused(&row.user_principal_name))?;
    writer.write_field(&row.status)?;
    // Never defused: it must be what was sent, and passwords that begin like a formula are not accepted.
    writer.write_field(row.password.as_ref().map_or("", |password| password.expose()))?;
    writer.write_field(&*defused(row.error_code.as_deref().unwrap_or_default()))?;
    writer.write_field(&*defused(&message(row)))?;
    writer.write_field(row.attempts.to_string())?;
    writer.write_field(&*defused(row.request_id.as_deref().unwrap_or_default()))?;
    writer.write_field(row.changed_at.map(time).unwrap_or_default())?;
    if extra.verified {
        writer.write_field(row.verified_at.map(time).unwrap_or_default())?;
    }
    if extra.sessions {
        writer.write_field(&*defused(&sessions(row)))?;
    }
    let cells: Vec<Cow<'_, str>> = serde_json::from_str(&row.cells)?;
    for at in 0..width {
        writer.write_field(&*defused(cells.get(at).map_or("", |cell| cell)))?;
    }
    Ok(writer.write_record(None::<&[u8]>)?)
}

fn message(row: &ReportRow) -> Cow<'_, str> {
    let message = row.error_message.as_deref().unwrap_or_default();
    if row.ambiguous {
        return format!("{message} (an earlier password may be in force instead: see table `replaced` in ledger.db)")
            .into();
    }
    message.into()
}

/// What became of the account's sessions: `revoked`, `pending`, or `failed` with Graph's code.
fn sessions(row: &ReportRow) -> Cow<'_, str> {
    match row.sessions.as_deref() {
        None => "".into(),
        Some("due" | "in_flight") => "pending".into(),
        Some("kept") => format!("failed: {}", row.sessions_code.as_deref().unwrap_or_default()).into(),
        Some(other) => other.into(),
    }
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
