//! What can go wrong with a ledger.
//!
//! An error says what happened, in fields and in words. What to do about it is up to the program around the library.

use super::{FILE_NAME, StorageFault, sql_error::SqlError, trouble};
use crate::{
    JsonError,
    plan::PlanError,
    seal::SealError,
    util::{
        sanitize,
        windows_name::{self, NameFault},
    },
};
use std::path::{Path, PathBuf};

/// Why a ledger cannot be made, opened or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The run folder is there already.
    #[error(
        "{} exists already, and a run folder is never overwritten", .0.display()
    )]
    Exists(PathBuf),
    /// The folder that the run folder is to be made in is not there.
    #[error("{} cannot be made: the folder above it does not exist; nothing was sent", .0.display())]
    NoParent(PathBuf),
    /// The system takes no such name.
    #[error("{}: {}; nothing was sent", sanitize::for_terminal(&.folder.to_string_lossy()), why_not(.fault.as_ref()))]
    BadName {
        /// The name.
        folder: PathBuf,
        /// What is wrong with it, if that is known.
        fault: Option<NameFault>,
    },
    /// There is no run folder, or no ledger in it.
    #[error("{} is not a run folder: there is no {FILE_NAME} in it", .0.display())]
    NoRun(PathBuf),
    /// Another process works on the run.
    #[error("another process works on {}: {}", .folder.display(), .holder)]
    Locked {
        /// The run folder.
        folder: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// The file is not a ledger of passwave.
    #[error("{} is not a passwave ledger ({}); it was left untouched", .file.display(), .why)]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// The file is damaged.
    #[error(
        "{} is damaged ({}); it was left untouched and nothing was sent", .file.display(), .why
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// Something was added to the ledger's schema, changed in it or taken away.
    #[error(
        "{} was changed by another program: {what}; it was left untouched and nothing was sent", .file.display()
    )]
    Altered {
        /// The file.
        file: PathBuf,
        /// What was changed.
        what: String,
    },
    /// A newer release made the ledger.
    #[error(
        "{} was made by a newer passwave (schema {version}; this one supports up to {}); it was left untouched", .file.display(), super::version::VERSION
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its schema.
        version: i32,
    },
    /// A row is not what was planned and approved.
    #[error("row {row} of the ledger was changed after it was planned: {what}; nothing was sent to it")]
    Changed {
        /// The row.
        row: u64,
        /// What was changed.
        what: String,
    },
    /// The plan did not ask for sessions to be revoked, but the ledger marks some.
    #[error(
        "row {0} of the ledger is marked to have its sign-in sessions revoked, which neither the plan nor this call asks for; \
         nothing was sent to it"
    )]
    NotAskedFor(u64),
    /// Planning was cut off.
    #[error("planning was cut off before {} was complete; nothing was sent", .0.display())]
    Unfinished(PathBuf),
    /// The plan could not be made, so there is no ledger.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A password cannot be sealed, or a sealed password was refused.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The ledger has a row in another state than the run expects.
    #[error("row {0} is not in flight in the ledger, but an answer for it was about to be recorded")]
    OutOfStep(u64),
    /// A planned row has no address.
    #[error("row {0} of the ledger has no user principal name, although it is planned; nothing was sent to it")]
    BadAddress(u64),
    /// A planned row has no password.
    #[error("row {0} of the ledger has no password, although it is planned; nothing was sent to it")]
    NoPassword(u64),
    /// A file could not be created or read.
    #[error("{}: {}", .file.display(), .source)]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The run folder, or a part of it, was moved while a process worked on it. Nothing is lost.
    #[error(
        "{} was moved or changed while passwave worked on it ({why}), so it stopped; everything recorded so far is in {}", .folder.display(), location_words(.now.as_deref())
    )]
    Moved {
        /// Where it was.
        folder: PathBuf,
        /// What was found instead.
        why: String,
        /// The folder in which the ledger is now, if that is known.
        now: Option<PathBuf>,
    },
    /// The run folder was removed while a process worked on it, and the recorded data was saved.
    #[error(
        "{} was removed while passwave worked on it, so it stopped; everything recorded so far is in a new run folder, {}", .folder.display(), .copy.display()
    )]
    Rescued {
        /// Where it was.
        folder: PathBuf,
        /// The new run folder.
        copy: PathBuf,
    },
    /// The run folder was removed while a process worked on it, and the recorded data could not be saved.
    #[error(
        "{} was removed while passwave worked on it, and what was recorded could not be saved: {why}", .folder.display()
    )]
    Removed {
        /// Where it was.
        folder: PathBuf,
        /// Why no copy could be made.
        why: String,
    },
    /// The ledger is on a server, and something is wrong there.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    Postgres(#[from] super::server_error::PostgresError),
    /// The passwords are asked for, and were removed.
    #[error("the passwords of the run in {} were removed ({})", .folder.display(), sanitize::for_terminal(.at))]
    PasswordsRemoved {
        /// The run folder.
        folder: PathBuf,
        /// When.
        at: String,
    },
    /// The passwords are to be removed, and are still needed.
    #[error("the run in {} has not ended, so its passwords are still needed ({left} left to do); nothing was removed", .folder.display())]
    NotEnded {
        /// The run folder.
        folder: PathBuf,
        /// Rows and sessions that are left.
        left: u64,
    },
    /// SQLite could not write or read.
    #[error(
        "the ledger could not be read or written: {}",
        .0
    )]
    Sql(#[source] SqlError),
    /// Settings in the ledger cannot be read.
    #[error("the ledger's settings cannot be read: {0}")]
    Settings(#[source] JsonError),
}

/// A dependency's error, which only this folder turns into one of its own. So no public signature names the dependency.
pub(super) trait Cause {
    fn into_error(self) -> LedgerError;
}

impl Cause for rusqlite::Error {
    fn into_error(self) -> LedgerError {
        LedgerError::Sql(SqlError(self))
    }
}

impl Cause for serde_json::Error {
    fn into_error(self) -> LedgerError {
        LedgerError::Settings(JsonError(self))
    }
}

impl<E: Cause> From<E> for LedgerError {
    fn from(cause: E) -> Self {
        cause.into_error()
    }
}

impl LedgerError {
    /// Whether it reports that somebody changed the plan.
    pub(super) const fn is_about_a_change(&self) -> bool {
        matches!(self, Self::Changed { .. } | Self::NotAskedFor(_) | Self::Damaged { .. } | Self::NoPassword(_))
    }
}

impl LedgerError {
    /// The storage problem, if this is one.
    #[must_use]
    pub fn storage(&self) -> Option<StorageFault> {
        match self {
            Self::Sql(error) => Some(trouble::fault(&error.0)),
            _ => None,
        }
    }

    /// The system takes no such name.
    pub(super) fn bad_name(folder: &Path) -> Self {
        Self::BadName { folder: folder.to_owned(), fault: windows_name::fault(folder) }
    }

    /// Why the ledger of `folder` cannot be opened.
    pub(super) fn absent(folder: &Path, file: PathBuf, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
        match source.kind() {
            NotFound | NotADirectory => Self::NoRun(folder.to_owned()),
            InvalidFilename => Self::bad_name(folder),
            _ => Self::File { file, source },
        }
    }
}

fn why_not(fault: Option<&NameFault>) -> String {
    fault.map_or_else(
        || "the name is too long, or has characters that this disk does not allow".into(),
        ToString::to_string,
    )
}

fn location_words(now: Option<&Path>) -> String {
    now.map_or_else(|| format!("{FILE_NAME}, wherever it is now"), |now| now.join(FILE_NAME).display().to_string())
}

#[cfg(test)]
mod tests {
    use super::LedgerError;

    #[test]
    fn moved_folder_error_names_its_place() {
        let moved = |now: Option<&str>| LedgerError::Moved {
            folder: "wave".into(),
            why: "there is another folder".into(),
            now: now.map(Into::into),
        };
        let known = moved(Some("elsewhere")).to_string();
        assert!(known.contains("is in elsewhere") && known.contains("ledger.db"), "{known}");
        let unknown = moved(None).to_string();
        assert!(unknown.contains("is in ledger.db, wherever it is now"), "{unknown}");
    }
}
