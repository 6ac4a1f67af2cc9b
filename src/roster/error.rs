//! Why a roster as a whole cannot be used.
//!
//! The errors are data, and their texts say what was found. What to do about them is for the caller to say, who knows
//! how its users name a column or a sheet.

use super::{
    fault::{ColumnValues, NoAccounts, Searched, Unclear, WorkbookFault},
    hidden::{HiddenRow, rows_are},
    only::Condition,
    origin::RowPlace,
    quote::{list, listed, quoted},
    role::ColumnRole,
    text_file::NotText,
};
use crate::util::sanitize;
use std::io;

/// A fault of the file, not of one row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// The file cannot be opened or read.
    #[error("{name} cannot be read: {source}")]
    Unreadable {
        /// The file's name, for display.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes are not a table.
    #[error("{name} is neither a CSV file nor a workbook (.xlsx): {why}")]
    NotText {
        /// The file's name, for display.
        name: String,
        /// What they are.
        why: NotText,
    },
    /// The file is larger than the limit.
    #[error("{name} has more than {} MiB, which is the limit", limit >> 20)]
    TooLarge {
        /// The file's name, for display.
        name: String,
        /// The maximum number of bytes.
        limit: u64,
    },
    /// An earlier run or a list of accounts has more rows than a roster can have.
    #[error("{name} has more rows than can be read as a roster")]
    TooManyRows {
        /// The run's name, or that of the first accounts, for display.
        name: String,
    },
    /// There is not one data row.
    #[error("{name} has no accounts: {found}")]
    Empty {
        /// The file's name, for display.
        name: String,
        /// What it has instead.
        found: NoAccounts,
    },
    /// The list of accounts is empty.
    #[error("no account is named")]
    NoUsers,
    /// A workbook cannot be read, or not completely.
    #[error("{name}: {fault}")]
    Workbook {
        /// The file's name, for display.
        name: String,
        /// What is wrong with it.
        fault: WorkbookFault,
    },
    /// The workbook has no sheet of this name or number.
    #[error("{name} has no sheet {} (sheets: {})", quoted(wanted), list(sheets))]
    UnknownSheet {
        /// The file's name, for display.
        name: String,
        /// The name or number that was given.
        wanted: String,
        /// The sheet whose name is nearest to it.
        near: Option<String>,
        /// All sheets with cells.
        sheets: Vec<String>,
    },
    /// The first sheet is not known to name accounts, and it is not certain which other one is meant.
    #[error(
        "{name}: sheet {} has no column that is known to name accounts, and others have: {}",
        quoted(first),
        list(sheets)
    )]
    SeveralSheets {
        /// The file's name, for display.
        name: String,
        /// The first sheet.
        first: String,
        /// The sheets that name accounts.
        sheets: Vec<String>,
    },
    /// Rows of the sheet are hidden, and nothing says what to do with them.
    #[error(
        "{name}: {} hidden in sheet {}, by a filter or by hand: {}",
        rows_are(*rows),
        quoted(sheet),
        HiddenRow::list(first, *rows)
    )]
    HiddenRows {
        /// The file's name, for display.
        name: String,
        /// The sheet.
        sheet: String,
        /// The number of hidden rows.
        rows: u64,
        /// The first few of them.
        first: Vec<HiddenRow>,
    },
    /// A sheet was named for a source that has none.
    #[error("{name} is not a workbook, so it has no sheets")]
    NoSheets {
        /// The file's name, for display.
        name: String,
    },
    /// A quotation mark opens a cell, and none closes it.
    #[error(
        "{name}, line {line}: the quotation mark that opens a cell here is not closed where the cell ends, so the rows \
         after it cannot be told apart"
    )]
    OpenQuote {
        /// The file's name, for display.
        name: String,
        /// The physical line with the quotation mark, from 1.
        line: u64,
    },
    /// There is an address above the likely header.
    #[error("{name}: {header} looks like the header, and {address} above it has an address that could be an account")]
    AddressAbove {
        /// The file's name, for display.
        name: String,
        /// The row with the address.
        address: RowPlace,
        /// The row of the likely header.
        header: RowPlace,
    },
    /// No column is known to hold the accounts.
    #[error(
        "{name}: no column is known to name the accounts (columns: {}){}{found}",
        listed(columns),
        looks_like_one(near.as_deref())
    )]
    NoColumn {
        /// The file's name, for display.
        name: String,
        /// The columns, each as it can be shown.
        columns: Vec<String>,
        /// The one column whose values look like user principal names: its name, or its number from 1.
        near: Option<String>,
        /// Where it was looked for.
        found: Box<Searched>,
    },
    /// More than one column could be meant, and a guess would write to the wrong accounts.
    #[error("{name}: {} could name the accounts, and {why}", both(columns))]
    UnclearColumns {
        /// The file's name, for display.
        name: String,
        /// The columns in question, each as it can be shown.
        columns: Vec<String>,
        /// Why none of them is chosen.
        why: Unclear,
        /// The same columns by name or number, as [`RosterOptions::upn_column`](super::RosterOptions::upn_column) takes
        /// them.
        choices: Vec<String>,
    },
    /// There is no column of this name or number.
    #[error("{name} has no column {} (columns: {}){found}", quoted(wanted), listed(columns))]
    UnknownColumn {
        /// The file's name, for display.
        name: String,
        /// The name or number that was given.
        wanted: String,
        /// What the column was named for.
        role: ColumnRole,
        /// The column that may be meant: its name, or its number from 1.
        near: Option<String>,
        /// The columns, each as it can be shown.
        columns: Vec<String>,
        /// Where it was looked for.
        found: Box<Searched>,
    },
    /// The header has this name twice.
    #[error("{name} has more than one column {}", quoted(wanted))]
    ManyColumns {
        /// The file's name, for display.
        name: String,
        /// The name that was given.
        wanted: String,
        /// What the column was named for.
        role: ColumnRole,
    },
    /// One column was named for both the accounts and the passwords.
    #[error("{name}: column {column} cannot hold both the accounts and the passwords")]
    SameColumn {
        /// The file's name, for display.
        name: String,
        /// The column, as it can be shown.
        column: String,
    },
    /// A condition names a column that may hold passwords.
    #[error("{name}: rows cannot be selected by column {}, because it may hold passwords", quoted(column))]
    ConditionOnPasswords {
        /// The roster's name, for display.
        name: String,
        /// The column.
        column: String,
    },
    /// A condition has a value that no row has.
    #[error(
        "{name} has no row with {} in column {}{}",
        value_shown(value),
        quoted(column),
        found.as_ref().map(ToString::to_string).unwrap_or_default()
    )]
    NoSuchValue {
        /// The roster's name, for display.
        name: String,
        /// The column.
        column: String,
        /// The value; an empty one stands for an empty cell.
        value: String,
        /// What the column has instead; `None` if that may not be shown.
        found: Option<Box<ColumnValues>>,
    },
    /// Each condition holds for some row, and no row meets all of them.
    #[error("{name}: no row meets {}", all_of(conditions))]
    NoRowMeets {
        /// The roster's name, for display.
        name: String,
        /// The conditions.
        conditions: Vec<Condition>,
    },
    /// The passwords of an earlier run's roster were not kept.
    #[error("{name} is an earlier run, and it did not keep the passwords of its roster's column")]
    PasswordsNotKept {
        /// The run's name, for display.
        name: String,
    },
}

impl RosterError {
    /// The columns that could be the account column, by name or number; empty if that is not the problem.
    #[must_use]
    pub fn choices(&self) -> &[String] {
        match self {
            Self::NoColumn { near, .. } => near.as_slice(),
            Self::UnclearColumns { choices, .. } => choices,
            _ => &[],
        }
    }
}

fn looks_like_one(near: Option<&str>) -> String {
    match near {
        None => String::new(),
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("; the values of column {number} look like user principal names")
        }
        Some(name) => format!("; the values of {} look like user principal names", quoted(name)),
    }
}

fn both(columns: &[String]) -> String {
    match columns {
        [one, other] => format!("both {one} and {other}"),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
        [] => String::new(),
    }
}

fn value_shown(value: &str) -> String {
    if value.is_empty() { "an empty cell".into() } else { quoted(value) }
}

fn all_of(conditions: &[Condition]) -> String {
    let shown: Vec<String> = conditions.iter().map(|one| sanitize::for_terminal(&one.to_string())).collect();
    shown.join(" and ")
}
