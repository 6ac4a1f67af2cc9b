//! The rows of the reports.
//!
//! The statements here read them, never a view stored in the file. A row that someone changed after it ended is in
//! doubt: no report says that its password is valid.

use super::{
    ClaimState, LedgerError, ReadLedger, Removal, RowStatus, Verdict,
    approved::end_of,
    forms::form,
    marks::{PLANNED_COLUMNS, Planned, mark_of, planned_columns},
    password_column::StoredPassword,
    state::{Doubt, SessionState, State},
    words::Found,
};
use crate::{
    JsonError,
    outcome::{Method, Status},
    password::{Form, Password},
    seal::Binding,
};
use rusqlite::Row;
use std::borrow::Cow;

/// One row as the report shows it.
pub struct ReportRow {
    /// Position in the roster.
    pub row: u64,
    /// The account's name in the directory if it was looked up, otherwise in the roster.
    pub user_principal_name: String,
    /// The account as the roster names it.
    pub roster_name: String,
    /// The form of its password.
    pub form: Form,
    /// How it stands.
    pub status: Status,
    /// The password, if the report may show one and it can be read here.
    pub password: Option<Password>,
    /// Whether it has a sealed password whose key is not available.
    pub is_sealed: bool,
    /// Whether a replaced password may be in force instead of the one shown.
    pub ambiguous: bool,
    /// The replaced passwords that may be in force, the latest first, as far as they can be read here.
    pub earlier: Vec<Password>,
    /// Code of the last error.
    pub error_code: Option<String>,
    /// Text of the last error.
    pub error_message: Option<String>,
    /// How often it was sent.
    pub attempts: u64,
    /// Graph's id of the last answer.
    pub request_id: Option<String>,
    /// When Graph confirmed, in milliseconds since 1970.
    pub changed_at: Option<i64>,
    /// When the directory showed the change, in milliseconds since 1970.
    pub verified_at: Option<i64>,
    /// What the directory showed last.
    pub verdict: Option<Verdict>,
    /// How its password goes to the account; `None` if nothing is sent to it, or if all go the same way.
    pub method: Option<Method>,
    /// What became of the account's sessions.
    pub sessions: Option<SessionState>,
    /// Why they were not revoked.
    pub sessions_code: Option<String>,
    /// Whether the user has chosen a password since, if a sweep has asked.
    pub claimed: Option<ClaimState>,
    /// When, in milliseconds since 1970.
    pub claimed_at: Option<i64>,
    /// The roster's cells, a JSON array.
    pub cells: String,
}

impl ReportRow {
    /// The roster's cells.
    ///
    /// # Errors
    /// Fails if they are not a JSON array of strings.
    pub fn roster_cells(&self) -> Result<Vec<Cow<'_, str>>, JsonError> {
        serde_json::from_str(&self.cells).map_err(JsonError)
    }
}

/// The error code of a row that someone changed after it ended.
pub const CHANGED_IN_LEDGER: &str = "changed_in_ledger";
const CHANGED_MESSAGE: &str = "the ledger was changed after this row ended, so the password in force is not known";

/// The first column after those of a row's plan and of its end.
const AT: usize = PLANNED_COLUMNS + 6;

/// The columns in the order in which [`Ledger::report_row`] and [`Ledger::checked`] read them.
pub(super) fn report() -> String {
    format!(
        "SELECT {}, state, nth, doubt, settled_at, proof, password,
                error_code, error_message, attempts, request_id, verified_at, verdict, cause, sessions, sessions_code,
                claimed, claimed_at
         FROM roster JOIN account USING (row) LEFT JOIN looked_up USING (row) LEFT JOIN claim USING (row)",
        planned_columns!()
    )
}

/// A password as a report shows it.
struct Shown {
    password: Option<Password>,
    is_sealed: bool,
    ambiguous: bool,
    earlier: Vec<Password>,
}

