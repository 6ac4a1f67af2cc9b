//! Why JSON could not be read or written; the type does not name the library that did it.

use std::{error::Error, fmt};

/// Why JSON could not be read or written.
#[derive(Debug)]
pub struct JsonError(pub(crate) serde_json::Error);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for JsonError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
