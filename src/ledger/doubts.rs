//! Rows that a look at the directory can settle: in doubt after a crash, or reset and to be verified.
//!
//! It keeps what such a look showed; what that means is decided by whoever looked.

use super::{Counts, Ledger, LedgerError, approved::prove, life::State};
use rusqlite::params;

/// A row whose password was sent, and perhaps set.
pub struct Doubtful {
    /// Position in the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// Its object id, where it was looked up.
    pub object_id: Option<String>,
    /// When it was sent last, by the directory's clock, in milliseconds since 1970.
    pub sent_at: i64,
    /// When it ended, by our clock, if it did.
    pub settled_at: Option<i64>,
    /// When the password had been set last before all this, where that was looked up.
    pub changed_before: Option<i64>,
    /// How often it was sent.
    pub attempts: u64,
}

/// What the directory showed of a row that was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The change, at the time when it was made.
    Confirmed,
    /// An older password: the change has not reached what was asked.
    NotYetVisible,
    /// A change after ours: by its person, or by somebody else.
    ChangedSince,
    /// Nothing: the account could not be read.
    Unread,
}

impl Verdict {
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

/// Under which it is noted that what was reset is verified.
const VERIFIED: &str = "verified";

const COLUMNS: &str =
    "SELECT row, roster.user_principal_name, object_id, coalesce(sent_at, 0), settled_at, password_changed_at, attempts
    FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row)";

impl Ledger {
    /// The next rows after `after` that are to be sent again although they may have been written, `most` of them: those
    /// of which only the current password can be in force.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn doubtful(&self, after: u64, most: usize) -> Result<Vec<Doubtful>, LedgerError> {
        self.select_doubtful("state = 'planned' AND doubt = 1", after, most)
    }

    /// The next rows after `after` that were never sent, `most` of them.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn never_sent(&self, after: u64, most: usize) -> Result<Vec<Doubtful>, LedgerError> {
        self.select_doubtful("state = 'planned' AND attempts = 0 AND doubt = 0", after, most)
    }

    /// The next rows after `after` that were reset, `most` of them; `again` for those alone whose change the directory has
    /// not shown.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn to_verify(&self, again: bool, after: u64, most: usize) -> Result<Vec<Doubtful>, LedgerError> {
        let which = if again { "state = 'reset' AND verdict = 'not_yet_visible'" } else { "state = 'reset'" };
        self.select_doubtful(which, after, most)
    }

    /// Notes that what was reset is being verified.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn begin_verifying(&self) -> Result<(), LedgerError> {
        self.set_note(VERIFIED, "true")
    }

    /// Whether what was reset was ever verified.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn is_verified(&self) -> Result<bool, LedgerError> {
        Ok(self.note(VERIFIED)?.is_some())
    }

    fn select_doubtful(&self, which: &str, after: u64, most: usize) -> Result<Vec<Doubtful>, LedgerError> {
        let mut select =
            self.connection.prepare_cached(&format!("{COLUMNS} WHERE {which} AND row > ?1 ORDER BY row LIMIT ?2"))?;
        let row = |row: &rusqlite::Row<'_>| {
            Ok(Doubtful {
                row: row.get(0)?,
                user_principal_name: row.get(1)?,
                object_id: row.get(2)?,
                sent_at: row.get(3)?,
                settled_at: row.get(4)?,
                changed_before: row.get(5)?,
                attempts: row.get(6)?,
            })
        };
        Ok(select.query_map((after, most), row)?.collect::<Result<_, _>>()?)
    }

    /// Ends rows in doubt that the directory showed to be changed, with the time of the change by the directory's clock:
    /// `reset` where it was ours, `in_doubt` with a message where that is not certain.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn settle_doubts(&mut self, found: &[(u64, i64, Option<String>)]) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
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
                // By our clock, as every other row that has ended. That it was sent is known for the time of the change.
                .execute(params![row, state.as_str(), changed - self.clock_ahead, code, message, doubt, changed])?;
            prove(&transaction, &self.marks, *row)?;
            if message.is_none() {
                // Counted anew below.
                self.sessions.follow(&transaction, *row, &mut Counts::default())?;
            }
        }
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        self.counts = counts;
        Ok(())
    }

    /// Keeps what the directory showed of rows that were reset, at `now` (milliseconds since 1970).
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn keep_verdicts(&mut self, found: &[(u64, Verdict, String)], now: i64) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
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

    /// How many rows the directory showed in each way, by the word of [`Verdict`]; rows that nobody looked at are not
    /// counted.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn verdicts(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        let mut select = self
            .connection
            .prepare("SELECT verdict, count(*) FROM account WHERE verdict IS NOT NULL GROUP BY verdict ORDER BY 1")?;
        Ok(select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }
}
