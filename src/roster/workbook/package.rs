//! The archive that a workbook is: measured before anything in it is believed.
//!
//! A few kilobytes can claim to unpack to terabytes, or to hold so many strings that room for them cannot be had. So every
//! part is unpacked once, into nothing, and counted.

use super::Fault;
use quick_xml::{Reader, events::Event};
use std::io::{self, BufReader, Cursor, Read};
use zip::{ZipArchive, result::ZipError};

/// Bytes that all parts together may unpack to: a sheet of a million rows with ten columns has about as many.
pub(super) const UNPACKED_BYTES_MAX: u64 = 512 << 20;
/// Shared strings that a workbook may announce: the reader makes room for them at once.
pub(super) const STRINGS_MAX: u64 = 4 << 20;

/// The part that every workbook has somewhere, in whatever case.
const WORKBOOK: &str = "workbook.xml";
const STRINGS: &str = "sharedstrings.xml";

/// Whether the archive has the main part of a workbook.
pub(super) fn names_a_workbook(bytes: &[u8]) -> bool {
    ZipArchive::new(Cursor::new(bytes))
        .is_ok_and(|archive| archive.file_names().flatten().any(|name| name.to_ascii_lowercase().ends_with(WORKBOOK)))
}

/// Unpacks every part once, and refuses what is larger than it should be.
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
    Fault::Broken(error.to_string())
}

fn too_large() -> Fault {
    Fault::Large(format!("this workbook unpacks to more than {} MiB", UNPACKED_BYTES_MAX >> 20))
}

fn must_be_few(strings: u64) -> Result<(), Fault> {
    if strings <= STRINGS_MAX {
        return Ok(());
    }
    Err(Fault::Large(format!("this workbook announces {strings} texts")))
}

/// How many strings the part says that it holds; none where it does not say so in a way that would be believed. It is as
/// lenient as the reader, which would stop where this does.
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
