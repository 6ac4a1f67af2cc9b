//! Files that are called CSV but are something else: what they are, and how to get a CSV file from them.
//!
//! It looks at the content and never at the file's name: portals call a web page `.xls`, and `> users.csv` after a
//! command saves whatever the command prints. `by_bytes` and `by_text` are certain, because no table begins like that.
//! [`printed`] is not: it explains a text in which no table was found.
//!
//! Invariant: a table is never taken for something else, even if its first cell begins with `<`, `[` or `{`.

mod bytes;
mod printed;
mod syntax;

pub(super) use bytes::by_bytes;
pub use printed::{is_underline, printed};
pub use syntax::by_text;

use std::fmt;

/// What a file is, and how to get a table from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is, as a part of a sentence: `it is a web page (HTML) …`.
    pub found: &'static str,
    /// How to get a readable file.
    pub remedy: Remedy,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.found)
    }
}

const fn foreign(found: &'static str, remedy: Remedy) -> Foreign {
    Foreign { found, remedy }
}

/// How to get a table from a file of another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Save it as a workbook, with a program that opens it.
    SaveAsWorkbook,
    /// Save it as CSV, with a program that opens it.
    SaveAsCsv,
    /// Save it as a workbook that is not locked.
    Unlock,
    /// Save it as a workbook, from LibreOffice or Excel.
    SaveFromLibreOffice,
    /// Export it from Apple Numbers.
    ExportFromNumbers,
    /// Copy its table into a workbook.
    CopyTable,
    /// Get the file again, or have Excel repair it.
    GetAgain,
    /// Unpack the file that is in it.
    Unpack,
    /// Save the file that is attached to it.
    SaveAttachment,
    /// Export the accounts from the program that has them.
    Export,
    /// Have PowerShell write CSV in place of what it shows.
    ExportFromPowerShell,
    /// Have the Azure CLI or PowerShell write CSV in place of JSON.
    ExportInPlaceOfJson,
    /// Have PowerShell read its own XML, and write CSV.
    ConvertClixml,
    /// Have the directory's tools write CSV.
    ExportFromDirectory,
    /// Fetch the file that Git LFS keeps.
    FetchFromLfs,
}
