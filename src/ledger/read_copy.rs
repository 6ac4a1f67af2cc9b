//! Opens a ledger for reading, wherever it is and whichever release made it. The file is not changed.
//!
//! A read-only folder (a backup, an artifact, a mount) has no room for SQLite's companion files. Without a log the file
//! is read directly; with one, both are copied to a private temporary folder and read there. A ledger of an older
//! release is copied into memory, and migrated there.

use super::{
    Ledger, LedgerError, ReadLedger, examine, migrate,
    open::{Durability, connect},
    schema, trouble, version,
};
use crate::util::private_file;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags, backup::Backup};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Characters that need no escape in the path of an SQLite URI.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b':').remove(b'.').remove(b'-').remove(b'_');
/// Pages per copy step.
const PAGES: std::ffi::c_int = 4_096;

/// A private folder with a copy; it is removed on drop.
pub(super) struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Ledger {
    /// Opens the ledger of a run folder for reading, even while another process works on it, and even if the folder is
    /// read-only.
    ///
    /// # Errors
    /// Fails if there is none, or if it is foreign, damaged or incomplete.
    pub fn open_to_read(folder: &Path) -> Result<ReadLedger, LedgerError> {
        let file = examine::check(folder)?;
        let (mut connection, copied) = readable(&file)?;
        if examine::examine_open(folder, &file, &connection)? != version::VERSION {
            connection = in_memory(&connection)?;
            migrate::carry_over(&mut connection)?;
        }
        let mut ledger = ReadLedger::load(folder, connection)?;
        ledger.copied = copied;
        Ok(ledger)
    }
}

fn readable(file: &Path) -> Result<(Connection, Option<Copied>), LedgerError> {
    match connect(file, Durability::Synced).and_then(can_be_read) {
        Err(LedgerError::Sql(error)) if trouble::is_unwritable(&error.0) => {}
        Err(LedgerError::Sql(error)) if trouble::is_damage(&error.0) => {
            return Err(LedgerError::Damaged { file: file.to_owned(), why: error.to_string() });
        }
        other => return Ok((other?, None)),
    }
    let log = log_of(file);
    let has_log = fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    match uri(file).filter(|_| !has_log) {
        Some(uri) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            Ok((can_be_read(schema::open(Path::new(&uri), flags)?)?, None))
        }
        None => {
            let (copy, copied) = copied(file, &log)?;
            Ok((can_be_read(connect(&copy, Durability::Unsynced)?)?, Some(copied)))
        }
    }
}

/// SQLite notices missing permissions only on the first read.
fn can_be_read(connection: Connection) -> Result<Connection, LedgerError> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<_, i64>(0))?;
    Ok(connection)
}

fn log_of(file: &Path) -> PathBuf {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// The URI of a file that nobody writes to.
fn uri(file: &Path) -> Option<String> {
    let path = std::path::absolute(file).ok()?;
    let path = path.to_str()?.replace(std::path::MAIN_SEPARATOR, "/");
    let root = if path.starts_with('/') { "" } else { "/" };
    Some(format!("file:{root}{}?immutable=1", utf8_percent_encode(&path, PLAIN)))
}

fn copied(file: &Path, log: &Path) -> Result<(PathBuf, Copied), LedgerError> {
    let folder = std::env::temp_dir().join(format!("passwave-{:032x}", rand::random::<u128>()));
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |source| LedgerError::File { file, source }
    };
    private_file::create_dir(&folder).map_err(failed(&folder))?;
    let copied = Copied(folder.clone());
    let copy = folder.join(super::FILE_NAME);
    for (from, to) in [(file, copy.clone()), (log, log_of(&copy))] {
        let mut target = private_file::create_file(&to).map_err(failed(&to))?;
        match fs::File::open(from) {
            Ok(mut source) => drop(std::io::copy(&mut source, &mut target).map_err(failed(&to))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(LedgerError::File { file: from.to_owned(), source }),
        }
    }
    Ok((copy, copied))
}

fn in_memory(connection: &Connection) -> Result<Connection, LedgerError> {
    let mut copy = schema::harden(Connection::open_in_memory()?)?;
    Backup::new(connection, &mut copy)?.run_to_completion(PAGES, Duration::ZERO, None)?;
    Ok(copy)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn uri_escapes_the_path() {
        let uri = uri(Path::new("/tmp/a b?c#d%e/ledger.db")).expect("a path");
        assert_eq!(uri, "file:/tmp/a%20b%3Fc%23d%25e/ledger.db?immutable=1");
    }
}
