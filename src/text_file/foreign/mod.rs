//! Files that go by the name of a CSV and are something else: what they are, and how to get a CSV file out of them.
//!
//! It looks at what is in a file and never at its name: portals call a web page `.xls`, and `> users.csv` after a command
//! writes whatever the command prints. `by_bytes` and `by_text` are certain, since no table begins like that.
//! [`printed`] is not: it explains a text in which no table has been found.
//!
//! Invariant: a table is never named as something else, even if its first cell begins with `<`, `[` or `{`.

mod bytes;
mod printed;
mod syntax;

pub(super) use bytes::by_bytes;
pub use printed::{is_underline, printed};
pub use syntax::by_text;

/// What a file is, and what to do about it, each as a part of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is: `it is a web page (HTML) …`.
    pub found: &'static str,
    /// A sentence that says how to get a file that can be read.
    pub cure: &'static str,
}

const fn foreign(found: &'static str, cure: &'static str) -> Foreign {
    Foreign { found, cure }
}

/// For whatever Excel opens.
pub(crate) const SAVE_AS_XLSX: &str = "Open it in Excel and save it as \"Excel Workbook (.xlsx)\"";
pub(crate) const SAVE_AS_CSV: &str = "Open it in Excel and save it as \"CSV UTF-8 (Comma delimited)\"";
/// For whatever is only wrapped.
const UNPACK: &str = "Unpack it first, and give the CSV file or workbook that is in it";
/// For whatever holds no table.
const EXPORT: &str = "Export the accounts as a CSV file or as an Excel workbook (.xlsx)";
/// For what PowerShell prints or keeps.
const EXPORT_CSV: &str = "In PowerShell, end the command with: | Select-Object UserPrincipalName, DisplayName | Export-Csv users.csv \
     -NoTypeInformation -Encoding UTF8";
