//! The table that `report.csv` and the workbook both are: its columns, and what stands in them for each row.
//!
//! How a value is written is for the file. Invariants: a row has exactly one value for each column, in their order; no value
//! holds a control character other than a tab or a line break.

use super::Fault;
use crate::{
    clean,
    ledger::{Ledger, ReportRow},
    password::Password,
};
use std::{borrow::Cow, iter};
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
/// What stands in them.
const KINDS: [Kind; 9] =
    [Kind::Number, Kind::Text, Kind::Text, Kind::Secret, Kind::Text, Kind::Text, Kind::Number, Kind::Text, Kind::Time];

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

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers.
    Number,
    /// Moments.
    Time,
    /// Words of ours or of others.
    Text,
    /// Passwords.
    Secret,
}

/// What stands in one column of one row. It may be a password, so it cannot be printed.
pub(super) enum Value<'a> {
    Number(u64),
    /// In milliseconds since 1970.
    Time(Option<i64>),
    Text(&'a str),
    Secret(&'a str),
}

/// The columns of one report.
pub(super) struct Columns<'l> {
    ledger: &'l Ledger,
    verified: bool,
    sessions: bool,
    sealed: bool,
    /// Names of the roster's own columns.
    header: Vec<String>,
    /// How many columns of the roster's own there are: more than it names where a row has more cells.
    width: usize,
}

impl<'l> Columns<'l> {
    pub(super) fn of(ledger: &'l Ledger) -> Result<Self, Fault> {
        Ok(Self {
            ledger,
            verified: ledger.is_verified()?,
            sessions: ledger.revokes_sessions()?,
            sealed: ledger.sealed_to().is_some(),
            header: ledger.settings().header.iter().map(|name| clean::data(name).into_owned()).collect(),
            width: ledger.widest_row()?.max(ledger.settings().header.len()),
        })
    }

    /// Their names, and what each holds.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, Kind)> {
        let extra = [
            self.verified.then_some((VERIFIED_COLUMN, Kind::Time)),
            self.sessions.then_some((SESSIONS_COLUMN, Kind::Text)),
            self.sealed.then_some((EARLIER_COLUMN, Kind::Secret)),
        ];
        let own = self.header.iter().map(String::as_str).chain(iter::repeat("")).take(self.width);
        COLUMNS.into_iter().zip(KINDS).chain(extra.into_iter().flatten()).chain(own.map(|name| (name, Kind::Text)))
    }

    /// Hands every row to `each`, in roster order, and tells how many passwords they show or would show.
    pub(super) fn for_each_row(
        &self,
        passwords: Passwords,
        mut each: impl FnMut(&ReportRow) -> Result<(), Fault>,
    ) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        self.ledger.for_each_row(|mut row| {
            tally.readable += u64::from(row.password.is_some());
            tally.unreadable += u64::from(row.is_sealed);
            if passwords == Passwords::Withheld {
                withhold(&mut row);
            }
            each(&row)
        })?;
        Ok(tally)
    }

    /// Hands the values of a row to `put`, cleaned: whatever a roster, a server or a ledger that others changed holds.
    pub(super) fn values(
        &self,
        row: &ReportRow,
        mut put: impl FnMut(Value<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut put = |value: Value<'_>| match value {
            Value::Text(text) => put(Value::Text(&clean::data(text))),
            // No password that Entra takes holds a control character, so none that was sent is changed.
            Value::Secret(secret) => put(Value::Secret(&clean::data(secret))),
            other => put(other),
        };
        put(Value::Number(row.row))?;
        put(Value::Text(&row.user_principal_name))?;
        put(Value::Text(&row.status))?;
        put(Value::Secret(row.password.as_ref().map_or("", |password| password.expose())))?;
        put(Value::Text(row.error_code.as_deref().unwrap_or_default()))?;
        put(Value::Text(&message(row, self.sealed)))?;
        put(Value::Number(row.attempts))?;
        put(Value::Text(row.request_id.as_deref().unwrap_or_default()))?;
        put(Value::Time(row.changed_at))?;
        if self.verified {
            put(Value::Time(row.verified_at))?;
        }
        if self.sessions {
            put(Value::Text(&sessions(row)))?;
        }
        if self.sealed {
            let earlier: Vec<&str> = row.earlier.iter().map(Password::expose).collect();
            put(Value::Secret(&Zeroizing::new(earlier.join("\n"))))?;
        }
        let cells: Vec<Cow<'_, str>> = serde_json::from_str(&row.cells)?;
        (0..self.width).try_for_each(|at| put(Value::Text(cells.get(at).map_or("", |cell| cell))))
    }
}

/// Takes the passwords off a row.
pub(super) fn withhold(row: &mut ReportRow) {
    (row.password, row.is_sealed) = (None, false);
    row.earlier.clear();
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
