//! Creates a ledger from a plan, and opens an existing one, also after a crash.

use super::{
    Counts, FILE_NAME, Ledger, LedgerError, ReadLedger,
    approved::{Approved, is_doubt_proven, prove},
    clocks::Clocks,
    database::Database,
    examine::{self, examine},
    kept_pace,
    location::Location,
    lock,
    marks::{End, Marks},
    migrate,
    note::{self, NoteKey},
    password_column::PasswordColumn,
    removed::Removal,
    schema,
    sessions::Sessions,
    state::State,
    store::{Notes, Skipped, store},
    version,
};
use crate::{
    plan::{Plan, Settings},
    util::{private_file, replace::OwnFiles},
};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Row};
use std::{collections::HashMap, fs::File, io, path::Path};

/// The result of creating a ledger.
pub struct Created {
    /// The ledger, with the plan in it.
    pub ledger: Ledger,
    /// The first thousand rows that will not be sent; the report has all.
    pub skipped: Vec<Skipped>,
}

impl Ledger {
    /// Creates a run folder, which must not exist yet, and writes the whole plan into its ledger.
    ///
    /// # Errors
    /// Fails if the folder exists, if the plan cannot be made, or on a disk error; no folder is left behind then.
    pub fn create(folder: &Path, settings: Settings, plan: Plan<'_>) -> Result<Created, LedgerError> {
        private_file::create_dir(folder).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists if is_cut_off(folder) => LedgerError::Unfinished(folder.to_owned()),
            io::ErrorKind::AlreadyExists => LedgerError::Exists(folder.to_owned()),
            io::ErrorKind::NotFound => LedgerError::NoParent(folder.to_owned()),
            io::ErrorKind::InvalidFilename => LedgerError::bad_name(folder),
            _ => LedgerError::File { file: folder.to_owned(), source },
        })?;
        let made = Self::fill_folder(folder, settings, plan);
        if made.is_err() {
            // The first error is reported; a failure to remove the empty folder would only hide it.
            let _ = std::fs::remove_dir_all(folder);
        }
        made
    }

    fn fill_folder(folder: &Path, settings: Settings, plan: Plan<'_>) -> Result<Created, LedgerError> {
        let lock = lock::create(folder)?;
        let file = folder.join(FILE_NAME);
        // We create it first, so it is private from its first byte; SQLite gives its companion files the same mode.
        private_file::create_file(&file).map_err(|source| LedgerError::File { file: file.clone(), source })?;
        mark_as_ours(&file)?;
        let connection = Database::new(connect(&file, Durability::of(&settings))?);
        connection.execute_batch(&schema::tables())?;
        let is_synced = Durability::of(&settings) == Durability::Synced;
        let (read, skipped) = Self::fill(connection, folder, is_synced.then_some(&*file), settings, plan)?;
        read.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        sync_folder(folder).map_err(|source| LedgerError::File { file: folder.to_owned(), source })?;
        Ok(Created { ledger: Self::take(read, Some(lock))?, skipped })
    }

    /// Writes the plan into an empty ledger, and syncs its `file` if there is one.
    pub(super) fn fill(
        connection: Database,
        folder: &Path,
        file: Option<&Path>,
        settings: Settings,
        plan: Plan<'_>,
    ) -> Result<(ReadLedger, Vec<Skipped>), LedgerError> {
        let run_id = format!("{:032x}", rand::random::<u128>());
        let mut passwords = PasswordColumn::new(run_id.clone(), settings.sealing.as_ref())?;
        passwords.have_key(&connection)?;
        let (marks, text) = (Marks::generate()?, serde_json::to_string(&settings)?);
        let notes = Notes { run_id: &run_id, settings: &text };
        let (approved, skipped) = store(&connection, file, plan, &passwords, &marks, &notes)?;
        let counts = Counts::read(&connection)?;
        let read = Read { run_id, settings, text, passwords, marks, removal: Removal::Kept, counts };
        let read = ReadLedger::with(connection, folder, read);
        read.approved.replace(Some(approved));
        Ok((read, skipped))
    }

    /// Opens the ledger of a run folder for work: exclusively, and with the rows that a crash left in flight planned
    /// again.
    ///
    /// # Errors
    /// Fails if there is none, if it is foreign, damaged or incomplete, or if another process has it.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        Self::open_at(folder, Timestamp::now())
    }

    /// The same for a process whose clock shows `now`: a wait that ends much later must come from a clock that was set
    /// back.
    ///
    /// # Errors
    /// Fails like [`Ledger::open`].
    pub fn open_at(folder: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        let file = examine::check(folder)?;
        let lock = lock::open(folder, || holder_of(&file))?;
        let version = examine(folder, &file)?;
        let mut connection = connect(&file, Durability::Synced)?;
        if version != version::VERSION {
            migrate::carry_over(&mut connection)?;
        }
        let mut ledger = Self::take(ReadLedger::load(folder, connection)?, Some(lock))?;
        ledger.recover(now)?;
        Ok(ledger)
    }

    /// The same as [`Ledger::open_at`] for tests: additions to the schema are accepted, and triggers run.
    ///
    /// # Errors
    /// Fails like [`Ledger::open`].
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn open_with_triggers(folder: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        let read = Self::read_with_triggers(folder)?;
        let mut ledger = Self::take(read, Some(lock::open(folder, || holder_of(&folder.join(FILE_NAME)))?))?;
        ledger.recover(now)?;
        Ok(ledger)
    }

    /// The same for a reader.
    ///
    /// # Errors
    /// Fails like [`Ledger::open_to_read`].
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn read_with_triggers(folder: &Path) -> Result<ReadLedger, LedgerError> {
        let connection = connect(&examine::check(folder)?, Durability::Synced)?;
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, true)?;
        ReadLedger::load(folder, connection)
    }

    /// Notes who works on the run, which also creates the log, and remembers which files these are.
    pub(super) fn take(read: ReadLedger, lock: Option<File>) -> Result<Self, LedgerError> {
        read.connection.note(NoteKey::Holder, &holder())?;
        let place = lock.is_some().then(|| Location::of(&read.folder)).transpose()?;
        Ok(Self {
            read,
            fresh: HashMap::new(),
            sessions: Sessions::default(),
            last_row: i64::MAX,
            clock_ahead: 0,
            lock,
            place,
            left_in_flight: 0,
            staged: kept_pace::Staged::default(),
            displaced: None,
        })
    }

    /// Removes a run that this process has made: its folder, or what the server has of it.
    ///
    /// # Errors
    /// Fails if something of it could not be removed.
    pub fn discard(self) -> io::Result<()> {
        #[cfg(feature = "postgres")]
        if self.is_on_server() {
            return self.read.connection.discard().map_err(io::Error::other);
        }
        let folder = self.read.folder.clone();
        drop(self);
        std::fs::remove_dir_all(folder)
    }

    /// Rows that were in flight when the last process ended may have been written: they are planned again, in doubt. A
    /// wait that is longer than any noted one comes from a clock that was set back.
    fn recover(&mut self, now: Timestamp) -> Result<(), LedgerError> {
        self.recover_until(now, 0)
    }

    /// The same if the last process may still be sending: its rows are not sent again before a time in milliseconds since
    /// 1970.
    pub(super) fn recover_until(&mut self, now: Timestamp, not_before: i64) -> Result<(), LedgerError> {
        self.bound_waits(now.as_millisecond())?;
        self.recover_writeback(now.as_millisecond())?;
        self.left_in_flight = self.recover_writes(not_before)?;
        self.recover_sessions()?;
        self.read.counts = Counts::read(&self.read.connection)?;
        Ok(())
    }
}

