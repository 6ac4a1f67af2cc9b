//! What to do about a roster, about another list of accounts, and about remarks on a roster.

use super::table;
use passwave::roster::{ColumnRole, NoAccounts, RemarkKind, RosterError, Searched, exclusions::ExclusionsError};

/// The flag that names a column for this purpose.
pub const fn flag(role: ColumnRole) -> &'static str {
    match role {
        ColumnRole::Accounts => "--upn-column",
        ColumnRole::Passwords => "--password-column",
        ColumnRole::Profiles => "--profile-column",
        ColumnRole::Languages => "--language-column",
        ColumnRole::Tenants => "--tenant-column",
        ColumnRole::Condition => "--where",
        ColumnRole::Names => "--name-column",
        ColumnRole::Groups => "--by",
    }
}

/// What to do about a roster, if that is known.
pub fn hint(error: &RosterError) -> Option<String> {
    let hint = match error {
        RosterError::Unreadable { .. } => "check the path and the permissions of the file",
        RosterError::NotText { why, .. } if why.is_encoding() => {
            return Some(format!("{}, or name its encoding with --encoding", table::of_text(why)));
        }
        RosterError::NotText { why, .. } => table::of_text(why),
        RosterError::Workbook { fault, .. } => table::of_workbook(fault),
        RosterError::TooLarge { .. } => {
            "keep only the columns that are needed, or split the file: a million rows of a hundred characters have about 100 MiB"
        }
        RosterError::TooManyRows { .. } => "plan from the roster's own file, or from parts of it",
        RosterError::Empty { found: NoAccounts::AllHidden, .. } => {
            "show these rows in Excel, or reset them as they are with --hidden-rows include"
        }
        RosterError::Empty { .. } => "give a CSV file or a workbook with one account in each row",
        RosterError::NoUsers => "name an account with --user",
        RosterError::SeveralSheets { .. } => "choose a sheet with --sheet",
        RosterError::HiddenRows { .. } => {
            "leave hidden rows out with --hidden-rows skip, or reset them too with --hidden-rows include"
        }
        RosterError::NoSheets { .. } => "leave --sheet out, or give a workbook (.xlsx)",
        RosterError::OpenQuote { .. } => "close it, or double it if it belongs to the text",
        RosterError::AddressAbove { .. } => {
            "remove the rows above the header, or the header if the rows above it are part of the list"
        }
        RosterError::PasswordsNotKept { .. } => {
            "leave --password-column out to have new passwords made, or give the roster's own file"
        }
        error => return of_choice(error),
    };
    Some(hint.into())
}

/// What to do if a column, a sheet or a value is not there, or could be another one.
fn of_choice(error: &RosterError) -> Option<String> {
    let named = |flag: &str| format!("{flag} takes a column's name or its number, from 1");
    Some(match error {
        RosterError::UnknownSheet { near, .. } => {
            meant(near.as_deref(), "--sheet takes a sheet's name or its number, from 1".into())
        }
        RosterError::NoColumn { near, found, .. } => match near {
            Some(near) => {
                with_searched(format!("if it is that one, add {}", with_value(ColumnRole::Accounts, near)), found)
            }
            None => with_searched("name the column with --upn-column".into(), found),
        },
        RosterError::UnclearColumns { choices, .. } => {
            let flags: Vec<String> = choices.iter().map(|choice| with_value(ColumnRole::Accounts, choice)).collect();
            format!("say which one does: {}", flags.join(" or "))
        }
        RosterError::UnknownColumn { near: Some(near), role, .. } => meant(Some(near), named(flag(*role))),
        RosterError::UnknownColumn { near: None, role, found, .. } => with_searched(named(flag(*role)), found),
        RosterError::ManyColumns { role, .. } => format!("give {} the column's number instead, from 1", flag(*role)),
        RosterError::SameColumn { .. } => "give --upn-column and --password-column different columns".into(),
        RosterError::ConditionOnPasswords { .. } => "select the rows by another column with --where".into(),
        RosterError::NoSuchValue { found, .. } => {
            let near = found.as_ref().and_then(|found| found.near.as_deref());
            meant(near, "--where COLUMN=VALUE takes a value of that column; case does not matter".into())
        }
        RosterError::NoRowMeets { .. } => "a row must meet every --where: leave one of them out, or correct it".into(),
        _ => return None,
    })
}

/// A column flag with its value, ready to paste.
fn with_value(role: ColumnRole, choice: &str) -> String {
    let is_number = choice.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("{} {choice}", flag(role)) } else { format!("{} \"{choice}\"", flag(role)) }
}

/// The nearest name, before the rule for names.
fn meant(near: Option<&str>, rule: String) -> String {
    let is_number = |near: &str| near.bytes().all(|byte| byte.is_ascii_digit());
    match near.map(passwave::util::sanitize::for_terminal) {
        None => rule,
        Some(near) if is_number(&near) => format!("did you mean number {near}? {rule}"),
        Some(near) => format!("did you mean \"{near}\"? {rule}"),
    }
}

/// Adds what else may be wrong if a column was looked for in the wrong place.
fn with_searched(mut hint: String, found: &Searched) -> String {
    if found.guessed_header.is_some() {
        hint.push_str("; if titles stand above the header, remove them");
    }
    if !found.other_sheets.is_empty() {
        hint.push_str("; --sheet chooses another sheet");
    }
    hint
}

