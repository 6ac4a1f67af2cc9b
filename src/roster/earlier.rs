//! A roster that is not a file: the rows of an earlier run, or accounts that the command line names.
//!
//! The rows of a run bring their own columns and those of its report, under names of their own, so that the new report has
//! no two columns of one name. It reads no ledger, and no password comes in.
//!
//! Invariant: a row means the account that it meant in the earlier run, and keeps its number.

use super::{
    Roster, RosterError, RosterOptions, Source, names,
    naming::{LANGUAGE_FLAG, Names, PASSWORD_FLAG, PROFILE_FLAG, UPN_FLAG},
    sheet::Sheet,
};
use crate::{
    clean,
    language::Language,
    outcome::Skip,
    password::{Form, Profile},
    upn::{Upn, UpnError},
};
use csv::StringRecord;
use std::sync::OnceLock;

/// What the new run calls a column of the earlier run's report: this before its name there.
pub const PREFIX: &str = "previous_";
/// The report's column with the account's name.
const NAME_COLUMN: &str = "user_principal_name";
/// Cells behind those of the columns: the address, two names, the profile, the language, how many cells the row has if
/// there are too many, and the code for which it was skipped.
const HIDDEN: usize = 7;

/// The rows of an earlier run, while they are gathered.
pub struct Earlier {
    name: String,
    own: Vec<String>,
    told: Vec<String>,
    brought: Option<usize>,
    sheet: Sheet,
}

/// One of them.
pub struct EarlierRow<'a> {
    /// Its number in that run.
    pub number: u64,
    /// By what its account is known best.
    pub address: &'a str,
    /// What its account is called, in the roster and in the directory.
    pub names: [&'a str; 2],
    /// How its password looked, if the new one is to look the same.
    pub form: Option<Form>,
    /// The cells of its own columns.
    pub own: &'a [&'a str],
    /// How many cells it has, if these are more than its roster had columns.
    pub too_many: Option<usize>,
    /// Its error code. It says what was wrong with an account cell that the run did not keep, as it may be a password.
    pub error_code: &'a str,
    /// What the report says in the columns that are taken over.
    pub told: &'a [String],
}

impl Earlier {
    /// No rows yet of the run in the folder `name`: its own columns, the one among them that brought passwords, and the
    /// columns of its report.
    #[must_use]
    pub fn new(name: &str, own: Vec<String>, brought: Option<usize>, told: Vec<String>) -> Self {
        let name = clean::for_terminal(name);
        Self { sheet: Sheet::new(name.clone()), name, own, told, brought }
    }

    /// Adds a row behind the others.
    ///
    /// # Errors
    /// If there are more cells than can be read at once.
    pub fn push(&mut self, row: &EarlierRow<'_>) -> Result<(), RosterError> {
        let (form, width) = (row.form, self.own.len());
        let number = row.too_many.map(|cells| cells.to_string()).unwrap_or_default();
        let mut cells: Vec<&str> = (0..width).map(|at| row.own.get(at).copied().unwrap_or_default()).collect();
        cells.extend((0..self.told.len()).map(|at| row.told.get(at).map_or("", String::as_str)));
        cells.extend([row.address, row.names[0], row.names[1]]);
        cells.push(form.and_then(|form| form.profile).map_or("", Profile::as_str));
        cells.push(form.map_or("", |form| form.language.code()));
        cells.extend([&number, row.error_code]);
        self.sheet.push(u32::try_from(row.number).unwrap_or(u32::MAX), &cells).map_err(|_| RosterError::Workbook {
            name: self.name.clone(),
            found: "the run has more cells than can be read as a roster".into(),
            cure: "Plan from the roster's own file instead",
        })
    }
}

/// What the rows of a roster are, besides its cells.
pub(super) enum Kind {
    /// Those of a file.
    File,
    /// Those of an earlier run.
    Run {
        /// The columns that are its own; those of its report follow.
        own: usize,
        /// The column that was named to hold the accounts.
        by: Option<usize>,
    },
    /// Accounts that the command line names.
    Users(Vec<String>),
}

/// What a row of an earlier run says of its account.
#[derive(Default)]
pub(super) struct Known {
    pub(super) address: String,
    pub(super) names: [String; 2],
    pub(super) profile: Option<Profile>,
    pub(super) language: Option<Language>,
    /// How many cells the row has, if that is too many.
    pub(super) too_many: Option<usize>,
    /// What was wrong with an account cell that is not known any more.
    pub(super) fault: Option<UpnError>,
}

impl Known {
    /// Takes what is not the columns' own off the cells.
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

    /// Whether `text` is one of the names of the account.
    pub(super) fn is_called(&self, text: &str) -> bool {
        let is_it = |name: &String| !name.is_empty() && name.eq_ignore_ascii_case(text);
        is_it(&self.address) || self.names.iter().any(is_it)
    }
}

