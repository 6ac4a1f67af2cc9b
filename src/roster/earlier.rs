//! Rosters without a file: the rows of an earlier run, or accounts from the command line.
//!
//! The rows of a run bring their own columns and those of its report. The report's columns get a prefix, so the new
//! report has no two columns with the same name. It does not read the ledger, and no password comes in.
//!
//! Invariant: a row means the same account as in the earlier run, and keeps its number.

use super::{Roster, RosterError, RosterOptions, Source, names, naming::Names, role::ColumnRole, sheet::Sheet};
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
use std::sync::{Arc, OnceLock};

/// The prefix of columns from the earlier run's report.
pub const PREFIX: &str = "previous_";
/// The report's column with the account's name.
const NAME_COLUMN: &str = "user_principal_name";
/// Extra cells after those of the columns: the address, two names, the profile, the language, the number of cells if
/// the row has too many, and the error code if it was skipped.
const HIDDEN: usize = 7;

/// The rows of an earlier run while they are collected.
pub struct Earlier {
    name: String,
    own: Vec<String>,
    told: Vec<String>,
    brought: Option<usize>,
    sheet: Sheet,
}

/// One of these rows.
pub struct EarlierRow<'a> {
    /// Its number in that run.
    pub number: u64,
    /// The most reliable key of its account.
    pub address: &'a str,
    /// The account's names in the roster and in the directory.
    pub names: [&'a str; 2],
    /// The form of its password, if the new one should have the same.
    pub form: Option<Form>,
    /// The cells of its own columns.
    pub own: &'a [&'a str],
    /// The number of its cells, if there are more than columns.
    pub too_many: Option<usize>,
    /// Its error code. It says what was wrong with an account cell that the run did not keep because it might be a
    /// password.
    pub error_code: &'a str,
    /// The values of the report's columns.
    pub told: &'a [String],
}

impl Earlier {
    /// An empty list for the run in the folder `name`, with its own columns, its password column if it had one, and the
    /// columns of its report.
    #[must_use]
    pub fn new(name: &str, own: Vec<String>, brought: Option<usize>, told: Vec<String>) -> Self {
        let name = sanitize::for_terminal(name);
        Self { sheet: Sheet::new(name.clone()), name, own, told, brought }
    }

    /// Adds a row at the end.
    ///
    /// # Errors
    /// Fails if there are more cells than can be read at once.
    pub fn push(&mut self, row: &EarlierRow<'_>) -> Result<(), RosterError> {
        let (form, width) = (row.form, self.own.len());
        let number = row.too_many.map(|cells| cells.to_string()).unwrap_or_default();
        let mut cells: Vec<&str> = (0..width).map(|at| row.own.get(at).copied().unwrap_or_default()).collect();
        cells.extend((0..self.told.len()).map(|at| row.told.get(at).map_or("", String::as_str)));
        cells.extend([row.address, row.names[0], row.names[1]]);
        cells.push(form.and_then(|form| form.profile).map_or("", Profile::as_str));
        cells.push(form.map_or("", |form| form.language.code()));
        cells.extend([&number, row.error_code]);
        let too_many = |_| RosterError::TooManyRows { name: self.name.clone() };
        self.sheet.push(u32::try_from(row.number).unwrap_or(u32::MAX), &cells).map_err(too_many)
    }
}

/// Where the rows of a roster come from, besides its cells.
#[derive(Clone)]
pub(super) enum Kind {
    /// A file.
    File,
    /// An earlier run.
    Run {
        /// The number of its own columns; those of its report follow.
        own: usize,
        /// The column that the user names for the accounts.
        by: Option<usize>,
    },
    /// Accounts from the command line.
    Users(Vec<String>),
}

/// What a row of an earlier run says about its account.
#[derive(Default)]
pub(super) struct Known {
    pub(super) address: String,
    pub(super) names: [String; 2],
    pub(super) profile: Option<Profile>,
    pub(super) language: Option<Language>,
    /// The number of the row's cells, if there are too many.
    pub(super) too_many: Option<usize>,
    /// What was wrong with an account cell that is no longer known.
    pub(super) fault: Option<UpnError>,
}

impl Known {
    /// Separates the extra cells from those of the columns.
    pub(super) fn split(cells: &StringRecord, columns: usize) -> (StringRecord, Self) {
        let hidden: [&str; HIDDEN] = std::array::from_fn(|at| cells.get(columns + at).unwrap_or_default());
        let [address, first, second, profile, language, number, code] = hidden;
        let known = Self {
            address: address.to_owned(),
            names: [first.to_owned(), second.to_owned()],
            profile: profile.parse().ok(),
            language: language.parse().ok(),
            too_many: number.parse().ok(),
            fault: [UpnError::Invalid, UpnError::TooLong, UpnError::NotAscii]
                .into_iter()
                .find(|fault| address.is_empty() && Skip::from(*fault).code() == code),
        };
        ((0..columns).map(|at| cells.get(at).unwrap_or_default()).collect(), known)
    }

    /// Whether `text` is one of the account's names.
    pub(super) fn is_called(&self, text: &str) -> bool {
        let is_it = |name: &String| !name.is_empty() && name.eq_ignore_ascii_case(text);
        is_it(&self.address) || self.names.iter().any(is_it)
    }
}

