//! Files that a process locks to work alone.
//!
//! On Unix a locked file can still be renamed or removed, so the caller checks for that. On Windows, Rust opens files so
//! that others may do this, too; a lock file is opened without that sharing, so the system refuses it.

use super::private_file;
use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// `FILE_SHARE_READ` and `FILE_SHARE_WRITE`, without `FILE_SHARE_DELETE` (Microsoft's "CreateFileW").
#[cfg(windows)]
const READ_AND_WRITE: u32 = 1 | 2;

/// Creates a lock file for its owner alone. It must not exist yet. It is not locked yet.
///
/// # Errors
/// Any error of the file system, including `AlreadyExists`.
pub fn create(path: &Path) -> io::Result<File> {
    held(private_file::new_file()).open(path)
}

/// Opens a lock file. It is not locked yet.
///
/// # Errors
/// Any error of the file system, including `NotFound`.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    held(options).open(path)
}

/// The options for a file that cannot be renamed or removed while it is open.
#[cfg(windows)]
fn held(mut options: OpenOptions) -> OpenOptions {
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, READ_AND_WRITE);
    options
}

/// The same elsewhere, where the system cannot refuse it.
#[cfg(not(windows))]
const fn held(options: OpenOptions) -> OpenOptions {
    options
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn held_lock_files_stay_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lock, aside) = (folder.path().join("run.lock"), folder.path().join("aside"));
        let held = create(&lock).expect("created");
        held.try_lock().expect("locked");
        for refused in [fs::rename(&lock, &aside), fs::remove_file(&lock)] {
            assert_eq!(refused.expect_err("in use").raw_os_error(), Some(32));
        }
        let other = open(&lock).expect("others may look");
        assert!(matches!(other.try_lock(), Err(fs::TryLockError::WouldBlock)));
        drop((held, other));
        fs::rename(&lock, &aside).expect("nobody holds it any more");
    }

    /// Why it matters: this is the lock that lets a second process in.
    #[test]
    fn usual_files_can_be_moved_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let (lock, aside) = (folder.path().join("run.lock"), folder.path().join("aside"));
        let held = private_file::create_file(&lock).expect("created");
        held.try_lock().expect("locked");
        fs::rename(&lock, &aside).expect("moved away");
        create(&lock).expect("another").try_lock().expect("a second process is in");
    }
}
