//! Checks a file before it is used: whether it is a ledger, intact, complete, and contains only our own schema.
//!
//! It changes nothing.

use super::{
    FILE_NAME, LedgerError, lock,
    note::{self, NoteKey},
    schema, trouble, version,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Length of SQLite's file header, and the position of the application id in it (SQLite's file format page).
const HEADER_BYTES: usize = 100;
const HEADER_MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_APPLICATION_ID: std::ops::Range<usize> = 68..72;

/// Checks the file's first bytes before SQLite touches it.
pub(super) fn check(folder: &Path) -> Result<PathBuf, LedgerError> {
    let file = folder.join(FILE_NAME);
    let foreign = |why: &str| LedgerError::Foreign { file: file.clone(), why: why.into() };
    for path in [&file, &folder.join(lock::FILE_NAME)] {
        if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            let file = path.clone();
            return Err(LedgerError::Foreign { file, why: "it is a link, which passwave never creates".into() });
        }
    }
    let mut header = Vec::with_capacity(HEADER_BYTES);
    match File::open(&file) {
        Err(error) => return Err(LedgerError::absent(folder, file, error)),
        Ok(opened) => opened
            .take(HEADER_BYTES as u64)
            .read_to_end(&mut header)
            .map_err(|source| LedgerError::File { file: file.clone(), source })?,
    };
    if header.is_empty() {
        return Err(LedgerError::Unfinished(folder.to_owned()));
    }
    if header.len() < HEADER_BYTES || !header.starts_with(HEADER_MAGIC) {
        return Err(foreign("it is not an SQLite database"));
    }
    if header[HEADER_APPLICATION_ID] != version::APPLICATION_ID.to_be_bytes() {
        return Err(foreign("it is a database of another program"));
    }
    Ok(file)
}

/// Checks the whole file, and returns the version of its schema.
pub(super) fn examine(folder: &Path, file: &Path) -> Result<i32, LedgerError> {
    let connection = schema::open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    examine_open(folder, file, &connection)
}

/// The same for an open file.
pub(super) fn examine_open(folder: &Path, file: &Path, connection: &Connection) -> Result<i32, LedgerError> {
    let version = explained(file, connection.query_row("PRAGMA user_version", (), |row| row.get::<_, i32>(0)))?;
    if version > version::VERSION {
        return Err(LedgerError::Newer { file: file.to_owned(), version });
    }
    must_be_whole(file, connection)?;
    must_be_finished(folder, file, connection)?;
    if version < version::OLDEST {
        let why = format!("its schema has version {version}; the oldest supported one is {}", version::OLDEST);
        return Err(LedgerError::Foreign { file: file.to_owned(), why });
    }
    schema::must_be_ours(connection, file, version)?;
    Ok(version)
}

/// Makes SQLite check everything, including the indexes: a row that is missing in an index would never be handed out. A
/// million rows take two seconds.
fn must_be_whole(file: &Path, connection: &Connection) -> Result<(), LedgerError> {
    let damaged = |why: String| LedgerError::Damaged { file: file.to_owned(), why };
    let verdict = connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get::<_, String>(0));
    let verdict = explained(file, verdict)?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    let stray = connection
        .query_row("PRAGMA foreign_key_check", (), |row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?)));
    match explained(file, stray.optional())? {
        None => Ok(()),
        Some((table, row)) => {
            let row = row.map_or_else(|| "a row".into(), |row| format!("row {row}"));
            Err(damaged(format!("{row} of {} has no row in the roster", crate::util::sanitize::for_terminal(&table))))
        }
    }
}

/// Planning writes the settings last, together with all other notes. If they or their table are missing, planning was
/// cut off.
fn must_be_finished(folder: &Path, file: &Path, connection: &Connection) -> Result<(), LedgerError> {
    match note::read(connection, NoteKey::Settings) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => match connection.query_row("SELECT count(*) FROM run", (), |row| row.get::<_, u64>(0))? {
            0 => Err(LedgerError::Unfinished(folder.to_owned())),
            _ => Err(LedgerError::Damaged { file: file.to_owned(), why: "its settings are missing".into() }),
        },
        Err(LedgerError::Sql(error)) if trouble::is_incomplete(&error.0) => {
            Err(LedgerError::Unfinished(folder.to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Distinguishes damage from errors that may pass.
fn explained<T>(file: &Path, result: rusqlite::Result<T>) -> Result<T, LedgerError> {
    result.map_err(|error| match trouble::is_damage(&error) {
        true => LedgerError::Damaged { file: file.to_owned(), why: error.to_string() },
        false => error.into(),
    })
}
