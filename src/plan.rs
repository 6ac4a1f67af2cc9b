//! The plan: every decision about every row, made before anything is done.
//!
//! It joins a roster with passwords, a chunk of rows at a time, so that a million rows need no more memory than a few
//! thousand. It never writes or sends; the ledger takes the rows as they come.
//!
//! Invariant: each row of the roster comes out exactly once, in order, with a password or with the reason for none.

use crate::{
    clean,
    cloud::{Cloud, OwnEndpoint},
    exclusions::Exclusions,
    outcome::Skip,
    password::{ForceChange, Form, Generator, Password, PasswordError, PasswordPolicy, Person, Profile},
    roster::{Only, Origin, Roster, RosterError, Row, Rows, place},
    seal::Sealing,
    upn::Upn,
    wanted::Wanted,
};
use csv::StringRecord;
use serde::{Deserialize, Serialize};

/// Rows that are decided together: enough for every core, little enough to stay flat in memory.
const CHUNK_ROWS: usize = 8_192;
/// Names of a person that passwords are held against: given, family and display name.
pub const NAMES_MAX: usize = 3;

/// Whether accounts are looked up before anything is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// Where the application may read them; else the plan says so and goes by the roster's names.
    #[default]
    Auto,
    /// Or there is no plan.
    Required,
    /// Never.
    Off,
}

/// Which accounts are looked at, and which of them are left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Whether accounts are looked up.
    pub lookup: Lookup,
    /// Whether accounts are reset that an on-premises directory masters.
    pub include_synced: bool,
    /// Whether holders of directory roles are reset.
    pub include_admins: bool,
}

/// What holds for the whole run, written into the ledger with the plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Whether the run goes to the embedded simulator, never to a tenant.
    pub rehearsal: bool,
    /// The roster's name, for people.
    pub roster: String,
    /// Its sheet, where it is a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// How many of its last columns came from an earlier run's report, if that run's rows are the roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_columns: Option<usize>,
    /// The accounts, if the command line named them in place of a roster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Which rows of the roster the run has, if not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// Its column names.
    pub header: Vec<String>,
    /// The columns that hold a person's names.
    pub name_columns: Vec<usize>,
    /// The column that brought the passwords, if it was asked for.
    pub password_column: Option<usize>,
    /// How passwords are made.
    pub policy: PasswordPolicy,
    /// What happens at the next sign-in, whatever the profile; see [`Settings::force_change_of`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_change: Option<ForceChange>,
    /// Which accounts are left alone.
    pub rules: Rules,
    /// To whom the passwords are sealed; in the clear where to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<Sealing>,
    /// The cloud of the tenant. None in a rehearsal, and in a run that an older release planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Cloud>,
    /// Endpoints that were given in place of the cloud's when it was planned. They have to be given again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_endpoints: Vec<OwnEndpoint>,
    /// What was asked of the run beside the resets.
    #[serde(default, skip_serializing_if = "Wanted::is_empty")]
    pub wanted: Wanted,
}

impl Settings {
    /// A real run over `roster`, after which the profile says who chooses a new password at the next sign-in: everybody
    /// where there are no profiles.
    #[must_use]
    pub fn new(roster: &Roster, policy: PasswordPolicy) -> Self {
        Self {
            rehearsal: false,
            roster: roster.name().to_owned(),
            sheet: roster.sheet().map(str::to_owned),
            earlier_columns: roster.earlier_columns(),
            users: roster.users().to_vec(),
            only: roster.only().cloned(),
            header: roster.header().to_vec(),
            name_columns: roster.name_columns().to_vec(),
            password_column: roster.password_column(),
            policy,
            force_change: None,
            rules: Rules::default(),
            sealing: None,
            cloud: None,
            own_endpoints: Vec::new(),
            wanted: Wanted::default(),
        }
    }
}

impl Settings {
    /// What the rows were read from.
    #[must_use]
    pub fn origin(&self) -> Origin<'_> {
        match (self.earlier_columns, self.users.as_slice()) {
            (Some(_), _) => Origin::Run(&self.roster),
            (None, []) => self.sheet.as_deref().into(),
            (None, users) => Origin::Users(users),
        }
    }

    /// The columns of the roster itself, without those that came from an earlier run's report.
    #[must_use]
    pub fn own_header(&self) -> &[String] {
        &self.header[..self.header.len().saturating_sub(self.earlier_columns.unwrap_or_default())]
    }

    /// What an account of this profile must do at the next sign-in.
    #[must_use]
    pub fn force_change_of(&self, profile: Option<Profile>) -> ForceChange {
        let by_profile = || profile.map(Profile::force_change).unwrap_or_default();
        self.force_change.unwrap_or_else(by_profile)
    }
}

/// What is to become of a row.
pub enum Decision {
    /// This password is to be written to its account.
    Write(Password),
    /// Nothing is to be sent, for this reason.
    Skip(Skip, String),
}

