//! Rows that a lookup in the directory can settle: in doubt after a crash, or reset and to be verified.
//!
//! It stores what the lookup showed; the caller decides what that means.

use super::{
    Counts, Ledger, LedgerError, ReadLedger,
    approved::prove,
    note::{self, NoteKey},
    state::State,
    words::{Found, Word, among},
};
use rusqlite::{Row, params};
use serde::Serialize;

/// A row whose password was sent, and may have been set.
pub struct InDoubtRow {
    /// Position in the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// Its object id, if it was looked up.
    pub object_id: Option<String>,
    /// When it was last sent, by the directory's clock, in milliseconds since 1970.
    pub sent_at: i64,
    /// When it ended, by our clock, if it did.
    pub settled_at: Option<i64>,
    /// When the password was last set before all this, if that was looked up.
    pub changed_before: Option<i64>,
    /// How often it was sent.
    pub attempts: u64,
}

/// Which of the rows that were reset are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToVerify {
    /// All of them.
    All,
    /// Those whose change the directory has not shown yet.
    NotYetVisible,
}

/// What the directory showed for a row that was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Our change, at the time when it was made.
    Confirmed,
    /// An older password: the change has not reached this replica yet.
    NotYetVisible,
    /// A later change, by the user or someone else.
    ChangedSince,
    /// Nothing: the account could not be read.
    Unread,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Confirmed, Self::NotYetVisible, Self::ChangedSince, Self::Unread];

    /// The word in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::NotYetVisible => "not_yet_visible",
            Self::ChangedSince => "changed_since",
            Self::Unread => "unread",
        }
    }
}

impl Word for Verdict {
    fn word(self) -> &'static str {
        self.as_str()
    }

    fn parse(word: &str) -> Option<Self> {
        among(&Self::ALL, word)
    }
}

/// The columns of [`in_doubt_row`], and the profile.
pub(super) const COLUMNS: &str =
    "SELECT row, roster.user_principal_name, object_id, coalesce(sent_at, 0), settled_at, password_changed_at, attempts, profile
    FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row)";

pub(super) fn in_doubt_row(row: &Row<'_>) -> rusqlite::Result<InDoubtRow> {
    Ok(InDoubtRow {
        row: row.get(0)?,
        user_principal_name: row.get(1)?,
        object_id: row.get(2)?,
        sent_at: row.get(3)?,
        settled_at: row.get(4)?,
        changed_before: row.get(5)?,
        attempts: row.get(6)?,
    })
}

impl ReadLedger {
    /// Up to `most` rows after `after` that will be sent again although they may have been written. Only rows without
    /// an earlier password in doubt are included.
    pub fn doubtful(&self, after: u64, most: usize) -> Result<Vec<InDoubtRow>, LedgerError> {
        self.select_doubtful("state = 'planned' AND doubt = 1", after, most)
    }

    /// Up to `most` rows after `after` that were never sent.
    pub fn never_sent(&self, after: u64, most: usize) -> Result<Vec<InDoubtRow>, LedgerError> {
        self.select_doubtful("state = 'planned' AND attempts = 0 AND doubt = 0", after, most)
    }

    /// Up to `most` rows after `after` that were reset.
    pub fn to_verify(&self, which: ToVerify, after: u64, most: usize) -> Result<Vec<InDoubtRow>, LedgerError> {
        let condition = match which {
            ToVerify::All => "state = 'reset'",
            ToVerify::NotYetVisible => "state = 'reset' AND verdict = 'not_yet_visible'",
        };
        self.select_doubtful(condition, after, most)
    }

    /// Whether the reset accounts were ever verified.
    pub fn is_verified(&self) -> Result<bool, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::Verified)?.is_some())
    }

    fn select_doubtful(&self, which: &str, after: u64, most: usize) -> Result<Vec<InDoubtRow>, LedgerError> {
        let mut select =
            self.connection.prepare_cached(&format!("{COLUMNS} WHERE {which} AND row > ?1 ORDER BY row LIMIT ?2"))?;
        Ok(select.query_map((after, most), in_doubt_row)?.collect::<Result<_, _>>()?)
    }

    /// How many rows the directory showed in each way. Rows that nobody looked at are not counted.
    pub fn verdicts(&self) -> Result<Vec<(Verdict, u64)>, LedgerError> {
        let mut select = self
            .connection
            .prepare("SELECT verdict, count(*) FROM account WHERE verdict IS NOT NULL GROUP BY verdict ORDER BY 1")?;
        let known = |(Found(verdict), number): (Found<Verdict>, u64)| verdict.map(|verdict| (verdict, number));
        let found = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(found.filter_map(|found| found.map(known).transpose()).collect::<Result<_, _>>()?)
    }
}

impl Ledger {
    /// Notes that the reset accounts are being verified.
    pub fn begin_verifying(&self) -> Result<(), LedgerError> {
        self.connection.note(NoteKey::Verified, "true")
    }

    /// Ends rows in doubt whose accounts have changed, with the time of the change by the directory's clock: `reset` if
    /// the change was ours, `in_doubt` with a message if that is not certain.
    pub fn settle_doubts(&mut self, found: &[(u64, i64, Option<String>)]) -> Result<(), LedgerError> {
        let transaction = self.read.connection.write()?;
        for (row, changed, message) in found {
            let state = if message.is_some() { State::InDoubt } else { State::Reset };
            let code = message.as_ref().map(|_| Verdict::ChangedSince.as_str());
            let doubt = u8::from(message.is_some());
            transaction
                .prepare_cached(
                    "UPDATE account SET state = ?2, settled_at = ?3, error_code = ?4, error_message = ?5, doubt = ?6,
                            sent_at = iif(?2 = 'reset', ?7, sent_at)
                     WHERE row = ?1 AND state = 'planned' AND doubt = 1",
                )?
                // By our clock, like every other row that has ended. The time of the change shows that it was sent.
                .execute(params![row, state.as_str(), changed - self.clock_ahead, code, message, doubt, changed])?;
            prove(&transaction, &self.read.marks, *row)?;
            if message.is_none() {
                // Counted again below.
                self.sessions.follow(&transaction, *row, &mut Counts::default())?;
            }
        }
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        self.read.counts = counts;
        Ok(())
    }

    /// Stores what the directory showed for rows that were reset, at `now` (milliseconds since 1970).
    pub fn keep_verdicts(&mut self, found: &[(u64, Verdict, String)], now: i64) -> Result<(), LedgerError> {
        let transaction = self.read.connection.write()?;
        self.staged.write(&transaction)?;
        for (row, verdict, message) in found {
            let (code, message) = match verdict {
                Verdict::Confirmed => (None, None),
                _ => (Some(verdict.as_str()), Some(message)),
            };
            let verified_at = (*verdict == Verdict::Confirmed).then_some(now);
            transaction
                .prepare_cached(
                    "UPDATE account SET verdict = ?2, verified_at = coalesce(?3, verified_at), error_code = ?4, error_message = ?5
                     WHERE row = ?1 AND state = 'reset'",
                )?
                .execute(params![row, verdict.as_str(), verified_at, code, message])?;
        }
        transaction.commit()?;
        Ok(())
    }
}
