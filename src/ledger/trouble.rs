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

/// Whether SQLite lacks the right to write, which it needs for its companion files even to read.
pub(super) fn is_unwritable(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure)
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn error(code: i32) -> Error {
        Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn each_trouble_has_its_cure() {
        for (code, cure_of) in [
            (ffi::SQLITE_FULL, "make room"),
            (ffi::SQLITE_READONLY, "writable"),
            (ffi::SQLITE_CANTOPEN, "ulimit -n"),
            (ffi::SQLITE_IOERR, "check the disk"),
            (ffi::SQLITE_NOMEM, "memory"),
            (ffi::SQLITE_BUSY, "close whatever else"),
            (ffi::SQLITE_LOCKED, "close whatever else"),
            (ffi::SQLITE_CORRUPT, "restore the folder"),
            (ffi::SQLITE_NOTADB, "restore the folder"),
            (ffi::SQLITE_MISUSE, "check free space"),
        ] {
            assert!(cure(&error(code)).contains(cure_of), "{code}: {}", cure(&error(code)));
        }
    }

    #[test]
    fn damage_is_told_from_what_was_never_made_and_from_what_may_pass() {
        for (code, kind) in [
            (ffi::SQLITE_CORRUPT, (true, false)),
            (ffi::SQLITE_NOTADB, (true, false)),
            (ffi::SQLITE_ERROR, (false, true)),
            (ffi::SQLITE_FULL, (false, false)),
        ] {
            assert_eq!((is_damage(&error(code)), is_unmade(&error(code))), kind, "{code}");
        }
    }
}
