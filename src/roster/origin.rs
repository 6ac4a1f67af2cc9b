//! Where rows come from, and how a message says where a row is.
//!
//! It never reads anything. Invariant: a row's place is something that users can look up: a line, a row, or an account.

use crate::util::sanitize;
use std::fmt;

/// Where the rows came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A text file: rows have line numbers.
    Text,
    /// A sheet of a workbook, by name.
    Sheet(&'a str),
    /// An earlier run, by the name of its folder.
    Run(&'a str),
    /// Accounts from the command line, in its order.
    Users(&'a [String]),
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// The sheet, if the file is a workbook.
    pub sheet: Option<String>,
    /// The line of a text, or the row number of a sheet, from 1.
    pub line: u64,
}

impl RowPlace {
    pub(super) fn new(sheet: Option<&str>, line: u64) -> Self {
        Self { sheet: sheet.map(str::to_owned), line }
    }
}

impl fmt::Display for RowPlace {
    /// So that users can find it: `line 3`, `row 3 of sheet "Pupils"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place(self.sheet.as_deref(), self.line))
    }
}

impl<'a> From<Option<&'a str>> for Origin<'a> {
    fn from(sheet: Option<&'a str>) -> Self {
        sheet.map_or(Self::Text, Self::Sheet)
    }
}

impl Origin<'_> {
    /// Says that the row at `line` names the same account as the row at `first`.
    #[must_use]
    pub fn same_account(self, line: u64, first: u64) -> String {
        match self {
            Self::Text => format!("line {line}: this is the same account as on line {first}"),
            Self::Sheet(_) | Self::Run(_) => {
                format!("{}: this is the same account as in row {first}", place(self, line))
            }
            Self::Users(_) => format!("{}: this is the same account as {}", place(self, line), place(self, first)),
        }
    }
}

/// The place of a row, so that users can find it.
#[must_use]
pub fn place<'a>(origin: impl Into<Origin<'a>>, line: u64) -> String {
    match origin.into() {
        Origin::Text => format!("line {line}"),
        Origin::Sheet(sheet) => format!("row {line} of sheet \"{}\"", sanitize::for_terminal(sheet)),
        Origin::Run(run) => format!("row {line} of run {}", sanitize::for_terminal(run)),
        Origin::Users(users) => {
            let at = usize::try_from(line).ok().and_then(|line| line.checked_sub(1));
            at.and_then(|at| users.get(at))
                .map_or_else(|| format!("account {line}"), |user| sanitize::for_terminal(user))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_origin_names_its_rows() {
        let users = ["ann@contoso.com".to_owned()];
        for (origin, told) in [
            (Origin::Text, "line 1"),
            (Origin::from(Some("A\u{1b}B")), "row 1 of sheet \"A\u{FFFD}B\""),
            (Origin::Run("semester"), "row 1 of run semester"),
            (Origin::Users(&users), "ann@contoso.com"),
            (Origin::Users(&[]), "account 1"),
        ] {
            assert_eq!(place(origin, 1), told);
            assert!(origin.same_account(2, 1).contains("the same account"), "{told}");
        }
        assert_eq!(place(None, 7), "line 7");
    }
}
