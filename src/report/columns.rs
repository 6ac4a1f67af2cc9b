//! The table of `report.csv` and the workbook: its columns, and their values for each row.
//!
//! Each file decides how to write a value. Invariants: a row has exactly one value for each column, in order, and no
//! value contains a control character other than a tab or a line break.

use super::{Fault, sink::Cells};
use crate::{
    ledger::{ClaimState, ReadLedger, ReportRow, state::SessionState},
    outcome::Method,
    password::Password,
    util::sanitize,
};
use std::{borrow::Cow, iter};
use zeroize::Zeroizing;

/// The columns before the roster's own.
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
/// The kinds of their values.
const KINDS: [Kind; 9] =
    [Kind::Number, Kind::Text, Kind::Text, Kind::Secret, Kind::Text, Kind::Text, Kind::Number, Kind::Text, Kind::Time];

/// The column for the tenant, after these, if there are several.
pub const TENANT_COLUMN: &str = "tenant";
/// The column for verification, after that.
pub const VERIFIED_COLUMN: &str = "verified_at";
/// The column for revoked sessions, after that.
pub const SESSIONS_COLUMN: &str = "sessions_revoked";
/// The columns for sweeps, after that: whether the user has chosen a password (`yes`, `no`, `unread`), and when.
pub const CLAIMED_COLUMNS: [&str; 2] = ["claimed", "claimed_at"];
/// The column for the way of each password, after that.
pub const METHOD_COLUMN: &str = "method";
/// The column for sealing, after that: passwords that may be in force instead of the one shown, one per line.
pub const EARLIER_COLUMN: &str = "earlier_passwords";

/// Whether a report shows passwords.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passwords {
    /// All that can be read here.
    Shown,
    /// None: the column is empty.
    Withheld,
}

/// What a report shows of a row.
#[derive(Clone, Copy)]
pub(super) struct View {
    passwords: Passwords,
    sealed: bool,
}

impl View {
    pub(super) fn new(ledger: &ReadLedger, passwords: Passwords) -> Self {
        Self { passwords, sealed: ledger.sealed_to().is_some() }
    }

    pub(super) fn password(self, row: &ReportRow) -> Option<&Password> {
        row.password.as_ref().filter(|_| self.passwords == Passwords::Shown)
    }

    /// Passwords that may be in force instead.
    fn earlier(self, row: &ReportRow) -> &[Password] {
        if self.passwords == Passwords::Shown { &row.earlier } else { &[] }
    }

    pub(super) fn message(self, row: &ReportRow) -> Cow<'_, str> {
        let mut message = Cow::from(row.error_message.as_deref().unwrap_or_default());
        if row.ambiguous {
            let place = if self.sealed {
                "column earlier_passwords of report.csv.age"
            } else {
                "table `replaced` in ledger.db"
            };
            message.to_mut().push_str(&format!(" (an earlier password may be in force instead: see {place})"));
        }
        if row.is_sealed && self.passwords == Passwords::Shown {
            message += " (an earlier process sealed the password: write the report with the key to see it)";
        }
        message
    }
}

/// The kind of values in a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers.
    Number,
    /// Points in time.
    Time,
    /// Text, our own or foreign.
    Text,
    /// Passwords.
    Secret,
}

