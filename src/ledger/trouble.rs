//! What an error of SQLite means: a damaged file, or a refusal by the machine.

use rusqlite::{Error, ErrorCode};

/// Why a ledger's file cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageFault {
    /// The disk is full.
    DiskFull,
    /// The folder or a file in it cannot be written.
    ReadOnly,
    /// A file cannot be opened: its permissions, or too many open files.
    CannotOpen,
    /// The disk fails.
    Disk,
    /// There is no memory left.
    OutOfMemory,
    /// Another process has the file open.
    Busy,
    /// The file is damaged.
    Damaged,
    /// Anything else.
    Other,
}

/// Whether the file itself is damaged; any other error may pass.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether a table is missing, because planning was cut off before.
pub(super) fn is_incomplete(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::Unknown))
}

/// Whether SQLite lacks write permission, which it needs for its companion files even to read.
pub(super) fn is_unwritable(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure)
    )
}

/// What SQLite's error says about the machine or the file.
pub(super) fn fault(error: &Error) -> StorageFault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StorageFault::DiskFull,
        Some(ErrorCode::ReadOnly) => StorageFault::ReadOnly,
        Some(ErrorCode::CannotOpen) => StorageFault::CannotOpen,
        Some(ErrorCode::SystemIoFailure) => StorageFault::Disk,
        Some(ErrorCode::OutOfMemory) => StorageFault::OutOfMemory,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageFault::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StorageFault::Damaged,
        _ => StorageFault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn error(code: i32) -> Error {
        Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn each_code_has_its_fault() {
        for (code, expected) in [
            (ffi::SQLITE_FULL, StorageFault::DiskFull),
            (ffi::SQLITE_READONLY, StorageFault::ReadOnly),
            (ffi::SQLITE_CANTOPEN, StorageFault::CannotOpen),
            (ffi::SQLITE_IOERR, StorageFault::Disk),
            (ffi::SQLITE_NOMEM, StorageFault::OutOfMemory),
            (ffi::SQLITE_BUSY, StorageFault::Busy),
            (ffi::SQLITE_LOCKED, StorageFault::Busy),
            (ffi::SQLITE_CORRUPT, StorageFault::Damaged),
            (ffi::SQLITE_NOTADB, StorageFault::Damaged),
            (ffi::SQLITE_MISUSE, StorageFault::Other),
        ] {
            assert_eq!(fault(&error(code)), expected, "{code}");
        }
    }

    #[test]
    fn distinguishes_damage_from_other_errors() {
        for (code, kind) in [
            (ffi::SQLITE_CORRUPT, (true, false)),
            (ffi::SQLITE_NOTADB, (true, false)),
            (ffi::SQLITE_ERROR, (false, true)),
            (ffi::SQLITE_FULL, (false, false)),
        ] {
            assert_eq!((is_damage(&error(code)), is_incomplete(&error(code))), kind, "{code}");
        }
    }
}
