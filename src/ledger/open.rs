//! Making a ledger from a plan, and opening one again, after a crash too.

use super::{
    Counts, FILE_NAME, Ledger, LedgerError,
    approved::Approved,
    clocks::Clocks,
    examine::{self, examine},
    lock,
    marks::{KEY, Marks},
    migrate::{self, CARRIED_FROM},
    place::Place,
    read, schema,
    sessions::Sessions,
    store::{Notes, store},
    vault::Vault,
};
use crate::{
    outcome::Skip,
    plan::{Plan, Settings},
    private, retry_after,
};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use std::{collections::HashMap, fs::File, io, path::Path};

/// SQLite's page cache, in KiB as its pragma wants them.
const CACHE_KIB: i64 = 16 << 10;

/// A row that will not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Line of the file.
    pub line: u64,
    /// Why.
    pub skip: Skip,
    /// The same for a person.
    pub message: String,
}

/// What came of making a ledger.
pub struct Created {
    /// The ledger, with the plan in it.
    pub ledger: Ledger,
    /// The first thousand rows that will not be sent; the report has them all.
    pub skipped: Vec<Skipped>,
}

/// Under which the run's id is noted, for which passwords are sealed.
pub(super) const RUN_ID: &str = "run_id";
/// Under which the process that works on the run is noted.
pub(super) const HOLDER: &str = "holder";
/// Longest wait that a row can have before it: what a `Retry-After` may ask for.
#[expect(clippy::cast_possible_truncation, reason = "an hour of milliseconds")]
const WAIT_MILLIS_MAX: i64 = retry_after::WAIT_SECONDS_MAX as i64 * 1_000;

impl Ledger {
    /// Makes a run folder that must not exist yet, and writes the whole plan into its ledger.
    ///
    /// # Errors
    /// Where the folder exists, the plan cannot be made, or the disk refuses; no folder is left behind then.
    pub fn create(folder: &Path, settings: Settings, plan: Plan<'_>) -> Result<Created, LedgerError> {
        private::create_dir(folder).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists if is_cut_off(folder) => LedgerError::Unfinished(folder.to_owned()),
            io::ErrorKind::AlreadyExists => LedgerError::Exists(folder.to_owned()),
            io::ErrorKind::NotFound => LedgerError::NoParent(folder.to_owned()),
            io::ErrorKind::InvalidFilename => LedgerError::BadName(folder.to_owned()),
            _ => LedgerError::File { file: folder.to_owned(), source },
        })?;
        let made = Self::fill(folder, settings, plan);
        if made.is_err() {
            // What failed is told; that the empty folder could not be taken away again would only hide it.
            let _ = std::fs::remove_dir_all(folder);
        }
        made
    }

    fn fill(folder: &Path, settings: Settings, plan: Plan<'_>) -> Result<Created, LedgerError> {
        let lock = lock::create(folder)?;
        let file = folder.join(FILE_NAME);
        // Made by us first, so that it is private from its first byte; SQLite gives its companions the same mode.
        private::create_file(&file).map_err(|source| LedgerError::File { file: file.clone(), source })?;
        mark_as_ours(&file)?;
        let mut connection = connect(&file, settings.rehearsal)?;
        connection.execute_batch(&schema::tables())?;
        let run_id = format!("{:032x}", rand::random::<u128>());
        let mut vault = Vault::new(run_id.clone(), settings.sealing.as_ref())?;
        vault.have_key(&connection)?;
        let (marks, text) = (Marks::generate()?, serde_json::to_string(&settings)?);
        let notes = Notes { run_id: &run_id, settings: &text, is_rehearsal: settings.rehearsal };
        let (approved, skipped) = store(&mut connection, &file, plan, &vault, &marks, &notes)?;
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        sync_folder(folder).map_err(|source| LedgerError::File { file: folder.to_owned(), source })?;
        let counts = Counts::read(&connection)?;
        let read = Read { settings, text, vault, marks, counts };
        let mut ledger = Self::with(connection, folder, read, Some(lock));
        ledger.approved.replace(Some(approved));
        ledger.settle_down()?;
        Ok(Created { ledger, skipped })
    }

    /// Opens the ledger of a run folder to work on it: alone, and with what a crash left in flight planned again.
    ///
    /// # Errors
    /// Where there is none, it is another's, damaged, unfinished, or held by another process.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        Self::open_at(folder, Timestamp::now())
    }

    /// The same for a process whose clock shows `now`: a wait that ends long after comes from a clock that was set back.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_at(folder: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        let file = examine::check(folder)?;
        let lock = lock::open(folder, || note_of(&file, HOLDER))?;
        let version = examine(folder, &file)?;
        let mut connection = connect(&file, false)?;
        if version != schema::VERSION {
            migrate::carry_over(&mut connection)?;
        }
        let mut ledger = Self::load(folder, connection, Some(lock))?;
        ledger.settle_down()?;
        ledger.recover(now)?;
        Ok(ledger)
    }

    /// The same as [`Ledger::open_at`] for tests: whatever was added to the schema stays, and triggers run.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn open_with_triggers(folder: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        let mut ledger = Self::read_with_triggers(folder)?;
        ledger._lock = Some(lock::open(folder, || note_of(&folder.join(FILE_NAME), HOLDER))?);
        ledger.settle_down()?;
        ledger.recover(now)?;
        Ok(ledger)
    }

    /// The same for a reader.
    ///
    /// # Errors
    /// As [`Ledger::open_to_read`].
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn read_with_triggers(folder: &Path) -> Result<Self, LedgerError> {
        let connection = connect(&examine::check(folder)?, false)?;
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, true)?;
        Self::load(folder, connection, None)
    }

    pub(super) fn load(folder: &Path, connection: Connection, lock: Option<File>) -> Result<Self, LedgerError> {
        let noted = |name| Ok::<_, LedgerError>(read::note(&connection, name)?.unwrap_or_default());
        let text = noted(read::SETTINGS)?;
        let settings: Settings = serde_json::from_str(&text)?;
        if settings.rehearsal {
            connection.pragma_update(None, "synchronous", "OFF")?;
        }
        let mut vault = Vault::new(noted(RUN_ID)?, settings.sealing.as_ref())?;
        if !noted(CARRIED_FROM)?.is_empty() {
            vault.take_older();
        }
        let marks = Marks::parse(&noted(KEY)?).ok_or_else(|| LedgerError::Damaged {
            file: folder.join(FILE_NAME),
            why: "the key of its marks is missing or was changed".into(),
        })?;
        let counts = Counts::read(&connection)?;
        Ok(Self::with(connection, folder, Read { settings, text, vault, marks, counts }, lock))
    }

    fn with(connection: Connection, folder: &Path, read: Read, lock: Option<File>) -> Self {
        let clocks = Clocks::read(&connection);
        Self {
            connection,
            folder: folder.to_owned(),
            settings: read.settings,
            settings_text: read.text,
            vault: read.vault,
            marks: read.marks,
            approved: None::<Approved>.into(),
            fresh: HashMap::new(),
            counts: read.counts,
            sessions: Sessions::default(),
            last_row: i64::MAX,
            clock_ahead: 0,
            clocks,
            _lock: lock,
            place: None,
            displaced: None,
            _copied: None,
        }
    }

    /// Notes who works on the run, which also makes the log, and remembers which files those are.
    fn settle_down(&mut self) -> Result<(), LedgerError> {
        self.set_note(HOLDER, &holder())?;
        self.place = Some(Place::of(&self.folder)?);
        Ok(())
    }

    /// What was in flight when the last process ended may have taken effect: it is planned again, in doubt. A wait that
    /// is longer than any that is ever noted comes from a clock that was set back since.
    fn recover(&mut self, now: Timestamp) -> Result<(), LedgerError> {
        let latest = now.as_millisecond().saturating_add(WAIT_MILLIS_MAX);
        self.connection.execute("UPDATE account SET not_before = 0 WHERE not_before > ?1", [latest])?;
        self.connection.execute(
            "UPDATE account SET state = 'planned', doubt = doubt | 1, not_before = 0 WHERE state = 'in_flight'",
            (),
        )?;
        self.recover_sessions()?;
        self.counts = Counts::read(&self.connection)?;
        Ok(())
    }
}