impl Roster {
    /// The rows of an earlier run as a roster.
    ///
    /// # Errors
    /// If there are none, or a flag names a column that is not there or whose passwords were not kept.
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
        let find = |flag, wanted: &Option<String>| {
            wanted.as_deref().map(|wanted| column_of_run(&name, &header, own_columns, flag, wanted)).transpose()
        };
        let by = find(UPN_FLAG, &options.upn_column)?;
        let password_column = find(PASSWORD_FLAG, &options.password_column)?;
        if password_column.is_some_and(|at| Some(at) == brought || at >= own_columns) {
            return Err(RosterError::PasswordsNotKept { name });
        }
        let profile_column = find(PROFILE_FLAG, &options.profile_column)?;
        let language_column = find(LANGUAGE_FLAG, &options.language_column)?;
        let body = sheet.start();
        let roster = Self {
            source: Source::Sheet(Box::new(sheet)),
            kind: Kind::Run { own: own_columns, by },
            only: None,
            filters: Vec::new(),
            form: options.form,
            // What a name of the earlier run shows could be shown then already.
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

    /// A roster of these accounts alone.
    ///
    /// # Errors
    /// If there are none, or more than can be read at once.
    pub fn of_users(users: &[Upn], form: Form) -> Result<Self, RosterError> {
        let names: Vec<String> = users.iter().map(|user| user.as_str().to_owned()).collect();
        let name = match names.as_slice() {
            [] => return Err(RosterError::Empty { name: "--user".into(), found: "no account is named" }),
            [only] => clean::for_terminal(only),
            [first, others @ ..] => format!("{} and {} more", clean::for_terminal(first), others.len()),
        };
        let mut sheet = Sheet::new(name.clone());
        for (number, user) in (1..).zip(&names) {
            let too_many = |_| RosterError::Empty { name: name.clone(), found: "there are too many accounts" };
            sheet.push(number, &[user]).map_err(too_many)?;
        }
        Ok(Self {
            body: sheet.start(),
            source: Source::Sheet(Box::new(sheet)),
            kind: Kind::Users(names),
            only: None,
            filters: Vec::new(),
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

    /// How many of the last columns came from the report of an earlier run; `None` if the rows are not those of a run.
    #[must_use]
    pub fn earlier_columns(&self) -> Option<usize> {
        match &self.kind {
            Kind::Run { own, .. } => Some(self.header.len() - own),
            _ => None,
        }
    }

    /// Whether the accounts are those that an earlier run knew.
    pub(super) const fn is_by_run(&self) -> bool {
        matches!(self.kind, Kind::Run { by: None, .. })
    }

    /// The accounts that the command line named, if it did.
    #[must_use]
    pub fn users(&self) -> &[String] {
        match &self.kind {
            Kind::Users(users) => users,
            _ => &[],
        }
    }
}

/// The column that `flag` names by `wanted`. What the report calls a column means that one, whatever the roster's own
/// columns are called.
pub(super) fn column_of_run(
    file: &str,
    header: &[String],
    own: usize,
    flag: &'static str,
    wanted: &str,
) -> Result<usize, RosterError> {
    let told = header[own..].iter().map(|name| name.strip_prefix(PREFIX).unwrap_or(name));
    let is_exact = |name: &str| name == clean::trim(wanted);
    if let Some(at) = told.clone().position(is_exact) {
        return Ok(own + at);
    }
    if let Some(at) = header[..own].iter().position(|name| is_exact(name)) {
        let again = header[..own].iter().filter(|name| is_exact(name)).count();
        return if again == 1 { Ok(at) } else { Names { file, names: header }.named(flag, wanted) };
    }
    let plain = names::normalise(wanted);
    match told.clone().position(|name| names::normalise(name) == plain && !plain.is_empty()) {
        Some(at) if !header[..own].iter().any(|name| names::normalise(name) == plain) => Ok(own + at),
        _ => {
            // As people know them: without what we put before them.
            let known: Vec<String> = header[..own].iter().cloned().chain(told.map(str::to_owned)).collect();
            Names { file, names: header }
                .named(flag, wanted)
                .or_else(|_| Names { file, names: &known }.named(flag, wanted))
        }
    }
}

/// Whether a column of the report can only hold these words, so that one which no row has is not a mistake.
pub(super) fn is_known_word(column: &str, value: &str) -> bool {
    use crate::outcome::{Skip, Status};
    let is_it = |word: &str| word.eq_ignore_ascii_case(clean::trim(value));
    match column.strip_prefix(PREFIX) {
        Some("status") => Status::ALL.into_iter().any(|status| is_it(status.as_str())),
        Some("error_code") => value.is_empty() || Skip::ALL.into_iter().any(|skip| is_it(skip.code())),
        _ => false,
    }
}
