//! The recipients of each group's file: a CSV of group values and age recipients.
//!
//! Invariant: with a map, every file is sealed only to the recipients that it names for that group.

use crate::{
    roster::{Cells, RosterError, read_file, table},
    seal::{Recipients, SealError, Sealing},
    util::sanitize,
};
use std::{collections::HashMap, path::Path};

/// The start of a recipient.
const PREFIX: &str = "age1";
/// The start of a secret key, which does not belong here.
const SECRET_PREFIX: &str = "AGE-SECRET-KEY-";

/// Recipients by group value.
#[derive(Debug, Default)]
pub struct SealMap(HashMap<String, Sealing>);

/// Why a map cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealMapError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] RosterError),
    /// A line has more than a group and a recipient.
    #[error("{file}, line {line}: there are more than two cells on this line")]
    TooManyCells {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: u64,
    },
    /// A line has no usable recipient.
    #[error("{file}, line {line}: {error}")]
    Recipient {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: u64,
        /// Why it cannot be used.
        error: SealError,
    },
}

impl SealMap {
    /// Reads a map.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or a line is not a pair.
    pub fn open(file: &Path) -> Result<Self, SealMapError> {
        let name = sanitize::for_terminal(&file.display().to_string());
        Self::from_bytes(&name, read_file(file)?.1)
    }

    /// Reads a map from memory; `name` is its name in messages.
    ///
    /// # Errors
    /// Fails like [`SealMap::open`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, SealMapError> {
        let mut map = Self::default();
        for (nth, (line, cells)) in table(name, bytes)?.iter().enumerate() {
            let (group, recipient) = pair(cells);
            if nth == 0 && is_header(recipient) {
                continue;
            }
            let (file, line) = (name.to_owned(), *line);
            if cells.iter().skip(2).any(|cell| !sanitize::trim(cell).is_empty()) {
                return Err(SealMapError::TooManyCells { file, line });
            }
            let sealing = map.0.entry(group.to_owned()).or_default();
            sealing.add([recipient.to_owned()]).map_err(|error| SealMapError::Recipient { file, line, error })?;
        }
        Ok(map)
    }

    /// The recipients of the group with that value; `None` if the map does not name it.
    pub(super) fn recipients(&self, group: &str) -> Option<Result<Recipients, SealError>> {
        self.0.get(group).map(|sealing| Recipients::parse(&sealing.recipients))
    }

    /// Whether the map names the group.
    pub(super) fn names(&self, group: &str) -> bool {
        self.0.contains_key(group)
    }

    /// The groups in the map.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn pair(cells: &Cells) -> (&str, &str) {
    let cell = |at: usize| cells.get(at).map_or("", sanitize::trim);
    (cell(0), cell(1))
}

/// Whether a first cell is the column's name: it is neither a recipient nor a key.
fn is_header(recipient: &str) -> bool {
    let begins = |prefix: &str| recipient.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    !begins(PREFIX) && !begins(SECRET_PREFIX)
}
