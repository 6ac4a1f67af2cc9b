//! What can go wrong with a ledger, with what to do about it.
//!
//! It only words errors; nothing here looks at a file.

use super::{FILE_NAME, trouble};
use crate::{clean, plan::PlanError, seal::SealError};
use std::path::{Path, PathBuf};

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
    /// No file system takes such a name.
    #[error("{}: the name is too long, or holds what this disk does not take; nothing was sent\nhint: give another name", clean::for_terminal(&.0.to_string_lossy()))]
    BadName(PathBuf),
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
    /// Something was added to the ledger's schema, changed in it or taken away.
    #[error(
        "{} was changed by another program: {what}; it was left untouched and nothing was sent\n\
         hint: restore the folder from a copy, or plan again", .file.display()
    )]
    Altered {
        /// The file.
        file: PathBuf,
        /// What was changed.
        what: String,
    },
    /// A newer release made the ledger.
    #[error(
        "{} was made by a newer passwave (schema {version}, and this one knows those up to {}); it was left untouched\n\
         hint: use that release, or a later one", .file.display(), super::schema::VERSION
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its schema.
        version: i32,
    },
    /// A row is not what was planned and approved.
    #[error(
        "row {row} of the ledger was changed after it was planned: {what}; nothing was sent to it\n\
         hint: restore the run folder from a copy, or plan again; whoever changed it may have changed more"
    )]
    Changed {
        /// The row.
        row: u64,
        /// What was changed.
        what: String,
    },
    /// Sessions are marked to be revoked, and nobody asked for that.
    #[error(
        "row {0} of the ledger is marked to have its sign-in sessions revoked, which neither the plan nor this call asks for; \
         nothing was sent to it\n\
         hint: add --revoke-sessions if that is meant; otherwise the ledger was changed by another program: restore it from a copy"
    )]
    NotAskedFor(u64),
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

impl LedgerError {
    /// Whether it says that somebody changed what was planned.
    pub(super) const fn is_about_a_change(&self) -> bool {
        matches!(self, Self::Changed { .. } | Self::NotAskedFor(_) | Self::Damaged { .. } | Self::NoPassword(_))
    }
}

impl LedgerError {
    /// Why the ledger of `folder` cannot be opened.
    pub(super) fn absent(folder: &Path, file: PathBuf, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
        match source.kind() {
            NotFound | NotADirectory => Self::NoRun(folder.to_owned()),
            InvalidFilename => Self::BadName(folder.to_owned()),
            _ => Self::File { file, source },
        }
    }
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
