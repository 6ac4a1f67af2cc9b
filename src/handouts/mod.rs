//! Handouts: printable slips that bring each person's new password to the person, a file for each class, manager or
//! building.
//!
//! The map: [`Handouts`] finds who gets a slip and in which file (`groups`); a [`Template`] turns the slips of a group into
//! a page of HTML, in the `words` of each reader's language, with a code of the [`SignIn`] address; a
//! [`SealMap`] seals each file to its own recipients; `folder` has all files appear at once.
//!
//! It never changes the ledger, and never shows a password that may not be in force. The passwords of one group at a time
//! are in memory, wiped when its file is written; what is written goes through buffers that are not.
//!
//! Invariant: with a seal map, no byte of a slip reaches the disk but sealed to the recipients of its group.

mod collate;
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
pub use sign_in::{SignIn, SignInError};
pub use template::{BUILT_IN, BUILT_IN_NAME, Template, TemplateError};

use crate::{
    clean,
    language::Language,
    ledger::{Ledger, LedgerError, ReportRow},
    plan::Settings,
    report::defused,
    roster::{self, NameColumns, RosterError},
    scrub::Scrub,
    seal::{Recipients, SealError},
};
use folder::Draft;
use groups::{Columns, Survey, cell, is_handed_out, survey};
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
use words::Words;

/// The folder's name in the run folder.
pub const FOLDER_NAME: &str = "handouts";
/// The list of its files.
pub const INDEX_NAME: &str = "index.csv";
/// How a file is called where all slips share one.
const ALL: &str = "handouts";
/// Groups that a message names.
const NAMED_MAX: usize = 10;

/// The order of the slips in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As the rows of the roster.
    #[default]
    Roster,
    /// By family name, where the roster tells it apart, without regard to case and accents.
    Name,
}

/// What the handouts are to be.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The column whose values make the groups, by its name or number; all slips share a file without it.
    pub by: Option<String>,
    /// Only the groups of these values; all of them if there is none.
    pub only: Vec<String>,
    /// Only these accounts; all of them if there is none.
    pub users: Vec<String>,
    /// The columns that make a person's name; without any, those whose names say so.
    pub name_columns: Vec<String>,
    /// The order of the slips.
    pub order: Order,
    /// The language of the slips that ask for none.
    pub language: Language,
    /// The column that names the language of a slip.
    pub language_column: Option<String>,
    /// Where the people sign in.
    pub sign_in: SignIn,
}

/// Why handouts cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HandoutError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A column is not there.
    #[error("{}", of_handouts(.0))]
    Column(#[from] RosterError),
    /// A value or an account that was asked for is not there.
    #[error(
        "{flag} {wanted:?} is not in this run; nothing was written\nhint: {}report.csv has all rows",
        .near.as_ref().map(|near| format!("did you mean {near:?}? ")).unwrap_or_default()
    )]
    NotInRun {
        /// The flag.
        flag: &'static str,
        /// What it asks for.
        wanted: String,
        /// The nearest one that there is.
        near: Option<String>,
    },
    /// Slips in clear text would lie in the folder of a sealed run.
    #[error(
        "this run is sealed, and slips show passwords in clear text, so none are written into its folder; nothing was written\n\
         hint: name a folder outside of it with --out DIR, or seal each file to its own readers with --by and --seal-map"
    )]
    InSealedRun,
    /// The template does not work.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A recipient is none.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A row's cells in the ledger are no JSON array.
    #[error(
        "a row's cells in the ledger cannot be read: {0}\nhint: the ledger is damaged; restore the folder from a copy"
    )]
    Cells(#[from] serde_json::Error),
    /// Nobody has a new password.
    #[error(
        "none of these accounts has a new password in force, so nobody gets a slip; nothing was written\nhint: `passwave run` sends what is planned; report.csv says what became of each row"
    )]
    Nobody,
    /// Passwords are sealed, and no key was given.
    #[error(
        "{0} of the passwords are sealed, and slips must show them; nothing was written\nhint: give the key with --identity KEYFILE, or --passphrase"
    )]
    Sealed(u64),
    /// Groups that the seal map does not name.
    #[error(
        "the seal map names no recipient for {0}; nothing was written\nhint: add a line for each of them: its value, and the recipient that may read its slips"
    )]
    NoRecipient(String),
    /// The folder is there already.
    #[error("{} exists already, and handouts are never overwritten\nhint: remove it, or name another one with --out", .0.display())]
    Exists(PathBuf),
    /// The folder above it is not.
    #[error("{} cannot be made: the folder above it does not exist\nhint: make that folder first, or name another one with --out", .0.display())]
    NoParent(PathBuf),
    /// A process that died has left passwords.
    #[error("{} was left behind by a process that died, and may hold passwords\nhint: remove it, and try again", .0.display())]
    LeftBehind(PathBuf),
    /// Another process has changed the run meanwhile.
    #[error(
        "row {0} was changed by another process while its slip was made; nothing was written\nhint: try again when that process has ended"
    )]
    Changed(u64),
    /// A file cannot be written.
    #[error("{}: {}; nothing was left of the handouts\nhint: check free space and permissions, or name another folder with --out", .file.display(), .source)]
    File {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The slips of a run, found and not yet made.
pub struct Handouts<'l> {
    ledger: &'l Ledger,
    wishes: Wishes,
    columns: Columns,
    survey: Survey,
}

