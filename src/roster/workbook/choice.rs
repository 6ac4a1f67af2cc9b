//! Chooses the sheet of a workbook: the one that the user names, or the first visible one.
//!
//! If the first sheet has no address (for example, instructions), it is skipped if exactly one other sheet names
//! accounts. It never chooses between two: a first sheet without a known column may be the one that is meant.

use super::super::{RosterError, fault::NoAccounts, opening::Shows, sheet::Choice};
use crate::util::{sanitize, suggest::nearest};
use calamine::{Sheet, SheetType, SheetVisible};

/// The sheets of a workbook before one is chosen.
pub(super) struct Sheets<'a> {
    pub(super) file: &'a str,
    pub(super) all: &'a [Sheet],
    /// The index of the active sheet.
    pub(super) active: usize,
}

impl Sheets<'_> {
    /// The sheet with this name: exactly, otherwise ignoring case, otherwise by number from 1 among the visible sheets.
    pub(super) fn named(&self, wanted: &str) -> Result<Choice, RosterError> {
        let plain = sanitize::trim(wanted).to_lowercase();
        let numbered = || self.shown().get(plain.parse::<usize>().ok()?.checked_sub(1)?).copied();
        let found = self
            .readable()
            .find(|(_, sheet)| sheet.name == wanted)
            .or_else(|| self.readable().find(|(_, sheet)| sanitize::trim(&sheet.name).to_lowercase() == plain))
            .or_else(numbered);
        let (index, sheet) = found.ok_or_else(|| self.unknown(wanted))?;
        Ok(Choice { index, name: sheet.name.clone(), ..Choice::default() })
    }

    /// The first visible sheet, or the only one that names accounts if the first has none.
    pub(super) fn first(&self, mut shows: impl FnMut(&str) -> Shows) -> Result<Choice, RosterError> {
        let shown = self.shown();
        let Some((first, others)) = shown.split_first() else {
            return Err(RosterError::Empty { name: self.file.to_owned(), found: NoAccounts::NoSheet });
        };
        if others.is_empty() {
            return Ok(Choice { index: first.0, name: first.1.name.clone(), ..Choice::default() });
        }
        let seen: Vec<Shows> = shown.iter().map(|(_, sheet)| shows(&sheet.name)).collect();
        let naming: Vec<usize> = (0..shown.len()).filter(|at| seen[*at] == Shows::Accounts).collect();
        let chosen = match (seen[0], naming.as_slice()) {
            (Shows::Accounts, _) | (_, []) => 0,
            (Shows::Nothing, [only]) => *only,
            _ => return Err(self.several(first.1, naming.iter().map(|at| shown[*at].1))),
        };
        let name = |at: usize| shown[at].1.name.clone();
        let rest = || (0..shown.len()).filter(|at| *at != chosen);
        let is_active = |at: &usize| shown[*at].0 == self.active;
        let unread: Vec<usize> = rest().filter(|at| seen[*at] >= Shows::Addresses).collect();
        Ok(Choice {
            index: shown[chosen].0,
            name: name(chosen),
            passed: (chosen != 0).then(|| name(0)),
            active: unread.iter().copied().find(is_active).map(name),
            unread: unread.into_iter().map(name).collect(),
            others: rest().map(name).collect(),
        })
    }

    fn readable(&self) -> impl Iterator<Item = (usize, &Sheet)> {
        self.all.iter().enumerate().filter(|(_, sheet)| sheet.typ == SheetType::WorkSheet)
    }

    fn shown(&self) -> Vec<(usize, &Sheet)> {
        self.readable().filter(|(_, sheet)| sheet.visible == SheetVisible::Visible).collect()
    }

    fn several<'s>(&self, first: &Sheet, naming: impl Iterator<Item = &'s Sheet>) -> RosterError {
        RosterError::SeveralSheets {
            name: self.file.to_owned(),
            first: first.name.clone(),
            sheets: naming.map(|sheet| sheet.name.clone()).collect(),
        }
    }

    fn unknown(&self, wanted: &str) -> RosterError {
        let sheets: Vec<String> = self.readable().map(|(_, sheet)| sheet.name.clone()).collect();
        let near = nearest(wanted, sheets.iter().map(String::as_str)).map(str::to_owned);
        RosterError::UnknownSheet { name: self.file.to_owned(), wanted: wanted.to_owned(), near, sheets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheets() -> Vec<Sheet> {
        [
            ("Lists", SheetType::WorkSheet, SheetVisible::Hidden),
            ("Picture", SheetType::ChartSheet, SheetVisible::Visible),
            ("Pupils", SheetType::WorkSheet, SheetVisible::Visible),
            ("1", SheetType::WorkSheet, SheetVisible::Visible),
            ("Staff", SheetType::WorkSheet, SheetVisible::Visible),
        ]
        .map(|(name, typ, visible)| Sheet { name: name.into(), typ, visible })
        .into()
    }

    fn first(active: usize, shows: [Shows; 3]) -> Result<Choice, RosterError> {
        let (all, mut shows) = (sheets(), shows.into_iter());
        Sheets { file: "r.xlsx", all: &all, active }.first(|_| shows.next().expect("three are shown"))
    }

    #[test]
    fn finds_sheets_by_name_then_number() {
        let all = sheets();
        let sheets = Sheets { file: "r.xlsx", all: &all, active: 0 };
        for (wanted, found) in [("staff ", "Staff"), ("1", "1"), ("3", "Staff"), ("Lists", "Lists")] {
            let choice = sheets.named(wanted).expect("a sheet");
            assert_eq!((choice.name.as_str(), all[choice.index].name.as_str()), (found, found));
        }
    }

    #[test]
    fn unknown_sheet_lists_the_others() {
        let all = sheets();
        for wanted in ["Pupls", "0", "4", "", "Picture"] {
            let error = Sheets { file: "r.xlsx", all: &all, active: 0 }.named(wanted).expect_err(wanted);
            assert!(error.to_string().contains("(sheets: \"Lists\", \"Pupils\", \"1\", \"Staff\")"), "{error}");
            let RosterError::UnknownSheet { near, .. } = error else { panic!("{error}") };
            assert_eq!(near.as_deref(), (wanted == "Pupls").then_some("Pupils"), "{wanted}");
        }
        let hidden = Sheets { file: "r.xlsx", all: &all[..2], active: 0 }.first(|_| Shows::Accounts);
        assert!(hidden.expect_err("none").to_string().contains("shows no sheet"));
    }

    #[test]
    fn reads_the_first_useful_sheet() {
        use Shows::{Accounts, Addresses, Contact, Nothing};
        let choice = first(4, [Accounts, Nothing, Accounts]).expect("a sheet");
        assert_eq!((choice.name.as_str(), choice.passed, choice.unread), ("Pupils", None, vec!["Staff".to_owned()]));
        assert_eq!(choice.active.as_deref(), Some("Staff"));
        let choice = first(2, [Nothing, Nothing, Accounts]).expect("the only one");
        assert_eq!((choice.name.as_str(), choice.index, choice.passed.as_deref()), ("Staff", 4, Some("Pupils")));
        assert_eq!((choice.unread.len(), choice.active), (0, None));
        for unknown in [Contact, Addresses] {
            let error = first(2, [unknown, Accounts, Nothing]).expect_err("either may be meant").to_string();
            assert!(error.contains("\"Pupils\"") && error.contains("\"1\""), "{error}");
        }
        assert_eq!(first(2, [Nothing, Nothing, Addresses]).expect("a sheet").name, "Pupils", "then the error tells");
        let error = first(2, [Nothing, Accounts, Accounts]).expect_err("two").to_string();
        assert!(error.contains("others have: \"1\", \"Staff\""), "{error}");
    }
}
