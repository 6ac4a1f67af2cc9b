//! Whether users have chosen a password of their own since the reset: what sweeps have found.
//!
//! It decides nothing, and changes no row. Invariant: a row that was claimed once stays claimed.

use super::{
    InDoubtRow, Ledger, LedgerError, ReadLedger,
    doubts::{COLUMNS, in_doubt_row},
    words::{Found, Word, among},
};
use rusqlite::{Row, params};
use serde::Serialize;

/// What a sweep has found about a row that was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// The password was changed after ours.
    Yes,
    /// Ours is still in force.
    No,
    /// The account could not be read.
    Unread,
}

impl ClaimState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Yes, Self::No, Self::Unread];

    /// The word in the ledger and in the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unread => "unread",
        }
    }
}

impl Word for ClaimState {
    fn word(self) -> &'static str {
        self.as_str()
    }

    fn parse(word: &str) -> Option<Self> {
        among(&Self::ALL, word)
    }
}

/// The numbers of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClaimCounts {
    /// Rows whose users have chosen a password of their own.
    pub yes: u64,
    /// Rows whose users have not.
    pub no: u64,
    /// Rows that could not be read.
    pub unread: u64,
}

impl ClaimCounts {
    /// All rows that were asked about.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.yes + self.no + self.unread
    }

    /// Counts one more row.
    pub fn add(&mut self, claimed: ClaimState) {
        *match claimed {
            ClaimState::Yes => &mut self.yes,
            ClaimState::No => &mut self.no,
            ClaimState::Unread => &mut self.unread,
        } += 1;
    }
}

/// A sweep that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What it found.
    pub claims: ClaimCounts,
}

/// A row that a sweep asks about.
pub struct ToSweep {
    /// When and how it was reset.
    pub reset: InDoubtRow,
    /// The profile of its password, as a word.
    pub profile: Option<String>,
}

impl ReadLedger {
    /// Up to `most` rows after `after` that were reset by `until` and are not known to be claimed.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn to_sweep(&self, until: i64, after: u64, most: usize) -> Result<Vec<ToSweep>, LedgerError> {
        let sql = format!(
            "{COLUMNS} LEFT JOIN claim USING (row)
             WHERE state = 'reset' AND coalesce(settled_at, 0) <= ?1 AND coalesce(claimed, 'no') <> 'yes' AND row > ?2
             ORDER BY row LIMIT ?3"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let each = |row: &Row<'_>| Ok(ToSweep { reset: in_doubt_row(row)?, profile: row.get(7)? });
        Ok(select.query_map((until, after, most), each)?.collect::<Result<_, _>>()?)
    }

    /// Whether any sweep has ended.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn is_swept(&self) -> Result<bool, LedgerError> {
        Ok(self.connection.query_row("SELECT EXISTS (SELECT 1 FROM sweep)", (), |row| row.get(0))?)
    }

    /// What is known about all rows together.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn claims(&self) -> Result<ClaimCounts, LedgerError> {
        let mut claims = ClaimCounts::default();
        self.for_each_claim(|_, claimed| claims.add(claimed))?;
        Ok(claims)
    }

    /// Passes each row that was asked about to `each`, in roster order.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn for_each_claim(&self, mut each: impl FnMut(u64, ClaimState)) -> Result<(), LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT row, claimed FROM claim ORDER BY row")?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            let Found(claimed) = row.get(1)?;
            each(row.get(0)?, claimed.unwrap_or(ClaimState::Unread));
        }
        Ok(())
    }

    /// All sweeps that have ended, in order of time.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn sweeps(&self) -> Result<Vec<Sweep>, LedgerError> {
        let mut select = self.connection.prepare("SELECT at, yes, no, unread FROM sweep ORDER BY rowid")?;
        let each = |row: &Row<'_>| {
            let claims = ClaimCounts { yes: row.get(1)?, no: row.get(2)?, unread: row.get(3)? };
            Ok(Sweep { at: row.get(0)?, claims })
        };
        Ok(select.query_map((), each)?.collect::<Result<_, _>>()?)
    }
}

impl Ledger {
    /// Stores what was found about some rows: the row, and when it was claimed.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn keep_claims(&mut self, found: &[(u64, ClaimState, Option<i64>)]) -> Result<(), LedgerError> {
        let transaction = self.read.connection.write()?;
        self.staged.write(&transaction)?;
        for (row, claimed, at) in found {
            let sql = "INSERT OR REPLACE INTO claim VALUES (?1, ?2, ?3)";
            transaction.prepare_cached(sql)?.execute(params![row, claimed.as_str(), at])?;
        }
        transaction.commit()
    }

    /// Notes that a sweep has ended, and returns what is known now.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn end_sweep(&self, at: i64) -> Result<ClaimCounts, LedgerError> {
        let claims = self.claims()?;
        let row = (at, claims.yes, claims.no, claims.unread);
        self.read.connection.change("INSERT INTO sweep VALUES (?1, ?2, ?3, ?4)", row)?;
        Ok(claims)
    }
}
