//! What the list says about one run.

use passwave::{
    ledger::{ClaimCounts, Counts, Ledger, LedgerError, ReadLedger},
    outcome::Status,
    util::sanitize,
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt, path::Path};

/// One run.
#[derive(Serialize)]
pub struct Entry {
    pub run_dir: String,
    pub roster: String,
    pub rehearsal: bool,
    pub state: RunState,
    /// In RFC 3339.
    pub planned_at: Option<String>,
    /// The tenant, once it is known.
    pub tenant_id: Option<String>,
    pub rows: u64,
    pub counts: BTreeMap<&'static str, u64>,
    pub passwords: Passwords,
    /// Whether users have chosen passwords of their own, once a sweep has asked.
    pub claimed: Option<ClaimCounts>,
}

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It has not started.
    Planned,
    /// It has started, and rows are left.
    Unfinished,
    Finished,
}

/// What is left of the passwords in a run folder.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Passwords {
    /// Everybody who can read the folder can read them.
    Readable,
    /// Only the recipients can read them.
    Sealed,
    /// There are none.
    None,
}

/// A folder or ledger that could not be read.
#[derive(Serialize)]
pub struct Unreadable {
    run_dir: String,
    pub error: String,
}

impl Unreadable {
    /// `error` names the folder or a file in it.
    pub fn new(folder: &Path, error: &impl fmt::Display) -> Self {
        Self { run_dir: plain(&folder.display().to_string()), error: error.to_string() }
    }
}

impl Entry {
    /// Reads the ledger of a run folder. Returns `None` if it belongs to another program.
    pub fn read(folder: &Path) -> Result<Option<Self>, Unreadable> {
        let ledger = match Ledger::open_to_read(folder) {
            Err(LedgerError::Foreign { .. }) => return Ok(None),
            opened => opened,
        };
        let entry = ledger.and_then(|ledger| Self::of(folder, &ledger));
        entry.map(Some).map_err(|error| Unreadable::new(folder, &error))
    }

    fn of(folder: &Path, ledger: &ReadLedger) -> Result<Self, LedgerError> {
        let (counts, settings) = (ledger.counts(), ledger.settings());
        Ok(Self {
            run_dir: plain(&folder.display().to_string()),
            roster: plain(&settings.roster),
            rehearsal: settings.rehearsal,
            state: RunState::of(ledger.has_begun()?, counts),
            planned_at: ledger.planned_at()?.as_deref().map(plain),
            tenant_id: ledger.signed_in()?.tenant_id.as_deref().map(plain),
            rows: counts.rows(),
            counts: Status::ALL.into_iter().map(|status| (status.as_str(), counts.of(status))).collect(),
            passwords: Passwords::of(ledger)?,
            claimed: if ledger.is_swept()? { Some(ledger.claims()?) } else { None },
        })
    }

    /// Whether it started, and has not ended.
    pub fn is_unfinished(&self) -> bool {
        self.state == RunState::Unfinished
    }

    /// Whether anyone with the folder can read passwords that may be in force.
    pub fn has_readable_passwords(&self) -> bool {
        !self.rehearsal && self.passwords == Passwords::Readable
    }
}

fn plain(text: &str) -> String {
    sanitize::line(text).into_owned()
}

impl RunState {
    const fn of(has_begun: bool, counts: Counts) -> Self {
        match (counts.planned + counts.in_flight + counts.sessions_due + counts.sessions_in_flight, has_begun) {
            (0, _) => Self::Finished,
            (_, true) => Self::Unfinished,
            (_, false) => Self::Planned,
        }
    }

    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Unfinished => "unfinished",
            Self::Finished => "finished",
        }
    }
}

impl Passwords {
    fn of(ledger: &ReadLedger) -> Result<Self, LedgerError> {
        Ok(match (ledger.has_passwords()?, ledger.sealed_to()) {
            (false, _) => Self::None,
            (true, Some(_)) => Self::Sealed,
            (true, None) => Self::Readable,
        })
    }

    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Readable => "readable",
            Self::Sealed => "sealed",
            Self::None => "none",
        }
    }
}