/// What to do about a list of accounts that must not be touched. The flags for a roster do not apply to it.
pub fn of_exclusions(error: &ExclusionsError) -> Option<String> {
    match error {
        ExclusionsError::Roster(error) => of_other_list(error, "--exclude"),
        ExclusionsError::Entry { .. } => Some(
            "every row of --exclude must name an account, or one that must not be touched would be; correct the row"
                .into(),
        ),
        _ => None,
    }
}

/// What to do about a file that is not the roster, which `flag` names.
pub fn of_other_list(error: &RosterError, flag: &str) -> Option<String> {
    match error {
        RosterError::NotText { why, .. } => Some(table::of_text(why).into()),
        RosterError::UnclearColumns { .. } | RosterError::NoColumn { .. } => {
            Some(format!("give {flag} a file with only the column that names the accounts"))
        }
        RosterError::SeveralSheets { .. } => {
            Some(format!("give {flag} a file with only the sheet that names the accounts"))
        }
        RosterError::Empty { .. } => Some(format!("give {flag} a file with one account in each row")),
        error => hint(error),
    }
}

/// What to do about a remark on a roster, if there is anything to do.
pub const fn of_remark(remark: &RemarkKind) -> Option<&'static str> {
    match remark {
        RemarkKind::Encoding { doubtful: false, .. } => Some("choose another encoding with --encoding"),
        RemarkKind::Encoding { doubtful: true, .. } => {
            Some("name the encoding with --encoding (windows-1251, gbk, …), or save the file as CSV UTF-8")
        }
        RemarkKind::SheetsUnread { .. } => Some("choose one with --sheet"),
        RemarkKind::Joined { .. } => Some("check that this line is not a header"),
        RemarkKind::Above { .. }
        | RemarkKind::SheetPassed { .. }
        | RemarkKind::HiddenRows { .. }
        | RemarkKind::HiddenColumn { .. } => None,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passwave::roster::{Roster, RosterOptions, exclusions::Exclusions};

    fn refused(text: &str, change: impl Fn(&mut RosterOptions)) -> RosterError {
        let mut options = RosterOptions::default();
        change(&mut options);
        Roster::from_bytes("pupils.csv", text.into(), &options).err().expect("refused")
    }

    #[test]
    fn each_role_has_its_flag() {
        let text = "upn,Form,Form,Notes\nann@c.com,7A,7A,new\n";
        for (change, words) in [
            (
                &(|options: &mut RosterOptions| options.upn_column = Some("upm".into())) as &dyn Fn(&mut RosterOptions),
                "did you mean \"upn\"? --upn-column",
            ),
            (&|options| options.password_column = Some("form".into()), "give --password-column the column's number"),
            (&|options| options.profile_column = Some("x".into()), "--profile-column takes"),
            (&|options| options.language_column = Some("Note".into()), "did you mean \"Notes\"? --language-column"),
            (
                &|options| options.only = vec!["Note=new".parse().expect("a condition")],
                "did you mean \"Notes\"? --where",
            ),
            (
                &|options| options.only = vec!["Notes=nwe".parse().expect("a condition")],
                "did you mean \"new\"? --where",
            ),
            (&|options| options.sheet = Some("1".into()), "leave --sheet out"),
        ] {
            let hint = hint(&refused(text, change)).expect("a hint");
            assert!(hint.starts_with(words), "{words}: {hint}");
        }
    }

    #[test]
    fn account_columns_are_ready_to_paste() {
        let columns = refused("Login,Email\na@c.com,b@c.com\n", |_| {});
        assert_eq!(
            hint(&columns).as_deref(),
            Some("say which one does: --upn-column \"Login\" or --upn-column \"Email\"")
        );
        let number = refused("Email 2026,Office 365 name\nx,y@c.com\n", |_| {});
        let hint = hint(&number).expect("a hint");
        assert!(hint.contains("--upn-column 2") && hint.contains("titles"), "{hint}");
    }

    #[test]
    fn encodings_can_be_named() {
        let hint = |bytes: &[u8]| {
            let error = Roster::from_bytes("r.csv", bytes.to_vec(), &RosterOptions::default()).err().expect("refused");
            (hint(&error).expect("a hint"), of_other_list(&error, "--exclude").expect("a hint"))
        };
        let (roster, other) = hint(b"upn\nJ\x81rgen\n");
        assert!(
            roster.contains("--encoding")
                && other == "save it as CSV in UTF-8 (in Excel: \"CSV UTF-8 (Comma delimited)\")"
        );
        let (roster, other) = hint(b"%PDF-1.7");
        assert!(roster.starts_with("export the accounts") && roster == other, "{roster}");
        assert!(hint(b"<html><table>").0.contains("save it as"));
        assert!(hint(b"[{\"upn\": \"a\"}]").0.contains("Export-Csv"));
        assert!(hint(b"PK\x03\x04 xl/worksheets/sheet1.xml").0.starts_with("copy or download it again"));
    }

    #[test]
    fn exclusions_have_no_roster_flags() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("keep.csv");
        for text in ["Login,Email\nglass@contoso.com,it@contoso.com\n", "Room,Login\n7,glass@contoso.com\n", "Login\n"]
        {
            std::fs::write(&file, text).expect("written");
            let hint = of_exclusions(&Exclusions::open(&file).expect_err(text)).expect("a hint");
            assert!(hint.starts_with("give --exclude") && !hint.contains("--upn-column"), "{hint}");
        }
    }
}
