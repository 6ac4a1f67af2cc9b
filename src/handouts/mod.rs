//! Handouts: printable slips that bring each user their new password, one file per class, manager or building.
//!
//! The map: [`Handouts`] finds who gets a slip and in which file (`groups`). A [`Template`] turns the slips of a group
//! into an HTML page, in the `words` of each reader's language, with a QR code of the [`SignIn`] address. A [`SealMap`]
//! seals each file to its own recipients. `folder` makes all files appear at once.
//!
//! It never changes the ledger, and never shows a password that may not be in force. The passwords of one group at a
//! time are in memory, and are wiped when its file is written; the output goes through buffers that are not.
//!
//! Invariant: with a seal map, every byte of a slip on disk is sealed to the recipients of its group.

mod collate;
mod columns;
mod file_name;
mod folder;
mod groups;
mod seal_map;
mod selection;
mod sign_in;
mod slip;
mod template;
mod words;

pub use folder::first_free;
pub use groups::{Group, LeftOut};
pub use seal_map::{SealMap, SealMapError};
pub use selection::Sought;
pub use sign_in::{SignIn, SignInError};
pub use template::{BUILT_IN, BUILT_IN_NAME, Template, TemplateError};

use crate::{
    JsonError,
    account::language::Language,
    ledger::{ClaimState, LedgerError, ReadLedger, ReportRow},
    plan::Settings,
    report::{self, defused},
    roster::{Condition, RosterError},
    seal::{Recipients, SealError},
    util::{redact::Redactor, sanitize},
};
use columns::{Columns, cell};
use folder::Draft;
use groups::{Scan, is_handed_out, survey};
use minijinja::{Value, context};
use selection::Selection;
use slip::{ADDRESS, Cells, Secret, Slip};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use template::Fault;
use words::{Occasion, Words, words_of};

/// The folder's name inside the run folder.
pub const FOLDER_NAME: &str = report::HANDOUTS_NAME;
/// The list of its files.
pub const INDEX_NAME: &str = report::HANDOUTS_INDEX;
/// The file's name if all slips are in one file.
const ALL: &str = "handouts";
/// How many groups a message names.
const NAMED_MAX: usize = 10;

/// The order of the slips in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// In the order of the roster.
    #[default]
    Roster,
    /// By family name if the roster has it separately, ignoring case and accents.
    Name,
}

/// Options for the handouts.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Wishes {
    /// The column whose values make the groups, by name or number. Without it, all slips are in one file.
    pub by: Option<String>,
    /// Only the groups with these values; all groups if empty.
    pub only: Vec<String>,
    /// Only rows that meet all of these: by a column of the roster, or by `claimed`, once the run was swept.
    pub conditions: Vec<Condition>,
    /// Only these accounts; all accounts if empty.
    pub users: Vec<String>,
    /// The columns with the users' names; if empty, they are found by their headers.
    pub name_columns: Vec<String>,
    /// The order of the slips.
    pub order: Order,
    /// The language of slips whose row asks for none.
    pub language: Language,
    /// The column with the language of each slip.
    pub language_column: Option<String>,
    /// Where the users sign in.
    pub sign_in: SignIn,
}

