//! `report.csv`: one row for each roster row, in its order, with the roster's own columns behind.
//!
//! Foreign text is defused of formulas; the password never is, as it must be what was sent.

use super::{Fault, time};
use crate::{
    ledger::{Ledger, ReportRow},
    password::Password,
};
use std::{borrow::Cow, io::Write};
use zeroize::Zeroizing;

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

/// The column that comes with sealing, after that: passwords that may be in force in place of the one shown, one a line.
pub const EARLIER_COLUMN: &str = "earlier_passwords";

/// Whether the table shows passwords.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passwords {
    /// All that can be read here.
    Shown,
    /// None: the column is empty.
    Withheld,
}

/// Passwords of a table that is sealed.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    /// Those that can be read here.
    pub readable: u64,
    /// Those that cannot.
    pub unreadable: u64,
}

/// Without it, a spreadsheet takes UTF-8 for the system's old code page.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes the table to `file`, and tells how many passwords it shows or would show.
pub(super) fn write(ledger: &Ledger, file: &mut impl Write, passwords: Passwords) -> Result<Tally, Fault> {
    file.write_all(BYTE_ORDER_MARK)?;
    let mut writer = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(file);
    let header = &ledger.settings().header;
    let width = ledger.widest_row()?.max(header.len());
    let sealed = ledger.sealed_to().is_some();
    let extra = Extra { verified: ledger.is_verified()?, sessions: ledger.revokes_sessions()?, sealed };
    for column in COLUMNS.into_iter().chain(extra.columns()) {
        writer.write_field(column)?;
    }
    for at in 0..width {
        writer.write_field(&*defused(header.get(at).map_or("", String::as_str)))?;
    }
    writer.write_record(None::<&[u8]>)?;
    let mut tally = Tally::default();
    ledger.for_each_row(|mut row| {
        tally.readable += u64::from(row.password.is_some());
        tally.unreadable += u64::from(row.is_sealed);
        if passwords == Passwords::Withheld {
            withhold(&mut row);
        }
        write_row(&mut writer, &row, width, extra)
    })?;
    writer.flush()?;
    Ok(tally)
}

/// Takes the passwords off a row.
pub(super) fn withhold(row: &mut ReportRow) {
    (row.password, row.is_sealed) = (None, false);
    row.earlier.clear();
}

/// The columns that come with their flags.
#[derive(Clone, Copy)]
struct Extra {
    verified: bool,
    sessions: bool,
    sealed: bool,
}

impl Extra {
    fn columns(self) -> impl Iterator<Item = &'static str> {
        let columns = [
            self.verified.then_some(VERIFIED_COLUMN),
            self.sessions.then_some(SESSIONS_COLUMN),
            self.sealed.then_some(EARLIER_COLUMN),
        ];
        columns.into_iter().flatten()
    }
}

fn write_row<W: Write>(writer: &mut csv::Writer<W>, row: &ReportRow, width: usize, extra: Extra) -> Result<(), Fault> {
    writer.write_field(row.row.to_string())?;
    writer.write_field(&*defused(&row.user_principal_name))?;
    writer.write_field(&row.status)?;
    // Never defused: it must be what was sent, and passwords that begin like a formula are not accepted.
    writer.write_field(row.password.as_ref().map_or("", |password| password.expose()))?;
    writer.write_field(&*defused(row.error_code.as_deref().unwrap_or_default()))?;
    writer.write_field(&*defused(&message(row, extra.sealed)))?;
    writer.write_field(row.attempts.to_string())?;
    writer.write_field(&*defused(row.request_id.as_deref().unwrap_or_default()))?;
    writer.write_field(row.changed_at.map(time).unwrap_or_default())?;
    if extra.verified {
        writer.write_field(row.verified_at.map(time).unwrap_or_default())?;
    }
    if extra.sessions {
        writer.write_field(&*defused(&sessions(row)))?;
    }
    if extra.sealed {
        let earlier: Vec<&str> = row.earlier.iter().map(Password::expose).collect();
        writer.write_field(&*Zeroizing::new(earlier.join("\n")))?;
    }
    let cells: Vec<Cow<'_, str>> = serde_json::from_str(&row.cells)?;
    for at in 0..width {
        writer.write_field(&*defused(cells.get(at).map_or("", |cell| cell)))?;
    }
    Ok(writer.write_record(None::<&[u8]>)?)
}

pub(super) fn message(row: &ReportRow, sealed: bool) -> Cow<'_, str> {
    let mut message = Cow::from(row.error_message.as_deref().unwrap_or_default());
    if row.ambiguous {
        let place = if sealed { "column earlier_passwords of report.csv.age" } else { "table `replaced` in ledger.db" };
        message.to_mut().push_str(&format!(" (an earlier password may be in force instead: see {place})"));
    }
    if row.is_sealed {
        message += " (the password was sealed by an earlier process: read it with `passwave report` and --identity)";
    }
    message
}

/// What became of the account's sessions: `revoked`, `pending`, or `failed` with Graph's code.
pub(super) fn sessions(row: &ReportRow) -> Cow<'_, str> {
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
