//! The rows of a roster: which records count, what each one's address is, and why one is refused.
//!
//! It never hands out a record twice, and keeps of each account only a keyed hash: memory stays flat, about 24 bytes a row.
//!
//! Invariant: of several rows that name one account, the first with a good address is the one that is not refused.

use super::{
    Roster, RosterError,
    dialect::{is_blank, starts_with},
    records::Mark,
    source::Records,
};
use crate::{
    clean,
    language::Language,
    outcome::Skip,
    password::{Form, Profile},
    upn::{Upn, UpnError},
};
use csv::StringRecord;
use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
};

/// What the example rows of Entra's templates begin with.
const EXAMPLE: &str = "Example:";

/// One account's row. It may hold a password of the roster's own, so it cannot be printed.
pub struct Row {
    /// Its place among the data rows, from 1.
    pub number: u64,
    /// The physical line of the file, from 1, on which it begins; in a workbook the sheet's number of the row.
    pub line: u64,
    /// All cells, as they stand in the file.
    pub cells: StringRecord,
    /// How its password is to look.
    pub form: Form,
    /// The account, or why the row is never sent.
    pub address: Result<Upn, Refusal>,
}

/// Why a row is never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, for the report's `error_code`.
    pub skip: Skip,
    /// The reason for a person, with the line; it holds no control characters and no password.
    pub message: String,
}

/// The rows of a roster in their order. See [`Roster::rows`].
pub struct Rows<'r> {
    roster: &'r Roster,
    records: Records<'r>,
    number: u64,
    seen: Seen,
    /// Length of the last record: the next one is read into a buffer of its size.
    length: usize,
    failed: bool,
}

impl<'r> Rows<'r> {
    pub(super) fn new(roster: &'r Roster) -> Self {
        let records = roster.source.records(roster.body);
        Self { roster, records, number: 0, seen: Seen::default(), length: 0, failed: false }
    }

    fn read(&mut self) -> Result<Option<(Mark, StringRecord)>, RosterError> {
        let mut cells = StringRecord::with_capacity(self.length + 16, self.roster.header.len() + 1);
        while let Some(start) = self.records.read(&mut cells).map_err(|fault| self.roster.open_quote(fault))? {
            if let Some(own) = &self.roster.own {
                own.restore(&mut cells);
                own.forget_passwords(&mut cells, self.roster.password_column);
            }
            if !is_blank(&cells) && !self.is_example(&cells) {
                self.length = cells.as_slice().len();
                return Ok(Some((start, cells)));
            }
        }
        Ok(None)
    }

    /// Later rows may hold the word anywhere but in the address.
    fn is_example(&self, cells: &StringRecord) -> bool {
        let address = cells.get(self.roster.upn_column).unwrap_or_default();
        is_example(address) || (self.number == 0 && cells.iter().any(is_example))
    }

    fn row(&mut self, line: u64, cells: StringRecord) -> Row {
        self.number += 1;
        let (form, address) = match self.profile(&cells) {
            Ok(profile) => (Form { profile, language: self.language(&cells) }, self.address(line, &cells)),
            // Not met before: a later row of this account may say who it is for.
            Err(refusal) => (self.roster.form, Err(refusal)),
        };
        let address = address.map_err(|(skip, why)| {
            let message = format!("{}: {why}", super::place(self.roster.sheet(), line));
            Refusal { skip, message }
        });
        Row { number: self.number, line, cells, form, address }
    }

    fn address(&mut self, line: u64, cells: &StringRecord) -> Result<Upn, (Skip, String)> {
        let width = self.roster.header.len();
        if cells.iter().skip(width).any(|cell| !clean::trim(cell).is_empty()) {
            let why = format!(
                "this row has {} cells, and there are only {width} columns; a cell with a delimiter in it needs quotes",
                cells.len()
            );
            return Err((Skip::Malformed, why));
        }
        let value = clean::trim(cells.get(self.roster.upn_column).unwrap_or_default());
        let address = Upn::parse(value).map_err(|error| (error.into(), self.explain(error, value)))?;
        match self.seen.note(&address, self.number, line) {
            None => Ok(address),
            Some((row, at)) => {
                let first = super::place(self.roster.sheet(), at.into());
                Err((Skip::Duplicate, self.again(row, &first)))
            }
        }
    }

    /// A sheet's rows are told by their own numbers alone, so that nobody takes one number for the other.
    fn again(&self, row: u32, place: &str) -> String {
        match self.roster.sheet() {
            None => format!("this is the account of row {row} again, which is on {place}"),
            Some(_) => format!("this is the account of {place} again"),
        }
    }

    /// Whom the row is for; a cell that is empty says nothing.
    fn profile(&self, cells: &StringRecord) -> Result<Option<Profile>, (Skip, String)> {
        let Some(column) = self.roster.profile_column else { return Ok(self.roster.form.profile) };
        let value = clean::trim(cells.get(column).unwrap_or_default());
        let refused = |why: String| (Skip::ProfileUnknown, why);
        if value.is_empty() {
            let none = || refused("this row names no profile, and --profile gives none for such rows".into());
            return self.roster.form.profile.ok_or_else(none).map(Some);
        }
        let shown =
            if self.roster.shows_refused { format!(" \"{}\"", clean::for_terminal(value)) } else { String::new() };
        value.parse().map(Some).map_err(|error| refused(format!("there is no profile{shown}: {error}")))
    }

    /// The language of the row's words. People speak more languages than there are lists: the others get the run's own.
    fn language(&self, cells: &StringRecord) -> Language {
        let named = self.roster.language_column.and_then(|column| cells.get(column)?.parse().ok());
        named.unwrap_or(self.roster.form.language)
    }

    /// A value is shown only where it cannot be a password that has slipped into the wrong column.
    fn explain(&self, error: UpnError, value: &str) -> String {
        if error == UpnError::Empty || !self.roster.shows_refused {
            return error.to_string();
        }
        format!("{error}: \"{}\"", clean::for_terminal(value))
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, RosterError>;

    /// The next row; after an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let read = self.read();
        self.failed = read.is_err();
        read.map(|found| found.map(|(start, cells)| self.row(start.line, cells))).transpose()
    }
}

/// Whether a cell begins as the example rows of Entra's templates do.
pub(super) fn is_example(cell: &str) -> bool {
    starts_with(clean::trim(cell), EXAMPLE)
}

/// The accounts met so far, by 128 bits of keyed hash: that two accounts share them does not happen, nor can a roster be
/// made for which it does.
#[derive(Default)]
struct Seen {
    first: RandomState,
    second: RandomState,
    places: HashMap<(u64, u64), (u32, u32)>,
    key: String,
}

impl Seen {
    /// Notes the account, or tells the row and line on which it was met before.
    fn note(&mut self, address: &Upn, row: u64, line: u64) -> Option<(u32, u32)> {
        self.key.clear();
        self.key.push_str(address.as_str());
        self.key.make_ascii_lowercase();
        let hash = (self.first.hash_one(&self.key), self.second.hash_one(&self.key));
        match self.places.entry(hash) {
            Entry::Occupied(place) => Some(*place.get()),
            Entry::Vacant(place) => {
                place.insert((short(row), short(line)));
                None
            }
        }
    }
}

/// Rows and lines beyond four thousand million are told as that.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
