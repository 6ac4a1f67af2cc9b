//! Why a roster as a whole cannot be used: what was found, that nothing was sent, and what to do next.

use std::io;

/// A fault of the file, not of one row. Nothing has been sent when it is met.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// The file cannot be opened or read.
    #[error("{name} cannot be read: {source}; nothing was sent. Check the path and the permissions of the file")]
    Unreadable {
        /// The file, as shown to people.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes are no text.
    #[error("{name} is neither a CSV file nor a workbook (.xlsx): {found}; nothing was sent. {cure}")]
    NotText {
        /// The file, as shown to people.
        name: String,
        /// What it is.
        found: String,
        /// How to come to a file that can be read.
        cure: String,
    },
    /// The file holds more than is read.
    #[error(
        "{name} holds more than {} MiB, which is the limit; nothing was sent. Keep only the columns that are needed, or split \
         the file: a million rows of a hundred letters have about 100 MiB", limit >> 20
    )]
    TooLarge {
        /// The file, as shown to people.
        name: String,
        /// The most bytes that are read.
        limit: u64,
    },
    /// Not one data row: an empty file, or only a header.
    #[error(
        "{name} holds no accounts: {found}; nothing was sent. Give a CSV file or a workbook with one account in each row"
    )]
    Empty {
        /// The file, as shown to people.
        name: String,
        /// What stands in it instead.
        found: &'static str,
    },
    /// A workbook cannot be read, or not in full.
    #[error("{name}: {found}; nothing was sent. {cure}")]
    Workbook {
        /// The file, as shown to people.
        name: String,
        /// What is wrong with it.
        found: String,
        /// How to come to one that can be read.
        cure: &'static str,
    },
    /// `--sheet` names a sheet that is not there.
    #[error("{name} has no sheet {wanted} (--sheet); nothing was sent. Sheets: {sheets}{hint}")]
    UnknownSheet {
        /// The file, as shown to people.
        name: String,
        /// What the flag asked for.
        wanted: String,
        /// The nearest name, as a text to add; or nothing.
        hint: String,
        /// The sheets that there are.
        sheets: String,
    },
    /// The first sheet is not known to name accounts, and it is not certain which other is meant.
    #[error(
        "{name}: sheet {first} has no column that is known to name accounts, and others have: {sheets}; nothing was sent. Choose \
         a sheet with --sheet"
    )]
    SeveralSheets {
        /// The file, as shown to people.
        name: String,
        /// The first sheet.
        first: String,
        /// Those that name accounts.
        sheets: String,
    },
    /// Rows of the sheet are hidden, and no flag says what is to become of them.
    #[error(
        "{name}: {} hidden in sheet \"{sheet}\", by a filter or by hand: {named}; nothing was sent. Leave hidden rows out with \
         --hidden-rows skip, or reset them too with --hidden-rows include",
        super::hidden::rows_are(*rows)
    )]
    HiddenRows {
        /// The file, as shown to people.
        name: String,
        /// The sheet.
        sheet: String,
        /// How many there are.
        rows: u64,
        /// The first few of them.
        named: String,
    },
    /// `--sheet` was given for a file that has none.
    #[error(
        "{name} is no workbook, so it has no sheets; nothing was sent. Leave --sheet out, or give a workbook (.xlsx)"
    )]
    NoSheets {
        /// The file, as shown to people.
        name: String,
    },
    /// A quotation mark opens a cell that swallows what follows it.
    #[error(
        "{name}, line {line}: the quotation mark that opens a cell here is not closed where the cell ends, so the rows \
         after it cannot be told apart; nothing was sent. Close it, or double it where it belongs to the text"
    )]
    OpenQuote {
        /// The file, as shown to people.
        name: String,
        /// The physical line, from 1, on which the quotation mark stands.
        line: u64,
    },
    /// An address stands above what looks like the header.
    #[error(
        "{name}: {header} looks like the header, and {address} above it holds an address that could be an account; nothing \
         was sent. Remove what stands above the header, or the header if the rows above it are part of the list"
    )]
    AddressAbove {
        /// The file, as shown to people.
        name: String,
        /// Where the address stands.
        address: String,
        /// Where the header stands.
        header: String,
    },
    /// No column is known to hold the accounts.
    #[error(
        "{name}: no column is known to name the accounts; nothing was sent. Say which one with --upn-column{hint}. \
         Columns: {columns}"
    )]
    NoColumn {
        /// The file, as shown to people.
        name: String,
        /// The columns that were seen.
        columns: String,
        /// The one column whose values look like user principal names, as a text to add; or nothing.
        hint: String,
        /// That column as the flag names it, if there is one.
        choices: Vec<String>,
    },
    /// More than one column could be meant, and a guess would write to the wrong accounts.
    #[error("{name}: {columns} could name the accounts, and {why}; nothing was sent. Say which one does: {flags}")]
    UnclearColumns {
        /// The file, as shown to people.
        name: String,
        /// All of them, as shown to people.
        columns: String,
        /// Why none of them is taken.
        why: String,
        /// The flags, one of which says it.
        flags: String,
        /// Each column as the flag names it.
        choices: Vec<String>,
    },
    /// A flag names a column that is not there.
    #[error("{name} has no column {wanted} ({flag}); nothing was sent. Columns: {columns}{hint}")]
    UnknownColumn {
        /// The file, as shown to people.
        name: String,
        /// What the flag asked for.
        wanted: String,
        /// The flag.
        flag: &'static str,
        /// The nearest name, as a text to add; or nothing.
        hint: String,
        /// The columns that were seen.
        columns: String,
    },
    /// A flag names a column whose name stands in the header twice.
    #[error("{name} has more than one column {wanted} ({flag}); nothing was sent. Give its number instead, from 1")]
    ManyColumns {
        /// The file, as shown to people.
        name: String,
        /// What the flag asked for.
        wanted: String,
        /// The flag.
        flag: &'static str,
    },
    /// One column is to be both the account and the password.
    #[error(
        "{name}: column {column} cannot hold both the accounts and the passwords; nothing was sent. \
         Give --upn-column and --password-column different columns"
    )]
    SameColumn {
        /// The file, as shown to people.
        name: String,
        /// The column.
        column: String,
    },
    /// `--where` names a column that may hold passwords.
    #[error(
        "{name}: rows are not chosen by column {column} (--where), which may hold passwords; nothing was sent. Choose them \
         by another column"
    )]
    WherePassword {
        /// The roster, as shown to people.
        name: String,
        /// The column.
        column: String,
    },
    /// `--where` asks for a value that stands in no row.
    #[error("{name} has no row with {value} in column {column} (--where); nothing was sent{found}")]
    WhereValue {
        /// The roster, as shown to people.
        name: String,
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// What stands in the column instead, as a text to add; or nothing.
        found: String,
    },
    /// Each condition holds for some row, and no row meets all of them.
    #[error("{name}: no row meets {conditions} (--where); nothing was sent. Leave one of them out, or correct it")]
    WhereNone {
        /// The roster, as shown to people.
        name: String,
        /// The conditions.
        conditions: String,
    },
    /// `--password-column` names a column of an earlier run, which keeps no passwords of its roster.
    #[error(
        "{name} is an earlier run, which did not keep the passwords of its roster's column (--password-column); nothing was \
         sent. Leave the flag out to have new passwords made, or give the roster's own file"
    )]
    PasswordsNotKept {
        /// The run, as shown to people.
        name: String,
    },
}

impl RosterError {
    /// The columns, any of which `--upn-column` may be meant to name; none if that is not what is wrong.
    #[must_use]
    pub fn choices(&self) -> &[String] {
        match self {
            Self::NoColumn { choices, .. } | Self::UnclearColumns { choices, .. } => choices,
            _ => &[],
        }
    }
}