impl<'l> Handouts<'l> {
    /// Finds who gets a slip, and in which file.
    ///
    /// # Errors
    /// Where a column is not there, nobody gets a slip, passwords cannot be read here, or the ledger cannot.
    pub fn new(ledger: &'l Ledger, wishes: Wishes) -> Result<Self, HandoutError> {
        let settings = ledger.settings();
        let columns = columns(settings, &wishes)?;
        let otherwise = columns.by.map_or_else(|| ALL.into(), |at| format!("no-{}", name_of(settings, at)));
        let selection = Selection::of(ledger, &columns, &wishes)?;
        let survey = survey(ledger, &columns, wishes.order, &selection, &otherwise)?;
        match survey.sealed {
            0 if survey.groups.is_empty() => Err(HandoutError::Nobody),
            0 => Ok(Self { ledger, wishes, columns, survey }),
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

    /// Languages that are not built in, with how many slips ask for each; they are in [`Wishes::language`].
    #[must_use]
    pub fn unknown_languages(&self) -> &BTreeMap<String, u64> {
        &self.survey.unknown_languages
    }

    /// How a group's file is called.
    #[must_use]
    pub fn file_name(group: &Group, is_sealed: bool) -> String {
        format!("{}.html{}", group.file, if is_sealed { ".age" } else { "" })
    }

    /// Writes all files, and the list of them, into a new folder.
    ///
    /// # Errors
    /// If the folder exists, the template fails, a group has no recipient in `seal_map`, the run is sealed and the folder
    /// lies in its own while the slips are not, or a file cannot be written. Nothing is left behind then.
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
        let lacking: Vec<String> = self
            .groups()
            .iter()
            .filter(|group| !map.names(&group.value))
            .map(|group| format!("{:?}", clean::for_terminal(&group.value)))
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let more = lacking.len().saturating_sub(NAMED_MAX);
        let named = lacking[..lacking.len() - more].join(", ");
        Err(HandoutError::NoRecipient(if more > 0 { format!("{named} and {more} more") } else { named }))
    }

    /// Groups that a seal map names and the run does not have: misspelt ones, perhaps.
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
            self.slip(row, &header, &mut words).map(Arc::new)
        };
        group.rows.iter().map(slip).collect()
    }

    fn slip(
        &self,
        row: ReportRow,
        header: &Arc<[String]>,
        words: &mut Vec<(Language, Value)>,
    ) -> Result<Slip, HandoutError> {
        let cells: Vec<Cow<'_, str>> = serde_json::from_str(&row.cells)?;
        let language = self.columns.language(&cells).ok().flatten().unwrap_or(self.wishes.language);
        Ok(Slip {
            row: row.row,
            name: self.columns.names.read(|at| cell(&cells, at)),
            force_change: self.ledger.settings().force_change_of(row.form.profile),
            password: Arc::new(Secret(row.password.ok_or(HandoutError::Changed(row.row))?)),
            user_principal_name: row.user_principal_name,
            language,
            words: words_of(language, words),
            cells: Arc::new(Cells {
                header: Arc::clone(header),
                cells: cells.into_iter().map(Cow::into_owned).collect(),
            }),
        })
    }

    /// Writes a group's file: the page, or the page sealed.
    fn page(
        &self,
        group: &Group,
        slips: &[Arc<Slip>],
        template: &Template,
        recipients: Option<&Recipients>,
        out: &mut dyn io::Write,
    ) -> Result<(), Fault> {
        let values = self.values(group, slips);
        let scrub = || Scrub::of(slips.iter().map(|slip| slip.password.0.expose()));
        match recipients {
            None => template.write(values, scrub, out),
            Some(recipients) => recipients.stream(out, |out| template.write(values, scrub, out)),
        }
    }

    /// What a template can use. Documented in the built-in one.
    fn values(&self, group: &Group, slips: &[Arc<Slip>]) -> Value {
        let settings = self.ledger.settings();
        let sign_in = &self.wishes.sign_in;
        let (side, path) = sign_in.code();
        context! {
            roster => clean::line(&settings.roster),
            rehearsal => settings.rehearsal,
            column => self.columns.by.map(|at| clean::line(&name_of(settings, at))),
            group => self.columns.by.map(|_| clean::line(&group.value)),
            language => self.wishes.language.to_string(),
            words => Words::of(self.wishes.language).value(),
            sign_in => context! { url => sign_in.url(), typed => sign_in.typed(), size => ADDRESS.size(sign_in.typed()) },
            code => context! { side, path },
            slips => slips.iter().map(|slip| Value::from_dyn_object(Arc::clone(slip))).collect::<Vec<_>>(),
        }
    }

    fn index(&self, draft: &mut Draft, folder: &Path, is_sealed: bool) -> Result<(), HandoutError> {
        let written = draft.file(INDEX_NAME, |out| -> Result<(), csv::Error> {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
            writer.write_record(["group", "file", "slips"])?;
            for group in self.groups() {
                let (file, slips) = (Self::file_name(group, is_sealed), group.rows.len().to_string());
                writer.write_record([&*defused(&clean::data(&group.value)), &*defused(&file), &slips])?;
            }
            Ok(writer.flush()?)
        });
        written.map_err(|error| HandoutError::File { file: folder.join(INDEX_NAME), source: error.into() })
    }
}

