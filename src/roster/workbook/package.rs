//! The zip archive of a workbook: checked before anything in it is trusted.
//!
//! A few kilobytes can claim to unpack to terabytes, or to have more strings than fit into memory. So every part is
//! unpacked once, without keeping it, and counted.

use super::{Fault, WorkbookFault};
use quick_xml::{Reader, events::Event};
use std::io::{self, BufReader, Cursor, Read};
use zip::{ZipArchive, result::ZipError};

/// Maximum unpacked size of all parts together: about that of a million rows with ten columns.
pub(super) const UNPACKED_BYTES_MAX: u64 = 512 << 20;
/// Maximum number of shared strings that a workbook may announce: the reader allocates room for them at once.
pub(super) const STRINGS_MAX: u64 = 4 << 20;

/// The part that every workbook has somewhere, in any case.
const WORKBOOK: &str = "workbook.xml";
const STRINGS: &str = "sharedstrings.xml";

/// Whether the archive has the main part of a workbook.
pub(super) fn names_a_workbook(bytes: &[u8]) -> bool {
    ZipArchive::new(Cursor::new(bytes))
        .is_ok_and(|archive| archive.file_names().flatten().any(|name| name.to_ascii_lowercase().ends_with(WORKBOOK)))
}

/// Unpacks every part once, and refuses any that is too large.
pub(super) fn check(bytes: &[u8]) -> Result<(), Fault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut left = UNPACKED_BYTES_MAX;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(broken)?;
        let is_strings = part.name().map_err(broken)?.to_ascii_lowercase().ends_with(STRINGS);
        let unpacked = io::copy(&mut part.take(left + 1), &mut io::sink()).map_err(|error| broken(error.into()))?;
        left = left.checked_sub(unpacked).ok_or_else(too_large)?;
        if is_strings {
            let strings = announced(archive.by_index(at).map_err(broken)?);
            must_be_few(strings)?;
        }
    }
    Ok(())
}

pub(super) fn broken(error: ZipError) -> Fault {
    Fault::broken(&error.to_string())
}

fn too_large() -> Fault {
    WorkbookFault::TooLarge(UNPACKED_BYTES_MAX).into()
}

fn must_be_few(strings: u64) -> Result<(), Fault> {
    if strings <= STRINGS_MAX {
        return Ok(());
    }
    Err(WorkbookFault::TooManyTexts(strings).into())
}

/// How many strings the part announces; 0 if it does not do so in a form that would be believed. It is as lenient as
/// the reader, and stops at the same places.
fn announced(part: impl Read) -> u64 {
    let (mut reader, mut buffer) = (Reader::from_reader(BufReader::new(part)), Vec::new());
    reader.config_mut().check_end_names = false;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start) | Event::Empty(start)) if start.local_name().as_ref() == "sst" => {
                let mut attributes = start.attributes();
                let mut counts =
                    attributes.with_checks(false).flatten().filter(|one| one.key.as_ref() == "uniqueCount");
                return counts.find_map(|count| count.value.parse().ok()).unwrap_or_default();
            }
            Ok(Event::Eof) | Err(_) => return 0,
            Ok(_) => {}
        }
    }
}
