//! What the reports and the terminal need from the ledger.

use super::{
    FILE_NAME, Ledger, LedgerError, ReadLedger, Removal,
    note::{self, NoteKey},
    state::{SessionState, State},
    tally::Tally,
    words::{Found, Word},
};
use crate::{
    outcome::{Cause, Status},
    util::sanitize,
};
use rusqlite::{Connection, Row};

/// The number of rows in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be sent.
    pub planned: u64,
    /// May have been sent.
    pub in_flight: u64,
    /// Accepted for the on-premises directory, or perhaps accepted, and not ended.
    pub accepted: u64,
    /// Confirmed.
    pub reset: u64,
    /// Refused.
    pub failed: u64,
    /// Given up after an answer was lost.
    pub in_doubt: u64,
    /// Never sent.
    pub skipped: u64,
    /// Reset accounts whose sessions have to be revoked.
    pub sessions_due: u64,
    /// Accounts whose revocation is in flight.
    pub sessions_in_flight: u64,
    /// Accounts whose sessions are revoked.
    pub sessions_revoked: u64,
    /// Accounts whose sessions could not be revoked.
    pub sessions_kept: u64,
}

impl Counts {
    /// All rows of the roster.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.pending() + self.settled() + self.skipped
    }

    /// These and the rows of another ledger.
    #[must_use]
    pub const fn and(self, more: &Self) -> Self {
        Self {
            planned: self.planned + more.planned,
            in_flight: self.in_flight + more.in_flight,
            accepted: self.accepted + more.accepted,
            reset: self.reset + more.reset,
            failed: self.failed + more.failed,
            in_doubt: self.in_doubt + more.in_doubt,
            skipped: self.skipped + more.skipped,
            sessions_due: self.sessions_due + more.sessions_due,
            sessions_in_flight: self.sessions_in_flight + more.sessions_in_flight,
            sessions_revoked: self.sessions_revoked + more.sessions_revoked,
            sessions_kept: self.sessions_kept + more.sessions_kept,
        }
    }

    /// Rows that were sent and have ended.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.reset + self.failed + self.in_doubt
    }

    /// Rows that have not ended.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.planned + self.in_flight + self.accepted
    }

    /// Accounts whose sessions are still to be revoked.
    #[must_use]
    pub fn sessions_pending(&self) -> u64 {
        self.sessions_due + self.sessions_in_flight
    }

    /// Whether nothing is left to be sent.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.pending() + self.sessions_pending() == 0
    }

    /// Rows with one status of the report.
    #[must_use]
    pub fn of(&self, status: Status) -> u64 {
        match status {
            Status::Reset => self.reset,
            Status::Failed => self.failed,
            Status::InDoubt => self.in_doubt,
            Status::Pending => self.pending(),
            Status::Skipped => self.skipped,
        }
    }

    pub(super) fn read(connection: &Connection) -> Result<Self, LedgerError> {
        let (mut counts, mut states, mut sessions) = (Self::default(), Tally::new(), Tally::new());
        let mut select = connection.prepare("SELECT state, sessions FROM account")?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            count(row, 0, &mut states)?;
            count(row, 1, &mut sessions)?;
        }
        for (state, number) in known(connection, states)? {
            *counts.at(state) = number;
        }
        for (state, number) in known(connection, sessions)? {
            *counts.sessions_at(state) = number;
        }
        Ok(counts)
    }

    pub(super) fn moved(&mut self, from: State, to: State, number: u64) {
        // If others changed the ledger, it may hand out more than it counts.
        let left = self.at(from).saturating_sub(number);
        *self.at(from) = left;
        *self.at(to) += number;
    }

    pub(super) fn at(&mut self, state: State) -> &mut u64 {
        match state {
            State::Planned => &mut self.planned,
            State::InFlight => &mut self.in_flight,
            State::Accepted => &mut self.accepted,
            State::Reset => &mut self.reset,
            State::Failed => &mut self.failed,
            State::InDoubt => &mut self.in_doubt,
            State::Skipped => &mut self.skipped,
        }
    }

    pub(super) fn sessions_at(&mut self, sessions: SessionState) -> &mut u64 {
        match sessions {
            SessionState::Due => &mut self.sessions_due,
            SessionState::InFlight => &mut self.sessions_in_flight,
            SessionState::Revoked => &mut self.sessions_revoked,
            SessionState::Kept => &mut self.sessions_kept,
        }
    }
}

/// Counts the word in a column, if there is one.
fn count(row: &Row<'_>, column: usize, tally: &mut Tally<String, u64>) -> Result<(), LedgerError> {
    if let Some(word) = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)? {
        *tally.at(|known| known == word, || word.to_owned()) += 1;
    }
    Ok(())
}

