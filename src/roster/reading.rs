//! From a file, or standard input, to a text or a sheet.
//!
//! It never reads more than [`BYTES_MAX`], since a pipe may have no end. It gives no cell a meaning.

use super::{RosterError, RosterOptions, source::Source, text, workbook};
use crate::{
    clean,
    text_file::{ReadError, Wanted, read, read_from},
};
use std::path::Path;

/// Most bytes of a file that are read: about five million rows of a hundred letters.
pub(super) const BYTES_MAX: u64 = 512 << 20;
/// How standard input is named on the command line, and to people.
const STDIN: (&str, &str) = ("-", "standard input");

/// Reads a file, or standard input if it is `-`, whole; with its name for people.
///
/// # Errors
/// Returns an error if it cannot be read, or holds more than is read.
pub fn read_file(source: &Path) -> Result<(String, Vec<u8>), RosterError> {
    let (name, bytes) = if source == Path::new(STDIN.0) {
        (STDIN.1.to_owned(), read_from(std::io::stdin().lock(), BYTES_MAX))
    } else {
        let name = source.file_name().unwrap_or(source.as_os_str());
        (clean::for_terminal(&name.to_string_lossy()), read(source, BYTES_MAX))
    };
    match bytes {
        Ok(bytes) => Ok((name, bytes)),
        Err(ReadError::Io(source)) => Err(RosterError::Unreadable { name, source }),
        Err(ReadError::TooLarge(limit)) => Err(RosterError::TooLarge { name, limit }),
    }
}

/// Reads a text or a workbook, whichever the bytes are.
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
