//! An error of SQLite; the type does not name the library that reported it.

use std::{error::Error, fmt};

/// Why SQLite could not read or write.
#[derive(Debug)]
pub struct SqlError(pub(super) rusqlite::Error);

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SqlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
