//! Sheet rows that Excel does not show: a user who filters a list means the remaining rows.
//!
//! By default such a roster is refused, because either guess can be wrong. If hidden rows are included, an account
//! that was filtered out gets a new password; if they are left out, an account that was hidden by accident keeps its
//! old one.

use super::{
    dialect::{is_blank, is_example},
    fault::NoAccounts,
    records::{Mark, QuoteFault},
    source::Source,
};
use crate::{account::upn::Upn, util::sanitize};
use csv::StringRecord;
use std::fmt;

/// How many hidden rows a message names.
const NAMED_MAX: usize = 5;

/// What to do with hidden rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HiddenRows {
    /// The roster is refused.
    #[default]
    Refuse,
    /// They count like any other row.
    Include,
    /// They are not part of the roster.
    Skip,
}

/// A row that Excel does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HiddenRow {
    /// Its number in the sheet, from 1.
    pub row: u64,
    /// Its account, if it names one.
    pub account: Option<String>,
}

impl HiddenRow {
    /// The first hidden rows of `all`: `row 3 (bob@contoso.com), row 7, …`.
    pub(super) fn list(first: &[Self], all: u64) -> String {
        let named: Vec<String> = first.iter().map(ToString::to_string).collect();
        let more = if all > named.len() as u64 { ", …" } else { "" };
        named.join(", ") + more
    }
}

impl fmt::Display for HiddenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        self.account.iter().try_for_each(|account| write!(f, " ({})", sanitize::for_terminal(account)))
    }
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
    /// The hidden rows from `body` on that are not empty.
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

    /// What an empty table contains instead.
    pub(super) const fn instead_of_rows(&self) -> NoAccounts {
        if self.number > 0 { NoAccounts::AllHidden } else { NoAccounts::OnlyHeader }
    }

    /// The first hidden rows. Only addresses are shown, because any other cell may be a password.
    pub(super) fn first(&self, upn_column: usize) -> Vec<HiddenRow> {
        let row = |(line, cells): &(u64, StringRecord)| {
            let cell = sanitize::trim(cells.get(upn_column).unwrap_or_default());
            HiddenRow { row: *line, account: Upn::parse(cell).ok().map(|upn| upn.as_str().to_owned()) }
        };
        self.first.iter().map(row).collect()
    }
}
