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
mod earlier;
mod error;
mod explain;
mod hidden;
mod keeping;
mod kinship;
mod label;
mod names;
mod naming;
mod notes;
mod only;
mod opening;
mod origin;
mod own;
mod person;
mod reading;
mod records;
mod remark;
mod rows;
#[cfg_attr(not(feature = "xlsx"), allow(dead_code, reason = "only workbooks fill sheets"))]
mod sheet;
mod source;
mod survey;
mod table;
mod text;
mod words;
#[cfg(feature = "xlsx")]
mod workbook;
#[cfg(not(feature = "xlsx"))]
#[path = "without_workbooks.rs"]
mod workbook;

#[cfg(test)]
mod choice_tests;
#[cfg(test)]
mod exports_tests;
#[cfg(test)]
mod field_tests;
#[cfg(test)]
mod shown_tests;

pub use earlier::{Earlier, EarlierRow, PREFIX as EARLIER_PREFIX};
pub use error::RosterError;
pub use hidden::HiddenRows;
pub use notes::{Lines, RowNotes};
pub use only::{Condition, ConditionError, Only};
pub use origin::{Origin, place};
pub use person::NameColumns;
pub use reading::read_file;
pub use remark::{Remark, RemarkKind};
pub use rows::{Refusal, Row, Rows};
pub use table::table;

use crate::{clean, outcome::Status, password::Form, text_file::Charset};
use columns::Columns;
use csv::StringRecord;
use earlier::Kind;
use hidden::HiddenFound;
use names::Meaning;
use naming::{LANGUAGE_FLAG, Names, PASSWORD_FLAG, PROFILE_FLAG, unnamed};
use only::Filter;
use opening::Opening;
use own::Own;
use records::{Mark, QuoteFault};
use source::Source;
use std::{path::Path, sync::OnceLock};
use survey::{Body, Shape};

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
    /// `--hidden-rows`: what becomes of rows that Excel does not show.
    pub hidden_rows: HiddenRows,
    /// Whether only the accounts matter, as in a list of those to leave alone. Then other letters may be garbled.
    pub only_accounts: bool,
    /// `--where`: only rows for which all of these hold.
    pub only: Vec<Condition>,
}

/// A roster that can be read: its text, its columns, and which of them is which. It may hold passwords of its own, so it
/// cannot be printed.
pub struct Roster {
    name: String,
    source: Source,
    kind: Kind,
    /// Where the data rows begin.
    body: Mark,
    header: Vec<String>,
    upn_column: usize,
    password_column: Option<usize>,
    profile_column: Option<usize>,
    language_column: Option<usize>,
    form: Form,
    name_columns: Vec<usize>,
    /// Where the columns of passwave's own report are, if it is one.
    own: Option<Own>,
    /// Whether a value of a row that is refused may stand in a message, or anywhere but in the files with passwords.
    shows_refused: bool,
    /// Whether the values of a column may stand in a message, as no column speaks of passwords.
    lists_values: bool,
    remarks: Vec<Remark>,
    /// Which rows of the source it has, if not all.
    only: Option<Only>,
    filters: Vec<Filter>,
    /// What was seen of the rows, once they have all been read.
    notes: OnceLock<RowNotes>,
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

    fn of_table(
        name: String,
        mut source: Source,
        opening: &Opening,
        options: &RosterOptions,
    ) -> Result<Self, RosterError> {
        let labelled = opening.is_header();
        let from = if labelled { opening.after } else { opening.at };
        let quote = |fault| open_quote(&name, fault);
        let hidden = HiddenFound::of(&source, from).map_err(quote)?;
        let fate = if options.only_accounts { HiddenRows::Include } else { options.hidden_rows };
        if fate == HiddenRows::Skip {
            source.leave_out_hidden(from);
        }
        let own = Own::of(&opening.first, source.sheet()).filter(|_| labelled);
        let body = Body { source: &source, from, own: own.as_ref() };
        let (rows, shapes) = body.first(opening.first.len(), labelled).map_err(quote)?;
        if rows == 0 {
            return Err(empty(&name, hidden.instead_of_rows()));
        }
        let header = header(opening.first.clone(), labelled, shapes.len(), own.as_ref());
        let columns = Columns { file: &name, names: &header, labelled, shapes: &shapes, body };
        let explain = |error| explain::columns(error, &source, opening);
        let (upn_column, password_column) = choose(&columns, options).map_err(explain)?;
        let optional =
            |flag, wanted: &Option<String>| wanted.as_deref().map(|name| columns.named(flag, name)).transpose();
        let profile_column = optional(PROFILE_FLAG, &options.profile_column).map_err(explain)?;
        let language_column = optional(LANGUAGE_FLAG, &options.language_column).map_err(explain)?;
        if fate == HiddenRows::Refuse {
            hidden.refuse(&name, source.sheet(), upn_column)?;
        }
        let told = [Some(upn_column), profile_column, language_column];
        let shows_refused = labelled
            && password_column.is_none()
            && !opening.passed_passwords
            && shows_refused(&header, &shapes, upn_column, &told);
        let lists_values = password_column.is_none() && !opening.passed_passwords && may_list_values(&header, labelled);
        let columns = [Some(upn_column), password_column, profile_column, language_column];
        let mut kinds = remark::of(&source, opening);
        kinds.extend(remark::of_hidden(&source, &hidden, fate == HiddenRows::Include, &header, columns));
        let remarks = kinds.into_iter().map(|kind| Remark { name: name.clone(), kind }).collect();
        let (name_columns, form, body) = (name_columns(&header, upn_column), options.form, from);
        let roster = Self {
            name,
            source,
            kind: Kind::File,
            only: None,
            filters: Vec::new(),
            body,
            header,
            upn_column,
            password_column,
            profile_column,
            language_column,
            form,
            name_columns,
            own,
            shows_refused,
            lists_values,
            remarks,
            notes: OnceLock::new(),
        };
        roster.keeping(&options.only)
    }

