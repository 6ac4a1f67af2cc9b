//! Explains errors about columns by the beginning of the file: it may not be a table, or may begin with titles.

use super::{
    RosterError,
    fault::Searched,
    hidden::HiddenFound,
    opening::{Opening, OpeningFault},
    origin::RowPlace,
    source::Source,
    text_file::{NotText, foreign::printed},
};

/// Why it is not clear where the table begins.
pub(super) fn opening(name: &str, sheet: Option<&str>, fault: OpeningFault) -> RosterError {
    match fault {
        OpeningFault::Quote(fault) => super::open_quote(name, fault),
        OpeningFault::AddressAbove { address, header } => RosterError::AddressAbove {
            name: name.to_owned(),
            address: RowPlace::new(sheet, address),
            header: RowPlace::new(sheet, header),
        },
    }
}

/// A list of accounts to leave alone must not lose an account above its header.
pub(super) fn must_keep_addresses(name: &str, sheet: Option<&str>, opening: &Opening) -> Result<(), RosterError> {
    let Some(address) = opening.passed_address else { return Ok(()) };
    let fault = OpeningFault::AddressAbove { address, header: opening.at.line };
    Err(self::opening(name, sheet, fault))
}

/// Output printed by a terminal has underlined headings.
pub(super) fn must_not_be_printed(name: &str, source: &Source, opening: &Opening) -> Result<(), RosterError> {
    let text = source.loose_text(opening.first.len()).filter(|_| opening.is_underlined);
    match text.and_then(printed) {
        None => Ok(()),
        Some(other) => Err(RosterError::NotText { name: name.to_owned(), why: NotText::Foreign(other) }),
    }
}

/// Nobody has said what to do with hidden rows.
pub(super) fn must_not_be_hidden(
    name: &str,
    sheet: Option<&str>,
    hidden: &HiddenFound,
    upn_column: usize,
) -> Result<(), RosterError> {
    if hidden.number == 0 {
        return Ok(());
    }
    let (name, sheet) = (name.to_owned(), sheet.unwrap_or_default().to_owned());
    Err(RosterError::HiddenRows { name, sheet, rows: hidden.number, first: hidden.first(upn_column) })
}

/// Adds to an error about columns what may explain it.
pub(super) fn columns(mut error: RosterError, source: &Source, opening: &Opening) -> RosterError {
    let guessed = (!opening.is_known).then(|| RowPlace::new(source.sheet(), opening.at.line));
    let (RosterError::NoColumn { name, found, .. } | RosterError::UnknownColumn { name, found, .. }) = &mut error
    else {
        return error;
    };
    let other = source.loose_text(opening.first.len()).filter(|_| guessed.is_some()).and_then(printed);
    if let Some(other) = other {
        return RosterError::NotText { name: std::mem::take(name), why: NotText::Foreign(other) };
    }
    **found = Searched { guessed_header: guessed, ..sheets(source) };
    error
}

/// The sheet that was read and the other sheets, if one of these may be meant.
fn sheets(source: &Source) -> Searched {
    let Source::Sheet(sheet) = source else { return Searched::default() };
    let other_sheets = sheet.choice().others.clone();
    let name = (!other_sheets.is_empty()).then(|| sheet.name().to_owned());
    Searched { sheet: name, other_sheets, ..Searched::default() }
}