impl Roster {
    /// The rows of an earlier run as a roster.
    ///
    /// # Errors
    /// Fails if there are no rows, or if `options` name an unknown column or one whose passwords were not kept.
    pub fn of_run(earlier: Earlier, options: &RosterOptions) -> Result<Self, RosterError> {
        let Earlier { name, own, told, brought, sheet } = earlier;
        if options.sheet.is_some() {
            return Err(RosterError::NoSheets { name });
        }
        let own_columns = own.len();
        let name_columns = super::name_columns(&own, own.len());
        let is_numbered = own.iter().enumerate().all(|(at, name)| *name == format!("column {}", at + 1));
        let lists_values = super::may_list_values(&own, !is_numbered) && options.password_column.is_none();
        let upn_column = own_columns + told.iter().position(|name| name == NAME_COLUMN).unwrap_or_default();
        let header: Vec<String> = own.into_iter().chain(told.iter().map(|name| format!("{PREFIX}{name}"))).collect();
        let find = |role, wanted: &Option<String>| {
            wanted.as_deref().map(|wanted| column_of_run(&name, &header, own_columns, role, wanted)).transpose()
        };
        let by = find(ColumnRole::Accounts, &options.upn_column)?;
        let password_column = find(ColumnRole::Passwords, &options.password_column)?;
        if password_column.is_some_and(|at| Some(at) == brought || at >= own_columns) {
            return Err(RosterError::PasswordsNotKept { name });
        }
        let profile_column = find(ColumnRole::Profiles, &options.profile_column)?;
        let language_column = find(ColumnRole::Languages, &options.language_column)?;
        let body = sheet.start();
        let roster = Self {
            source: Arc::new(Source::Sheet(Box::new(sheet))),
            kind: Kind::Run { own: own_columns, by },
            only: None,
            filters: Vec::new(),
            part: None,
            form: options.form,
            // A name that the earlier run shows was safe to show there already.
            shows_refused: by.is_none() && password_column.is_none(),
            lists_values,
            own: None,
            remarks: Vec::new(),
            notes: OnceLock::new(),
            name,
            body,
            header,
            upn_column,
            password_column,
            profile_column,
            language_column,
            name_columns,
        };
        roster.keeping(&options.only)
    }

    /// A roster of only these accounts.
    ///
    /// # Errors
    /// Fails if there are none, or more than can be read at once.
    pub fn of_users(users: &[Upn], form: Form) -> Result<Self, RosterError> {
        let names: Vec<String> = users.iter().map(|user| user.as_str().to_owned()).collect();
        let name = match names.as_slice() {
            [] => return Err(RosterError::NoUsers),
            [only] => sanitize::for_terminal(only),
            [first, others @ ..] => format!("{} and {} more", sanitize::for_terminal(first), others.len()),
        };
        let mut sheet = Sheet::new(name.clone());
        for (number, user) in (1..).zip(&names) {
            let too_many = |_| RosterError::TooManyRows { name: name.clone() };
            sheet.push(number, &[user]).map_err(too_many)?;
        }
        Ok(Self {
            body: sheet.start(),
            source: Arc::new(Source::Sheet(Box::new(sheet))),
            kind: Kind::Users(names),
            only: None,
            filters: Vec::new(),
            part: None,
            name,
            header: vec!["userPrincipalName".into()],
            upn_column: 0,
            password_column: None,
            profile_column: None,
            language_column: None,
            form,
            name_columns: Vec::new(),
            shows_refused: true,
            lists_values: true,
            own: None,
            remarks: Vec::new(),
            notes: OnceLock::new(),
        })
    }

    /// How many of the last columns come from an earlier run's report; `None` if the roster is not an earlier run.
    #[must_use]
    pub fn earlier_columns(&self) -> Option<usize> {
        match &self.kind {
            Kind::Run { own, .. } => Some(self.header.len() - own),
            _ => None,
        }
    }

    /// Whether the accounts are those of an earlier run.
    pub(super) const fn is_by_run(&self) -> bool {
        matches!(self.kind, Kind::Run { by: None, .. })
    }

    /// The accounts from the command line; empty if it named none.
    #[must_use]
    pub fn users(&self) -> &[String] {
        match &self.kind {
            Kind::Users(users) => users,
            _ => &[],
        }
    }
}

/// The column that `wanted` selects. A name of a report column means that column, whatever the roster's own
/// columns are called.
pub(super) fn column_of_run(
    file: &str,
    header: &[String],
    own: usize,
    role: ColumnRole,
    wanted: &str,
) -> Result<usize, RosterError> {
    let told = header[own..].iter().map(|name| name.strip_prefix(PREFIX).unwrap_or(name));
    let is_exact = |name: &str| name == sanitize::trim(wanted);
    if let Some(at) = told.clone().position(is_exact) {
        return Ok(own + at);
    }
    if let Some(at) = header[..own].iter().position(|name| is_exact(name)) {
        let again = header[..own].iter().filter(|name| is_exact(name)).count();
        return if again == 1 { Ok(at) } else { Names { file, names: header }.named(role, wanted) };
    }
    let plain = names::normalize(wanted);
    match told.clone().position(|name| names::normalize(name) == plain && !plain.is_empty()) {
        Some(at) if !header[..own].iter().any(|name| names::normalize(name) == plain) => Ok(own + at),
        _ => {
            // As users know them: without our prefix.
            let known: Vec<String> = header[..own].iter().cloned().chain(told.map(str::to_owned)).collect();
            Names { file, names: header }
                .named(role, wanted)
                .or_else(|_| Names { file, names: &known }.named(role, wanted))
        }
    }
}

/// Whether a report column can only have these words, so a word that no row has is not a mistake.
pub(super) fn is_known_word(column: &str, value: &str) -> bool {
    use crate::outcome::{Skip, Status};
    let is_it = |word: &str| word.eq_ignore_ascii_case(sanitize::trim(value));
    match column.strip_prefix(PREFIX) {
        Some("status") => Status::ALL.into_iter().any(|status| is_it(status.as_str())),
        Some("error_code") => value.is_empty() || Skip::ALL.into_iter().any(|skip| is_it(skip.code())),
        _ => false,
    }
}
