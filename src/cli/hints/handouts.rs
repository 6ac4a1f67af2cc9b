//! What to do about handouts that cannot be made.

use passwave::{
    handouts::{HandoutError, SealMapError, SignInError, TemplateError},
    util::windows_name::NameFault,
};
use std::io;

/// What to do next, if that is known.
pub fn hint(error: &HandoutError) -> Option<String> {
    let hint = match error {
        HandoutError::Ledger(error) => return super::ledger::hint(error),
        HandoutError::Template(error) => return of_template(error),
        HandoutError::Seal(error) => return super::seal::hint(error),
        HandoutError::Column(error) => return super::roster::hint(error),
        HandoutError::NotInRun { near: Some(near), .. } => {
            return Some(format!("did you mean {near:?}? report.csv has all rows"));
        }
        HandoutError::NotInRun { near: None, .. } => "report.csv has all rows",
        HandoutError::InSealedRun => {
            "name a folder outside of it with --out DIR, or seal each file to its own readers with --by and --seal-map"
        }
        HandoutError::Cells(_) => "the ledger is damaged; restore the folder from a copy",
        HandoutError::NotSwept => "`passwave sweep` asks the directory who has chosen a password",
        HandoutError::NoneMeets(_) => "report.csv has the values of all rows",
        HandoutError::Nobody => "`passwave run` sends what is planned; report.csv says how each row ended",
        HandoutError::Sealed(_) => "give the key with --identity KEYFILE, or --passphrase",
        HandoutError::NoRecipient(_) => {
            "add a line for each of them: its value, and the recipient that may read its slips"
        }
        HandoutError::Exists(_) => "remove it, or name another one with --out",
        HandoutError::NoParent(_) => "create that folder first, or name another one with --out",
        HandoutError::LeftBehind(_) => "remove it, and try again",
        HandoutError::Changed(_) => "try again when that process has ended",
        HandoutError::File { source, .. } if source.kind() == io::ErrorKind::InvalidFilename => {
            super::file_name::hint(NameFault::of(source))
        }
        HandoutError::File { .. } => "check free space and permissions, or name another folder with --out",
        _ => return None,
    };
    Some(hint.into())
}

/// What to do about a seal map.
pub fn of_seal_map(error: &SealMapError) -> Option<String> {
    match error {
        SealMapError::File(error) => super::roster::of_other_list(error, "--seal-map"),
        SealMapError::TooManyCells { .. } => Some(SEAL_MAP.into()),
        SealMapError::Recipient { error, .. } => super::seal::hint(error).or_else(|| Some(SEAL_MAP.into())),
        _ => None,
    }
}

const SEAL_MAP: &str = "--seal-map takes a CSV with a group's value and a recipient (age1…) on each line; several lines for several recipients";

/// What to do about a template.
pub fn of_template(error: &TemplateError) -> Option<String> {
    let hint = match error {
        TemplateError::Unreadable { .. } => "check what --template names",
        TemplateError::NoText(_) => "start from `passwave handouts --print-template`",
        TemplateError::Wrong { .. } => "`passwave handouts --print-template` shows everything that a template can use",
        _ => return None,
    };
    Some(hint.into())
}

/// What to do about the address of the sign-in page.
pub fn of_address(error: &SignInError) -> Option<String> {
    let hint = match error {
        SignInError::NoUrl(_) => "give it as people see it in the browser, such as https://myaccount.microsoft.com",
        SignInError::TooLong => "give the shortest address that leads there",
        SignInError::Secret => "leave out what stands before the @",
        _ => return None,
    };
    Some(hint.into())
}
