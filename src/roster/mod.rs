//! Reads a file of accounts and finds out its encoding, delimiter, header and columns by itself.
//!
//! It reads the files that administrators really have: exports and templates of Entra ID, Microsoft 365, School Data
//! Sync and PowerShell, and what Excel turns them into, including workbooks (`.xlsx`). It never changes a cell, never
//! guesses between two columns, and sends nothing.
//!
//! Invariant: [`Roster::rows`] returns each data row of the file exactly once, in order, with its line (in a workbook:
//! its row number).

mod cells;
mod columns;
mod dialect;
mod earlier;
mod error;
pub mod exclusions;
mod explain;
mod fault;
mod hidden;
mod keeping;
mod kinship;
mod label;
mod letters;
mod names;
mod naming;
mod notes;
mod only;
mod opening;
mod origin;
mod own;
mod person;
mod quote;
mod reading;
mod records;
mod remark;
mod role;
mod rows;
#[cfg_attr(not(feature = "xlsx"), allow(dead_code, reason = "only workbooks fill sheets"))]
mod sheet;
mod source;
mod split;
mod survey;
mod table;
mod text;
pub mod text_file;
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

pub use cells::Cells;
pub use earlier::{Earlier, EarlierRow, PREFIX as EARLIER_PREFIX};
pub use error::RosterError;
pub use fault::{ColumnValues, NoAccounts, Searched, Unclear, WorkbookFault};
pub use hidden::{HiddenRow, HiddenRows};
pub use names::speaks_of_passwords;
pub use notes::{Lines, RowNotes};
pub use only::{Condition, ConditionError, Only};
pub use origin::{Origin, RowPlace, place};
pub use person::NameColumns;
pub use reading::read_file;
pub use remark::{Remark, RemarkKind};
pub use role::ColumnRole;
pub use rows::{Refusal, Row, Rows};
pub use split::{Group, Part};
pub use table::table;

use crate::{outcome::Status, password::Form, roster::text_file::Charset, util::sanitize};
use columns::Columns;
use csv::StringRecord;
use earlier::Kind;
use hidden::HiddenFound;
use names::Meaning;
use naming::{Names, unnamed};
pub(crate) use only::Filter;
use opening::Opening;
use own::Own;
use records::{Mark, QuoteFault};
use source::Source;
use std::{
    path::Path,
    sync::{Arc, OnceLock},
};
use survey::{Body, Shape};

/// What the user says about the columns. Otherwise they are found by their names and values.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RosterOptions {
    /// The column of the accounts, by name or by number from 1.
    pub upn_column: Option<String>,
    /// The column of the passwords, if the roster has them; never guessed.
    pub password_column: Option<String>,
    /// The sheet of a workbook, by name or by number from 1 among the visible sheets. By default, the first visible one.
    pub sheet: Option<String>,
    /// The column with each account's profile; never guessed.
    pub profile_column: Option<String>,
    /// The column with each user's language; never guessed.
    pub language_column: Option<String>,
    /// The form of the password for rows that do not specify one.
    pub form: Form,
    /// The encoding of a text file. By default, it is detected.
    pub encoding: Option<Charset>,
    /// What to do with rows that Excel does not show.
    pub hidden_rows: HiddenRows,
    /// Whether only the accounts matter, as in a list of accounts to leave alone. Then other text may be garbled.
    pub only_accounts: bool,
    /// Only rows that meet all of these conditions.
    pub only: Vec<Condition>,
}

/// A roster that was read: its text, its columns, and their meanings. It may contain passwords of its own, so it cannot
/// be printed.
pub struct Roster {
    name: String,
    source: Arc<Source>,
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
    /// Where the columns of passwave's own report are, if this is one.
    own: Option<Own>,
    /// Whether a value of a refused row may be shown in a message, or outside the files with passwords.
    shows_refused: bool,
    /// Whether a column's values may be shown in a message, because no column's name is about passwords.
    lists_values: bool,
    remarks: Vec<Remark>,
    /// Which rows of the source it has, if not all.
    only: Option<Only>,
    filters: Vec<Filter>,
    /// Only these rows, if it is a part of another roster.
    part: Option<Part>,
    /// What was noticed in the rows, once all of them have been read.
    notes: OnceLock<RowNotes>,
}

impl Roster {
    /// Reads a whole file, or standard input if `source` is `-`.
    ///
    /// # Errors
    /// Fails like [`Roster::from_bytes`], or if the file cannot be read.
    pub fn open(source: &Path, options: &RosterOptions) -> Result<Self, RosterError> {
        let (name, bytes) = reading::read_file(source)?;
        Self::from_bytes(&name, bytes, options)
    }

