//! Errors about columns, told with what the beginning of the file shows: it may be no table at all, or begin with titles.

use super::{
    RosterError,
    opening::{Opening, OpeningFault},
    place,
    sheet::{list, quoted},
    source::Source,
    text::not_text,
};
use crate::text_file::foreign::printed;

/// Why the beginning of a table is not certain.
pub(super) fn opening(name: &str, sheet: Option<&str>, fault: OpeningFault) -> RosterError {
    match fault {
        OpeningFault::Quote(fault) => super::open_quote(name, fault),
        OpeningFault::AddressAbove { address, header } => RosterError::AddressAbove {
            name: name.to_owned(),
            address: place(sheet, address),
            header: place(sheet, header),
        },
    }
}

/// A list of accounts to leave alone must not lose one that stands above its header.
pub(super) fn must_keep_addresses(name: &str, sheet: Option<&str>, opening: &Opening) -> Result<(), RosterError> {
    let Some(address) = opening.passed_address else { return Ok(()) };
    let fault = OpeningFault::AddressAbove { address, header: opening.at.line };
    Err(self::opening(name, sheet, fault))
}

/// A table that a terminal printed has its headings underlined.
pub(super) fn must_not_be_printed(name: &str, source: &Source, opening: &Opening) -> Result<(), RosterError> {
    let text = source.loose_text(opening.first.len()).filter(|_| opening.is_underlined);
    match text.and_then(printed) {
        None => Ok(()),
        Some(other) => Err(not_text(name, other.found.to_owned(), other.cure.to_owned())),
    }
}

/// What else to say if a column is not found and nothing shows that the first row is the header.
pub(super) fn columns(error: RosterError, source: &Source, opening: &Opening) -> RosterError {
    if opening.is_known {
        return with_sheets(error, source);
    }
    let hint = format!(
        ". The first row ({}) was taken for the header: titles above the header have to go, unless --upn-column names a column \
         below them",
        place(source.sheet(), opening.at.line)
    );
    let other = source.loose_text(opening.first.len()).and_then(printed);
    let error = match (error, other) {
        (RosterError::NoColumn { name, .. } | RosterError::UnknownColumn { name, .. }, Some(other)) => {
            not_text(&name, other.found.to_owned(), other.cure.to_owned())
        }
        (RosterError::NoColumn { name, columns, hint: more, choices }, None) => {
            RosterError::NoColumn { name, columns: columns + &hint, hint: more, choices }
        }
        (RosterError::UnknownColumn { name, wanted, flag, hint: more, columns }, None) => {
            RosterError::UnknownColumn { name, wanted, flag, hint: more, columns: columns + &hint }
        }
        (error, _) => error,
    };
    with_sheets(error, source)
}

/// The sheet that was read and the others, if one of these may be meant.
fn with_sheets(error: RosterError, source: &Source) -> RosterError {
    let Source::Sheet(sheet) = source else { return error };
    let others = &sheet.choice().others;
    if others.is_empty() {
        return error;
    }
    let words = format!(". Sheet {} was read; --sheet chooses another: {}", quoted(sheet.name()), list(others));
    match error {
        RosterError::NoColumn { name, columns, hint, choices } => {
            RosterError::NoColumn { name, columns: columns + &words, hint, choices }
        }
        RosterError::UnknownColumn { name, wanted, flag, hint, columns } => {
            RosterError::UnknownColumn { name, wanted, flag, hint, columns: columns + &words }
        }
        error => error,
    }
}