/// The value of one column in one row. It may be a password, so it cannot be printed.
pub(super) enum Value<'a> {
    Number(u64),
    /// In milliseconds since 1970.
    Time(Option<i64>),
    Text(&'a str),
    Secret(&'a str),
}

/// The columns of one report.
#[derive(Clone)]
pub(super) struct Columns {
    view: View,
    /// The tenant of the rows, if the report has rows of several.
    tenant: Option<String>,
    verified: bool,
    sessions: bool,
    swept: bool,
    method: bool,
    /// Names of the roster's own columns.
    header: Vec<String>,
    /// The number of the roster's own columns: more than the header has if a row has more cells.
    width: usize,
}

impl Columns {
    pub(super) fn of(ledger: &ReadLedger, passwords: Passwords) -> Result<Self, Fault> {
        Ok(Self {
            view: View::new(ledger, passwords),
            tenant: None,
            verified: ledger.is_verified()?,
            sessions: ledger.revokes_sessions()?,
            swept: ledger.is_swept()?,
            method: ledger.settings().rules.writeback,
            header: ledger.settings().header.iter().map(|name| sanitize::data(name).into_owned()).collect(),
            width: ledger.widest_row()?.max(ledger.settings().header.len()),
        })
    }

    /// The columns of a report over several runs, for the rows of each.
    pub(super) fn together(mut all: Vec<(String, Self)>) -> Vec<Self> {
        let any = |is: fn(&Self) -> bool| all.iter().any(|(_, columns)| is(columns));
        let (verified, sessions) = (any(|columns| columns.verified), any(|columns| columns.sessions));
        let (swept, method) = (any(|columns| columns.swept), any(|columns| columns.method));
        let sealed = any(|columns| columns.view.sealed);
        let width = all.iter().map(|(_, columns)| columns.width).max().unwrap_or_default();
        let merged = all.drain(..).map(|(tenant, columns)| {
            let view = View { sealed, ..columns.view };
            Self { view, tenant: Some(tenant), verified, sessions, swept, method, width, ..columns }
        });
        merged.collect()
    }

    /// Their names, and their kinds.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, Kind)> {
        let extra = [
            self.tenant.is_some().then_some((TENANT_COLUMN, Kind::Text)),
            self.verified.then_some((VERIFIED_COLUMN, Kind::Time)),
            self.sessions.then_some((SESSIONS_COLUMN, Kind::Text)),
            self.swept.then_some((CLAIMED_COLUMNS[0], Kind::Text)),
            self.swept.then_some((CLAIMED_COLUMNS[1], Kind::Time)),
            self.method.then_some((METHOD_COLUMN, Kind::Text)),
            self.view.sealed.then_some((EARLIER_COLUMN, Kind::Secret)),
        ];
        let own = self.header.iter().map(String::as_str).chain(iter::repeat("")).take(self.width);
        COLUMNS.into_iter().zip(KINDS).chain(extra.into_iter().flatten()).chain(own.map(|name| (name, Kind::Text)))
    }

    /// Calls `put` with the values of a row, sanitized: a roster, a server or a changed ledger may contain anything.
    pub(super) fn values(
        &self,
        row: &ReportRow,
        cells: &Cells<'_>,
        mut put: impl FnMut(Value<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut put = |value: Value<'_>| match value {
            Value::Text(text) => put(Value::Text(&sanitize::data(text))),
            // Entra accepts no password with a control character, so this changes no password that was sent.
            Value::Secret(secret) => put(Value::Secret(&sanitize::data(secret))),
            other => put(other),
        };
        put(Value::Number(row.row))?;
        put(Value::Text(&row.user_principal_name))?;
        put(Value::Text(row.status.as_str()))?;
        put(Value::Secret(self.view.password(row).map_or("", |password| password.expose())))?;
        put(Value::Text(row.error_code.as_deref().unwrap_or_default()))?;
        put(Value::Text(&self.view.message(row)))?;
        put(Value::Number(row.attempts))?;
        put(Value::Text(row.request_id.as_deref().unwrap_or_default()))?;
        put(Value::Time(row.changed_at))?;
        if let Some(tenant) = &self.tenant {
            put(Value::Text(tenant))?;
        }
        if self.verified {
            put(Value::Time(row.verified_at))?;
        }
        if self.sessions {
            put(Value::Text(&sessions(row)))?;
        }
        if self.swept {
            put(Value::Text(row.claimed.map_or("", ClaimState::as_str)))?;
            put(Value::Time(row.claimed_at))?;
        }
        if self.method {
            put(Value::Text(row.method.map_or("", Method::as_str)))?;
        }
        if self.view.sealed {
            let earlier: Vec<&str> = self.view.earlier(row).iter().map(Password::expose).collect();
            put(Value::Secret(&Zeroizing::new(earlier.join("\n"))))?;
        }
        (0..self.width).try_for_each(|at| put(Value::Text(cells.get(at).map_or("", |cell| cell))))
    }
}

/// A report that takes rows of several runs.
pub(super) trait RowsTogether {
    /// Takes the next row, with the columns of its run.
    fn take_of(&mut self, columns: &Columns, row: &ReportRow, cells: &Cells<'_>) -> Result<(), Fault>;
}

/// The state of the account's sessions: `revoked`, `pending`, or `failed` with Graph's code.
pub(super) fn sessions(row: &ReportRow) -> Cow<'_, str> {
    match row.sessions {
        None => "".into(),
        Some(SessionState::Due | SessionState::InFlight) => "pending".into(),
        Some(SessionState::Revoked) => "revoked".into(),
        Some(SessionState::Kept) => format!("failed: {}", row.sessions_code.as_deref().unwrap_or_default()).into(),
    }
}