impl ReadLedger {
    /// Calls `each` with every row, in roster order.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read, or if `each` fails.
    pub fn for_each_row<E: From<LedgerError>>(
        &self,
        mut each: impl FnMut(ReportRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select =
            self.connection.prepare_cached(&format!("{} ORDER BY roster.row", report())).map_err(LedgerError::from)?;
        let mut rows = select.query(()).map_err(LedgerError::from)?;
        while let Some(row) = rows.next().map_err(LedgerError::from)? {
            each(self.report_row(row)?)?;
        }
        Ok(())
    }

    /// One row by its position in the roster; `None` if the roster is shorter.
    pub fn row(&self, number: u64) -> Result<Option<ReportRow>, LedgerError> {
        let mut select = self.connection.prepare_cached(&format!("{} WHERE roster.row = ?1", report()))?;
        let mut rows = select.query([number])?;
        rows.next()?.map(|row| self.report_row(row)).transpose()
    }

    fn report_row(&self, row: &Row) -> Result<ReportRow, LedgerError> {
        let (planned, _) = Planned::read(row)?;
        let standing = self.checked(&planned, row)?;
        let shown = self.shown(&planned, standing.status, row)?;
        let text = |at: usize| row.get::<_, Option<String>>(AT + at);
        Ok(ReportRow {
            row: planned.row,
            user_principal_name: standing.user_principal_name,
            roster_name: planned.name.to_owned(),
            form: form(row, 4)?,
            password: shown.password,
            is_sealed: shown.is_sealed,
            ambiguous: shown.ambiguous,
            earlier: shown.earlier,
            error_code: standing.error_code,
            error_message: standing.error_message,
            attempts: standing.attempts,
            request_id: standing.request_id,
            changed_at: standing.changed_at,
            verified_at: standing.verified_at,
            verdict: standing.verdict,
            sessions: standing.sessions,
            method: standing.method,
            sessions_code: text(8)?,
            claimed: row.get::<_, Found<_>>(AT + 9)?.0,
            claimed_at: row.get(AT + 10)?,
            cells: planned.cells.to_owned(),
            status: standing.status,
        })
    }

    /// The state of a row, without its password: in doubt if it was changed after it ended.
    pub(super) fn checked(&self, planned: &Planned<'_>, row: &Row) -> Result<RowStatus, LedgerError> {
        let state = row.get::<_, Found<_>>(PLANNED_COLUMNS)?.0.unwrap_or(State::InDoubt);
        let is_proven = self.is_as_it_ended(planned, state, row)?;
        let status = if is_proven { state.status() } else { Status::InDoubt };
        let text = |at: usize| row.get::<_, Option<String>>(AT + at);
        let (error_code, error_message) = match is_proven {
            true => (text(0)?, text(1)?),
            false => (Some(CHANGED_IN_LEDGER.into()), Some(CHANGED_MESSAGE.into())),
        };
        let found = planned.looked.as_ref().and_then(|looked| looked.user_principal_name);
        Ok(RowStatus {
            row: planned.row,
            line: planned.line,
            user_principal_name: found.unwrap_or(planned.name).to_owned(),
            object_id: planned.looked.as_ref().and_then(|looked| looked.object_id).map(str::to_owned),
            status,
            error_code,
            error_message,
            attempts: row.get(AT + 2)?,
            request_id: text(3)?,
            changed_at: if status == Status::Reset { row.get(PLANNED_COLUMNS + 3)? } else { None },
            verified_at: row.get(AT + 4)?,
            verdict: row.get::<_, Found<_>>(AT + 5)?.0,
            cause: if is_proven { row.get::<_, Found<_>>(AT + 6)?.0 } else { None },
            sessions: row.get::<_, Found<_>>(AT + 7)?.0,
            method: (self.settings.rules.writeback && status != Status::Skipped).then(|| self.method_of(planned)),
        })
    }

    /// Whether a row that has ended is unchanged since then, including its plan.
    fn is_as_it_ended(&self, planned: &Planned<'_>, state: State, row: &Row) -> Result<bool, LedgerError> {
        if !state.is_settled() {
            return Ok(true);
        }
        let proof: Option<i64> = row.get(PLANNED_COLUMNS + 4)?;
        let is_proven = proof == Some(self.marks.proof(planned.row, &end_of(row, state.as_str())?));
        Ok(is_proven && self.is_marked(planned, row)?)
    }

    fn is_marked(&self, planned: &Planned<'_>, row: &Row) -> Result<bool, LedgerError> {
        Ok(row.get::<_, i64>(8)? == mark_of(&self.marks.tag_of(planned)))
    }

    fn shown(&self, planned: &Planned<'_>, status: Status, row: &Row) -> Result<Shown, LedgerError> {
        if matches!(status, Status::Failed | Status::Skipped) || self.removal != Removal::Kept {
            return Ok(Shown { password: None, is_sealed: false, ambiguous: false, earlier: Vec::new() });
        }
        let doubt = Doubt::from_bits(row.get(PLANNED_COLUMNS + 2)?);
        let candidates = doubt.earlier && matches!(status, Status::InDoubt | Status::Pending);
        let (mut earlier, mut is_sealed, number) =
            if candidates { self.earlier(planned.row, planned.name)? } else { Default::default() };
        // If only an earlier password is in doubt, a row that has ended shows that one.
        let password = if candidates && !doubt.current && status == Status::InDoubt {
            if earlier.is_empty() { None } else { Some(earlier.remove(0)) }
        } else {
            let place = Binding { row: planned.row, nth: row.get(PLANNED_COLUMNS + 1)?, account: planned.name };
            let held = self.passwords.get(&place, row.get_ref(PLANNED_COLUMNS + 5)?)?;
            is_sealed |= matches!(held, StoredPassword::Sealed);
            held.password()
        };
        let ambiguous = candidates && (doubt.current || status == Status::Pending || number > 1);
        Ok(Shown { password, is_sealed, ambiguous, earlier })
    }

    /// The replaced passwords of a row that may be in force, the latest first; whether one of them cannot be read here;
    /// and how many there are.
    fn earlier(&self, row: u64, account: &str) -> Result<(Vec<Password>, bool, usize), LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT nth, password FROM replaced WHERE row = ?1 AND doubt = 1 ORDER BY nth DESC")?;
        let mut rows = select.query([row])?;
        let (mut found, mut is_sealed, mut number) = (Vec::new(), false, 0);
        while let Some(replaced) = rows.next()? {
            let held = self.passwords.get(&Binding { row, nth: replaced.get(0)?, account }, replaced.get_ref(1)?)?;
            is_sealed |= matches!(held, StoredPassword::Sealed);
            number += 1;
            found.extend(held.password());
        }
        Ok((found, is_sealed, number))
    }
}

