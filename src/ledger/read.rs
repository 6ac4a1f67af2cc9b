//! What the reports and the terminal want to know.

use super::{FILE_NAME, Ledger, LedgerError, life::State};
use crate::{clean, outcome::Status};
use rusqlite::{Connection, OptionalExtension, Row};

/// Under which the settings are noted; planning writes them last.
pub(super) const SETTINGS: &str = "settings";
/// Under which the number of cells of the widest row is noted.
pub(super) const WIDTH: &str = "width";

/// How many rows stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be sent.
    pub planned: u64,
    /// Perhaps sent.
    pub in_flight: u64,
    /// Confirmed.
    pub reset: u64,
    /// Refused.
    pub failed: u64,
    /// Given up, an answer lost.
    pub in_doubt: u64,
    /// Never sent.
    pub skipped: u64,
    /// Reset accounts whose sessions are to be revoked.
    pub sessions_due: u64,
    /// Of which that is on its way.
    pub sessions_in_flight: u64,
    /// Whose sessions are revoked.
    pub sessions_revoked: u64,
    /// Whose sessions could not be revoked.
    pub sessions_kept: u64,
}

impl Counts {
    /// All rows of the roster.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.planned + self.in_flight + self.settled() + self.skipped
    }

    /// Rows that were sent and have ended.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.reset + self.failed + self.in_doubt
    }

    /// Rows that still have to end.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.planned + self.in_flight
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

    /// Rows of one status of the report.
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
        let mut counts = Self::default();
        let mut select = connection.prepare(
            "SELECT state, count(*) FROM account GROUP BY state
             UNION ALL
             SELECT 'sessions ' || sessions, count(*) FROM account WHERE sessions IS NOT NULL GROUP BY sessions",
        )?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            let (state, number): (String, u64) = (row.get(0)?, row.get(1)?);
            match state.as_str() {
                "planned" => counts.planned = number,
                "in_flight" => counts.in_flight = number,
                "reset" => counts.reset = number,
                "failed" => counts.failed = number,
                "in_doubt" => counts.in_doubt = number,
                "sessions due" => counts.sessions_due = number,
                "sessions in_flight" => counts.sessions_in_flight = number,
                "sessions revoked" => counts.sessions_revoked = number,
                "sessions kept" => counts.sessions_kept = number,
                "skipped" => counts.skipped = number,
                other => {
                    let file = connection.path().unwrap_or(FILE_NAME).into();
                    let why = format!("a row's state is {:?}, which is none", clean::for_terminal(other));
                    return Err(LedgerError::Damaged { file, why });
                }
            }
        }
        Ok(counts)
    }

    pub(super) fn moved(&mut self, from: State, to: State, number: u64) {
        // A ledger that others changed may hand out more than it counts.
        let left = self.at(from).saturating_sub(number);
        *self.at(from) = left;
        *self.at(to) += number;
    }

    fn at(&mut self, state: State) -> &mut u64 {
        match state {
            State::Planned => &mut self.planned,
            State::InFlight => &mut self.in_flight,
            State::Reset => &mut self.reset,
            State::Failed => &mut self.failed,
            State::InDoubt => &mut self.in_doubt,
            State::Skipped => &mut self.skipped,
        }
    }
}

/// Rows that ended alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The word of [`Status`].
    pub status: String,
    /// Their error code.
    pub code: String,
    /// The message of one of them.
    pub message: String,
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
    /// Accounts sent, each time counted.
    pub writes: u64,
    /// Of these, answered 429.
    pub throttled: u64,
    /// Accounts that ended.
    pub settled: u64,
    /// Accounts whose sessions were revoked, or could not be.
    pub revoked: u64,
    /// The write quota it was told.
    pub write_quota: String,
}

impl Ledger {
    /// The rows that did not end in a reset, grouped by status and code, the most first.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn groups(&self) -> Result<Vec<Group>, LedgerError> {
        let mut select = self.connection.prepare(
            // Under this code Graph reports causes that only their messages tell apart; other messages name the account.
            "SELECT state, coalesce(error_code, ''), coalesce(min(error_message), ''), count(*) AS number FROM account
             WHERE state IN ('failed', 'in_doubt', 'skipped')
             GROUP BY 1, 2, iif(error_code = 'Request_BadRequest', error_message, '') ORDER BY number DESC, 2",
        )?;
        let group =
            |row: &Row| Ok(Group { status: row.get(0)?, code: row.get(1)?, message: row.get(2)?, number: row.get(3)? });
        Ok(select.query_map((), group)?.collect::<Result<_, _>>()?)
    }

    /// A row's cells.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn cells(&self, row: u64) -> Result<Vec<String>, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT cells FROM roster WHERE row = ?1")?;
        let cells: String = select.query_row([row], |row| row.get(0))?;
        Ok(serde_json::from_str(&cells)?)
    }

    /// Most cells that any row has.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn widest_row(&self) -> Result<usize, LedgerError> {
        let width = note(&self.connection, WIDTH)?.and_then(|width| width.parse().ok()).unwrap_or(0);
        // The note may have been changed by others: no array has more cells than its text has characters.
        let longest: Option<usize> =
            self.connection.query_row("SELECT max(length(cells)) FROM roster", (), |row| row.get(0))?;
        Ok(longest.unwrap_or(0).min(width))
    }

    /// Notes what a process did.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn add_session(&self, session: &Session) -> Result<(), LedgerError> {
        self.connection.execute(
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

    /// What the processes did that came to an orderly end, in order.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
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

pub(super) fn note(connection: &Connection, name: &str) -> Result<Option<String>, LedgerError> {
    let mut select = connection.prepare_cached("SELECT value FROM run WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?)
}
