//! One process at a time: a lock on a file in the run folder. The system releases it when the process ends in any way.
//!
//! On Windows the file cannot be renamed or removed meanwhile; on Unix, `location` notices it.

use super::LedgerError;
use crate::util::lock_file;
use std::{
    fs::{File, TryLockError},
    path::Path,
};

/// The lock's name in the run folder.
pub(super) const FILE_NAME: &str = "run.lock";

/// Creates and takes the lock of a new run folder.
pub(super) fn create(folder: &Path) -> Result<File, LedgerError> {
    let path = folder.join(FILE_NAME);
    let file = lock_file::create(&path).map_err(|source| LedgerError::File { file: path, source })?;
    take(file, folder, || None)
}

/// Takes the lock of a run folder. If that fails, `holder` returns who has it.
pub(super) fn open(folder: &Path, holder: impl FnOnce() -> Option<String>) -> Result<File, LedgerError> {
    let path = folder.join(FILE_NAME);
    let file = match lock_file::open(&path) {
        // The folder may have been copied here without it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return create(folder),
        other => other.map_err(|source| LedgerError::File { file: path, source })?,
    };
    take(file, folder, holder)
}

fn take(file: File, folder: &Path, holder: impl FnOnce() -> Option<String>) -> Result<File, LedgerError> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked {
            folder: folder.to_owned(),
            holder: holder().unwrap_or_else(|| "its name could not be read".into()),
        }),
        Err(TryLockError::Error(source)) => Err(LedgerError::File { file: folder.join(FILE_NAME), source }),
    }
}