/// A row with its decision.
pub struct PlannedRow {
    /// Position in the roster, from 1.
    pub row: u64,
    /// Line of the file.
    pub line: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// The roster's cells, the one that brought a password emptied.
    pub cells: StringRecord,
    /// How its password looks, and looks again where a new one must be made.
    pub form: Form,
    /// What to do.
    pub decision: Decision,
}

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The roster cannot be read on.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// No password can be made.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// Turns a roster into planned rows, chunk by chunk.
pub struct Plan<'a> {
    rows: Rows<'a>,
    origin: Origin<'a>,
    upn_column: usize,
    shows_refused: bool,
    name_columns: &'a [usize],
    password_column: Option<usize>,
    generator: Generator<'a>,
    exclusions: Exclusions,
}

impl<'a> Plan<'a> {
    /// A plan for `roster` with passwords from `generator`, or from the roster's own column where it has one.
    #[must_use]
    pub fn new(roster: &'a Roster, generator: Generator<'a>) -> Self {
        Self {
            rows: roster.rows(),
            origin: roster.origin(),
            upn_column: roster.upn_column(),
            shows_refused: roster.shows_refused(),
            name_columns: roster.name_columns(),
            password_column: roster.password_column(),
            generator,
            exclusions: Exclusions::default(),
        }
    }

    /// The same plan without the accounts in `exclusions`.
    #[must_use]
    pub fn without(self, exclusions: Exclusions) -> Self {
        Self { exclusions, ..self }
    }

    /// The accounts that are left alone.
    pub fn exclusions(&self) -> impl Iterator<Item = &str> {
        self.exclusions.keys()
    }

    /// The next rows, decided; none at the end of the roster.
    ///
    /// # Errors
    /// Where the roster cannot be read on or passwords cannot be made.
    pub fn next_chunk(&mut self) -> Result<Vec<PlannedRow>, PlanError> {
        let rows = self.rows.by_ref().take(CHUNK_ROWS).map(|row| Ok(self.exclusions.applied(row?, self.origin)));
        let rows = rows.collect::<Result<Vec<_>, PlanError>>()?;
        match self.password_column {
            Some(column) => Ok(rows.into_iter().map(|row| self.with_brought(row, column)).collect()),
            None => self.with_generated(rows),
        }
    }

    fn with_generated(&mut self, rows: Vec<Row>) -> Result<Vec<PlannedRow>, PlanError> {
        let people: Vec<Person<'_>> = rows.iter().filter_map(|row| self.person(row)).collect();
        let mut passwords = self.generator.generate(&people)?.into_iter();
        let decide = |row: Row| {
            let decision = match &row.address {
                Ok(_) => Decision::Write(passwords.next().expect("one password for each account")),
                Err(refusal) => Decision::Skip(refusal.skip, refusal.message.clone()),
            };
            self.planned(row, None, decision)
        };
        Ok(rows.into_iter().map(decide).collect())
    }

    fn with_brought(&mut self, row: Row, column: usize) -> PlannedRow {
        let person = self.person(&row).unwrap_or_default();
        let decision = match &row.address {
            Ok(_) => adopt(&mut self.generator, &row, self.origin, column, &person),
            Err(refusal) => Decision::Skip(refusal.skip, refusal.message.clone()),
        };
        self.planned(row, Some(column), decision)
    }

    /// A row that is refused is named by its account cell only if that is an account, or cannot be a password.
    fn planned(&self, row: Row, secret_column: Option<usize>, decision: Decision) -> PlannedRow {
        let user_principal_name = match &row.address {
            Ok(upn) => upn.as_str().to_owned(),
            Err(_) => {
                let cell = clean::trim(row.cells.get(self.upn_column).unwrap_or_default());
                let may_show = self.shows_refused || Upn::parse(cell).is_ok();
                if may_show { cell.to_owned() } else { String::new() }
            }
        };
        let cells = match secret_column {
            None => row.cells,
            Some(secret) => {
                row.cells.iter().enumerate().map(|(at, cell)| if at == secret { "" } else { cell }).collect()
            }
        };
        PlannedRow { row: row.number, line: row.line, user_principal_name, cells, form: row.form, decision }
    }

    fn person<'r>(&self, row: &'r Row) -> Option<Person<'r>> {
        let cell = |column: usize| row.cells.get(column).unwrap_or_default();
        Some(Person {
            upn: row.address.as_ref().ok()?.as_str(),
            names: names_of(self.name_columns, cell),
            form: row.form,
        })
    }
}

/// The names that passwords must not hold, out of the columns that have them.
pub fn names_of<'r>(columns: &[usize], cell: impl Fn(usize) -> &'r str) -> [&'r str; NAMES_MAX] {
    let mut names = [""; NAMES_MAX];
    for (name, column) in names.iter_mut().zip(columns) {
        *name = cell(*column);
    }
    names
}

fn adopt(generator: &mut Generator<'_>, row: &Row, origin: Origin<'_>, column: usize, person: &Person<'_>) -> Decision {
    let brought = row.cells.get(column).unwrap_or_default();
    let place = place(origin, row.line);
    if brought.is_empty() {
        return Decision::Skip(Skip::PasswordMissing, format!("{place}: there is no password in this row"));
    }
    let password = Password::new(brought.to_owned());
    match generator.adopt(&password, person) {
        Ok(()) => Decision::Write(password),
        Err(weakness) => Decision::Skip(Skip::PasswordRejected, format!("{place}: {weakness}")),
    }
}
