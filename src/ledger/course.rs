//! How a run went over time: when its rows ended, and what held it up.
//!
//! It is for the picture of the run alone; nothing is decided by it, and no row depends on it.

use super::{Ledger, LedgerError};
use rusqlite::Row;

/// What held a run up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Graph answered 429 and asked for the wait.
    Asked,
    /// The network or the service was away.
    Away,
}

impl Hold {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Away => "away",
        }
    }
}

/// A time in which nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When it began, in milliseconds since 1970.
    pub at: i64,
    /// What held the run up.
    pub hold: Hold,
    /// How long, in milliseconds.
    pub millis: i64,
    /// Answers 429 that came with it.
    pub throttled: u64,
}

impl Ledger {
    /// Keeps what held a process up.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn add_moments(&mut self, moments: &[Moment]) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction()?;
        for moment in moments {
            transaction.prepare_cached("INSERT INTO moment VALUES (?1, ?2, ?3, ?4)")?.execute((
                moment.at,
                moment.hold.as_str(),
                moment.millis,
                moment.throttled,
            ))?;
        }
        Ok(transaction.commit()?)
    }

    /// What held the run up, in order of time.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn moments(&self) -> Result<Vec<Moment>, LedgerError> {
        let mut select = self.connection.prepare("SELECT at, hold, millis, throttled FROM moment ORDER BY at")?;
        let moment = |row: &Row| {
            let hold = if row.get::<_, String>(1)? == Hold::Asked.as_str() { Hold::Asked } else { Hold::Away };
            Ok(Moment { at: row.get(0)?, hold, millis: row.get(2)?, throttled: row.get(3)? })
        };
        Ok(select.query_map((), moment)?.collect::<Result<_, _>>()?)
    }

    /// When rows that were sent have ended, in milliseconds since 1970, with how many at each time, in order.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn endings(&self) -> Result<Vec<(i64, u64)>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT settled_at, count(*) FROM account
             WHERE state IN ('reset', 'failed', 'in_doubt') AND settled_at IS NOT NULL GROUP BY 1 ORDER BY 1",
        )?;
        Ok(select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }
}
