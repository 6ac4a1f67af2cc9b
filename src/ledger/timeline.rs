//! A run over time: when its rows ended, and what made it wait.
//!
//! It is only for the chart of the run. It affects no decision and no row.

use super::{Ledger, LedgerError, ReadLedger, tally::Tally};
use rusqlite::Row;

/// What made a run wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// Graph answered 429 and asked for the wait.
    Asked,
    /// The network or the service was unavailable.
    Away,
}

impl PauseReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Away => "away",
        }
    }
}

/// A period in which nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When it began, in milliseconds since 1970.
    pub at: i64,
    /// The reason.
    pub hold: PauseReason,
    /// How long, in milliseconds.
    pub millis: i64,
    /// 429 answers during it.
    pub throttled: u64,
}

impl ReadLedger {
    /// The pauses of the run, in order of time.
    pub fn pauses(&self) -> Result<Vec<Pause>, LedgerError> {
        let mut select = self.connection.prepare("SELECT at, hold, millis, throttled FROM moment ORDER BY at")?;
        let moment = |row: &Row| {
            let hold = if row.get::<_, String>(1)? == PauseReason::Asked.as_str() {
                PauseReason::Asked
            } else {
                PauseReason::Away
            };
            Ok(Pause { at: row.get(0)?, hold, millis: row.get(2)?, throttled: row.get(3)? })
        };
        Ok(select.query_map((), moment)?.collect::<Result<_, _>>()?)
    }

    /// When rows that were sent have ended, in milliseconds since 1970, with the number at each time, in order.
    pub fn endings(&self) -> Result<Vec<(i64, u64)>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT settled_at FROM account
             WHERE (state = 'reset' OR state = 'failed' OR state = 'in_doubt') AND settled_at IS NOT NULL",
        )?;
        let (mut rows, mut endings) = (select.query(())?, Tally::new());
        while let Some(row) = rows.next()? {
            let at: i64 = row.get(0)?;
            *endings.at(|known| *known == at, || at) += 1;
        }
        let mut endings = endings.into_vec();
        endings.sort_unstable();
        Ok(endings)
    }
}

impl Ledger {
    /// Stores the pauses of a process.
    pub fn add_pauses(&mut self, pauses: &[Pause]) -> Result<(), LedgerError> {
        let transaction = self.read.connection.write()?;
        for moment in pauses {
            transaction.prepare_cached("INSERT INTO moment VALUES (?1, ?2, ?3, ?4)")?.execute((
                moment.at,
                moment.hold.as_str(),
                moment.millis,
                moment.throttled,
            ))?;
        }
        transaction.commit()
    }
}
