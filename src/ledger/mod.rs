//! The ledger: one SQLite file that holds the truth about a run, on disk before anything is sent.
//!
//! The plan goes in with one transaction ([`Ledger::create`]); each turn of the run takes facts in and hands intents out
//! with one more ([`Ledger::turn`]); the reports read it. All SQL is in this room. It never decides what an answer means
//! and never sends.
//!
//! Invariant: what a call of this room returned is synced to disk, except in a rehearsal, which has nothing to lose.

mod clocks;
mod course;
mod doubts;
mod fingerprint;
mod forms;
mod identity;
pub mod life;
mod lock;
mod lookup;
mod open;
mod place;
mod read;
mod renewal;
mod rescue;
mod sessions;
mod standing;
mod trouble;
mod turn;
mod vault;

pub use course::{Hold, Moment};
pub use doubts::{Doubtful, Verdict};
pub use identity::Identity;
pub use lookup::{KindCount, Looked, ToLookUp};
pub use open::{Created, Skipped};
pub use read::{Counts, Group, ReportRow, Session};
pub use renewal::ToRenew;
pub use sessions::{Revocation, RevocationEvent, SessionsDue};
pub use standing::Standing;
pub use turn::{Claimed, Claims, Fact, Facts};

use crate::{
    plan::{PlanError, Settings},
    seal::{Identities, Recipients, SealError},
};
use clocks::Clocks;
use place::Place;
use rusqlite::Connection;
use sessions::Sessions;
use std::path::{Path, PathBuf};
use vault::Vault;

/// The ledger's name in the run folder.
pub const FILE_NAME: &str = "ledger.db";

/// An open ledger. While it lives, no other process can work on the run.
pub struct Ledger {
    connection: Connection,
    folder: PathBuf,
    settings: Settings,
    vault: Vault,
    counts: Counts,
    sessions: Sessions,
    /// Rows beyond this one are not handed out.
    last_row: i64,
    /// How many milliseconds the directory's clock is ahead of ours.
    clock_ahead: i64,
    /// The same for each process of the run, and how exactly it is known.
    clocks: Clocks,
    /// Held, never read: the lock falls with it. None for a ledger that is only read, as is the place.
    _lock: Option<std::fs::File>,
    place: Option<Place>,
    /// Why nothing is handed out any more.
    displaced: Option<LedgerError>,
}

