//! Rows of a sheet that Excel does not show: who filtered a list means the rows that are left.
//!
//! Without a flag such a roster is refused, since either guess can be wrong: taken in, an account that was filtered away
//! gets a new password; left out, one that was hidden by accident keeps its old one.

use super::{
    RosterError,
    dialect::is_blank,
    records::{Mark, QuoteFault},
    rows::is_example,
    source::Source,
};
use crate::{clean, upn::Upn};
use csv::StringRecord;

/// Hidden rows that a message names.
const NAMED_MAX: usize = 5;

/// What becomes of hidden rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HiddenRows {
    /// The roster is refused.
    #[default]
    Refuse,
    /// They are rows like any other.
    Include,
    /// They are no part of the roster.
    Skip,
}

/// `1 row is`, `3 rows are`.
pub(super) fn rows_are(rows: u64) -> String {
    if rows == 1 { "1 row is".into() } else { format!("{rows} rows are") }
}

/// The hidden rows of a table.
pub(super) struct HiddenFound {
    pub(super) number: u64,
    first: Vec<(u64, StringRecord)>,
}

impl HiddenFound {
    /// Those from `body` on that hold anything.
    pub(super) fn of(source: &Source, body: Mark) -> Result<Self, QuoteFault> {
        let mut found = Self { number: 0, first: Vec::new() };
        let Source::Sheet(sheet) = source else { return Ok(found) };
        let (mut records, mut cells) = (source.records(body), StringRecord::new());
        while let Some(at) = records.read(&mut cells)? {
            if sheet.is_hidden(at) && !is_blank(&cells) && !cells.iter().any(is_example) {
                found.number += 1;
                if found.first.len() < NAMED_MAX {
                    found.first.push((at.line, cells.clone()));
                }
            }
        }
        Ok(found)
    }

    /// What stands in a table without rows.
    pub(super) const fn instead_of_rows(&self) -> &'static str {
        if self.number > 0 { "all rows below its header are hidden" } else { "there is a header and no row after it" }
    }

    /// The first of them: `row 3 (bob@contoso.com), row 7, …`. Only an address is shown, since a cell may hold a password.
    pub(super) fn named(&self, upn_column: usize) -> String {
        let name = |(line, cells): &(u64, StringRecord)| {
            let cell = clean::trim(cells.get(upn_column).unwrap_or_default());
            match Upn::parse(cell) {
                Ok(address) => format!("row {line} ({})", clean::for_terminal(address.as_str())),
                Err(_) => format!("row {line}"),
            }
        };
        let named: Vec<String> = self.first.iter().map(name).collect();
        let more = if self.number > named.len() as u64 { ", …" } else { "" };
        named.join(", ") + more
    }

    /// The error of a roster that has such rows, if nobody said what is to become of them.
    pub(super) fn refuse(&self, name: &str, sheet: Option<&str>, upn_column: usize) -> Result<(), RosterError> {
        if self.number == 0 {
            return Ok(());
        }
        let (name, sheet) = (name.to_owned(), clean::for_terminal(sheet.unwrap_or_default()));
        Err(RosterError::HiddenRows { name, sheet, rows: self.number, named: self.named(upn_column) })
    }
}
