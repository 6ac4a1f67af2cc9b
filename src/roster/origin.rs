//! Where rows come from, and how a message says where one of them is.
//!
//! It never reads anything. Invariant: the place of a row is what a person can look for: a line, a row, or an account.

use crate::clean;

/// What the rows were read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A text: rows have lines.
    Text,
    /// A sheet of a workbook, by its name.
    Sheet(&'a str),
    /// An earlier run, by the name of its folder.
    Run(&'a str),
    /// Accounts that the command line names, in its order.
    Users(&'a [String]),
}

impl<'a> From<Option<&'a str>> for Origin<'a> {
    fn from(sheet: Option<&'a str>) -> Self {
        sheet.map_or(Self::Text, Self::Sheet)
    }
}

impl Origin<'_> {
    /// That the row at `line` names the same account as the one at `first`.
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

/// How people find a row again.
#[must_use]
pub fn place<'a>(origin: impl Into<Origin<'a>>, line: u64) -> String {
    match origin.into() {
        Origin::Text => format!("line {line}"),
        Origin::Sheet(sheet) => format!("row {line} of sheet \"{}\"", clean::for_terminal(sheet)),
        Origin::Run(run) => format!("row {line} of run {}", clean::for_terminal(run)),
        Origin::Users(users) => {
            let at = usize::try_from(line).ok().and_then(|line| line.checked_sub(1));
            at.and_then(|at| users.get(at)).map_or_else(|| format!("account {line}"), |user| clean::for_terminal(user))
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