/// Why a ledger cannot be made, opened or kept.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The run folder is there already.
    #[error(
        "{} exists already, and a run folder is never overwritten\n\
         hint: name another one with --run-dir, or go on with the run in it", .0.display()
    )]
    Exists(PathBuf),
    /// The folder that the run folder is to be made in is not there.
    #[error("{} cannot be made: the folder above it does not exist; nothing was sent\nhint: make that folder first, or name another one with --run-dir", .0.display())]
    NoParent(PathBuf),
    /// There is no run folder, or no ledger in it.
    #[error("{} is no run folder: there is no {FILE_NAME} in it\nhint: give the folder that `passwave plan` or `reset` named", .0.display())]
    NoRun(PathBuf),
    /// Another process works on the run.
    #[error("another process works on {}: {}\nhint: wait until it ends, or stop it; nothing was sent by this one", .folder.display(), .holder)]
    Held {
        /// The run folder.
        folder: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// The file is not a ledger of passwave.
    #[error("{} is not a passwave ledger ({}); it was left untouched\nhint: check the folder's name", .file.display(), .why)]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// The file is damaged.
    #[error(
        "{} is damaged ({}); it was left untouched and nothing was sent\n\
         hint: restore the folder from a copy; `sqlite3 {FILE_NAME} .recover` saves what can be saved", .file.display(), .why
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// Planning was cut off.
    #[error("planning was cut off before {} was complete; nothing was sent\nhint: remove the folder and plan again", .0.display())]
    Unfinished(PathBuf),
    /// The plan could not be made, so there is no ledger.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A password cannot be sealed, or was refused when it was to be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A row did not stand as the run believed.
    #[error(
        "row {0} is not in flight in the ledger, yet an answer for it was to be recorded\nhint: this is a fault of passwave; please report it"
    )]
    OutOfStep(u64),
    /// A planned row holds no address.
    #[error(
        "row {0} of the ledger holds no user principal name, although it is planned; nothing was sent to it\nhint: the ledger was changed by another program; restore it from a copy"
    )]
    BadAddress(u64),
    /// A planned row holds no password.
    #[error(
        "row {0} of the ledger holds no password, although it is planned; nothing was sent to it\nhint: the ledger was changed by another program; restore it from a copy"
    )]
    NoPassword(u64),
    /// Files could not be made or read.
    #[error("{}: {}\nhint: check free space and permissions; what was recorded so far is safe", .file.display(), .source)]
    File {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The run folder was moved, or a part of it, while a process worked on it. Nothing is lost.
    #[error(
        "{} was moved or changed while passwave worked on it ({why}); it stopped, and all that was recorded is in {}\n\
         hint: {}", .folder.display(), whereabouts(.now.as_deref()), way_on(.now.as_deref())
    )]
    Moved {
        /// Where it was.
        folder: PathBuf,
        /// What was found instead.
        why: String,
        /// The folder in which the ledger is now, where that is known.
        now: Option<PathBuf>,
    },
    /// The run folder was removed while a process worked on it, and what was recorded was saved.
    #[error(
        "{} was removed while passwave worked on it; it stopped, and all that was recorded is in a new run folder, {}\n\
         hint: go on with that one", .folder.display(), .copy.display()
    )]
    Rescued {
        /// Where it was.
        folder: PathBuf,
        /// The new run folder.
        copy: PathBuf,
    },
    /// The run folder was removed while a process worked on it, and what was recorded could not be saved.
    #[error(
        "{} was removed while passwave worked on it, and what was recorded could not be saved: {why}\n\
         hint: a copy of that folder from before, if there is one, holds the passwords of the plan: go on \
         with it; without one, put all accounts of the roster into a new run", .folder.display()
    )]
    Removed {
        /// Where it was.
        folder: PathBuf,
        /// Why no copy could be made.
        why: String,
    },
    /// SQLite could not write or read.
    #[error(
        "the ledger could not be kept: {}\nhint: {}, then go on; what was recorded so far is safe",
        .0, trouble::cure(.0)
    )]
    Sql(#[from] rusqlite::Error),
    /// Settings in the ledger cannot be read.
    #[error("the ledger's settings cannot be read: {0}\nhint: it may be of another version of passwave; use that one")]
    Settings(#[from] serde_json::Error),
}

fn whereabouts(now: Option<&Path>) -> String {
    now.map_or_else(|| format!("{FILE_NAME}, wherever it is now"), |now| now.join(FILE_NAME).display().to_string())
}

fn way_on(now: Option<&Path>) -> String {
    match now {
        Some(now) => format!("go on with the run in {}", now.display()),
        None => "find the folder or bring it back, and go on with the run in it".into(),
    }
}

impl Ledger {
    /// The run folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What holds for the whole run.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// To whom the passwords are sealed; none where they stand in the clear.
    #[must_use]
    pub fn sealed_to(&self) -> Option<&Recipients> {
        Some(self.vault.keyring()?.recipients())
    }

    /// The number of the data key under which this process seals; none as long as it has sealed nothing.
    #[must_use]
    pub fn own_data_key(&self) -> Option<u32> {
        self.vault.keyring()?.own()
    }

    /// From now on reads the passwords that earlier processes sealed, with the key of one of the recipients. Does nothing
    /// where the run is not sealed.
    ///
    /// # Errors
    /// Where the key is not that of a recipient, or a data key was changed.
    pub fn unlock(&mut self, identities: &Identities) -> Result<(), LedgerError> {
        self.vault.unlock(&self.connection, identities)
    }

    /// How many rows stand where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What was noted under `name`, if anything.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn note(&self, name: &str) -> Result<Option<String>, LedgerError> {
        read::note(&self.connection, name)
    }

    /// Notes `value` under `name`, durably.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn set_note(&self, name: &str, value: &str) -> Result<(), LedgerError> {
        let mut insert = self.connection.prepare_cached("INSERT OR REPLACE INTO run VALUES (?1, ?2)")?;
        insert.execute((name, value))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::LedgerError;

    #[test]
    fn whoever_moved_the_folder_is_told_where_the_ledger_is_and_how_to_go_on() {
        let moved = |now: Option<&str>| LedgerError::Moved {
            folder: "wave".into(),
            why: "there is another folder".into(),
            now: now.map(Into::into),
        };
        let known = moved(Some("elsewhere")).to_string();
        assert!(known.contains("is in elsewhere") && known.contains("ledger.db"), "{known}");
        assert!(known.ends_with("go on with the run in elsewhere"), "{known}");
        let unknown = moved(None).to_string();
        assert!(unknown.contains("is in ledger.db, wherever it is now"), "{unknown}");
    }
}
