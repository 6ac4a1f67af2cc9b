//! A file of accounts, read without being told what it is: encoding, delimiter, header and columns are found out.
//!
//! It reads what administrators really have: exports and templates of Entra ID, Microsoft 365, School Data Sync and
//! PowerShell, and what Excel makes of them, its workbooks (`.xlsx`) included. It never changes a cell, never guesses
//! between two columns, sends nothing.
//!
//! Invariant: each data row of the file comes out of [`Roster::rows`] exactly once, in order, with its line; in a workbook
//! that is its row.

mod columns;
mod dialect;
mod error;
mod explain;
mod names;
mod opening;
mod person;
mod reading;
mod records;
mod remark;
mod rows;
#[cfg_attr(not(feature = "xlsx"), allow(dead_code, reason = "only workbooks fill sheets"))]
mod sheet;
mod source;
mod table;
mod text;
#[cfg(feature = "xlsx")]
mod workbook;
#[cfg(not(feature = "xlsx"))]
#[path = "without_workbooks.rs"]
mod workbook;

#[cfg(test)]
mod field_tests;

pub use error::RosterError;
pub use person::NameColumns;
pub use reading::read_file;
pub use remark::{Remark, RemarkKind};
pub use rows::{Refusal, Row, Rows};
pub use table::table;

use crate::{clean, password::Form, text_file::Charset};
use columns::{Columns, LANGUAGE_FLAG, Names, PASSWORD_FLAG, PROFILE_FLAG, Shape};
use csv::StringRecord;
use names::Meaning;
use opening::Opening;
use records::{Mark, QuoteFault};
use source::{Records, Source};
use std::path::Path;

/// Values of each column that are looked at to know it, and records among which they are sought.
const SURVEY_VALUES: u32 = 100;
const SURVEY_RECORDS: usize = 10_000;

/// What a person says about the columns; without it they are found by their names and values.
#[derive(Clone, Debug, Default)]
pub struct RosterOptions {
    /// `--upn-column`: the column of the accounts, by its name, or by its number from 1.
    pub upn_column: Option<String>,
    /// `--password-column`: the column of passwords that the roster brings along, in the same way; never guessed.
    pub password_column: Option<String>,
    /// `--sheet`: the sheet of a workbook, by its name, or by its number from 1 among those that are not hidden; otherwise
    /// the first of these.
    pub sheet: Option<String>,
    /// `--profile-column`: the column that names each account's profile, in the same way; never guessed.
    pub profile_column: Option<String>,
    /// `--language-column`: the column that names each person's language, in the same way; never guessed.
    pub language_column: Option<String>,
    /// What the password of a row looks like that says nothing of it.
    pub form: Form,
    /// `--encoding`: the encoding of a text; otherwise it is found out.
    pub encoding: Option<Charset>,
    /// Whether only the accounts matter, as in a list of those to leave alone. Then other letters may be garbled.
    pub only_accounts: bool,
}

/// A roster that can be read: its text, its columns, and which of them is which. It may hold passwords of its own, so it
/// cannot be printed.
pub struct Roster {
    name: String,
    source: Source,
    /// Where the data rows begin.
    body: Mark,
    header: Vec<String>,
    upn_column: usize,
    password_column: Option<usize>,
    profile_column: Option<usize>,
    language_column: Option<usize>,
    form: Form,
    name_columns: Vec<usize>,
    /// Whether some column speaks of passwords, so that no value may stand in a message.
    holds_passwords: bool,
    remarks: Vec<Remark>,
}

impl Roster {
    /// Reads a file, or standard input where `source` is `-`, whole.
    ///
    /// # Errors
    /// As [`Roster::from_bytes`], and where the file cannot be read.
    pub fn open(source: &Path, options: &RosterOptions) -> Result<Self, RosterError> {
        let (name, bytes) = reading::read_file(source)?;
        Self::from_bytes(&name, bytes, options)
    }

    /// Reads a roster that is in memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// Where the bytes are neither text nor a workbook, or hold no account, a quotation mark is left open near the
    /// beginning, or the columns are not certain.
    pub fn from_bytes(name: &str, bytes: Vec<u8>, options: &RosterOptions) -> Result<Self, RosterError> {
        let name = clean::for_terminal(name);
        let source = reading::source(&name, bytes, options)?;
        let opening = opening::of(&source, options.upn_column.as_deref())
            .map_err(|fault| explain::opening(&name, source.sheet(), fault))?
            .ok_or_else(|| empty(&name, "there is no text in it"))?;
        explain::must_not_be_printed(&name, &source, &opening)?;
        if options.only_accounts {
            explain::must_keep_addresses(&name, source.sheet(), &opening)?;
        }
        Self::of_table(name, source, &opening, options)
    }

