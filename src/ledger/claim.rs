//! What a turn hands out: rows that were compared with the approved plan in the transaction that claims them.
//!
//! Invariant: every value that is handed out was read together with the row's mark, so nobody can change it in between.

use super::{
    Ledger, LedgerError,
    approved::{Approved, WRONG_DOUBT, changed, is_doubt_proven},
    forms::form,
    marks::{End, Marks, PLANNED_COLUMNS, Planned, planned_columns, stored},
    password_column::StoredPassword,
    request_id::request_id,
    sessions::{Sessions, SessionsDue},
    state::{Doubt, State},
};
use crate::{
    outcome::Method,
    password::{Form, Password},
    seal::{Binding, SealError},
};
use rusqlite::{Row, Transaction};

/// A row that is handed out for sending. The ledger on disk already says that it may have been sent.
pub struct Claimed {
    /// The row of the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// The account's object id, if it was looked up: the write goes to it.
    pub object_id: Option<String>,
    /// The password to send. It stays the same for the whole run, unless Graph refuses it as too weak.
    pub password: Password,
    /// The form of the password.
    pub form: Form,
    /// The doubts from earlier attempts.
    pub doubt: Doubt,
    /// Uncertain answers so far.
    pub troubles: u32,
    /// Our own id of this attempt, as the bits of a GUID.
    pub client_request_id: u128,
}

/// What a turn hands out.
#[derive(Default)]
pub struct Claims {
    /// Passwords to write.
    pub writes: Vec<Claimed>,
    /// Sign-in sessions to revoke.
    pub sessions: Vec<SessionsDue>,
}

pub(super) const FROM: &str = " FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row) ";

impl Ledger {
    /// Selects up to `most` requests that are due at `now`, sessions first, and marks them as in flight.
    pub(super) fn claim(&self, transaction: &Transaction<'_>, most: usize, now: i64) -> Result<Claims, LedgerError> {
        if most == 0 {
            return Ok(Claims::default());
        }
        self.settings_must_stand()?;
        let approved = self.read.approved.borrow();
        let Some(approved) = &*approved else { return Ok(Claims::default()) };
        let sessions = self.due_sessions(transaction, approved, most, now)?;
        let writes = self.due_writes(transaction, approved, Method::Graph, most - sessions.len(), now)?;
        let mut update = transaction.prepare_cached("UPDATE account SET sessions = 'in_flight' WHERE row = ?1")?;
        for due in &sessions {
            update.execute([due.row])?;
        }
        self.mark_in_flight(transaction, &writes, now)?;
        Ok(Claims { writes: writes.into_iter().map(|(claimed, _)| claimed).collect(), sessions })
    }

    /// Up to `most` rows that are due to be sent by this method, each with its proof for when it is in flight.
    pub(super) fn due_writes(
        &self,
        transaction: &Transaction<'_>,
        approved: &Approved,
        method: Method,
        most: usize,
        now: i64,
    ) -> Result<Vec<(Claimed, i64)>, LedgerError> {
        // Each method has an index of its own, so the statement must name it.
        let is_of_method = match method {
            Method::Graph => "method IS NULL",
            Method::Writeback => "method = 'writeback'",
        };
        let mut select = transaction.prepare_cached(&format!(
            "SELECT {}, nth, password, doubt, troubles, settled_at, proof, attempts {FROM}
             WHERE state = 'planned' AND {is_of_method} AND not_before <= ?1 AND account.row <= ?3
             ORDER BY not_before, account.row LIMIT ?2",
            planned_columns!()
        ))?;
        let mut rows = select.query((now, most, self.last_row))?;
        let mut claimed = Vec::new();
        while let Some(row) = rows.next()? {
            let proof = self.proof_in_flight(row)?;
            claimed.push((self.claimed(row, approved, method)?, proof));
        }
        Ok(claimed)
    }

    /// Notes that these rows are sent now.
    pub(super) fn mark_in_flight(
        &self,
        transaction: &Transaction<'_>,
        due: &[(Claimed, i64)],
        now: i64,
    ) -> Result<(), LedgerError> {
        let mut update = transaction.prepare_cached(
            "UPDATE account SET state = 'in_flight', attempts = attempts + 1, sent_at = ?2, proof = ?3 WHERE row = ?1",
        )?;
        for (claimed, proof) in due {
            update.execute((claimed.row, now + self.clock_ahead, proof))?;
        }
        Ok(())
    }

    /// Compares the doubts of a planned row with its proof. Returns the proof for when it is in flight, so a later
    /// process knows that it was.
    fn proof_in_flight(&self, row: &Row<'_>) -> Result<i64, LedgerError> {
        let number = row.get(0)?;
        let mut end = End {
            state: State::Planned.as_str(),
            nth: row.get(PLANNED_COLUMNS)?,
            doubt: row.get(PLANNED_COLUMNS + 2)?,
            settled_at: row.get(PLANNED_COLUMNS + 4)?,
            password: row.get_ref(PLANNED_COLUMNS + 1)?,
        };
        if !is_doubt_proven(&self.read.marks, number, row.get(PLANNED_COLUMNS + 5)?, &end) {
            return Err(changed(number, WRONG_DOUBT));
        }
        end.state = State::InFlight.as_str();
        Ok(self.read.marks.proof(number, &end))
    }

