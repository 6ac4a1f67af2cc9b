//! Which sheet of a workbook is read: the one that `--sheet` names, or the first that a person sees.

use super::super::RosterError;
use crate::{clean, nearest::nearest};
use calamine::{Sheet, SheetType, SheetVisible};

/// Most sheets that a message lists.
const LISTED_MAX: usize = 40;

/// The name of the sheet: to the letter, else without regard to case, else by its number from 1 among those that are shown.
pub(super) fn of(file: &str, sheets: &[Sheet], wanted: Option<&str>) -> Result<String, RosterError> {
    let readable = || sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let shown: Vec<&Sheet> = readable().filter(|sheet| sheet.visible == SheetVisible::Visible).collect();
    let Some(wanted) = wanted else {
        let none = || RosterError::Empty { name: file.to_owned(), found: "the workbook shows no sheet with cells" };
        return shown.first().map(|sheet| sheet.name.clone()).ok_or_else(none);
    };
    let plain = clean::trim(wanted).to_lowercase();
    let found = readable()
        .find(|sheet| sheet.name == wanted)
        .or_else(|| readable().find(|sheet| clean::trim(&sheet.name).to_lowercase() == plain))
        .or_else(|| shown.get(plain.parse::<usize>().ok()?.checked_sub(1)?).copied());
    found.map(|sheet| sheet.name.clone()).ok_or_else(|| unknown(file, &readable().collect::<Vec<_>>(), wanted))
}

fn unknown(file: &str, sheets: &[&Sheet], wanted: &str) -> RosterError {
    let quoted = |name: &str| format!("\"{}\"", clean::for_terminal(name));
    let near = nearest(wanted, sheets.iter().map(|sheet| sheet.name.as_str()));
    let mut listed: Vec<String> = sheets.iter().take(LISTED_MAX).map(|sheet| quoted(&sheet.name)).collect();
    if sheets.len() > LISTED_MAX {
        listed.push(format!("and {} more", sheets.len() - LISTED_MAX));
    }
    RosterError::UnknownSheet {
        name: file.to_owned(),
        wanted: quoted(wanted),
        hint: near.map(|name| format!("\nhint: did you mean {}?", quoted(name))).unwrap_or_default(),
        sheets: listed.join(", "),
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

    #[test]
    fn a_sheet_is_found_by_name_then_by_number() {
        for (wanted, found) in [
            (None, "Pupils"),
            (Some("staff "), "Staff"),
            (Some("1"), "1"),
            (Some("3"), "Staff"),
            (Some("Lists"), "Lists"),
        ] {
            assert_eq!(of("r.xlsx", &sheets(), wanted).expect("a sheet"), found);
        }
    }

    #[test]
    fn without_it_the_message_shows_the_way() {
        for wanted in ["Pupls", "0", "4", "", "Picture"] {
            let error = of("r.xlsx", &sheets(), Some(wanted)).expect_err(wanted).to_string();
            assert!(error.contains("Sheets: \"Lists\", \"Pupils\", \"1\", \"Staff\""), "{error}");
            assert_eq!(error.contains("did you mean \"Pupils\"?"), wanted == "Pupls", "{error}");
        }
        let hidden: Vec<Sheet> = sheets().into_iter().take(2).collect();
        assert!(of("r.xlsx", &hidden, None).expect_err("none").to_string().contains("shows no sheet"));
    }
}
