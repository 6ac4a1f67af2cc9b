//! The rows of the reports.
//!
//! They are read by the statements here, never through a view that is stored in the file. A row that somebody changed after
//! it ended is told as in doubt: no report says of it that its password is in force.

use super::{
    Ledger, LedgerError,
    approved::end_of,
    forms::form,
    life::{Doubt, State},
    marks::{PLANNED_COLUMNS, Planned, planned_columns},
    vault::Held,
};
use crate::{
    outcome::Status,
    password::{Form, Password},
    seal::Binding,
};
use rusqlite::Row;

/// One row as the report shows it.
pub struct ReportRow {
    /// Position in the roster.
    pub row: u64,
    /// The account: as the directory names it where it was looked up, else as the roster does.
    pub user_principal_name: String,
    /// The account as the roster names it.
    pub roster_name: String,
    /// How its password looks.
    pub form: Form,
    /// The word of [`Status`].
    pub status: String,
    /// The password, where the report may show one and it can be read here.
    pub password: Option<Password>,
    /// Whether there is one to be shown that is sealed, and whose key is not at hand.
    pub is_sealed: bool,
    /// A password that was replaced since may be in force instead of the one shown.
    pub ambiguous: bool,
    /// Those that may be, the latest first, as far as they can be read here.
    pub earlier: Vec<Password>,
    /// Code of the last error.
    pub error_code: Option<String>,
    /// Text of the last error.
    pub error_message: Option<String>,
    /// Times sent.
    pub attempts: u64,
    /// Graph's name for the last answer.
    pub request_id: Option<String>,
    /// When Graph confirmed, in milliseconds since 1970.
    pub changed_at: Option<i64>,
    /// When the directory showed the change, in milliseconds since 1970.
    pub verified_at: Option<i64>,
    /// What the directory showed last, as a word.
    pub verdict: Option<String>,
    /// What became of the account's sessions, as a word: `due`, `in_flight`, `revoked` or `kept`.
    pub sessions: Option<String>,
    /// Why they are kept.
    pub sessions_code: Option<String>,
    /// The roster's cells, a JSON array.
    pub cells: String,
}

/// The error code of a row that somebody changed after it ended.
pub const CHANGED_IN_LEDGER: &str = "changed_in_ledger";
const CHANGED_MESSAGE: &str = "the ledger was changed after this row ended, so nothing shows what is in force";

/// What follows the columns of a row's plan and of its end.
const AT: usize = PLANNED_COLUMNS + 6;

