//! Records of the tenant's audit log: what has to be found, and what was.
//!
//! It decides nothing about a record. Invariant: what was found is replaced as a whole, by the next reading of the log.

use super::{
    Ledger, LedgerError, ReadLedger,
    note::{self, NoteKey},
    request_id::request_id,
    words::{Found, Word, among},
};
use jiff::Timestamp;
use rusqlite::{Row, params};
use serde::Serialize;

/// How a record was recognized, besides by its account and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditMatch {
    /// By nothing else.
    Time,
    /// Its correlation id is our id of a batch of the run.
    Batch,
    /// Its correlation id is our id of this very request.
    Request,
}

impl AuditMatch {
    const ALL: [Self; 3] = [Self::Time, Self::Batch, Self::Request];

    /// The word in the ledger and in the evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Batch => "batch",
            Self::Request => "request",
        }
    }
}

impl Word for AuditMatch {
    fn word(self) -> &'static str {
        self.as_str()
    }

    fn parse(word: &str) -> Option<Self> {
        among(&Self::ALL, word)
    }
}

/// A record about the reset of a row. The texts are foreign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    /// Its id in the log.
    pub record: String,
    /// What it is about: `Reset user password`.
    pub activity: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// `success` or `failure`.
    pub result: Option<String>,
    /// How it was recognized.
    pub matched: AuditMatch,
}

/// The time in which a run wrote, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditWindow {
    /// The first write, or earlier.
    pub from: i64,
    /// The last one.
    pub to: i64,
}

/// A row that was sent, as its record in the log has to look.
pub struct Audited {
    /// The row of the roster.
    pub row: u64,
    /// The account's object id, if it was looked up.
    pub object_id: Option<String>,
    /// The account's name in the roster.
    pub user_principal_name: String,
    /// When it was sent last, and when it ended, in milliseconds since 1970.
    pub sent_at: i64,
    /// When it ended; the same if that is not known.
    pub settled_at: i64,
    /// Our ids of all its requests, as the bits of GUIDs.
    pub client_request_ids: Vec<u128>,
}

impl ReadLedger {
    /// The time in which the run wrote; `None` if it has sent nothing.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn audit_window(&self) -> Result<Option<AuditWindow>, LedgerError> {
        let sql =
            "SELECT min(sent_at), max(max(coalesce(settled_at, sent_at), sent_at)) FROM account WHERE attempts > 0";
        let (sent, to): (Option<i64>, Option<i64>) =
            self.connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
        // Only the last attempt of a row has its time, so the first one of all may be earlier.
        let begun = note::read(&self.connection, NoteKey::BegunAt)?.and_then(|at| at.parse::<Timestamp>().ok());
        let begun = begun.map(Timestamp::as_millisecond);
        Ok(sent.zip(to).map(|(sent, to)| AuditWindow { from: begun.map_or(sent, |begun| begun.min(sent)), to }))
    }

    /// Passes each row that was ever sent to `each`, in roster order.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn for_each_audited(&self, mut each: impl FnMut(Audited)) -> Result<(), LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT row, object_id, roster.user_principal_name, coalesce(sent_at, 0), settled_at, attempts
             FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row) WHERE attempts > 0 ORDER BY row",
        )?;
        let mut rows = select.query(())?;
        while let Some(found) = rows.next()? {
            let (row, sent_at) = (found.get(0)?, found.get(3)?);
            // Others may have changed the number.
            let attempts = found.get::<_, u64>(5)?.min(ATTEMPTS_MAX);
            each(Audited {
                row,
                object_id: found.get(1)?,
                user_principal_name: found.get(2)?,
                sent_at,
                settled_at: found.get::<_, Option<i64>>(4)?.unwrap_or(sent_at),
                client_request_ids: (1..=attempts).map(|attempt| request_id(&self.run_id, row, attempt)).collect(),
            });
        }
        Ok(())
    }

    /// When the audit log was read last, in RFC 3339; `None` if it never was.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn audit_read_at(&self) -> Result<Option<String>, LedgerError> {
        note::read(&self.connection, NoteKey::AuditReadAt)
    }

    /// The record about a row, if one was found.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn audit_of(&self, row: u64) -> Result<Option<AuditNote>, LedgerError> {
        let mut select =
            self.connection.prepare_cached("SELECT record, activity, at, result, matched FROM audit WHERE row = ?1")?;
        let note = |found: &Row<'_>| {
            let Found(matched) = found.get(4)?;
            Ok(AuditNote {
                record: found.get(0)?,
                activity: found.get(1)?,
                at: found.get(2)?,
                result: found.get(3)?,
                matched: matched.unwrap_or(AuditMatch::Time),
            })
        };
        Ok(select.query_map([row], note)?.next().transpose()?)
    }
}

/// The most attempts of a row whose ids are computed.
const ATTEMPTS_MAX: u64 = 1_000;

impl Ledger {
    /// Replaces what is known of the audit log, as it was read `at` (RFC 3339).
    ///
    /// # Errors
    /// Fails if the ledger cannot be written; what was known before is then kept.
    pub fn keep_audit(&self, at: &str, found: &[(u64, AuditNote)]) -> Result<(), LedgerError> {
        let write = self.read.connection.write()?;
        // With a condition, SQLite reports each row, as a server needs.
        write.execute_batch("DELETE FROM audit WHERE true")?;
        for (row, note) in found {
            let sql = "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let AuditNote { record, activity, at, result, matched } = note;
            write.prepare_cached(sql)?.execute(params![row, record, activity, at, result, matched.as_str()])?;
        }
        note::write(&write, NoteKey::AuditReadAt, at)?;
        write.commit()
    }
}
