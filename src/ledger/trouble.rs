//! What SQLite's trouble means: a damaged file, or a machine that refuses what is asked of it.

use rusqlite::{Error, ErrorCode};

/// Whether the file itself is damaged; anything else may pass.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether a table is not there: whoever made the file was cut off before.
pub(super) fn is_unmade(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::Unknown))
}

/// What to do about it.
pub(super) fn cure(error: &Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "make room on that disk",
        Some(ErrorCode::ReadOnly) => "make the run folder and its files writable again",
        Some(ErrorCode::CannotOpen) => {
            "check the folder's permissions, and how many files a process may have open here (ulimit -n)"
        }
        Some(ErrorCode::SystemIoFailure) => "check the disk, its free space and the folder's permissions",
        Some(ErrorCode::OutOfMemory) => "free some memory",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "close whatever else has the ledger open",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file is damaged: restore the folder from a copy, or save what can be saved with `sqlite3 ledger.db .recover`"
        }
        _ => "check free space and permissions",
    }
}
