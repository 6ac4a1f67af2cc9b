//! Why a fleet cannot be made, opened or reported.

use crate::{JsonError, ledger::LedgerError, report::ReportError, roster::RosterError};
use std::{io, path::PathBuf};

/// Why a fleet cannot be made, opened or reported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// The folder exists already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The folder is no fleet, or its planning was cut off.
    #[error("{} is not a complete fleet: there is no fleet.json in it", .0.display())]
    Unfinished(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {}", .file.display(), .source)]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The fleet's file is damaged.
    #[error("{} cannot be read: {}", .file.display(), .source)]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: JsonError,
    },
    /// A newer release has made the fleet.
    #[error("{} was made by a newer release ({schema})", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        schema: String,
    },
    /// The fleet's file names a folder that is not one of the fleet's own.
    #[error("{} was changed: it names the folder {name:?}", .file.display())]
    Outside {
        /// The file.
        file: PathBuf,
        /// The folder's name.
        name: String,
    },
    /// Another process works on the fleet.
    #[error("another process works on {}", .0.display())]
    Locked(PathBuf),
    /// The roster cannot be read.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// A ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The reports cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
}