/// In the order in which [`Ledger::report_row`] reads it.
fn report() -> String {
    format!(
        "SELECT {}, state, nth, doubt, settled_at, proof, password,
                error_code, error_message, attempts, request_id, verified_at, verdict, sessions, sessions_code
         FROM roster JOIN account USING (row) LEFT JOIN looked_up USING (row)",
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

impl Ledger {
    /// Hands every row to `each`, in roster order.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or `each` fails.
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

    /// One row, by its position in the roster; none where the roster is shorter.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn row(&self, number: u64) -> Result<Option<ReportRow>, LedgerError> {
        let mut select = self.connection.prepare_cached(&format!("{} WHERE roster.row = ?1", report()))?;
        let mut rows = select.query([number])?;
        rows.next()?.map(|row| self.report_row(row)).transpose()
    }

    fn report_row(&self, row: &Row) -> Result<ReportRow, LedgerError> {
        let (planned, _) = Planned::read(row)?;
        let kept = row.get_ref(PLANNED_COLUMNS)?.as_str().map_err(rusqlite::Error::from)?;
        let state = State::parse(kept).unwrap_or(State::InDoubt);
        let is_proven = self.is_as_it_ended(&planned, state, row)?;
        let status = if is_proven { status_of(state) } else { Status::InDoubt };
        let shown = self.shown(&planned, status, row)?;
        let text = |at: usize| row.get::<_, Option<String>>(AT + at);
        let (mut error_code, mut error_message) = (text(0)?, text(1)?);
        if !is_proven {
            (error_code, error_message) = (Some(CHANGED_IN_LEDGER.into()), Some(CHANGED_MESSAGE.into()));
        }
        let found = planned.looked.as_ref().and_then(|looked| looked.user_principal_name);
        Ok(ReportRow {
            row: planned.row,
            user_principal_name: found.unwrap_or(planned.name).to_owned(),
            roster_name: planned.name.to_owned(),
            form: form(row, 4)?,
            password: shown.password,
            is_sealed: shown.is_sealed,
            ambiguous: shown.ambiguous,
            earlier: shown.earlier,
            error_code,
            error_message,
            attempts: row.get(AT + 2)?,
            request_id: text(3)?,
            changed_at: if status == Status::Reset { row.get(PLANNED_COLUMNS + 3)? } else { None },
            verified_at: row.get(AT + 4)?,
            verdict: text(5)?,
            sessions: text(6)?,
            sessions_code: text(7)?,
            cells: planned.cells.to_owned(),
            status: status.as_str().to_owned(),
        })
    }

    /// Whether a row that has ended is as it was then, its plan included.
    fn is_as_it_ended(&self, planned: &Planned<'_>, state: State, row: &Row) -> Result<bool, LedgerError> {
        if !state.is_settled() {
            return Ok(true);
        }
        let proof: Option<i64> = row.get(PLANNED_COLUMNS + 4)?;
        let is_proven = proof == Some(self.marks.proof(planned.row, &end_of(row, state.as_str())?));
        Ok(is_proven && self.is_marked(planned, row)?)
    }

    fn is_marked(&self, planned: &Planned<'_>, row: &Row) -> Result<bool, LedgerError> {
        let mut encoded = Vec::with_capacity(256);
        planned.encode(&mut encoded);
        Ok(row.get::<_, i64>(8)? == self.marks.mark(&encoded))
    }

    fn shown(&self, planned: &Planned<'_>, status: Status, row: &Row) -> Result<Shown, LedgerError> {
        if matches!(status, Status::Failed | Status::Skipped) {
            return Ok(Shown { password: None, is_sealed: false, ambiguous: false, earlier: Vec::new() });
        }
        let doubt = Doubt::from_bits(row.get(PLANNED_COLUMNS + 2)?);
        let candidates = doubt.earlier && matches!(status, Status::InDoubt | Status::Pending);
        let (mut earlier, mut is_sealed, number) =
            if candidates { self.earlier(planned.row, planned.name)? } else { Default::default() };
        // Where only an earlier one is in doubt, a row that has ended shows that one.
        let password = if candidates && !doubt.current && status == Status::InDoubt {
            if earlier.is_empty() { None } else { Some(earlier.remove(0)) }
        } else {
            let place = Binding { row: planned.row, nth: row.get(PLANNED_COLUMNS + 1)?, account: planned.name };
            let held = self.vault.get(&place, row.get_ref(PLANNED_COLUMNS + 5)?)?;
            is_sealed |= matches!(held, Held::Sealed);
            held.password()
        };
        let ambiguous = candidates && (doubt.current || status == Status::Pending || number > 1);
        Ok(Shown { password, is_sealed, ambiguous, earlier })
    }

    /// The passwords of a row that were superseded and may be in force, the latest first, whether one of them cannot be
    /// read here, and how many there are.
    fn earlier(&self, row: u64, account: &str) -> Result<(Vec<Password>, bool, usize), LedgerError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT nth, password FROM replaced WHERE row = ?1 AND doubt = 1 ORDER BY nth DESC")?;
        let mut rows = select.query([row])?;
        let (mut found, mut is_sealed, mut number) = (Vec::new(), false, 0);
        while let Some(replaced) = rows.next()? {
            let held = self.vault.get(&Binding { row, nth: replaced.get(0)?, account }, replaced.get_ref(1)?)?;
            is_sealed |= matches!(held, Held::Sealed);
            number += 1;
            found.extend(held.password());
        }
        Ok((found, is_sealed, number))
    }
}

/// How a state is called in a report.
pub(super) const fn status_of(state: State) -> Status {
    match state {
        State::Planned | State::InFlight => Status::Pending,
        State::Reset => Status::Reset,
        State::Failed => Status::Failed,
        State::InDoubt => Status::InDoubt,
        State::Skipped => Status::Skipped,
    }
}
