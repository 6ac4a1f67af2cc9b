//! Whether the passwords of a run were removed, as the ledger notes it.

use super::{
    LedgerError,
    note::{self, NoteKey},
};
use rusqlite::Connection;

/// Whether the passwords of a run were removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Removal {
    /// They were not.
    #[default]
    Kept,
    /// They are no longer in the ledger's rows, but may still be in free space of its file or in a report.
    Begun(String),
    /// They were, at this time (RFC 3339).
    Ended(String),
}

impl Removal {
    pub(super) fn read(connection: &Connection) -> Result<Self, LedgerError> {
        let (begun, ended) =
            (note::read(connection, NoteKey::RemovalBegunAt)?, note::read(connection, NoteKey::RemovedAt)?);
        Ok(match (begun, ended) {
            (_, Some(at)) => Self::Ended(at),
            (Some(at), None) => Self::Begun(at),
            (None, None) => Self::Kept,
        })
    }

    /// When the passwords were taken out of the rows; `None` if they are still there.
    #[must_use]
    pub fn at(&self) -> Option<&str> {
        match self {
            Self::Kept => None,
            Self::Begun(at) | Self::Ended(at) => Some(at),
        }
    }
}