/// Whether a folder holds a plan that was cut off, and that nobody is making now.
fn is_cut_off(folder: &Path) -> bool {
    let is_unfinished = |found: &LedgerError| matches!(found, LedgerError::Unfinished(_));
    let found = examine::check(folder).and_then(|file| examine(folder, &file));
    found.as_ref().is_err_and(is_unfinished) && lock::open(folder, || None).is_ok()
}

/// What a ledger holds that is read once.
struct Read {
    settings: Settings,
    /// As it is noted.
    text: String,
    vault: Vault,
    marks: Marks,
    counts: Counts,
}

/// Writes our mark into the file's header itself, which a write-ahead log would hold back.
fn mark_as_ours(file: &Path) -> Result<(), LedgerError> {
    let connection = schema::open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", schema::VERSION)?;
    Ok(())
}

pub(super) fn connect(file: &Path, rehearsal: bool) -> Result<Connection, LedgerError> {
    let connection = schema::open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if rehearsal { "OFF" } else { "FULL" })?;
    // On macOS only this reaches the disk itself.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

fn note_of(file: &Path, name: &str) -> Option<String> {
    let connection = schema::open(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    read::note(&connection, name).ok().flatten()
}

/// Who works on the run, for whoever is refused meanwhile.
pub(super) fn holder() -> String {
    format!("process {} since {:.0}", std::process::id(), Timestamp::now())
}

/// A new file's name is in its folder, and that folder's in the one above, so both must reach the disk too.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        // A folder that is named without a path lies where we work.
        let parent = folder.parent().map(|parent| if parent == Path::new("") { Path::new(".") } else { parent });
        for path in std::iter::once(folder).chain(parent) {
            File::open(path)?.sync_all()?;
        }
    }
    Ok(())
}
