//! Making a ledger from a plan, and opening one again, after a crash too.

use super::{
    Counts, FILE_NAME, Ledger, LedgerError,
    clocks::Clocks,
    fingerprint::{self, Fingerprint},
    lock,
    place::Place,
    read,
    sessions::Sessions,
    trouble,
    vault::Vault,
};
use crate::{
    outcome::Skip,
    password::Profile,
    plan::{Decision, Plan, PlannedRow, Settings},
    private, retry_after,
    seal::Binding,
};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use serde::Serializer;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Marks the file as ours in SQLite's header: `pwav`.
const APPLICATION_ID: i32 = 0x7077_6176;
/// The schema's version.
const SCHEMA_VERSION: i32 = 4;
/// Bytes of SQLite's file header, and where the application id stands in it (SQLite's file format page).
const HEADER_BYTES: usize = 100;
const HEADER_MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_APPLICATION_ID: std::ops::Range<usize> = 68..72;
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
const RUN_ID: &str = "run_id";
/// Under which the process that works on the run is noted.
pub(super) const HOLDER: &str = "holder";
/// Longest wait that a row can have before it: what a `Retry-After` may ask for.
#[expect(clippy::cast_possible_truncation, reason = "an hour of milliseconds")]
const WAIT_MILLIS_MAX: i64 = retry_after::WAIT_SECONDS_MAX as i64 * 1_000;

/// How many skipped rows are kept for telling; the report has them all.
const SKIPPED_TOLD_MAX: usize = 1_000;

impl Ledger {
    /// Makes a run folder that must not exist yet, and writes the whole plan into its ledger.
    ///
    /// # Errors
    /// Where the folder exists, the plan cannot be made, or the disk refuses; no folder is left behind then.
    pub fn create(folder: &Path, settings: Settings, plan: Plan<'_>) -> Result<Created, LedgerError> {
        private::create_dir(folder).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => LedgerError::Exists(folder.to_owned()),
            io::ErrorKind::NotFound => LedgerError::NoParent(folder.to_owned()),
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
        connection.execute_batch(include_str!("schema.sql"))?;
        let run_id = format!("{:032x}", rand::random::<u128>());
        let mut vault = Vault::new(run_id.clone(), settings.sealing.as_ref())?;
        vault.have_key(&connection)?;
        let skipped = store(&mut connection, &settings, plan, &vault, &run_id)?;
        connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        sync_folder(folder).map_err(|source| LedgerError::File { file: folder.to_owned(), source })?;
        let counts = Counts::read(&connection)?;
        let mut ledger = Self::with(connection, folder, settings, vault, counts, Some(lock));
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
        let file = check(folder)?;
        let lock = lock::open(folder, || note_of(&file, HOLDER))?;
        examine(&file)?;
        let mut ledger = Self::load(folder, &file, Some(lock))?;
        ledger.settle_down()?;
        ledger.recover(now)?;
        Ok(ledger)
    }

    /// Opens the ledger of a run folder to read it, even while another process works on it.
    ///
    /// # Errors
    /// Where there is none, it is another's, damaged or unfinished.
    pub fn open_to_read(folder: &Path) -> Result<Self, LedgerError> {
        let file = check(folder)?;
        examine(&file)?;
        Self::load(folder, &file, None)
    }

    fn load(folder: &Path, file: &Path, lock: Option<File>) -> Result<Self, LedgerError> {
        let connection = connect(file, false)?;
        // The settings are the last that planning writes: without them, or without their table, it was cut off.
        let settings = match read::note(&connection, read::SETTINGS) {
            Err(LedgerError::Sql(error)) if trouble::is_unmade(&error) => None,
            other => other?,
        };
        let settings = settings.ok_or_else(|| LedgerError::Unfinished(folder.to_owned()))?;
        let settings: Settings = serde_json::from_str(&settings)?;
        if settings.rehearsal {
            connection.pragma_update(None, "synchronous", "OFF")?;
        }
        let run_id = read::note(&connection, RUN_ID)?.unwrap_or_default();
        let vault = Vault::new(run_id, settings.sealing.as_ref())?;
        let counts = Counts::read(&connection)?;
        Ok(Self::with(connection, folder, settings, vault, counts, lock))
    }

    fn with(
        connection: Connection,
        folder: &Path,
        settings: Settings,
        vault: Vault,
        counts: Counts,
        lock: Option<File>,
    ) -> Self {
        let (folder, sessions) = (folder.to_owned(), Sessions::default());
        let (place, displaced, last_row, clock_ahead) = (None, None, i64::MAX, 0);
        let clocks = Clocks::read(&connection);
        Self {
            connection,
            folder,
            settings,
            vault,
            counts,
            sessions,
            last_row,
            clock_ahead,
            clocks,
            _lock: lock,
            place,
            displaced,
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

/// Writes our mark into the file's header itself, which a write-ahead log would hold back.
fn mark_as_ours(file: &Path) -> Result<(), LedgerError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(())
}

pub(super) fn connect(file: &Path, rehearsal: bool) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", if rehearsal { "OFF" } else { "FULL" })?;
    // On macOS only this reaches the disk itself.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}

/// Looks at the file's first bytes, before SQLite touches it.
fn check(folder: &Path) -> Result<std::path::PathBuf, LedgerError> {
    let file = folder.join(FILE_NAME);
    let foreign = |why: &str| LedgerError::Foreign { file: file.clone(), why: why.into() };
    for path in [&file, &folder.join(lock::FILE_NAME)] {
        if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            let file = path.clone();
            return Err(LedgerError::Foreign { file, why: "it is a link, which passwave never makes".into() });
        }
    }
    let mut header = Vec::with_capacity(HEADER_BYTES);
    match File::open(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LedgerError::NoRun(folder.to_owned())),
        Err(source) => return Err(LedgerError::File { file, source }),
        Ok(opened) => opened
            .take(HEADER_BYTES as u64)
            .read_to_end(&mut header)
            .map_err(|source| LedgerError::File { file: file.clone(), source })?,
    };
    if header.is_empty() {
        return Err(LedgerError::Unfinished(folder.to_owned()));
    }
    if header.len() < HEADER_BYTES || !header.starts_with(HEADER_MAGIC) {
        return Err(foreign("it is no SQLite database"));
    }
    if header[HEADER_APPLICATION_ID] != APPLICATION_ID.to_be_bytes() {
        return Err(foreign("it is a database of another program"));
    }
    Ok(file)
}

