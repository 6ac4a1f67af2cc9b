//! What to do about an error of the ledger.

use passwave::ledger::{LedgerError, StorageFault};

/// What to do next, if that is known.
pub fn hint(error: &LedgerError) -> Option<String> {
    let hint = match error {
        LedgerError::Exists(_) => "choose another folder with --run-dir, or continue the run in this one",
        LedgerError::NoParent(_) => "create that folder first, or choose another one with --run-dir",
        LedgerError::BadName { fault, .. } => super::file_name::hint(fault.as_ref()),
        LedgerError::NoRun(_) => "give the folder that `passwave plan` or `reset` named",
        LedgerError::Locked { .. } => "wait until it ends, or stop it; this process sent nothing",
        LedgerError::Foreign { .. } => "check the folder's name",
        LedgerError::Damaged { .. } => {
            "restore the folder from a copy; `sqlite3 ledger.db .recover` saves what can be saved"
        }
        LedgerError::Altered { .. } => "restore the folder from a copy, or plan again",
        LedgerError::Newer { .. } => "use that release, or a later one",
        LedgerError::Changed { .. } => "restore the run folder from a copy, or plan again; more may have been changed",
        LedgerError::NotAskedFor(_) => {
            "add --revoke-sessions if you want that; otherwise another program changed the ledger: restore it from a copy"
        }
        LedgerError::Unfinished(_) => "remove the folder and plan again",
        LedgerError::OutOfStep(_) => "this is a bug in passwave; please report it",
        LedgerError::BadAddress(_) | LedgerError::NoPassword(_) => super::CHANGED,
        LedgerError::File { .. } => "check free space and permissions; what was recorded so far is safe",
        LedgerError::Moved { now: Some(now), .. } => return Some(format!("continue the run in {}", now.display())),
        LedgerError::Moved { now: None, .. } => "find the folder or move it back, and continue the run in it",
        LedgerError::Rescued { .. } => "continue the run in the new folder",
        LedgerError::Removed { .. } => {
            "if you have an older copy of that folder, it holds the planned passwords: continue with it; if not, put all \
             accounts of the roster into a new run"
        }
        LedgerError::PasswordsRemoved { .. } => {
            "give its accounts new passwords: name the run folder as the roster of `passwave reset`"
        }
        LedgerError::NotEnded { .. } => {
            "end it with `passwave run`; if it was never started and is not wanted any more, delete its folder"
        }
        LedgerError::Sql(_) => {
            let what = storage(error.storage().unwrap_or(StorageFault::Other));
            return Some(format!("{what}, then run it again; what was recorded so far is safe"));
        }
        LedgerError::Settings(_) => "another version of passwave may have made it; use that one",
        LedgerError::Plan(error) => return super::plan::hint(error),
        LedgerError::Seal(error) => return super::seal::hint(error),
        #[cfg(feature = "postgres")]
        LedgerError::Postgres(error) => return super::postgres::hint(error),
        _ => return None,
    };
    Some(hint.into())
}

fn storage(fault: StorageFault) -> &'static str {
    match fault {
        StorageFault::DiskFull => "free some space on that disk",
        StorageFault::ReadOnly => "make the run folder and its files writable again",
        StorageFault::CannotOpen if cfg!(windows) => "check the folder's permissions, and free some memory",
        StorageFault::CannotOpen => {
            "check the folder's permissions, and how many files a process may open here (ulimit -n)"
        }
        StorageFault::Disk => "check the disk, its free space and the folder's permissions",
        StorageFault::OutOfMemory => "free some memory",
        StorageFault::Busy => "close any other program that has the ledger open",
        StorageFault::Damaged => {
            "the file is damaged: restore the folder from a copy, or save what can be saved with `sqlite3 ledger.db .recover`"
        }
        _ => "check free space and permissions",
    }
}
