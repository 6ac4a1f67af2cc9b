//! Opening a ledger to read it, wherever it lies and whichever release made it. The file is not changed.
//!
//! A folder that nobody can write to (a backup, an artifact, a mount) has no room for SQLite's companion files. Without a
//! log the file is read as it is; with one, file and log are copied to a private temporary folder, and read there. A ledger
//! of an older release is copied into memory, and carried over there.

use super::{Ledger, LedgerError, examine, migrate, open::connect, schema, trouble};
use crate::private;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Connection, OpenFlags, backup::Backup};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// What stands for itself in the path of an SQLite URI.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b':').remove(b'.').remove(b'-').remove(b'_');
/// Pages that are copied at a time.
const PAGES: std::ffi::c_int = 4_096;

/// A private folder with a copy, which goes with it.
pub(super) struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Ledger {
    /// Opens the ledger of a run folder to read it, even while another process works on it, and even if nobody can write to
    /// that folder.
    ///
    /// # Errors
    /// Where there is none, it is another's, damaged or unfinished.
    pub fn open_to_read(folder: &Path) -> Result<Self, LedgerError> {
        let file = examine::check(folder)?;
        let (mut connection, copied) = readable(&file)?;
        if examine::examine_open(folder, &file, &connection)? != schema::VERSION {
            connection = in_memory(&connection)?;
            migrate::carry_over(&mut connection)?;
        }
        let mut ledger = Self::load(folder, connection, None)?;
        ledger._copied = copied;
        Ok(ledger)
    }
}

fn readable(file: &Path) -> Result<(Connection, Option<Copied>), LedgerError> {
    match connect(file, false).and_then(can_be_read) {
        Err(LedgerError::Sql(error)) if trouble::is_unwritable(&error) => {}
        Err(LedgerError::Sql(error)) if trouble::is_damage(&error) => {
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
            Ok((can_be_read(connect(&copy, true)?)?, Some(copied)))
        }
    }
}

/// SQLite finds out what it may do when it first reads.
fn can_be_read(connection: Connection) -> Result<Connection, LedgerError> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<_, i64>(0))?;
    Ok(connection)
}

fn log_of(file: &Path) -> PathBuf {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// The file as one that nobody writes to.
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
    private::create_dir(&folder).map_err(failed(&folder))?;
    let copied = Copied(folder.clone());
    let copy = folder.join(super::FILE_NAME);
    for (from, to) in [(file, copy.clone()), (log, log_of(&copy))] {
        let mut target = private::create_file(&to).map_err(failed(&to))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_path_is_spelt_out_in_a_uri() {
        let uri = uri(Path::new("/tmp/a b?c#d%e/ledger.db")).expect("a path");
        assert_eq!(uri, "file:/tmp/a%20b%3Fc%23d%25e/ledger.db?immutable=1");
    }
}