/// The values of the words, with their numbers. An unknown word is an error.
fn known<T: Word>(connection: &Connection, tally: Tally<String, u64>) -> Result<Vec<(T, u64)>, LedgerError> {
    let known = |(word, number): (String, u64)| match T::parse(&word) {
        Some(value) => Ok((value, number)),
        None => {
            let file = connection.path().unwrap_or(FILE_NAME).into();
            let why = format!("a row has the unknown state {:?}", sanitize::for_terminal(&word));
            Err(LedgerError::Damaged { file, why })
        }
    };
    tally.into_vec().into_iter().map(known).collect()
}

/// Rows that ended in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their status.
    pub status: Status,
    /// Their error code.
    pub code: String,
    /// The message of one of them.
    pub message: String,
    /// Why Graph refused that one, if it did and said why.
    pub cause: Option<Cause>,
    /// How many.
    pub number: u64,
}

/// What one process did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// When it ended.
    pub ended_at: i64,
    /// When the first batch was sent.
    pub first_write: Option<i64>,
    /// When the last batch was answered.
    pub last_write: Option<i64>,
    /// Batches sent.
    pub batches: u64,
    /// Requests sent for accounts, including repeats.
    pub writes: u64,
    /// How many of these were answered with 429.
    pub throttled: u64,
    /// Accounts that ended.
    pub settled: u64,
    /// Accounts whose sessions were revoked, or could not be.
    pub revoked: u64,
    /// The write quota that it was given.
    pub write_quota: String,
}

impl ReadLedger {
    /// The rows that did not end in a reset, grouped by status and code, the largest group first.
    pub fn groups(&self) -> Result<Vec<Group>, LedgerError> {
        let mut select = self.connection.prepare(
            // Beside a minimum, SQLite takes the other columns from the row that has it.
            // Graph reports several causes under this code, so their messages matter; other messages contain the
            // account's name.
            "SELECT state, coalesce(error_code, ''), coalesce(min(error_message), ''), count(*) AS number, cause
             FROM account
             WHERE state IN ('failed', 'in_doubt', 'skipped')
             GROUP BY 1, 2, iif(error_code = 'Request_BadRequest', error_message, '') ORDER BY number DESC, 2",
        )?;
        let group = |row: &Row| {
            let Found(state) = row.get(0)?;
            let status = state.unwrap_or(State::InDoubt).status();
            let (code, message, number, Found(cause)) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            Ok(Group { status, code, message, cause, number })
        };
        Ok(select.query_map((), group)?.collect::<Result<_, _>>()?)
    }

    /// A row's cells.
    pub fn cells(&self, row: u64) -> Result<Vec<String>, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT cells FROM roster WHERE row = ?1")?;
        let cells: String = select.query_row([row], |row| row.get(0))?;
        Ok(serde_json::from_str(&cells)?)
    }

    /// Whether the run folder may have any password, in the clear or sealed: also while a removal has not ended.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn has_passwords(&self) -> Result<bool, LedgerError> {
        match self.removal() {
            Removal::Kept => {}
            Removal::Begun(_) => return Ok(true),
            Removal::Ended(_) => return Ok(false),
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM account WHERE password IS NOT NULL) OR EXISTS (SELECT 1 FROM replaced)";
        Ok(self.connection.query_row(sql, (), |row| row.get(0))?)
    }

    /// The number of cells in the widest row.
    pub fn widest_row(&self) -> Result<usize, LedgerError> {
        let width = note::read(&self.connection, NoteKey::Width)?.and_then(|width| width.parse().ok()).unwrap_or(0);
        // Others may have changed the note: no array has more cells than its text has characters.
        let longest: Option<usize> =
            self.connection.query_row("SELECT max(length(cells)) FROM roster", (), |row| row.get(0))?;
        Ok(longest.unwrap_or(0).min(width))
    }

    /// The length of all rows' cells together, as stored.
    pub fn cells_length(&self) -> Result<u64, LedgerError> {
        let sum = "SELECT coalesce(sum(octet_length(cells)), 0) FROM roster";
        Ok(self.connection.query_row(sum, (), |row| row.get(0))?)
    }

    /// What the processes did that ended normally, in order.
    pub fn sessions(&self) -> Result<Vec<Session>, LedgerError> {
        let mut select = self.connection.prepare("SELECT * FROM session ORDER BY rowid")?;
        let session = |row: &Row| {
            Ok(Session {
                began_at: row.get(0)?,
                ended_at: row.get(1)?,
                first_write: row.get(2)?,
                last_write: row.get(3)?,
                batches: row.get(4)?,
                writes: row.get(5)?,
                throttled: row.get(6)?,
                settled: row.get(7)?,
                revoked: row.get(8)?,
                write_quota: row.get(9)?,
            })
        };
        Ok(select.query_map((), session)?.collect::<Result<_, _>>()?)
    }
}

impl Ledger {
    /// Notes what a process did.
    pub fn add_session(&self, session: &Session) -> Result<(), LedgerError> {
        self.read.connection.change(
            "INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            (
                session.began_at,
                session.ended_at,
                session.first_write,
                session.last_write,
                session.batches,
                session.writes,
                session.throttled,
                session.settled,
                session.revoked,
                &session.write_quota,
            ),
        )?;
        Ok(())
    }
}
