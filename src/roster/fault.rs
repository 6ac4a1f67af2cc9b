//! Parts of errors about a roster: what is wrong with a workbook, why there are no accounts, and what was found in place
//! of a column or a value.
//!
//! They are data. Each text says what was found, as a part of a sentence, and never what to do.

use super::{
    origin::RowPlace,
    quote::{list, quoted},
};
use std::fmt;

/// How many values of a column a message lists.
const VALUES_LISTED_MAX: usize = 8;

/// Why a workbook cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkbookFault {
    /// It breaks the rules of its format; the text says how.
    #[error("this workbook cannot be read ({0})")]
    Broken(String),
    /// Unpacked, it has more than this many bytes.
    #[error("this workbook unpacks to more than {} MiB", .0 >> 20)]
    TooLarge(u64),
    /// It announces this many texts, which is more than can be read.
    #[error("this workbook announces {0} texts")]
    TooManyTexts(u64),
    /// The sheet has more cells or more text than can be read.
    #[error("its sheet has more than 32 million cells or more than 512 MiB of text")]
    TooManyCells,
    /// A cell has a formula, and the file does not have its result. This is the cell's name, such as `B7`.
    #[error("cell {0} has a formula without its result")]
    NoResult(String),
    /// This build cannot read workbooks.
    #[error("it looks like a workbook (.xlsx), and passwave was built without the feature `xlsx`")]
    NotBuilt,
}

/// What a file has instead of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoAccounts {
    /// Nothing.
    NoText,
    /// A header, and no row after it.
    OnlyHeader,
    /// Only rows that Excel does not show.
    AllHidden,
    /// No visible sheet.
    NoSheet,
}

impl fmt::Display for NoAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoText => "there is no text in it",
            Self::OnlyHeader => "there is a header and no row after it",
            Self::AllHidden => "all rows below its header are hidden",
            Self::NoSheet => "the workbook shows no sheet with cells",
        })
    }
}

/// Why none of several columns is chosen for the accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unclear {
    /// They differ, first in this row.
    Differ(RowPlace),
    /// No name in the header says which of them it is.
    NoName,
    /// The column with this name is called like one of accounts, and most of its values are not addresses.
    FewAddresses(String),
    /// The user names without a domain are not those of the mail addresses, first in this row.
    OtherUsers(RowPlace),
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differ(row) => write!(f, "they differ, first on {row}"),
            Self::NoName => f.write_str("no name in the header says which of them does"),
            Self::FewAddresses(column) => write!(f, "most values of {column} are not addresses"),
            Self::OtherUsers(row) => {
                write!(f, "the user names without a domain are not those of the mail addresses, first on {row}")
            }
        }
    }
}

/// Where a column was looked for, if that may explain why it was not found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Searched {
    /// The first row, if it was taken for the header although nothing shows that it is one.
    pub guessed_header: Option<RowPlace>,
    /// The sheet that was read, if the workbook shows other sheets.
    pub sheet: Option<String>,
    /// These other sheets.
    pub other_sheets: Vec<String>,
}

impl fmt::Display for Searched {
    /// Continues a sentence; empty if nothing explains it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = &self.guessed_header {
            write!(f, "; the first row ({row}) was taken for the header")?;
        }
        if let Some(sheet) = &self.sheet {
            write!(f, "; sheet {} was read, and not {}", quoted(sheet), list(&self.other_sheets))?;
        }
        Ok(())
    }
}

/// What a column has instead of a value that no row has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnValues {
    /// Its different values, in the order of the rows; not all of them if there are many.
    pub some: Vec<String>,
    /// The one that may be meant.
    pub near: Option<String>,
}

impl fmt::Display for ColumnValues {
    /// Continues a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { some, .. } = self;
        if some.is_empty() {
            return f.write_str("; all cells of this column are empty");
        }
        let more = if some.len() > VALUES_LISTED_MAX { ", …" } else { "" };
        write!(f, " (values: {}{more})", list(&some[..some.len().min(VALUES_LISTED_MAX)]))
    }
}