impl Ledger {
    /// Plans the rows in flight again, in doubt, and returns their number. If someone changed a row's doubt, its proof stays wrong, so the row is
    /// refused later.
    fn recover_writes(&self, not_before: i64) -> Result<u32, LedgerError> {
        let transaction = self.read.connection.write()?;
        let mut select = transaction
            .prepare("SELECT row, nth, doubt, settled_at, proof, password FROM account WHERE state = 'in_flight'")?;
        let mut update = transaction
            .prepare("UPDATE account SET state = 'planned', doubt = doubt | 1, not_before = ?2 WHERE row = ?1")?;
        let is_sound = |found: &Row<'_>| {
            let (row, state, proof) = (found.get(0)?, State::InFlight.as_str(), found.get(4)?);
            let (nth, doubt, settled_at, password) = (found.get(1)?, found.get(2)?, found.get(3)?, found.get_ref(5)?);
            let end = End { state, nth, doubt, settled_at, password };
            Ok((row, is_doubt_proven(&self.read.marks, row, proof, &end)))
        };
        let found = select.query_map((), is_sound)?.collect::<Result<Vec<(u64, bool)>, _>>()?;
        let number = u32::try_from(found.len()).unwrap_or(u32::MAX);
        for (row, is_sound) in found {
            update.execute((row, not_before))?;
            if is_sound {
                prove(&transaction, &self.read.marks, row)?;
            }
        }
        drop((select, update));
        transaction.commit()?;
        Ok(number)
    }
}