fn columns(settings: &Settings, wishes: &Wishes) -> Result<Columns, HandoutError> {
    let column = |flag, wanted: &String| roster::column_named(&settings.roster, &settings.header, flag, wanted);
    let told: Vec<usize> =
        wishes.name_columns.iter().map(|name| column("--name-column", name)).collect::<Result<_, _>>()?;
    Ok(Columns {
        by: wishes.by.as_ref().map(|name| column("--by", name)).transpose()?,
        language: wishes.language_column.as_ref().map(|name| column("--language-column", name)).transpose()?,
        names: if told.is_empty() {
            NameColumns::of(&settings.header, &settings.name_columns)
        } else {
            NameColumns::in_order(told)
        },
    })
}

/// An error about a roster, in the words of a verb that sends nothing.
fn of_handouts(error: &RosterError) -> String {
    error.to_string().replace("nothing was sent", "nothing was written")
}

/// A column as files and pages name it.
fn name_of(settings: &Settings, at: usize) -> String {
    let name = settings.header.get(at).map_or("", String::as_str);
    if name.is_empty() { format!("column {}", at + 1) } else { name.to_owned() }
}

/// A language's words, made once.
fn words_of(language: Language, made: &mut Vec<(Language, Value)>) -> Value {
    if let Some((_, words)) = made.iter().find(|(known, _)| *known == language) {
        return words.clone();
    }
    let words = Words::of(language).value();
    made.push((language, words.clone()));
    words
}
