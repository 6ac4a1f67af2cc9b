//! Checks that the run folder still contains the files that this process works with.
//!
//! On Unix, a file that is removed while open continues to exist without a name, and what is written to it is lost when
//! it is closed. Windows refuses to remove or rename a file in use, so there it is enough that the files can be found.
//! It only looks.
//!
//! Invariant: the handle here outlives SQLite's own, because on Unix the first handle to be closed releases all locks
//! of the process.

use super::{FILE_NAME, LedgerError, lock};
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The files of a run folder as this process found them.
pub(super) struct Location {
    pins: Vec<Pin>,
    /// Shows how many names the ledger has left.
    #[cfg_attr(not(unix), allow(dead_code, reason = "a file in use cannot lose its name there"))]
    ledger: File,
}

/// A file and where it was.
struct Pin {
    path: PathBuf,
    identity: (u64, u64),
}

impl Location {
    /// The files in `folder` as they are now: the ledger, its write-ahead log and the lock.
    pub fn of(folder: &Path) -> Result<Self, LedgerError> {
        let at = |name: &str| folder.join(name);
        let file = at(FILE_NAME);
        let failed = |source| LedgerError::File { file: file.clone(), source };
        // Also for writing: an overlay file system may show readers another file.
        let ledger = OpenOptions::new().read(true).write(true).open(&file).map_err(failed)?;
        let others = [at(&format!("{FILE_NAME}-wal")), at(lock::FILE_NAME)];
        let mut pins = vec![Pin::of(file.clone()).map_err(failed)?];
        pins.extend(others.into_iter().filter_map(|path| Pin::of(path).ok()));
        Ok(Self { pins, ledger })
    }

    /// What is wrong; `None` if all files are where they were.
    pub fn trouble(&self) -> Option<String> {
        self.pins.iter().find_map(Pin::trouble)
    }

    /// Whether the ledger has no name left, so it is lost when it is closed.
    pub fn is_removed(&self) -> bool {
        #[cfg(unix)]
        return self.ledger.metadata().is_ok_and(|ledger| std::os::unix::fs::MetadataExt::nlink(&ledger) == 0);
        #[cfg(not(unix))]
        false
    }

    /// The folder where the ledger is now, if that can be found out.
    pub fn now_in(&self) -> Option<PathBuf> {
        let ledger = &self.pins[0];
        let file = if ledger.trouble().is_none() { ledger.path.clone() } else { name_of(&self.ledger)? };
        let is_ours = Pin { path: file.clone(), identity: ledger.identity }.trouble().is_none();
        (is_ours && file.ends_with(FILE_NAME)).then(|| file.parent().map(Path::to_owned)).flatten()
    }
}

impl Pin {
    fn of(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&fs::metadata(&path)?);
        Ok(Self { path, identity })
    }

    fn trouble(&self) -> Option<String> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        match fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => None,
            Ok(_) => Some(format!("another file replaced {name}")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(format!("{name} does not exist any more")),
            Err(error) => Some(format!("{name} cannot be reached ({error})")),
        }
    }
}

/// What identifies a file, whatever its name.
#[cfg(unix)]
fn identity(file: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

#[cfg(not(unix))]
fn identity(_file: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// The path of an open file, which Linux can report.
#[cfg(target_os = "linux")]
fn name_of(file: &File) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file))).ok()
}

#[cfg(not(target_os = "linux"))]
fn name_of(_file: &File) -> Option<PathBuf> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A folder with the three files, inside one that the test deletes.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("run");
        fs::create_dir(&folder).expect("made");
        for name in [FILE_NAME, "ledger.db-wal", lock::FILE_NAME] {
            fs::write(folder.join(name), "x").expect("written");
        }
        (home, folder)
    }

    #[test]
    fn notices_each_missing_file() {
        for name in [FILE_NAME, "ledger.db-wal", lock::FILE_NAME] {
            let (_home, folder) = folder();
            let place = Location::of(&folder).expect("there");
            assert_eq!(place.trouble(), None);
            fs::write(folder.join(name), "written to").expect("written");
            assert_eq!(place.trouble(), None);
            fs::rename(folder.join(name), folder.join("aside")).expect("moved");
            assert_eq!(place.trouble(), Some(format!("{name} does not exist any more")));
            let is_whole = name != FILE_NAME;
            assert_eq!(place.now_in(), is_whole.then(|| folder.clone()), "under another name it is of no use");
            fs::write(folder.join(name), "x").expect("written");
            assert_eq!(place.trouble(), Some(format!("another file replaced {name}")));
            assert!(!place.is_removed());
        }
    }

    #[test]
    fn distinguishes_moved_from_removed() {
        let (home, folder) = folder();
        let place = Location::of(&folder).expect("there");
        assert_eq!(place.now_in().as_ref(), Some(&folder));
        let moved = home.path().join("moved");
        fs::rename(&folder, &moved).expect("moved");
        assert!(place.trouble().is_some() && !place.is_removed());
        fs::write(&folder, "a file where the folder was").expect("written");
        assert!(place.trouble().is_some_and(|why| why.contains("cannot be reached")));
        let home = fs::canonicalize(home.path()).expect("there");
        assert_eq!(place.now_in(), cfg!(target_os = "linux").then(|| home.join("moved")));
        fs::remove_dir_all(&moved).expect("removed");
        assert!(place.trouble().is_some() && place.is_removed());
        assert_eq!(place.now_in(), None);
    }
}