impl ReadLedger {
    /// The state of each of these rows.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read, or has no such row.
    pub fn standings(&self, rows: &[u64]) -> Result<Vec<RowStatus>, LedgerError> {
        let mut select = self.connection.prepare_cached(&format!("{} WHERE roster.row = ?1", report()))?;
        let standing = |number: &u64| {
            let mut found = select.query([number])?;
            let row = found.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            self.standing(row)
        };
        rows.iter().map(standing).collect()
    }

    /// Passes every row to `each`, in roster order. If `wanted` names a status, only rows with that status are passed.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read, or if `each` fails.
    pub fn for_each_standing<E: From<LedgerError>>(
        &self,
        wanted: Option<Status>,
        mut each: impl FnMut(RowStatus) -> Result<(), E>,
    ) -> Result<(), E> {
        let select = self.connection.prepare_cached(&format!("{} ORDER BY roster.row", report()));
        let mut select = select.map_err(LedgerError::from)?;
        let mut rows = select.query(()).map_err(LedgerError::from)?;
        while let Some(row) = rows.next().map_err(LedgerError::from)? {
            let standing = self.standing(row)?;
            if wanted.is_none_or(|wanted| wanted == standing.status) {
                each(standing)?;
            }
        }
        Ok(())
    }

    fn standing(&self, row: &Row<'_>) -> Result<RowStatus, LedgerError> {
        let (planned, _) = Planned::read(row)?;
        self.checked(&planned, row)
    }
}