/// Has SQLite check the whole file without changing it, its indexes included: a row that is missing in one would never be
/// handed out. A million rows take two seconds.
fn examine(file: &Path) -> Result<(), LedgerError> {
    let damaged = |why: String| LedgerError::Damaged { file: file.to_owned(), why };
    let connection =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let verdict = connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get::<_, String>(0));
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(verdict) => Err(damaged(verdict)),
        Err(error) if trouble::is_damage(&error) => Err(damaged(error.to_string())),
        Err(error) => Err(error.into()),
    }?;
    let version: i32 = connection.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    if version == SCHEMA_VERSION {
        return Ok(());
    }
    Err(LedgerError::Foreign {
        file: file.to_owned(),
        why: format!("its schema has version {version}, not {SCHEMA_VERSION}"),
    })
}

fn note_of(file: &Path, name: &str) -> Option<String> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    read::note(&connection, name).ok().flatten()
}

/// Who works on the run, for whoever is refused meanwhile.
pub(super) fn holder() -> String {
    format!("process {} since {:.0}", std::process::id(), Timestamp::now())
}

/// Puts the plan into the ledger, in one transaction that ends with the settings: without them it never was.
fn store(
    connection: &mut Connection,
    settings: &Settings,
    mut plan: Plan<'_>,
    vault: &Vault,
    run_id: &str,
) -> Result<Vec<Skipped>, LedgerError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for key in plan.exclusions() {
        transaction.prepare_cached("INSERT INTO exclusion VALUES (?1)")?.execute([key])?;
    }
    let mut stored = Stored { fingerprint: Fingerprint::new(settings)?, width: 0, skipped: Vec::new() };
    loop {
        let chunk = plan.next_chunk()?;
        if chunk.is_empty() {
            break;
        }
        stored.rows(&transaction, vault, chunk)?;
    }
    // Made last: sorted at once rather than row by row.
    transaction.execute_batch(
        "CREATE INDEX due ON account (not_before, row) WHERE state = 'planned';
         CREATE INDEX sessions_due ON account (not_before, row) WHERE sessions = 'due'",
    )?;
    let notes = [
        ("planned_at", format!("{:.0}", Timestamp::now())),
        ("passwave", env!("CARGO_PKG_VERSION").into()),
        (fingerprint::NAME, stored.fingerprint.finish()),
        (RUN_ID, run_id.to_owned()),
        (read::WIDTH, stored.width.to_string()),
        (read::SETTINGS, serde_json::to_string(settings)?),
    ];
    for (name, value) in notes {
        transaction.execute("INSERT INTO run VALUES (?1, ?2)", (name, value))?;
    }
    transaction.commit()?;
    Ok(stored.skipped)
}

/// What is gathered while the rows go by.
struct Stored {
    fingerprint: Fingerprint,
    /// Most cells of a row.
    width: usize,
    skipped: Vec<Skipped>,
}

impl Stored {
    fn rows(&mut self, transaction: &Transaction<'_>, vault: &Vault, rows: Vec<PlannedRow>) -> Result<(), LedgerError> {
        let mut roster = transaction.prepare_cached("INSERT INTO roster VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        let mut write =
            transaction.prepare_cached("INSERT INTO account (row, state, password) VALUES (?1, 'planned', ?2)")?;
        let mut skip = transaction.prepare_cached(
            "INSERT INTO account (row, state, error_code, error_message) VALUES (?1, 'skipped', ?2, ?3)",
        )?;
        for row in rows {
            let reason = match &row.decision {
                Decision::Write(_) => None,
                Decision::Skip(reason, _) => Some(reason.code()),
            };
            let (profile, language) = (row.form.profile.map(Profile::as_str), row.form.language.code());
            self.fingerprint.add(row.row, &row.user_principal_name, reason, [""; 2], (profile, language));
            self.width = self.width.max(row.cells.len());
            let cells = json_array(&row.cells)?;
            roster.execute((row.row, row.line, &row.user_principal_name, cells, profile, language))?;
            match row.decision {
                Decision::Write(password) => {
                    let binding = Binding { row: row.row, nth: 0, account: &row.user_principal_name };
                    write.execute((row.row, vault.put(&binding, &password)?))?
                }
                Decision::Skip(reason, message) => {
                    let changed = skip.execute((row.row, reason.code(), &message))?;
                    if self.skipped.len() < SKIPPED_TOLD_MAX {
                        self.skipped.push(Skipped { line: row.line, skip: reason, message });
                    }
                    changed
                }
            };
        }
        Ok(())
    }
}

fn json_array(cells: &csv::StringRecord) -> Result<String, serde_json::Error> {
    let mut bytes = serde_json::Serializer::new(Vec::with_capacity(cells.as_slice().len() + 4 * cells.len() + 2));
    bytes.collect_seq(cells)?;
    Ok(String::from_utf8(bytes.into_inner()).expect("JSON is UTF-8"))
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