    /// Reads a row that is to be sent by this `method`.
    fn claimed(&self, row: &Row<'_>, approved: &Approved, method: Method) -> Result<Claimed, LedgerError> {
        let (planned, _) = Planned::read(row)?;
        approved.must_hold(&self.read.marks, &planned)?;
        if self.method_of(&planned) != method {
            return Err(changed(planned.row, "the way in which its password is set is not what was planned"));
        }
        let (nth, password) = (row.get(PLANNED_COLUMNS)?, row.get_ref(PLANNED_COLUMNS + 1)?);
        let Some(bytes) = stored(password) else { return Err(LedgerError::NoPassword(planned.row)) };
        self.password_must_be_ours(&planned, nth, bytes)?;
        let place = Binding { row: planned.row, nth, account: planned.name };
        let password = match self.read.passwords.get(&place, password)? {
            StoredPassword::Password(password) => password,
            StoredPassword::Sealed => return Err(SealError::Closed(planned.row).into()),
            StoredPassword::Nothing => return Err(LedgerError::NoPassword(planned.row)),
        };
        Ok(Claimed {
            row: planned.row,
            object_id: planned.looked.and_then(|looked| looked.object_id.map(str::to_owned)),
            password,
            form: form(row, 4)?,
            doubt: Doubt::from_bits(row.get(PLANNED_COLUMNS + 2)?),
            troubles: row.get(PLANNED_COLUMNS + 3)?,
            client_request_id: request_id(&self.run_id, planned.row, row.get::<_, u64>(PLANNED_COLUMNS + 6)? + 1),
            user_principal_name: planned.name.to_owned(),
        })
    }

    /// The first password of a row is part of its plan, which was already compared; each later one is checked against
    /// the memory of the process that made it.
    fn password_must_be_ours(&self, planned: &Planned<'_>, nth: u32, bytes: &[u8]) -> Result<(), LedgerError> {
        let is_ours = || self.fresh.get(&planned.row) == Some(&self.read.marks.commitment(planned.row, nth, bytes));
        if nth == 0 || is_ours() {
            return Ok(());
        }
        Err(changed(planned.row, "its password is not the one of the plan"))
    }

    fn due_sessions(
        &self,
        transaction: &Transaction<'_>,
        approved: &Approved,
        most: usize,
        now: i64,
    ) -> Result<Vec<SessionsDue>, LedgerError> {
        let mut select = transaction.prepare_cached(&format!(
            "SELECT {}, nth, doubt, settled_at, proof, password, troubles, state {FROM}
             WHERE sessions = 'due' AND not_before <= ?1 ORDER BY not_before, account.row LIMIT ?2",
            planned_columns!()
        ))?;
        let mut rows = select.query((now, most))?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            let (planned, _) = Planned::read(row)?;
            if !matches!(self.sessions, Sessions::Revoke) {
                return Err(LedgerError::NotAskedFor(planned.row));
            }
            approved.must_hold(&self.read.marks, &planned)?;
            self.must_have_been_reset(&planned, row)?;
            due.push(SessionsDue {
                row: planned.row,
                user_principal_name: planned.name.to_owned(),
                object_id: planned.looked.and_then(|looked| looked.object_id.map(str::to_owned)),
                troubles: row.get(PLANNED_COLUMNS + 5)?,
            });
        }
        Ok(due)
    }

    /// Sessions follow a reset, so only rows that this run has reset have any to revoke.
    fn must_have_been_reset(&self, planned: &Planned<'_>, row: &Row<'_>) -> Result<(), LedgerError> {
        let state = row.get_ref(PLANNED_COLUMNS + 6)?.as_str().map_err(rusqlite::Error::from)?;
        let end = End {
            state,
            nth: row.get(PLANNED_COLUMNS)?,
            doubt: row.get(PLANNED_COLUMNS + 1)?,
            settled_at: row.get(PLANNED_COLUMNS + 2)?,
            password: row.get_ref(PLANNED_COLUMNS + 4)?,
        };
        let proof = row.get::<_, Option<i64>>(PLANNED_COLUMNS + 3)?;
        if state == State::Reset.as_str() && proof == Some(self.read.marks.proof(planned.row, &end)) {
            return Ok(());
        }
        Err(changed(planned.row, "how it ended was changed"))
    }
}

/// The key for proofs, for code that records how rows end.
pub(super) fn proof_of(
    transaction: &Transaction<'_>,
    marks: &Marks,
    (row, state, doubt, settled_at): (u64, State, Doubt, Option<i64>),
) -> Result<Option<i64>, LedgerError> {
    if !state.is_settled() && !doubt.any() {
        return Ok(None);
    }
    let mut select = transaction.prepare_cached("SELECT nth, password FROM account WHERE row = ?1")?;
    let mut rows = select.query([row])?;
    let Some(found) = rows.next()? else { return Err(LedgerError::OutOfStep(row)) };
    let (nth, password) = (found.get(0)?, found.get_ref(1)?);
    let end = End { state: state.as_str(), nth, doubt: doubt.to_bits(), settled_at, password };
    Ok(Some(marks.proof(row, &end)))
}
