//! Which sheet of a workbook is read: the one that `--sheet` names, or the first that a person sees.
//!
//! A sheet in front that holds no address, such as instructions, is passed over if exactly one other sheet names accounts. It
//! never chooses between two: a list in front whose column is not known may be the one that is meant.

use super::super::{
    RosterError,
    opening::Shows,
    sheet::{Choice, list, quoted},
};
use crate::{clean, nearest::nearest};
use calamine::{Sheet, SheetType, SheetVisible};

/// The sheets of a workbook, before one of them is chosen.
pub(super) struct Sheets<'a> {
    pub(super) file: &'a str,
    pub(super) all: &'a [Sheet],
    /// The place of the sheet that is in front.
    pub(super) active: usize,
}

impl Sheets<'_> {
    /// The sheet with this name: to the letter, else without regard to case, else by its number from 1 among those shown.
    pub(super) fn named(&self, wanted: &str) -> Result<Choice, RosterError> {
        let plain = clean::trim(wanted).to_lowercase();
        let numbered = || self.shown().get(plain.parse::<usize>().ok()?.checked_sub(1)?).copied();
        let found = self
            .readable()
            .find(|(_, sheet)| sheet.name == wanted)
            .or_else(|| self.readable().find(|(_, sheet)| clean::trim(&sheet.name).to_lowercase() == plain))
            .or_else(numbered);
        let (index, sheet) = found.ok_or_else(|| self.unknown(wanted))?;
        Ok(Choice { index, name: sheet.name.clone(), ..Choice::default() })
    }

    /// The first sheet that is shown, or the only one that names accounts if that one holds none.
    pub(super) fn first(&self, mut shows: impl FnMut(&str) -> Shows) -> Result<Choice, RosterError> {
        let shown = self.shown();
        let Some((first, others)) = shown.split_first() else {
            return Err(RosterError::Empty {
                name: self.file.to_owned(),
                found: "the workbook shows no sheet with cells",
            });
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
            first: quoted(&first.name),
            sheets: list(&naming.map(|sheet| sheet.name.as_str()).collect::<Vec<_>>()),
        }
    }

    fn unknown(&self, wanted: &str) -> RosterError {
        let names: Vec<&str> = self.readable().map(|(_, sheet)| sheet.name.as_str()).collect();
        let near = nearest(wanted, names.iter().copied());
        RosterError::UnknownSheet {
            name: self.file.to_owned(),
            wanted: quoted(wanted),
            hint: near.map(|name| format!("\nhint: did you mean {}?", quoted(name))).unwrap_or_default(),
            sheets: list(&names),
        }
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
    fn a_sheet_is_found_by_name_then_by_number() {
        let all = sheets();
        let sheets = Sheets { file: "r.xlsx", all: &all, active: 0 };
        for (wanted, found) in [("staff ", "Staff"), ("1", "1"), ("3", "Staff"), ("Lists", "Lists")] {
            let choice = sheets.named(wanted).expect("a sheet");
            assert_eq!((choice.name.as_str(), all[choice.index].name.as_str()), (found, found));
        }
    }

    #[test]
    fn an_unknown_sheet_is_told_with_the_others() {
        let all = sheets();
        for wanted in ["Pupls", "0", "4", "", "Picture"] {
            let error = Sheets { file: "r.xlsx", all: &all, active: 0 }.named(wanted).expect_err(wanted).to_string();
            assert!(error.contains("Sheets: \"Lists\", \"Pupils\", \"1\", \"Staff\""), "{error}");
            assert_eq!(error.contains("did you mean \"Pupils\"?"), wanted == "Pupls", "{error}");
        }
        let hidden = Sheets { file: "r.xlsx", all: &all[..2], active: 0 }.first(|_| Shows::Accounts);
        assert!(hidden.expect_err("none").to_string().contains("shows no sheet"));
    }

    #[test]
    fn the_first_sheet_is_read_unless_it_holds_nothing() {
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
        assert!(error.contains("\"1\", \"Staff\"") && error.contains("--sheet"), "{error}");
    }
}
