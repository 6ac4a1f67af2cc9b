//! Sign-in sessions that are revoked after each reset: due, in flight, and how it ended.
//!
//! Revoking them again does no harm, so nothing is ever in doubt here, and nothing here changes how a row ended.

use super::{
    Counts, Ledger, LedgerError, ReadLedger,
    note::{self, NoteKey},
    state::SessionState,
    words::Written,
};
use rusqlite::{Transaction, params};

/// An account whose sessions are to be revoked.
pub struct SessionsDue {
    /// The row of the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// Its object id, if it was looked up.
    pub object_id: Option<String>,
    /// Uncertain answers so far.
    pub troubles: u32,
}

/// What happened to the sessions of a row.
pub struct Revocation {
    /// The row.
    pub row: u64,
    /// What happened.
    pub event: RevocationEvent,
}

/// The result of an attempt to revoke sessions.
pub enum RevocationEvent {
    /// They are revoked.
    Revoked,
    /// To be retried, not before a time in milliseconds since 1970.
    Again {
        /// The earliest time.
        not_before: i64,
        /// Whether this counts as a failed attempt of the row.
        trouble: bool,
    },
    /// Graph refused for good, with this code.
    Kept(String),
}

/// What follows a reset.
#[derive(Default)]
pub(super) enum Sessions {
    /// Nothing: it was not requested.
    #[default]
    Untouched,
    /// They are revoked.
    Revoke,
    /// They would be revoked, but the application may not; the code says so.
    Denied(String),
}

impl Sessions {
    /// Schedules the sessions of a row that was just reset.
    pub(super) fn follow(&self, transaction: &Transaction, row: u64, counts: &mut Counts) -> Result<(), LedgerError> {
        let (sessions, code) = match self {
            Self::Untouched => return Ok(()),
            Self::Revoke => (SessionState::Due, None),
            Self::Denied(code) => (SessionState::Kept, Some(code)),
        };
        transaction
            .prepare_cached(
                "UPDATE account SET sessions = ?2, sessions_code = ?3, not_before = 0, troubles = 0 WHERE row = ?1",
            )?
            .execute((row, Written(sessions), code))?;
        *counts.sessions_at(sessions) += 1;
        Ok(())
    }
}

impl ReadLedger {
    /// Whether sessions are revoked in this run.
    pub fn revokes_sessions(&self) -> Result<bool, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::RevokeSessions)?.is_some())
    }
}

impl Ledger {
    /// Revokes the sessions of every account that is reset, including those that already are.
    pub fn revoke_sessions(&mut self) -> Result<(), LedgerError> {
        let transaction = self.read.connection.write()?;
        note::write(&transaction, NoteKey::RevokeSessions, "true")?;
        transaction.execute(
            "UPDATE account SET sessions = 'due', sessions_code = NULL, not_before = 0, troubles = 0
             WHERE state = 'reset' AND (sessions IS NULL OR sessions = 'kept')",
            (),
        )?;
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        (self.read.counts, self.sessions) = (counts, Sessions::Revoke);
        Ok(())
    }

    /// Leaves the sessions of all accounts alone from now on. Those already revoked stay revoked.
    pub fn leave_sessions(&mut self) -> Result<(), LedgerError> {
        let transaction = self.read.connection.write()?;
        transaction.execute("DELETE FROM run WHERE name = ?1", [NoteKey::RevokeSessions.as_str()])?;
        transaction.execute("UPDATE account SET sessions = NULL, sessions_code = NULL WHERE sessions = 'due'", ())?;
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        (self.read.counts, self.sessions) = (counts, Sessions::Untouched);
        Ok(())
    }

    /// Gives up on all sessions, including those of accounts still to be reset: the application may not revoke any, as
    /// `code` says.
    pub fn keep_sessions(&mut self, code: &str) -> Result<(), LedgerError> {
        self.read
            .connection
            .change("UPDATE account SET sessions = 'kept', sessions_code = ?1 WHERE sessions = 'due'", [code])?;
        self.read.counts = Counts::read(&self.read.connection)?;
        self.sessions = Sessions::Denied(code.to_owned());
        Ok(())
    }

    pub(super) fn recover_sessions(&mut self) -> Result<(), LedgerError> {
        self.read.connection.change("UPDATE account SET sessions = 'due' WHERE sessions = 'in_flight'", ())?;
        if self.revokes_sessions()? {
            self.sessions = Sessions::Revoke;
        }
        Ok(())
    }
}

/// Moves this many from due to in flight.
pub(super) fn moved(counts: &mut Counts, number: u64) {
    counts.sessions_due = counts.sessions_due.saturating_sub(number);
    counts.sessions_in_flight += number;
}

pub(super) fn record(transaction: &Transaction, facts: &[Revocation], counts: &mut Counts) -> Result<(), LedgerError> {
    let mut update = transaction.prepare_cached(
        "UPDATE account SET sessions = ?2, sessions_code = ?3, not_before = ?4, troubles = troubles + ?5
         WHERE row = ?1 AND sessions = 'in_flight'",
    )?;
    for Revocation { row, event } in facts {
        let (sessions, code, not_before, trouble) = match event {
            RevocationEvent::Revoked => (SessionState::Revoked, None, 0, false),
            RevocationEvent::Kept(code) => (SessionState::Kept, Some(code), 0, false),
            RevocationEvent::Again { not_before, trouble } => (SessionState::Due, None, *not_before, *trouble),
        };
        if update.execute(params![row, Written(sessions), code, not_before, trouble])? != 1 {
            return Err(LedgerError::OutOfStep(*row));
        }
        *counts.sessions_at(sessions) += 1;
        counts.sessions_in_flight = counts.sessions_in_flight.saturating_sub(1);
    }
    Ok(())
}
