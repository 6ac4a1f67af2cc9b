//! Sign-in sessions that are revoked after each reset: due, in flight, and how it ended.
//!
//! Revoking them once more does no harm, so nothing is ever in doubt here, and nothing that happens here changes how a
//! row ended.

use super::{Counts, Ledger, LedgerError};
use rusqlite::{Transaction, params};

/// Under which it is noted that sessions are to be revoked.
const REVOKE: &str = "revoke_sessions";

/// An account whose sessions are to be revoked.
pub struct SessionsDue {
    /// The row of the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// Its object id, where it was looked up.
    pub object_id: Option<String>,
    /// Answers so far that said nothing certain.
    pub troubles: u32,
}

/// What happened to the sessions of a row.
pub struct Revocation {
    /// The row.
    pub row: u64,
    /// What happened.
    pub event: RevocationEvent,
}

/// What became of an attempt to revoke sessions.
pub enum RevocationEvent {
    /// They are revoked.
    Revoked,
    /// To be tried again, not before a time in milliseconds since 1970.
    Again {
        /// The earliest time.
        not_before: i64,
        /// Whether this counts against the row's patience.
        trouble: bool,
    },
    /// Graph refused for good, with this code.
    Kept(String),
}

/// What follows upon a reset.
#[derive(Default)]
pub(super) enum Sessions {
    /// Nothing: nobody asked for it.
    #[default]
    Untouched,
    /// They are revoked.
    Revoke,
    /// They would be, and the application may not: the code says so.
    Denied(String),
}

impl Sessions {
    /// Has the sessions of a row that was just reset follow.
    pub(super) fn follow(&self, transaction: &Transaction, row: u64, counts: &mut Counts) -> Result<(), LedgerError> {
        let (sessions, code) = match self {
            Self::Untouched => return Ok(()),
            Self::Revoke => ("due", None),
            Self::Denied(code) => ("kept", Some(code)),
        };
        transaction
            .prepare_cached(
                "UPDATE account SET sessions = ?2, sessions_code = ?3, not_before = 0, troubles = 0 WHERE row = ?1",
            )?
            .execute((row, sessions, code))?;
        *if code.is_none() { &mut counts.sessions_due } else { &mut counts.sessions_kept } += 1;
        Ok(())
    }
}

impl Ledger {
    /// Has the sessions of every account revoked that is reset, those that are already included.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn revoke_sessions(&mut self) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
        transaction.execute("INSERT OR REPLACE INTO run VALUES (?1, 'true')", [REVOKE])?;
        transaction.execute(
            "UPDATE account SET sessions = 'due', sessions_code = NULL, not_before = 0, troubles = 0
             WHERE state = 'reset' AND (sessions IS NULL OR sessions = 'kept')",
            (),
        )?;
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        (self.counts, self.sessions) = (counts, Sessions::Revoke);
        Ok(())
    }

    /// Leaves the sessions of all accounts alone from now on. Those that were revoked stay so.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub fn leave_sessions(&mut self) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM run WHERE name = ?1", [REVOKE])?;
        transaction.execute("UPDATE account SET sessions = NULL, sessions_code = NULL WHERE sessions = 'due'", ())?;
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        (self.counts, self.sessions) = (counts, Sessions::Untouched);
        Ok(())
    }

    /// Whether sessions are revoked in this run.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn revokes_sessions(&self) -> Result<bool, LedgerError> {
        Ok(self.note(REVOKE)?.is_some())
    }

    /// Gives up on all sessions that are due, those of accounts still to be reset included: the application may not
    /// revoke any, as `code` says.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn keep_sessions(&mut self, code: &str) -> Result<(), LedgerError> {
        self.connection
            .execute("UPDATE account SET sessions = 'kept', sessions_code = ?1 WHERE sessions = 'due'", [code])?;
        self.counts = Counts::read(&self.connection)?;
        self.sessions = Sessions::Denied(code.to_owned());
        Ok(())
    }

    pub(super) fn recover_sessions(&mut self) -> Result<(), LedgerError> {
        self.connection.execute("UPDATE account SET sessions = 'due' WHERE sessions = 'in_flight'", ())?;
        if self.revokes_sessions()? {
            self.sessions = Sessions::Revoke;
        }
        Ok(())
    }
}

/// So many that were due are in flight now.
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
        let (sessions, code, not_before, trouble, count) = match event {
            RevocationEvent::Revoked => ("revoked", None, 0, false, &mut counts.sessions_revoked),
            RevocationEvent::Kept(code) => ("kept", Some(code), 0, false, &mut counts.sessions_kept),
            RevocationEvent::Again { not_before, trouble } => {
                ("due", None, *not_before, *trouble, &mut counts.sessions_due)
            }
        };
        if update.execute(params![row, sessions, code, not_before, trouble])? != 1 {
            return Err(LedgerError::OutOfStep(*row));
        }
        *count += 1;
        counts.sessions_in_flight = counts.sessions_in_flight.saturating_sub(1);
    }
    Ok(())
}
