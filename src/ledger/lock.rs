//! One process at a time: a lock on a file in the run folder, which falls with the process however it ends.

use super::LedgerError;
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

/// The lock's name in the run folder.
pub(super) const FILE_NAME: &str = "run.lock";

/// Makes and takes the lock of a new run folder.
pub(super) fn create(folder: &Path) -> Result<File, LedgerError> {
    let path = folder.join(FILE_NAME);
    let file = crate::private::create_file(&path).map_err(|source| LedgerError::File { file: path, source })?;
    take(file, folder, || None)
}

/// Takes the lock of a run folder; `holder` tells who has it where it cannot be had.
pub(super) fn open(folder: &Path, holder: impl FnOnce() -> Option<String>) -> Result<File, LedgerError> {
    let path = folder.join(FILE_NAME);
    let opened = OpenOptions::new().read(true).write(true).open(&path);
    let file = match opened {
        // The folder may have been carried here without it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return create(folder),
        other => other.map_err(|source| LedgerError::File { file: path, source })?,
    };
    take(file, folder, holder)
}

fn take(file: File, folder: &Path, holder: impl FnOnce() -> Option<String>) -> Result<File, LedgerError> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Held {
            folder: folder.to_owned(),
            holder: holder().unwrap_or_else(|| "who it is could not be read".into()),
        }),
        Err(TryLockError::Error(source)) => Err(LedgerError::File { file: folder.join(FILE_NAME), source }),
    }
}
