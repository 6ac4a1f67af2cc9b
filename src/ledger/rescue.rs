//! A run folder that is moved or removed while a process works on it: what was recorded is kept where it can be found.
//!
//! Where the ledger still has a name, everything goes into that file; where it has none, a copy is made beside the old
//! place, which is a whole run folder and takes the old one's part. It never claims anything, and never touches what
//! stands in the old place now.

use super::{Counts, FILE_NAME, Ledger, LedgerError, lock, open, place::Place};
use crate::private;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Names that are tried for the copy.
const NAMES_TRIED: u32 = 99;

impl Ledger {
    /// Whether the run folder was found moved or removed: nothing is handed out any more.
    #[must_use]
    pub fn is_displaced(&self) -> bool {
        self.displaced.is_some()
    }

    /// Looks whether the run folder is still in its place, and keeps what was recorded where it is not. From then on this
    /// ledger is the one that the error names.
    ///
    /// # Errors
    /// [`LedgerError::Moved`], [`LedgerError::Rescued`] or [`LedgerError::Removed`], once, where it is not in its place
    /// or was found so before.
    pub fn must_be_in_place(&mut self) -> Result<(), LedgerError> {
        self.look_at_the_place();
        if matches!(self.displaced, Some(LedgerError::Moved { .. })) {
            // Answers that came since are in the log, which may not have come along.
            self.empty_the_log();
        }
        self.displaced.take().map_or(Ok(()), Err)
    }

    /// The same, keeping the error for later: answers that are still on their way are to be recorded first.
    pub(super) fn look_at_the_place(&mut self) {
        let Some(place) = &self.place else { return };
        let Some(why) = place.trouble() else { return };
        let folder = self.folder.clone();
        // A log that was parted from its ledger is of no use to anybody.
        let is_whole = !place.is_removed() && self.empty_the_log();
        self.displaced = Some(match is_whole {
            true => LedgerError::Moved { folder, why, now: self.follow() },
            false => match self.rescue() {
                Ok(copy) => LedgerError::Rescued { folder, copy },
                Err(error) => LedgerError::Removed { folder, why: first_line(&error.to_string()) },
            },
        });
    }

    /// Brings all that is in the log home to the ledger; false where that cannot be done.
    fn empty_the_log(&self) -> bool {
        let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0));
        busy.is_ok_and(|busy| !busy)
    }

    /// Goes on where the ledger is now, if that can be found out; tells where that is.
    fn follow(&mut self) -> Option<PathBuf> {
        let now = self.place.as_ref()?.now_in()?;
        self.place = Some(Place::of(&now).ok()?);
        self.folder.clone_from(&now);
        Some(now)
    }

    /// Copies all that was recorded into a new run folder, and goes on there.
    fn rescue(&mut self) -> Result<PathBuf, LedgerError> {
        let copy = new_folder(&self.folder)?;
        let lock = lock::create(&copy)?;
        let file = copy.join(FILE_NAME);
        let failed = |source| LedgerError::File { file: file.clone(), source };
        private::create_file(&file).map_err(failed)?;
        let name = ValueRef::Text(file.as_os_str().as_encoded_bytes());
        self.connection.execute("VACUUM INTO ?1", [ToSqlOutput::Borrowed(name)])?;
        File::open(&file).and_then(|file| file.sync_all()).map_err(failed)?;
        open::sync_folder(&copy).map_err(failed)?;
        let connection = open::connect(&file, self.settings.rehearsal)?;
        self.counts = Counts::read(&connection)?;
        (self.connection, self._lock) = (connection, Some(lock));
        self.folder.clone_from(&copy);
        // Noted for whoever is refused meanwhile, and so that there is a log to look at.
        self.set_note(open::HOLDER, &open::holder())?;
        self.place = Some(Place::of(&copy)?);
        Ok(copy)
    }
}

/// Without the hint, which speaks of another matter.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// A new folder for the copy: beside the old place, or else where there is room for one.
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
            match private::create_dir(Path::new(&numbered)) {
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
    use super::{first_line, new_folder};

    #[test]
    fn of_a_trouble_only_what_happened_is_told() {
        assert_eq!(first_line("no room\nhint: make some"), "no room");
    }

    #[test]
    fn a_copy_takes_no_other_copys_place() {
        let home = tempfile::tempdir().expect("a folder");
        let names = [(); 3].map(|()| new_folder(&home.path().join("wave")).expect("a folder"));
        assert_eq!(names, ["wave.rescued", "wave.rescued-2", "wave.rescued-3"].map(|name| home.path().join(name)));
        assert!(names.iter().all(|copy| copy.is_dir()));
    }
}