/// Why handouts cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandoutError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A column is not there.
    #[error("{0}; nothing was written")]
    Column(#[from] RosterError),
    /// A value or an account that was asked for is not there.
    #[error("{what} {wanted:?} is not in this run; nothing was written")]
    NotInRun {
        /// What was asked for.
        what: Sought,
        /// Its name.
        wanted: String,
        /// The nearest one that there is.
        near: Option<String>,
    },
    /// Slips in clear text would lie in the folder of a sealed run.
    #[error(
        "this run is sealed, and slips show passwords in clear text, so none are written into its folder; nothing was written"
    )]
    InSealedRun,
    /// The template does not work.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A recipient is none.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A row's cells in the ledger are no JSON array.
    #[error("a row's cells in the ledger cannot be read: {0}")]
    Cells(#[from] JsonError),
    /// A condition on what only a sweep finds out, in a run that was never swept.
    #[error("this run was never swept, so nobody knows who has chosen a password; nothing was written")]
    NotSwept,
    /// No account that was reset meets the conditions.
    #[error("no account with a new password meets {0}; nothing was written")]
    NoneMeets(String),
    /// Nobody has a new password.
    #[error("none of these accounts has a new password in force, so nobody gets a slip; nothing was written")]
    Nobody,
    /// Passwords are sealed, and no key was given.
    #[error("{0} of the passwords are sealed, and slips must show them; nothing was written")]
    Sealed(u64),
    /// Groups that the seal map does not name.
    #[error("the seal map names no recipient for {}; nothing was written", some_of(.0))]
    NoRecipient(Vec<String>),
    /// The folder is there already.
    #[error("{} exists already, and handouts are never overwritten", .0.display())]
    Exists(PathBuf),
    /// The folder above it is not.
    #[error("{} cannot be made: the folder above it does not exist", .0.display())]
    NoParent(PathBuf),
    /// A process that died has left passwords.
    #[error("{} was left behind by a process that died, and may hold passwords", .0.display())]
    LeftBehind(PathBuf),
    /// Another process has changed the run meanwhile.
    #[error("row {0} was changed by another process while its slip was made; nothing was written")]
    Changed(u64),
    /// A file cannot be written.
    #[error("{}: {}; nothing was left of the handouts", .file.display(), .source)]
    File {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The slips of a run, selected but not written yet.
pub struct Handouts<'l> {
    ledger: &'l ReadLedger,
    wishes: Wishes,
    columns: Columns,
    selection: Selection,
    survey: Scan,
    /// The sign-in address as a QR code: drawn once, and the same on every slip.
    code: Value,
}

impl<'l> Handouts<'l> {
    /// Finds who gets a slip, and in which file.
    ///
    /// # Errors
    /// Fails if a column does not exist, if there would be no slips, or if the passwords or the ledger cannot be read.
    pub fn new(ledger: &'l ReadLedger, wishes: Wishes) -> Result<Self, HandoutError> {
        let settings = ledger.settings();
        let columns = Columns::of(settings, &wishes)?;
        let otherwise = columns.by.map_or_else(|| ALL.into(), |at| format!("no-{}", name_of(settings, at)));
        let selection = Selection::of(ledger, &columns, &wishes)?;
        let survey = survey(ledger, &columns, wishes.order, &selection, &otherwise)?;
        let (side, path) = wishes.sign_in.code();
        match survey.sealed {
            0 if survey.groups.is_empty() => Err(nobody(&wishes)),
            0 => Ok(Self { ledger, wishes, columns, selection, survey, code: context! { side, path } }),
            sealed => Err(HandoutError::Sealed(sealed)),
        }
    }

    /// The groups, in natural order.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.survey.groups
    }

    /// The rows without a slip.
    #[must_use]
    pub fn left_out(&self) -> &LeftOut {
        &self.survey.left_out
    }

    /// Languages that are not built in, and how many slips ask for each; these slips use [`Wishes::language`].
    #[must_use]
    pub fn unknown_languages(&self) -> &BTreeMap<String, u64> {
        &self.survey.unknown_languages
    }

    /// Whether some of the slips are reminders: their users were chosen because they have not chosen a password yet.
    #[must_use]
    pub fn are_reminders(&self) -> bool {
        self.selection.reminds
    }

    /// The name of a group's file.
    #[must_use]
    pub fn file_name(group: &Group, is_sealed: bool) -> String {
        format!("{}.html{}", group.file, if is_sealed { ".age" } else { "" })
    }

    /// Writes all files and their index into a new folder.
    ///
    /// # Errors
    /// Fails if the folder exists, the template fails, a group has no recipient in `seal_map`, a file cannot be
    /// written, or unsealed slips of a sealed run would be inside its run folder. Nothing is left behind then.
    pub fn write(&self, folder: &Path, template: &Template, seal_map: Option<&SealMap>) -> Result<(), HandoutError> {
        match seal_map {
            Some(map) => self.all_have_recipients(map)?,
            None if self.ledger.sealed_to().is_some() && folder::lies_in(folder, self.ledger.folder()) => {
                return Err(HandoutError::InSealedRun);
            }
            None => {}
        }
        let mut draft = Draft::begin(folder)?;
        for group in self.groups() {
            let recipients = seal_map.and_then(|map| map.recipients(&group.value)).transpose()?;
            let name = Self::file_name(group, recipients.is_some());
            let slips = self.slips(group)?;
            let written = draft.file(&name, |out| self.page(group, &slips, template, recipients.as_ref(), out));
            written.map_err(|fault| match fault {
                Fault::Io(source) => HandoutError::File { file: folder.join(&name), source },
                Fault::Template(error) => error.into(),
            })?;
        }
        self.index(&mut draft, folder, seal_map.is_some())?;
        draft.finish()
    }

    fn all_have_recipients(&self, map: &SealMap) -> Result<(), HandoutError> {
        let lacking = self.groups().iter().filter(|group| !map.names(&group.value));
        let lacking: Vec<String> = lacking.map(|group| group.value.clone()).collect();
        if lacking.is_empty() { Ok(()) } else { Err(HandoutError::NoRecipient(lacking)) }
    }

    /// Groups in a seal map that the run does not have: perhaps misspelled.
    #[must_use]
    pub fn not_in_run<'m>(&self, map: &'m SealMap) -> Vec<&'m str> {
        let mut unknown: Vec<_> =
            map.groups().filter(|named| self.groups().iter().all(|group| group.value != *named)).collect();
        unknown.sort_unstable();
        unknown
    }

    fn slips(&self, group: &Group) -> Result<Vec<Arc<Slip>>, HandoutError> {
        let header: Arc<[String]> = self.ledger.settings().header.clone().into();
        let mut words = Vec::new();
        let slip = |number: &u64| {
            let row = self.ledger.row(*number)?.filter(is_handed_out).ok_or(HandoutError::Changed(*number))?;
            let row = self.selection.still_meets(row).ok_or(HandoutError::Changed(*number))?;
            self.slip(row, &header, &mut words).map(Arc::new)
        };
        group.rows.iter().map(slip).collect()
    }

    fn slip(
        &self,
        mut row: ReportRow,
        header: &Arc<[String]>,
        words: &mut Vec<((Language, Occasion), Value)>,
    ) -> Result<Slip, HandoutError> {
        let password = row.password.take().ok_or(HandoutError::Changed(row.row))?;
        let user_principal_name = std::mem::take(&mut row.user_principal_name);
        let cells = row.roster_cells()?;
        let language = self.columns.language(&cells).ok().flatten().unwrap_or(self.wishes.language);
        let is_reminder = self.selection.reminds && row.claimed == Some(ClaimState::No);
        let occasion = if is_reminder { Occasion::Reminder } else { Occasion::First };
        Ok(Slip {
            row: row.row,
            occasion,
            name: self.columns.names.read(|at| cell(&cells, at)),
            force_change: self.ledger.settings().force_change_of(row.form.profile),
            password: Arc::new(Secret(password)),
            user_principal_name,
            language,
            words: words_of((language, occasion), words),
            cells: Arc::new(Cells {
                header: Arc::clone(header),
                cells: cells.into_iter().map(Cow::into_owned).collect(),
            }),
        })
    }

    /// Writes a group's file: the page, sealed if required.
    fn page(
        &self,
        group: &Group,
        slips: &[Arc<Slip>],
        template: &Template,
        recipients: Option<&Recipients>,
        out: &mut dyn io::Write,
    ) -> Result<(), Fault> {
        let values = self.values(group, slips);
        let redact = || Redactor::of(slips.iter().map(|slip| slip.password.0.expose()));
        match recipients {
            None => template.write(values, redact, out),
            Some(recipients) => recipients.stream(out, |out| template.write(values, redact, out)),
        }
    }

    /// The values that a template can use. The built-in template documents them.
    fn values(&self, group: &Group, slips: &[Arc<Slip>]) -> Value {
        let settings = self.ledger.settings();
        let sign_in = &self.wishes.sign_in;
        context! {
            roster => sanitize::line(&settings.roster),
            rehearsal => settings.rehearsal,
            column => self.columns.by.map(|at| sanitize::line(&name_of(settings, at)).into_owned()),
            group => self.columns.by.map(|_| sanitize::line(&group.value)),
            language => self.wishes.language.to_string(),
            words => Words::of(self.wishes.language).value(Occasion::First),
            sign_in => context! { url => sign_in.url(), typed => sign_in.typed(), size => ADDRESS.size(sign_in.typed()) },
            code => &self.code,
            slips => slips.iter().map(|slip| Value::from_dyn_object(Arc::clone(slip))).collect::<Vec<_>>(),
        }
    }

    fn index(&self, draft: &mut Draft, folder: &Path, is_sealed: bool) -> Result<(), HandoutError> {
        let written = draft.file(INDEX_NAME, |out| -> Result<(), csv::Error> {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
            writer.write_record(report::HANDOUTS_COLUMNS)?;
            for group in self.groups() {
                let (file, slips) = (Self::file_name(group, is_sealed), group.rows.len().to_string());
                writer.write_record([&*defused(&sanitize::data(&group.value)), &*defused(&file), &slips])?;
            }
            Ok(writer.flush()?)
        });
        written.map_err(|error| HandoutError::File { file: folder.join(INDEX_NAME), source: error.into() })
    }
}

/// The first of these groups, for a message.
fn some_of(groups: &[String]) -> String {
    let named: Vec<String> =
        groups.iter().take(NAMED_MAX).map(|group| format!("{:?}", sanitize::for_terminal(group))).collect();
    let more = groups.len() - named.len();
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// A column's name in files and pages.
fn name_of(settings: &Settings, at: usize) -> String {
    let name = settings.header.get(at).map_or("", String::as_str);
    if name.is_empty() { format!("column {}", at + 1) } else { name.to_owned() }
}

/// Why nobody gets a slip.
fn nobody(wishes: &Wishes) -> HandoutError {
    match wishes.conditions.as_slice() {
        [] => HandoutError::Nobody,
        conditions => HandoutError::NoneMeets(
            conditions
                .iter()
                .map(|condition| sanitize::for_terminal(&condition.to_string()))
                .collect::<Vec<_>>()
                .join(" and "),
        ),
    }
}
