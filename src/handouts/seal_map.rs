//! Which group's file is sealed to whom: a CSV of group values and recipients of age.
//!
//! Invariant: with a map, no file is written for anybody but the recipients that it names for that group.

use crate::{
    clean,
    roster::{RosterError, read_file, table},
    seal::{Recipients, SealError, Sealing},
};
use csv::StringRecord;
use std::{collections::HashMap, path::Path};

/// How a recipient begins.
const PREFIX: &str = "age1";
/// How a secret key begins, which has no place here.
const SECRET_PREFIX: &str = "AGE-SECRET-KEY-";

/// Recipients by the value of their group.
#[derive(Debug, Default)]
pub struct SealMap(HashMap<String, Sealing>);

/// Why a map cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealMapError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] RosterError),
    /// A line is no pair of a group and a recipient.
    #[error(
        "{file}, line {line}: {why}\nhint: --seal-map takes a CSV with a group's value and a recipient (age1…) on each line; several lines for several recipients"
    )]
    Line {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl SealMap {
    /// Reads a map.
    ///
    /// # Errors
    /// Where the file cannot be read, or a line in it is no pair.
    pub fn open(file: &Path) -> Result<Self, SealMapError> {
        let name = clean::for_terminal(&file.display().to_string());
        Self::from_bytes(&name, read_file(file)?.1)
    }

    /// Reads a map that is in memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`SealMap::open`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, SealMapError> {
        let mut map = Self::default();
        for (nth, (line, cells)) in table(name, bytes)?.iter().enumerate() {
            let (group, recipient) = pair(cells);
            if nth == 0 && is_header(recipient) {
                continue;
            }
            let wrong = |why: String| SealMapError::Line { file: name.to_owned(), line: *line, why };
            if cells.iter().skip(2).any(|cell| !clean::trim(cell).is_empty()) {
                return Err(wrong("there are more than two cells on this line".into()));
            }
            let sealing = map.0.entry(group.to_owned()).or_default();
            sealing.add([recipient.to_owned()]).map_err(|error| wrong(first_line(&error)))?;
        }
        Ok(map)
    }

    /// Those of the group of that value; none where it is not named.
    pub(super) fn recipients(&self, group: &str) -> Option<Result<Recipients, SealError>> {
        self.0.get(group).map(|sealing| Recipients::parse(&sealing.recipients))
    }

    /// Whether the map names the group.
    pub(super) fn names(&self, group: &str) -> bool {
        self.0.contains_key(group)
    }

    /// The groups that it names.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn pair(cells: &StringRecord) -> (&str, &str) {
    let cell = |at: usize| cells.get(at).map_or("", clean::trim);
    (cell(0), cell(1))
}

/// What is neither a recipient nor a key that somebody has put there is the name of the column.
fn is_header(recipient: &str) -> bool {
    let begins = |prefix: &str| recipient.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    !begins(PREFIX) && !begins(SECRET_PREFIX)
}

/// A message without its hint, which is about a flag of its own.
fn first_line(error: &SealError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