impl ReadLedger {
    pub(super) fn load(folder: &Path, connection: Connection) -> Result<Self, LedgerError> {
        Self::load_from(folder, Database::new(connection))
    }

    /// The same for a connection that is already prepared for writing.
    pub(super) fn load_from(folder: &Path, connection: Database) -> Result<Self, LedgerError> {
        let noted = |key| Ok::<_, LedgerError>(note::read(&connection, key)?.unwrap_or_default());
        let text = noted(NoteKey::Settings)?;
        let settings: Settings = serde_json::from_str(&text)?;
        if settings.rehearsal {
            connection.pragma_update(None, "synchronous", "OFF")?;
        }
        let (removal, run_id) = (Removal::read(&connection)?, noted(NoteKey::RunId)?);
        let sealing = settings.sealing.as_ref().filter(|_| removal == Removal::Kept);
        let mut passwords = PasswordColumn::new(run_id.clone(), sealing)?;
        if !noted(NoteKey::CarriedFrom)?.is_empty() {
            passwords.accept_older();
        }
        let marks = Marks::parse(&noted(NoteKey::MarksKey)?).ok_or_else(|| LedgerError::Damaged {
            file: folder.join(FILE_NAME),
            why: "the key of its marks is missing or was changed".into(),
        })?;
        let counts = Counts::read(&connection)?;
        Ok(Self::with(connection, folder, Read { run_id, settings, text, passwords, marks, removal, counts }))
    }

    fn with(connection: Database, folder: &Path, read: Read) -> Self {
        let clocks = Clocks::read(&connection);
        Self {
            connection,
            folder: folder.to_owned(),
            run_id: read.run_id,
            settings: read.settings,
            settings_text: read.text,
            passwords: read.passwords,
            marks: read.marks,
            removal: read.removal,
            approved: None::<Approved>.into(),
            counts: read.counts,
            clocks,
            own_files: OwnFiles::default(),
            copied: None,
        }
    }
}

/// Whether a folder contains a plan that was cut off, and no process is making it now.
fn is_cut_off(folder: &Path) -> bool {
    let is_unfinished = |found: &LedgerError| matches!(found, LedgerError::Unfinished(_));
    let found = examine::check(folder).and_then(|file| examine(folder, &file));
    found.as_ref().is_err_and(is_unfinished) && lock::open(folder, || None).is_ok()
}

/// What is read once from a ledger.
struct Read {
    run_id: String,
    settings: Settings,
    /// The settings as noted.
    text: String,
    passwords: PasswordColumn,
    marks: Marks,
    removal: Removal,
    counts: Counts,
}

/// Writes our application id directly into the file's header; a write-ahead log would hold it back.
fn mark_as_ours(file: &Path) -> Result<(), LedgerError> {
    let connection = schema::open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "application_id", version::APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", version::VERSION)?;
    Ok(())
}

/// Whether commits are synced to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Each commit is on disk before the next step.
    Synced,
    /// Nothing is synced: a rehearsal has nothing to lose.
    Unsynced,
}

impl Durability {
    pub(super) const fn of(settings: &Settings) -> Self {
        if settings.rehearsal { Self::Unsynced } else { Self::Synced }
    }
}

pub(super) fn connect(file: &Path, durability: Durability) -> Result<Connection, LedgerError> {
    let connection = schema::open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if durability == Durability::Synced { "FULL" } else { "OFF" })?;
    // On macOS, only this reaches the disk itself.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "cache_size", -schema::CACHE_KIB)?;
    Ok(connection)
}

fn holder_of(file: &Path) -> Option<String> {
    let connection = schema::open(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    note::read(&connection, NoteKey::Holder).ok().flatten()
}

/// Who works on the run, for the error of other processes.
pub(super) fn holder() -> String {
    format!("process {} since {:.0}", std::process::id(), Timestamp::now())
}

/// A new file's name is stored in its folder, and the folder's name in its parent, so both must be synced.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        // A folder without a path is in the current folder.
        let parent = folder.parent().map(|parent| if parent == Path::new("") { Path::new(".") } else { parent });
        for path in std::iter::once(folder).chain(parent) {
            File::open(path)?.sync_all()?;
        }
    }
    Ok(())
}
