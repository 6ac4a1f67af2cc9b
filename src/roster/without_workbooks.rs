//! In the place of workbooks, in a program that is built without them: the same names, and a refusal.

use super::{RosterError, RosterOptions, sheet::Sheet};
use crate::text_file::foreign::SAVE_AS_CSV;

/// Whether it may be one: as far as is known here, any zip archive.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Refuses it.
pub(super) fn read(name: &str, _: &[u8], _: &RosterOptions) -> Result<Sheet, RosterError> {
    let found = "it looks like a workbook (.xlsx), and this passwave is built without the feature `xlsx`".to_owned();
    Err(RosterError::Workbook { name: name.to_owned(), found, cure: SAVE_AS_CSV })
}