    /// The file's name without its folder, or `standard input`, fit to be shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sheet's name, where the file is a workbook.
    #[must_use]
    pub fn sheet(&self) -> Option<&str> {
        if matches!(self.kind, Kind::File) { self.source.sheet() } else { None }
    }

    /// What its rows were read from.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        match &self.kind {
            Kind::File => self.source.sheet().into(),
            Kind::Run { .. } => Origin::Run(&self.name),
            Kind::Users(users) => Origin::Users(users),
        }
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

    /// Whether this is passwave's own report, and how many of its rows have the status `reset`.
    ///
    /// # Errors
    /// If a quotation mark is left open.
    pub fn reset_before(&self) -> Result<Option<u64>, RosterError> {
        let Some(own) = &self.own else { return Ok(None) };
        let mut number = 0;
        for row in self.rows() {
            number += u64::from(row?.cells.get(own.status).is_some_and(|status| status == Status::Reset.as_str()));
        }
        Ok(Some(number))
    }

    /// Whether the account cell of a refused row may be shown, as it cannot be a password in the wrong column: the header
    /// names the account column by a word for it, and says of every other column what it holds, and that is no password.
    #[must_use]
    pub const fn shows_refused(&self) -> bool {
        self.shows_refused
    }

    /// What was seen of the rows; `None` until they have all been read.
    #[must_use]
    pub fn notes(&self) -> Option<&RowNotes> {
        self.notes.get()
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

/// Whether a column by this name may hold passwords, in the words of every language.
#[must_use]
pub fn speaks_of_passwords(name: &str) -> bool {
    names::speaks_of_passwords(name)
}

fn open_quote(name: &str, fault: QuoteFault) -> RosterError {
    RosterError::OpenQuote { name: name.to_owned(), line: fault.line }
}

fn empty(name: &str, found: &'static str) -> RosterError {
    RosterError::Empty { name: name.to_owned(), found }
}

fn header(mut first: StringRecord, labelled: bool, width: usize, own: Option<&Own>) -> Vec<String> {
    if !labelled {
        return (0..width).map(unnamed).collect();
    }
    own.into_iter().for_each(|own| own.restore(&mut first));
    first.iter().map(|name| clean::trim(name).to_owned()).collect()
}

fn name_columns(header: &[String], upn_column: usize) -> Vec<usize> {
    let is_name = |at: &usize| *at != upn_column && Meaning::of(&header[*at]) == Meaning::PersonName;
    (0..header.len()).filter(is_name).collect()
}

/// Columns without names may hold anything.
fn may_list_values(header: &[String], labelled: bool) -> bool {
    labelled && header.iter().all(|name| !name.is_empty() && !names::speaks_of_passwords(name))
}

/// See [`Roster::shows_refused`]. A column without a name counts only if it holds something; `told` are those of which flags
/// say what they hold.
fn shows_refused(header: &[String], shapes: &[Shape], upn_column: usize, told: &[Option<usize>]) -> bool {
    let is_known = |at: usize| match Meaning::of(&header[at]) {
        Meaning::Password => false,
        Meaning::Other => told.contains(&Some(at)) || (header[at].is_empty() && shapes[at].seen == 0),
        _ => true,
    };
    Meaning::of(&header[upn_column]).is_account() && (0..header.len()).all(is_known)
}

fn choose(columns: &Columns<'_>, options: &RosterOptions) -> Result<(usize, Option<usize>), RosterError> {
    let own = columns.body.own.filter(|_| options.upn_column.is_none());
    let upn = own.map_or_else(|| columns.upn(options.upn_column.as_deref()), |own| Ok(own.account))?;
    let password = options.password_column.as_deref().map(|wanted| columns.named(PASSWORD_FLAG, wanted)).transpose()?;
    if password == Some(upn) {
        return Err(RosterError::SameColumn { name: columns.file.to_owned(), column: columns.shown(upn) });
    }
    Ok((upn, password))
}
