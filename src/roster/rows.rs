//! The rows of a roster: which records count, the address of each, and why one is refused.
//!
//! It never returns a record twice, and keeps only a keyed hash of each account, so memory stays flat: about 24 bytes
//! per row.
//!
//! Invariant: if several rows name one account, the first with a valid address is accepted and the others are refused.

use super::{
    Cells, Origin, Roster, RosterError, RowNotes,
    dialect::{is_blank, is_example},
    earlier::{Kind, Known},
    records::Mark,
    source::Records,
    split::Pick,
};
use crate::{
    account::{
        language::Language,
        upn::{Upn, UpnError},
    },
    outcome::Skip,
    password::{Form, Profile},
    util::sanitize,
};
use csv::StringRecord;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

/// One account's row. It may contain a password of its own, so it cannot be printed.
pub struct Row {
    /// Its position among the data rows, from 1.
    pub number: u64,
    /// The physical line of the file on which it begins, from 1; in a workbook, the sheet's row number.
    pub line: u64,
    /// All cells, unchanged.
    pub cells: Cells,
    /// The form of its password.
    pub form: Form,
    /// The account, or why the row is never sent.
    pub address: Result<Upn, Refusal>,
}

/// Why a row is never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, for the report's `error_code`.
    pub skip: Skip,
    /// The reason for users, with the line. It contains no control characters and no password.
    pub message: String,
}

/// The rows of a roster in order. See [`Roster::rows`].
pub struct Rows<'r> {
    roster: &'r Roster,
    records: Records<'r>,
    number: u64,
    seen: Seen,
    notes: RowNotes,
    /// Length of the last record; the buffer for the next one gets the same size.
    length: usize,
    failed: bool,
    /// Where the last row begins.
    start: Mark,
    /// How many rows of a part were read.
    picked: usize,
}

impl<'r> Rows<'r> {
    pub(super) fn new(roster: &'r Roster) -> Self {
        let records = roster.source.records(roster.body);
        Self {
            roster,
            records,
            number: 0,
            seen: Seen::default(),
            notes: RowNotes::default(),
            length: 0,
            failed: false,
            start: roster.body,
            picked: 0,
        }
    }

    /// Where the last row begins.
    pub(super) const fn start(&self) -> Mark {
        self.start
    }

    /// The next row of a part of a roster.
    fn next_picked(&mut self, rows: &[Pick]) -> Result<Option<(Mark, StringRecord)>, RosterError> {
        let Some(pick) = rows.get(self.picked) else { return Ok(None) };
        self.picked += 1;
        if self.records.mark() != pick.at {
            self.records = self.roster.source.records(pick.at);
        }
        let mut cells = StringRecord::with_capacity(self.length + 16, self.roster.header.len() + 1);
        let read = self.records.read(&mut cells).map_err(|fault| self.roster.open_quote(fault))?;
        let Some(start) = read else { return Ok(None) };
        self.restore(&mut cells);
        self.length = cells.as_slice().len();
        self.number = pick.number;
        Ok(Some((start, cells)))
    }

    /// Undoes what passwave's own report does to cells.
    fn restore(&self, cells: &mut StringRecord) {
        if let Some(own) = &self.roster.own {
            own.restore(cells);
            own.forget_passwords(cells, self.roster.password_column);
        }
    }