    /// Reads a roster from memory; `name` is its name in messages.
    ///
    /// # Errors
    /// Fails if the bytes are neither text nor a workbook, if there is no account, if a quotation mark near the
    /// beginning is not closed, or if the columns are not certain.
    pub fn from_bytes(name: &str, bytes: Vec<u8>, options: &RosterOptions) -> Result<Self, RosterError> {
        let name = sanitize::for_terminal(name);
        let source = reading::source(&name, bytes, options)?;
        let opening = opening::of(&source, options.upn_column.as_deref())
            .map_err(|fault| explain::opening(&name, source.sheet(), fault))?
            .ok_or_else(|| empty(&name, NoAccounts::NoText))?;
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
            |role, wanted: &Option<String>| wanted.as_deref().map(|name| columns.named(role, name)).transpose();
        let profile_column = optional(ColumnRole::Profiles, &options.profile_column).map_err(explain)?;
        let language_column = optional(ColumnRole::Languages, &options.language_column).map_err(explain)?;
        if fate == HiddenRows::Refuse {
            explain::must_not_be_hidden(&name, source.sheet(), &hidden, upn_column)?;
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
            source: Arc::new(source),
            kind: Kind::File,
            only: None,
            filters: Vec::new(),
            part: None,
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

    /// The file's name without its folder, or `standard input`, sanitized for display.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sheet's name, if the file is a workbook.
    #[must_use]
    pub fn sheet(&self) -> Option<&str> {
        if matches!(self.kind, Kind::File) { self.source.sheet() } else { None }
    }

    /// Where its rows came from.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        match &self.kind {
            Kind::File => self.source.sheet().into(),
            Kind::Run { .. } => Origin::Run(&self.name),
            Kind::Users(users) => Origin::Users(users),
        }
    }

    /// The names of the columns, trimmed but otherwise unchanged (they may be empty); `column 1` and so on if the file
    /// has no names.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The index of the column that names the account, from 0.
    #[must_use]
    pub const fn upn_column(&self) -> usize {
        self.upn_column
    }

    /// The index of the password column from 0, if the user names one.
    #[must_use]
    pub const fn password_column(&self) -> Option<usize> {
        self.password_column
    }

    /// The index of the language column from 0, if the user names one.
    #[must_use]
    pub const fn language_column(&self) -> Option<usize> {
        self.language_column
    }

    /// The indices of the columns with users' names or parts of them, which must not appear in passwords.
    #[must_use]
    pub fn name_columns(&self) -> &[usize] {
        &self.name_columns
    }

    /// What the user should know before these accounts are reset.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// How many rows have the status `reset`, if this is passwave's own report.
    ///
    /// # Errors
    /// Fails if a quotation mark is not closed.
    pub fn reset_before(&self) -> Result<Option<u64>, RosterError> {
        let Some(own) = &self.own else { return Ok(None) };
        let mut number = 0;
        for row in self.rows() {
            number += u64::from(row?.cells.get(own.status).is_some_and(|status| status == Status::Reset.as_str()));
        }
        Ok(Some(number))
    }

    /// Whether the account cell of a refused row may be shown, because it cannot be a password in the wrong column: the
    /// account column has an account word as its name, and the name of every other column says what it contains, and
    /// that is not a password.
    #[must_use]
    pub const fn shows_refused(&self) -> bool {
        self.shows_refused
    }

    /// What was noticed in the rows; `None` until all of them have been read.
    #[must_use]
    pub fn notes(&self) -> Option<&RowNotes> {
        self.notes.get()
    }

    /// Reads the rows from the beginning. An open quotation mark is an error, and ends them.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows::new(self)
    }

    fn open_quote(&self, fault: QuoteFault) -> RosterError {
        open_quote(&self.name, fault)
    }
}

/// The index, from 0, of the column in `header` that `wanted` selects: by exact name, otherwise without case and
/// punctuation, otherwise by number from 1. `file` and `role` are for the error.
///
/// # Errors
/// Fails if there is no such column (the error suggests one), or more than one.
pub fn column_named(file: &str, header: &[String], role: ColumnRole, wanted: &str) -> Result<usize, RosterError> {
    Names { file, names: header }.named(role, wanted)
}

fn open_quote(name: &str, fault: QuoteFault) -> RosterError {
    RosterError::OpenQuote { name: name.to_owned(), line: fault.line }
}

fn empty(name: &str, found: NoAccounts) -> RosterError {
    RosterError::Empty { name: name.to_owned(), found }
}

fn header(mut first: StringRecord, labelled: bool, width: usize, own: Option<&Own>) -> Vec<String> {
    if !labelled {
        return (0..width).map(unnamed).collect();
    }
    own.into_iter().for_each(|own| own.restore(&mut first));
    first.iter().map(|name| sanitize::trim(name).to_owned()).collect()
}

fn name_columns(header: &[String], upn_column: usize) -> Vec<usize> {
    let is_name = |at: &usize| *at != upn_column && Meaning::of(&header[*at]) == Meaning::PersonName;
    (0..header.len()).filter(is_name).collect()
}

/// Columns without names may contain anything.
fn may_list_values(header: &[String], labelled: bool) -> bool {
    labelled && header.iter().all(|name| !name.is_empty() && !names::speaks_of_passwords(name))
}

/// See [`Roster::shows_refused`]. A column without a name counts only if it is not empty. The user says what the columns in
/// `told` contain.
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
    let password = options.password_column.as_deref().map(|wanted| columns.named(ColumnRole::Passwords, wanted));
    let password = password.transpose()?;
    if password == Some(upn) {
        return Err(RosterError::SameColumn { name: columns.file.to_owned(), column: columns.shown(upn) });
    }
    Ok((upn, password))
}
