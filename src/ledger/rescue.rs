//! Saves what was recorded if the run folder is moved or removed while a process works on it.
//!
//! If the ledger still has a name, everything goes into that file. If not, a copy is made next to the old location: a
//! complete run folder that replaces the old one. It claims nothing, and never touches what is at the old location now.

use super::{
    Counts, FILE_NAME, Ledger, LedgerError, database::Database, location::Location, lock, note::NoteKey, open,
};
use crate::util::private_file;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// How many names are tried for the copy.
const NAMES_TRIED: u32 = 99;

impl Ledger {
    /// Whether the run folder was moved or removed: nothing is handed out any more.
    #[must_use]
    pub fn is_displaced(&self) -> bool {
        self.displaced.is_some()
    }

    /// Checks that the run folder is still in place, and saves what was recorded if not. From then on this ledger is
    /// the one in the error.
    ///
    /// # Errors
    /// Returns [`LedgerError::Moved`], [`LedgerError::Rescued`] or [`LedgerError::Removed`], once, if the folder is not
    /// in place or was not before.
    pub fn must_be_in_place(&mut self) -> Result<(), LedgerError> {
        self.look_at_the_place();
        if matches!(self.displaced, Some(LedgerError::Moved { .. })) {
            // Later answers are in the log, which may not have moved along.
            self.empty_the_log();
        }
        self.displaced.take().map_or(Ok(()), Err)
    }

    /// The same, but keeps the error for later: answers in flight are recorded first.
    pub(super) fn look_at_the_place(&mut self) {
        let Some(place) = &self.place else { return };
        let Some(why) = place.trouble() else { return };
        let folder = self.read.folder.clone();
        // A log without its ledger is useless.
        let is_whole = !place.is_removed() && self.empty_the_log();
        self.displaced = Some(match is_whole {
            true => LedgerError::Moved { folder, why, now: self.follow() },
            false => match self.rescue() {
                Ok(copy) => LedgerError::Rescued { folder, copy },
                Err(error) => LedgerError::Removed { folder, why: error.to_string() },
            },
        });
    }

    /// Moves everything in the log into the ledger; `false` if that fails.
    fn empty_the_log(&self) -> bool {
        let busy = self.read.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0));
        busy.is_ok_and(|busy| !busy)
    }

    /// Continues where the ledger is now, if that can be found out; returns the folder.
    fn follow(&mut self) -> Option<PathBuf> {
        let now = self.place.as_ref()?.now_in()?;
        self.place = Some(Location::of(&now).ok()?);
        self.read.folder.clone_from(&now);
        Some(now)
    }

    /// Copies everything recorded into a new run folder, and continues there.
    fn rescue(&mut self) -> Result<PathBuf, LedgerError> {
        let copy = new_folder(&self.read.folder)?;
        let lock = lock::create(&copy)?;
        let file = copy.join(FILE_NAME);
        let failed = |source| LedgerError::File { file: file.clone(), source };
        private_file::create_file(&file).map_err(failed)?;
        let name = ValueRef::Text(file.as_os_str().as_encoded_bytes());
        self.read.connection.execute("VACUUM INTO ?1", [ToSqlOutput::Borrowed(name)])?;
        File::open(&file).and_then(|file| file.sync_all()).map_err(failed)?;
        open::sync_folder(&copy).map_err(failed)?;
        let connection = open::connect(&file, open::Durability::of(&self.read.settings))?;
        self.read.counts = Counts::read(&connection)?;
        (self.read.connection, self.lock) = (Database::new(connection), Some(lock));
        self.read.folder.clone_from(&copy);
        // Noted for processes that are refused meanwhile, and so that there is a log to check.
        self.connection.note(NoteKey::Holder, &open::holder())?;
        self.place = Some(Location::of(&copy)?);
        Ok(copy)
    }
}

/// A new folder for the copy: next to the old place, or elsewhere if there is no room.
fn new_folder(folder: &Path) -> Result<PathBuf, LedgerError> {
    let mut name = folder.file_name().unwrap_or("run".as_ref()).to_owned();
    name.push(".rescued");
    let places = [folder.with_file_name(&name), Path::new(".").join(&name), std::env::temp_dir().join(&name)];
    let mut failed = None;
    for place in places {
        for nth in 1..=NAMES_TRIED {
            let mut numbered = place.clone().into_os_string();
            if nth > 1 {
                numbered.push(format!("-{nth}"));
            }
            match private_file::create_dir(Path::new(&numbered)) {
                Ok(()) => return Ok(numbered.into()),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(source) => {
                    failed.get_or_insert(LedgerError::File { file: numbered.into(), source });
                    break;
                }
            }
        }
    }
    Err(failed.unwrap_or_else(|| LedgerError::Exists(folder.with_file_name(&name))))
}

#[cfg(test)]
mod tests {
    use super::new_folder;

    #[test]
    fn copies_never_replace_each_other() {
        let home = tempfile::tempdir().expect("a folder");
        let names = [(); 3].map(|()| new_folder(&home.path().join("wave")).expect("a folder"));
        assert_eq!(names, ["wave.rescued", "wave.rescued-2", "wave.rescued-3"].map(|name| home.path().join(name)));
        assert!(names.iter().all(|copy| copy.is_dir()));
    }
}