    /// The next record that is a row, even if the roster does not keep it. Its number is noted.
    pub(super) fn next_record(&mut self) -> Result<Option<(Mark, StringRecord)>, RosterError> {
        let mut cells = StringRecord::with_capacity(self.length + 16, self.roster.header.len() + 1);
        while let Some(start) = self.records.read(&mut cells).map_err(|fault| self.roster.open_quote(fault))? {
            let is_file = matches!(self.roster.kind, Kind::File);
            self.restore(&mut cells);
            if !is_file || (!is_blank(&cells) && !self.is_example(&cells)) {
                self.length = cells.as_slice().len();
                // The rows of a run keep their numbers.
                self.number = if is_file { self.number + 1 } else { start.line };
                return Ok(Some((start, cells)));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<Option<(Mark, StringRecord)>, RosterError> {
        if let Some(part) = &self.roster.part {
            return self.next_picked(&part.rows);
        }
        loop {
            match self.next_record()? {
                Some((_, cells)) if !self.roster.keeps(&cells) => {}
                other => return Ok(other),
            }
        }
    }

    /// In later rows, only the address counts: other cells may contain the word.
    fn is_example(&self, cells: &StringRecord) -> bool {
        let address = cells.get(self.roster.upn_column).unwrap_or_default();
        is_example(address) || (self.number == 0 && cells.iter().any(is_example))
    }

    fn row(&mut self, line: u64, cells: StringRecord) -> Row {
        let (cells, known) = match self.roster.kind {
            Kind::Run { .. } => {
                let (cells, known) = Known::split(&cells, self.roster.header.len());
                (cells, Some(known))
            }
            _ => (cells, None),
        };
        self.notes.add(self.roster, line, &cells);
        let known = known.as_ref();
        let (form, address) = match self.profile(&cells, known) {
            Ok(profile) => {
                (Form { profile, language: self.language(&cells, known) }, self.address(line, &cells, known))
            }
            // Not noted as seen: a later row of this account may have a valid profile.
            Err(refusal) => (self.roster.form, Err(refusal)),
        };
        let address = address.map_err(|(skip, why)| {
            let message = format!("{}: {why}", super::place(self.roster.origin(), line));
            Refusal { skip, message }
        });
        Row { number: self.number, line, cells: Cells::new(cells), form, address }
    }

    fn address(&mut self, line: u64, cells: &StringRecord, known: Option<&Known>) -> Result<Upn, (Skip, String)> {
        if let Some((skip, why)) = self.roster.part.as_ref().and_then(|part| part.reason(self.picked - 1)) {
            return Err((*skip, why.clone()));
        }
        must_fit(cells, self.roster, known)?;
        let named = sanitize::trim(cells.get(self.value_column()).unwrap_or_default());
        // A column that the user names may mean another account than that of the earlier run.
        let same = known.filter(|known| self.roster.is_by_run() || known.is_called(named));
        let value = same.map_or(named, |known| known.address.as_str());
        let fault = |error| same.and_then(|known| known.fault).unwrap_or(error);
        let address = Upn::parse(value).map_err(fault).map_err(|error| (error.into(), self.explain(error, value)))?;
        let names = same.iter().flat_map(|known| &known.names).filter(|name| !name.is_empty()).map(String::as_str);
        match self.seen.note(names.chain([address.as_str()]), self.number, line) {
            None => Ok(address),
            Some((row, at)) => {
                let first = super::place(self.roster.origin(), at.into());
                Err((Skip::Duplicate, self.again(row, &first)))
            }
        }
    }

    /// The column that names the account.
    const fn value_column(&self) -> usize {
        match self.roster.kind {
            Kind::Run { by: Some(column), .. } => column,
            _ => self.roster.upn_column,
        }
    }

    /// Rows of a sheet are only called by the sheet's own numbers, so nobody mistakes one number for the other.
    fn again(&self, row: u32, place: &str) -> String {
        match self.roster.origin() {
            Origin::Text => format!("this is the account of row {row} again, which is on {place}"),
            _ => format!("this is the account of {place} again"),
        }
    }

    /// The profile of the row; `None` if the cell is empty.
    fn profile(&self, cells: &StringRecord, known: Option<&Known>) -> Result<Option<Profile>, (Skip, String)> {
        let Some(column) = self.roster.profile_column else {
            return Ok(known.and_then(|known| known.profile).or(self.roster.form.profile));
        };
        let value = sanitize::trim(cells.get(column).unwrap_or_default());
        let refused = |why: String| (Skip::ProfileUnknown, why);
        if value.is_empty() {
            let none = || refused("this row names no profile, and there is no default profile".into());
            return self.roster.form.profile.ok_or_else(none).map(Some);
        }
        let shown =
            if self.roster.shows_refused { format!(" \"{}\"", sanitize::for_terminal(value)) } else { String::new() };
        value.parse().map(Some).map_err(|error| refused(format!("there is no profile{shown}: {error}")))
    }

    /// The language of the row's words. If there is no word list for it, the run's default applies.
    fn language(&self, cells: &StringRecord, known: Option<&Known>) -> Language {
        let named = self.roster.language_column.and_then(|column| cells.get(column)?.parse().ok());
        named.or_else(|| known?.language).unwrap_or(self.roster.form.language)
    }

    /// Shows a value only if it cannot be a password in the wrong column.
    fn explain(&self, error: UpnError, value: &str) -> String {
        if value.is_empty() || !self.roster.shows_refused {
            return error.to_string();
        }
        format!("{error}: \"{}\"", sanitize::for_terminal(value))
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, RosterError>;

    /// The next row; none after an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let read = self.read();
        self.failed = read.is_err();
        if matches!(read, Ok(None)) {
            self.roster.notes.get_or_init(|| std::mem::take(&mut self.notes));
        }
        let (start, cells) = match read {
            Ok(found) => found?,
            Err(error) => return Some(Err(error)),
        };
        self.start = start;
        Some(Ok(self.row(start.line, cells)))
    }
}

/// An unquoted delimiter in a cell adds a cell.
fn must_fit(cells: &StringRecord, roster: &Roster, known: Option<&Known>) -> Result<(), (Skip, String)> {
    let width = roster.header.len();
    let too_many = match known {
        Some(known) => known.too_many,
        None => cells.iter().skip(width).any(|cell| !sanitize::trim(cell).is_empty()).then_some(cells.len()),
    };
    let columns = width - roster.earlier_columns().unwrap_or_default();
    let why = |cells| {
        format!(
            "this row has {cells} cells, and there are only {columns} columns; a cell with a delimiter in it needs quotes"
        )
    };
    too_many.map_or(Ok(()), |cells| Err((Skip::Malformed, why(cells))))
}

/// The accounts so far, as 128-bit keyed hashes. Two accounts never collide in practice, and nobody can build a roster
/// in which they do.
#[derive(Default)]
struct Seen {
    first: RandomState,
    second: RandomState,
    places: HashMap<(u64, u64), (u32, u32)>,
    key: String,
}

impl Seen {
    /// Notes all names of the account, or returns the row and line at which one of them was seen before.
    fn note<'n>(&mut self, names: impl Iterator<Item = &'n str>, row: u64, line: u64) -> Option<(u32, u32)> {
        let (own, mut met) = ((short(row), short(line)), None);
        for name in names {
            self.key.clear();
            self.key.push_str(name);
            self.key.make_ascii_lowercase();
            let hash = (self.first.hash_one(&self.key), self.second.hash_one(&self.key));
            let place = *self.places.entry(hash).or_insert(own);
            met = met.or(Some(place).filter(|place| *place != own));
        }
        met
    }
}

/// Rows and lines beyond four billion are capped at that number.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
