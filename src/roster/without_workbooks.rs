//! Replaces the workbook modules in a program without them: the same names, and a refusal.

use super::{RosterError, RosterOptions, fault::WorkbookFault, sheet::Sheet};

/// Whether it may be a workbook: here, any zip archive.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Refuses it.
pub(super) fn read(name: &str, _: &[u8], _: &RosterOptions) -> Result<Sheet, RosterError> {
    Err(RosterError::Workbook { name: name.to_owned(), fault: WorkbookFault::NotBuilt })
}
