//! The plan: every decision about every row, made before anything is done.
//!
//! It joins a roster with passwords, one chunk of rows at a time, so a million rows need no more memory than a few
//! thousand. It never writes or sends; the ledger takes the rows as they come.
//!
//! Invariant: each roster row comes out exactly once, in order, with a password or with the reason why it has none.

pub mod wanted;

use crate::{
    account::upn::Upn,
    graph::cloud::{Cloud, OwnEndpoint},
    outcome::{Kind, Method, Skip},
    password::{ForceChange, Form, Generator, Password, PasswordError, PasswordPolicy, Person, Profile},
    plan::wanted::Wanted,
    roster::{Cells, Only, Origin, Roster, RosterError, Row, Rows, exclusions::Exclusions, place},
    seal::Sealing,
    util::sanitize,
};
use serde::{Deserialize, Serialize};

/// Rows that are decided together: enough to use every core, few enough to keep memory flat.
const CHUNK_ROWS: usize = 8_192;
/// How many names of a user are kept out of the password: given, family and display name.
pub const NAMES_MAX: usize = 3;

/// Whether accounts are looked up before anything is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// Only if the application may read them. Otherwise the plan says so, and uses the roster's names.
    #[default]
    Auto,
    /// Always; without a lookup there is no plan.
    Required,
    /// Never.
    Off,
}

/// Which accounts are looked up, and which are left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Whether accounts are looked up.
    pub lookup: Lookup,
    /// Whether to reset accounts that on-premises AD manages.
    pub include_synced: bool,
    /// Whether to reset accounts with directory roles.
    pub include_admins: bool,
    /// Whether accounts that on-premises AD manages are reset there, through the service.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub writeback: bool,
}

/// The tenant of a run, as the plan names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTenant {
    /// Its id, a GUID. A rehearsal may have only a domain.
    pub id: String,
    /// How it is called: a domain of the roster, or the id.
    pub name: String,
    /// All its names in the roster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// Settings of the whole run. The ledger stores them with the plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Settings {
    /// Whether the run uses the embedded simulator and never a tenant.
    pub rehearsal: bool,
    /// The roster's name, for display.
    pub roster: String,
    /// Its sheet, if it is a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// How many of the last columns came from an earlier run's report, if the roster is an earlier run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_columns: Option<usize>,
    /// The accounts, if the command line named them instead of a roster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Which rows of the roster the run uses, if not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// Its column names.
    pub header: Vec<String>,
    /// The columns with the users' names.
    pub name_columns: Vec<usize>,
    /// The column with the passwords, if one was given.
    pub password_column: Option<usize>,
    /// How passwords are made.
    pub policy: PasswordPolicy,
    /// What happens at the next sign-in, whatever the profile; see [`Settings::force_change_of`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_change: Option<ForceChange>,
    /// Which accounts are left alone.
    pub rules: Rules,
    /// The recipients of the sealed passwords; `None` if passwords are stored in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<Sealing>,
    /// The cloud of the tenant. `None` in a rehearsal, and in a run that an older release planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<Cloud>,
    /// The tenant, if the plan names it: then the run signs in to this one and to no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<NamedTenant>,
    /// Endpoints that were given instead of the cloud's when the run was planned. They have to be given again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_endpoints: Vec<OwnEndpoint>,
    /// What the run does besides the resets.
    #[serde(default, skip_serializing_if = "Wanted::is_empty")]
    pub wanted: Wanted,
}

impl Settings {
    /// Settings of a real run over `roster`. Each profile decides whether its users choose a new password at the next
    /// sign-in; without profiles, all users do.
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
            tenant: None,
            own_endpoints: Vec::new(),
            wanted: Wanted::default(),
        }
    }
}

impl Settings {
    /// Where the rows came from.
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

    /// How the password goes to an account of this kind.
    #[must_use]
    pub fn method_of(&self, kind: Kind) -> Method {
        match kind {
            Kind::Reason(Skip::Synced) if self.rules.writeback => Method::Writeback,
            _ => Method::Graph,
        }
    }

    /// What an account of this profile must do at the next sign-in.
    #[must_use]
    pub fn force_change_of(&self, profile: Option<Profile>) -> ForceChange {
        let by_profile = || profile.map(Profile::force_change).unwrap_or_default();
        self.force_change.unwrap_or_else(by_profile)
    }
}

/// What happens to a row.
pub enum Decision {
    /// Write this password to the account.
    Write(Password),
    /// Send nothing, for this reason.
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
    /// The roster's cells. The cell that held a password is empty.
    pub cells: Cells,
    /// The form of its password, also for a new one if it has to be replaced.
    pub form: Form,
    /// What to do.
    pub decision: Decision,
}

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The rest of the roster cannot be read.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// Passwords cannot be generated.
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
    /// A plan for `roster`. The passwords come from the roster's own column if it has one, otherwise from `generator`.
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

    /// The excluded accounts.
    pub fn exclusions(&self) -> impl Iterator<Item = &str> {
        self.exclusions.keys()
    }

    /// The next rows with their decisions; empty at the end of the roster.
    ///
    /// # Errors
    /// Fails if the rest of the roster cannot be read or passwords cannot be generated.
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

    /// The account cell of a refused row is shown only if it is an account, or cannot be a password.
    fn planned(&self, row: Row, secret_column: Option<usize>, decision: Decision) -> PlannedRow {
        let user_principal_name = match &row.address {
            Ok(upn) => upn.as_str().to_owned(),
            Err(_) => {
                let cell = sanitize::trim(row.cells.get(self.upn_column).unwrap_or_default());
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

/// The names that must not appear in passwords, from the columns that hold them.
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
