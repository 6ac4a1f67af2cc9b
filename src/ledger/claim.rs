//! What a turn hands out: rows whose plan was compared with what was approved, in the transaction that claims them.
//!
//! Invariant: every value that leaves was read together with the row's mark, so nobody can change it in between.

use super::{
    Ledger, LedgerError,
    approved::{Approved, changed},
    forms::form,
    life::{Doubt, State},
    marks::{Marks, PLANNED_COLUMNS, Planned, planned_columns, stored},
    sessions::{Sessions, SessionsDue},
    vault::Held,
};
use crate::{
    password::{Form, Password},
    seal::{Binding, SealError},
};
use rusqlite::{Row, Transaction};

/// A row handed out to be sent; that it may have been is on disk.
pub struct Claimed {
    /// The row of the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// The account's object id, where it was looked up: what the write goes to.
    pub object_id: Option<String>,
    /// What to send: the same for the life of the run, unless Graph refuses it as too weak.
    pub password: Password,
    /// For whom it is.
    pub form: Form,
    /// What is in doubt from earlier attempts.
    pub doubt: Doubt,
    /// Answers so far that said nothing certain.
    pub troubles: u32,
}

/// What a turn hands out.
#[derive(Default)]
pub struct Claims {
    /// Passwords to be written.
    pub writes: Vec<Claimed>,
    /// Sign-in sessions to be revoked.
    pub sessions: Vec<SessionsDue>,
}

const FROM: &str = " FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row) ";

impl Ledger {
    /// Chooses up to `most` requests that are due at `now`, sessions first, and marks them as in flight.
    pub(super) fn claim(&self, transaction: &Transaction<'_>, most: usize, now: i64) -> Result<Claims, LedgerError> {
        if most == 0 {
            return Ok(Claims::default());
        }
        self.settings_must_stand()?;
        let approved = self.approved.borrow();
        let Some(approved) = &*approved else { return Ok(Claims::default()) };
        let sessions = self.due_sessions(transaction, approved, most, now)?;
        let writes = self.due_writes(transaction, approved, most - sessions.len(), now)?;
        let mut update = transaction.prepare_cached("UPDATE account SET sessions = 'in_flight' WHERE row = ?1")?;
        for due in &sessions {
            update.execute([due.row])?;
        }
        let mut update = transaction.prepare_cached(
            "UPDATE account SET state = 'in_flight', attempts = attempts + 1, sent_at = ?2 WHERE row = ?1",
        )?;
        for claimed in &writes {
            update.execute((claimed.row, now + self.clock_ahead))?;
        }
        Ok(Claims { writes, sessions })
    }

    fn due_writes(
        &self,
        transaction: &Transaction<'_>,
        approved: &Approved,
        most: usize,
        now: i64,
    ) -> Result<Vec<Claimed>, LedgerError> {
        let mut select = transaction.prepare_cached(&format!(
            "SELECT {}, nth, password, doubt, troubles {FROM}
             WHERE state = 'planned' AND not_before <= ?1 AND account.row <= ?3 ORDER BY not_before, account.row LIMIT ?2",
            planned_columns!()
        ))?;
        let mut rows = select.query((now, most, self.last_row))?;
        let mut claimed = Vec::new();
        while let Some(row) = rows.next()? {
            claimed.push(self.claimed(row, approved)?);
        }
        Ok(claimed)
    }

    fn claimed(&self, row: &Row<'_>, approved: &Approved) -> Result<Claimed, LedgerError> {
        let (planned, _) = Planned::read(row)?;
        approved.must_hold(&self.marks, &planned)?;
        let (nth, password) = (row.get(PLANNED_COLUMNS)?, row.get_ref(PLANNED_COLUMNS + 1)?);
        let Some(bytes) = stored(password) else { return Err(LedgerError::NoPassword(planned.row)) };
        self.password_must_be_ours(&planned, nth, bytes)?;
        let place = Binding { row: planned.row, nth, account: planned.name };
        let password = match self.vault.get(&place, password)? {
            Held::Password(password) => password,
            Held::Sealed => return Err(SealError::Closed(planned.row).into()),
            Held::Nothing => return Err(LedgerError::NoPassword(planned.row)),
        };
        Ok(Claimed {
            row: planned.row,
            object_id: planned.looked.and_then(|looked| looked.object_id.map(str::to_owned)),
            password,
            form: form(row, 4)?,
            doubt: Doubt::from_bits(row.get(PLANNED_COLUMNS + 2)?),
            troubles: row.get(PLANNED_COLUMNS + 3)?,
            user_principal_name: planned.name.to_owned(),
        })
    }

    /// The first password of a row is bound by the plan, each later one by the memory of the process that made it.
    fn password_must_be_ours(&self, planned: &Planned<'_>, nth: u32, bytes: &[u8]) -> Result<(), LedgerError> {
        let commitment = self.marks.commitment(planned.row, nth, bytes);
        let known = match nth {
            0 => planned.commitment,
            _ => self.fresh.get(&planned.row).map(<[u8; 16]>::as_slice),
        };
        if known == Some(commitment.as_slice()) {
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
            approved.must_hold(&self.marks, &planned)?;
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

    /// Sessions follow a reset, so only rows that this run has reset have any to be revoked.
    fn must_have_been_reset(&self, planned: &Planned<'_>, row: &Row<'_>) -> Result<(), LedgerError> {
        let state = row.get_ref(PLANNED_COLUMNS + 6)?.as_str().map_err(rusqlite::Error::from)?;
        let end = super::marks::End {
            state,
            nth: row.get(PLANNED_COLUMNS)?,
            doubt: row.get(PLANNED_COLUMNS + 1)?,
            settled_at: row.get(PLANNED_COLUMNS + 2)?,
            password: row.get_ref(PLANNED_COLUMNS + 4)?,
        };
        let proof = row.get::<_, Option<i64>>(PLANNED_COLUMNS + 3)?;
        if state == State::Reset.as_str() && proof == Some(self.marks.proof(planned.row, &end)) {
            return Ok(());
        }
        Err(changed(planned.row, "how it ended was changed"))
    }
}

/// The key that proofs are made with, for those who record how rows end.
pub(super) fn proof_of(
    transaction: &Transaction<'_>,
    marks: &Marks,
    (row, state, doubt, settled_at): (u64, State, Doubt, i64),
) -> Result<Option<i64>, LedgerError> {
    if !state.is_settled() {
        return Ok(None);
    }
    let mut select = transaction.prepare_cached("SELECT nth, password FROM account WHERE row = ?1")?;
    let mut rows = select.query([row])?;
    let Some(found) = rows.next()? else { return Err(LedgerError::OutOfStep(row)) };
    let (nth, password) = (found.get(0)?, found.get_ref(1)?);
    let end = super::marks::End {
        state: state.as_str(),
        nth,
        doubt: doubt.to_bits(),
        settled_at: Some(settled_at),
        password,
    };
    Ok(Some(marks.proof(row, &end)))
}