    fn of_table(name: String, source: Source, opening: &Opening, options: &RosterOptions) -> Result<Self, RosterError> {
        let labelled = opening.is_header();
        let body = if labelled { opening.after } else { opening.at };
        let (rows, shapes) =
            survey(source.records(body), opening.first.len(), labelled).map_err(|fault| open_quote(&name, fault))?;
        if rows == 0 {
            return Err(empty(&name, "there is a header and no row after it"));
        }
        let header = header(&opening.first, labelled, shapes.len());
        let columns = Columns { file: &name, names: &header, labelled, shapes: &shapes };
        let explain = |error| explain::columns(error, &source, opening);
        let (upn_column, password_column) = choose(&columns, options).map_err(explain)?;
        let optional =
            |flag, wanted: &Option<String>| wanted.as_deref().map(|name| columns.named(flag, name)).transpose();
        let profile_column = optional(PROFILE_FLAG, &options.profile_column).map_err(explain)?;
        let language_column = optional(LANGUAGE_FLAG, &options.language_column).map_err(explain)?;
        let name_columns = name_columns(&header, upn_column);
        let holds_passwords =
            password_column.is_some() || opening.passed_passwords || may_hold_passwords(&header, labelled);
        let remarks = remark::of(&name, &source, opening);
        let form = options.form;
        Ok(Self {
            name,
            source,
            body,
            header,
            upn_column,
            password_column,
            profile_column,
            language_column,
            form,
            name_columns,
            holds_passwords,
            remarks,
        })
    }

    /// The file's name without its folder, or `standard input`, fit to be shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sheet's name, where the file is a workbook.
    #[must_use]
    pub fn sheet(&self) -> Option<&str> {
        self.source.sheet()
    }

    /// The names of the columns, trimmed and otherwise as the file spells them (one may be empty); `column 1` and so on
    /// where it names none.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The index of the column that names the account, from 0.
    #[must_use]
    pub const fn upn_column(&self) -> usize {
        self.upn_column
    }

    /// The index of the column that brings passwords, from 0, where a flag names one.
    #[must_use]
    pub const fn password_column(&self) -> Option<usize> {
        self.password_column
    }

    /// The index of the column that names languages, from 0, where a flag names one.
    #[must_use]
    pub const fn language_column(&self) -> Option<usize> {
        self.language_column
    }

    /// The indices of the columns that hold a person's name or a part of it: what must not stand in a password.
    #[must_use]
    pub fn name_columns(&self) -> &[usize] {
        &self.name_columns
    }

    /// What a person should know before these accounts are reset.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Reads the rows from the beginning. A quotation mark left open is an error, and ends them.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows::new(self)
    }

    fn open_quote(&self, fault: QuoteFault) -> RosterError {
        open_quote(&self.name, fault)
    }
}

/// The index, from 0, of the column in `header` that `flag` names by `wanted`: to the letter, else without case and marks,
/// else by its number from 1. `file` stands for the file in messages.
///
/// # Errors
/// Where there is no such column, with the one that may be meant, or where there is more than one.
pub fn column_named(file: &str, header: &[String], flag: &'static str, wanted: &str) -> Result<usize, RosterError> {
    Names { file, names: header }.named(flag, wanted)
}

/// How people find a row again: by the line of a text, or by the row of a sheet.
#[must_use]
pub fn place(sheet: Option<&str>, line: u64) -> String {
    match sheet {
        None => format!("line {line}"),
        Some(sheet) => format!("row {line} of sheet \"{}\"", clean::for_terminal(sheet)),
    }
}

fn open_quote(name: &str, fault: QuoteFault) -> RosterError {
    RosterError::OpenQuote { name: name.to_owned(), line: fault.line }
}

fn empty(name: &str, found: &'static str) -> RosterError {
    RosterError::Empty { name: name.to_owned(), found }
}

fn header(first: &StringRecord, labelled: bool, width: usize) -> Vec<String> {
    if labelled {
        first.iter().map(|name| clean::trim(name).to_owned()).collect()
    } else {
        (1..=width).map(|number| format!("column {number}")).collect()
    }
}

fn name_columns(header: &[String], upn_column: usize) -> Vec<usize> {
    let is_name = |at: &usize| *at != upn_column && Meaning::of(&header[*at]) == Meaning::PersonName;
    (0..header.len()).filter(is_name).collect()
}

/// Columns without names may hold anything.
fn may_hold_passwords(header: &[String], labelled: bool) -> bool {
    header.iter().any(|name| names::speaks_of_passwords(name)) || (!labelled && header.len() > 1)
}

/// Looks at the first values of each column, and counts the rows it meets. There are as many columns as the header
/// names, or, without one, as the widest of these rows has cells.
fn survey(mut records: Records<'_>, width: usize, labelled: bool) -> Result<(usize, Vec<Shape>), QuoteFault> {
    let (mut cells, mut rows, mut shapes) = (StringRecord::new(), 0, vec![Shape::default(); width]);
    while rows < SURVEY_RECORDS && records.read(&mut cells)?.is_some() {
        if dialect::is_blank(&cells) || (rows == 0 && cells.iter().any(rows::is_example)) {
            continue;
        }
        rows += 1;
        if !labelled && cells.len() > shapes.len() {
            shapes.resize(cells.len(), Shape::default());
        }
        let wanting = shapes.iter_mut().zip(&cells).filter(|(shape, _)| shape.seen < SURVEY_VALUES);
        wanting.for_each(|(shape, cell)| shape.add(clean::trim(cell)));
        if shapes.iter().all(|shape| shape.seen >= SURVEY_VALUES) {
            break;
        }
    }
    Ok((rows, shapes))
}

fn choose(columns: &Columns<'_>, options: &RosterOptions) -> Result<(usize, Option<usize>), RosterError> {
    let upn = columns.upn(options.upn_column.as_deref())?;
    let password = options.password_column.as_deref().map(|wanted| columns.named(PASSWORD_FLAG, wanted)).transpose()?;
    if password == Some(upn) {
        return Err(RosterError::SameColumn { name: columns.file.to_owned(), column: columns.shown(upn) });
    }
    Ok((upn, password))
}
