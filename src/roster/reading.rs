//! Reads a file or standard input as a text or a sheet.
//!
//! It never reads more than [`BYTES_MAX`], because a pipe may be endless. It does not interpret cells.

use super::{RosterError, RosterOptions, source::Source, text, workbook};
use crate::{
    roster::text_file::{ReadError, Wanted, read, read_from},
    util::sanitize,
};
use std::path::Path;

/// Maximum size of a file: about five million rows of a hundred characters.
pub(super) const BYTES_MAX: u64 = 512 << 20;
/// The name of standard input on the command line, and for display.
const STDIN: (&str, &str) = ("-", "standard input");

/// Reads a whole file, or standard input if it is `-`; returns its display name as well.
///
/// # Errors
/// Fails if it cannot be read, or is too large.
pub fn read_file(source: &Path) -> Result<(String, Vec<u8>), RosterError> {
    let (name, bytes) = if source == Path::new(STDIN.0) {
        (STDIN.1.to_owned(), read_from(std::io::stdin().lock(), BYTES_MAX))
    } else {
        let name = source.file_name().unwrap_or(source.as_os_str());
        (sanitize::for_terminal(&name.to_string_lossy()), read(source, BYTES_MAX))
    };
    match bytes {
        Ok(bytes) => Ok((name, bytes)),
        Err(ReadError::Io(source)) => Err(RosterError::Unreadable { name, source }),
        Err(ReadError::TooLarge(limit)) => Err(RosterError::TooLarge { name, limit }),
    }
}

/// Reads a text or a workbook, depending on the bytes.
pub(super) fn source(name: &str, bytes: Vec<u8>, options: &RosterOptions) -> Result<Source, RosterError> {
    if workbook::is_one(&bytes) {
        return workbook::read(name, &bytes, options).map(|sheet| Source::Sheet(Box::new(sheet)));
    }
    match options.sheet {
        Some(_) => Err(RosterError::NoSheets { name: name.to_owned() }),
        None => text::decode(name, bytes, wanted(options)).map(Source::text),
    }
}

fn wanted(options: &RosterOptions) -> Wanted {
    match (options.encoding, options.only_accounts) {
        (Some(charset), _) => Wanted::Named(charset),
        (None, true) => Wanted::Roughly,
        (None, false) => Wanted::Found,
    }
}
