//! Replaces files as a whole, even if another program holds the old one open.
//!
//! A finished draft takes the place of the target. Virus scanners, indexers and OneDrive hold files for a moment, so a
//! refusal of the system is retried for two seconds. A spreadsheet holds a file for hours, and on Windows nobody can
//! replace it meanwhile: [`or_beside`] then puts the new file beside it, under a free name.
//!
//! Invariants: nobody ever sees half a file, and no file is overwritten but the target and those in `own`.

use super::private_file::create_file;
use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// How long the refusal of the system to rename a file is retried.
const PATIENCE: Duration = Duration::from_secs(2);
/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// The highest number of a file beside its target.
const NUMBER_MAX: u32 = 99;

/// The files that this process has written beside their targets, and may therefore replace.
pub type OwnFiles = RefCell<BTreeSet<PathBuf>>;

/// A finished file.
#[derive(Debug)]
pub struct Placed {
    /// Its path.
    pub file: PathBuf,
    /// Why it has not replaced its target, if it has not.
    pub refused: Option<io::Error>,
}

/// Writes a whole file that replaces `target`.
///
/// # Errors
/// Any error of the file system or of `write`; the target is then unchanged.
pub fn replace<E: From<io::Error>>(
    target: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let mut draft = Draft::write_with(target, write)?;
    draft.finish()?;
    Ok(rename(&draft.file.0, target)?)
}

/// The same, but if the system refuses to replace the target, the new file is `name-1.ending` beside it (`-2` …).
///
/// # Errors
/// Any error of the file system or of `write`; the target is then unchanged, and there is no new file.
pub fn or_beside<E: From<io::Error>>(
    target: &Path,
    own: &OwnFiles,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<Placed, E> {
    Ok(Draft::write_with(target, write)?.place(own)?)
}

/// Renames a file or a folder, with patience.
///
/// # Errors
/// Returns the last error of the system.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    with_patience(|| fs::rename(from, to), thread::sleep)
}

/// `report-2.csv.age` for `report.csv.age` and 2.
#[must_use]
pub fn numbered(target: &Path, number: u32) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let (stem, ending) = name.split_at(name.find('.').unwrap_or(name.len()));
    target.with_file_name(format!("{stem}-{number}{ending}"))
}

/// Retries an operation that another program may block, with pauses in between.
fn with_patience(mut act: impl FnMut() -> io::Result<()>, mut pause: impl FnMut(Duration)) -> io::Result<()> {
    let mut waited = Duration::ZERO;
    loop {
        match act() {
            Err(error) if may_pass(&error) && waited < PATIENCE => {
                pause(PAUSE);
                waited += PAUSE;
            }
            other => return other,
        }
    }
}

/// Whether the error may be gone a moment later. Windows says "access denied" (5), "sharing violation" (32), "lock
/// violation" (33) or "user mapped section open" (1224) for a file in use; others, and network drives, say "busy".
fn may_pass(error: &io::Error) -> bool {
    let is_in_use = cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32 | 33 | 1224));
    is_in_use || matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::ExecutableFileBusy)
}

/// A new file while it is written, beside its target. It is removed if it is dropped before it is placed.
pub struct Draft {
    target: PathBuf,
    file: Named,
    /// `None` once it is finished.
    writer: Option<BufWriter<File>>,
}

/// A file beside its target, removed if it does not get a better name.
struct Named(PathBuf);

impl Draft {
    /// Begins a file that is to replace `target`.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn begin(target: &Path) -> io::Result<Self> {
        let (path, file) = begin(target)?;
        let writer = Some(BufWriter::with_capacity(1 << 16, file));
        Ok(Self { target: target.to_owned(), file: Named(path), writer })
    }

    fn write_with<E: From<io::Error>>(
        target: &Path,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut draft = Self::begin(target)?;
        write(draft.writer()?)?;
        Ok(draft)
    }

    fn writer(&mut self) -> io::Result<&mut BufWriter<File>> {
        self.writer.as_mut().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    /// Replaces the target as [`or_beside`] does.
    ///
    /// # Errors
    /// Any error of the file system; the target is then unchanged, and there is no new file.
    pub fn place(mut self, own: &OwnFiles) -> io::Result<Placed> {
        self.finish()?;
        match rename(&self.file.0, &self.target) {
            Ok(()) => Ok(Placed { file: self.target.clone(), refused: None }),
            Err(refused) => self.file.beside(&self.target, own, refused),
        }
    }

    /// Puts it beside the target under a free name, for the reason in `refused`.
    ///
    /// # Errors
    /// Any error of the file system; there is then no new file.
    pub fn place_beside(mut self, own: &OwnFiles, refused: io::Error) -> io::Result<Placed> {
        self.finish()?;
        self.file.beside(&self.target, own, refused)
    }

    /// Writes the rest to disk and closes the file, which Windows needs to rename it.
    fn finish(&mut self) -> io::Result<()> {
        let writer = self.writer()?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        self.writer = None;
        Ok(())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer()?.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer()?.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer()?.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // The buffered rest is dropped: a useless file must not fill the disk.
        self.writer.take().map(BufWriter::into_parts);
    }
}

impl Named {
    /// Gives it a free name beside `target`, or that of an own file.
    fn beside(&self, target: &Path, own: &OwnFiles, refused: io::Error) -> io::Result<Placed> {
        // Its folder is gone, so there is no other place.
        if refused.kind() == io::ErrorKind::NotFound {
            return Err(refused);
        }
        for file in (1..=NUMBER_MAX).map(|number| numbered(target, number)) {
            let is_own = own.borrow().contains(&file);
            // The name is taken first, so that no other program's file is overwritten.
            if !is_own && create_file(&file).is_err() {
                continue;
            }
            match rename(&self.0, &file) {
                Ok(()) => {
                    own.borrow_mut().insert(file.clone());
                    return Ok(Placed { file, refused: Some(refused) });
                }
                Err(_) if is_own => {}
                Err(_) => {
                    let _ = fs::remove_file(&file);
                    break;
                }
            }
        }
        Err(refused)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Creates the draft's file. A file that a dead process left there is removed if possible.
fn begin(target: &Path) -> io::Result<(PathBuf, File)> {
    let mut draft = target.as_os_str().to_owned();
    draft.push(".draft");
    let draft = PathBuf::from(draft);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let mut free = (1..=NUMBER_MAX).map(|number| numbered(&draft, number));
            free.find_map(|draft| Some((draft.clone(), create_file(&draft).ok()?))).ok_or(error)
        }
        _ => create_file(&draft).map(|file| (draft, file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter;

    /// A folder with `report.csv`, which is a folder itself if it cannot be replaced.
    fn folder(is_replaceable: bool) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("report.csv");
        if is_replaceable {
            fs::write(&target, "old").expect("written");
        } else {
            fs::create_dir(&target).expect("made");
        }
        (folder, target)
    }

    fn put(target: &Path, own: &OwnFiles, text: &str) -> Placed {
        or_beside::<io::Error>(target, own, |file| file.write_all(text.as_bytes())).expect("written")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().expect("text")).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn files_are_replaced_as_a_whole() {
        let (folder, target) = folder(true);
        replace::<io::Error>(&target, |file| file.write_all(b"one")).expect("written");
        let broken = replace(&target, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert!(broken.is_err());
        assert_eq!(fs::read(&target).expect("read"), b"one");
        assert_eq!(names(folder.path()), ["report.csv"], "no half of it is left behind");
        fs::write(folder.path().join("report.csv.draft"), "left by a process that died").expect("written");
        let placed = put(&target, &OwnFiles::default(), "two");
        assert!(placed.refused.is_none() && placed.file == target);
        assert_eq!(fs::read(&target).expect("read"), b"two");
        assert_eq!(names(folder.path()), ["report.csv"]);
    }

    #[test]
    fn a_file_in_use_is_awaited() {
        let busy = || io::Error::from(io::ErrorKind::ResourceBusy);
        let (mut refusals, mut waited) = (iter::repeat_n((), 19), Duration::ZERO);
        let act = || refusals.next().map_or(Ok(()), |()| Err(busy()));
        with_patience(act, |pause| waited += pause).expect("free again");
        assert_eq!(waited, Duration::from_millis(1_900));
        let (mut attempts, mut waited) = (0, Duration::ZERO);
        let act = || {
            attempts += 1;
            Err(busy())
        };
        let refused = with_patience(act, |pause| waited += pause).expect_err("never free");
        assert_eq!((refused.kind(), attempts, waited), (io::ErrorKind::ResourceBusy, 21, PATIENCE));
    }

    #[test]
    fn no_pause_for_what_does_not_pass() {
        let refused = with_patience(|| Err(io::ErrorKind::IsADirectory.into()), |_| panic!("a pause"));
        assert_eq!(refused.expect_err("refused").kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn an_irreplaceable_file_gets_a_neighbour() {
        let (folder, target) = folder(false);
        fs::write(folder.path().join("report-1.csv"), "of a person").expect("written");
        let own = OwnFiles::default();
        let placed = put(&target, &own, "new");
        assert_eq!(placed.file, folder.path().join("report-2.csv"));
        assert!(placed.refused.is_some());
        assert_eq!(fs::read(&placed.file).expect("read"), b"new");
        assert_eq!(put(&target, &own, "newer").file, placed.file, "its own file is replaced");
        assert_eq!(fs::read(&placed.file).expect("read"), b"newer");
        assert_eq!(put(&target, &OwnFiles::default(), "other").file, folder.path().join("report-3.csv"));
        assert_eq!(fs::read(folder.path().join("report-1.csv")).expect("read"), b"of a person");
        assert_eq!(names(folder.path()), ["report-1.csv", "report-2.csv", "report-3.csv", "report.csv"]);
    }

    #[test]
    fn an_irremovable_draft_is_no_obstacle() {
        let (folder, target) = folder(true);
        fs::create_dir(folder.path().join("report.csv.draft")).expect("made");
        assert_eq!(put(&target, &OwnFiles::default(), "new").file, target);
        assert_eq!(fs::read(&target).expect("read"), b"new");
        assert_eq!(names(folder.path()), ["report.csv", "report.csv.draft"]);
    }

    #[test]
    fn numbers_come_before_all_endings() {
        for (name, numbered_name) in [("report.csv.age", "report-2.csv.age"), ("page", "page-2")] {
            assert_eq!(numbered(&Path::new("run").join(name), 2), Path::new("run").join(numbered_name));
        }
    }

    /// As a spreadsheet opens it: others may only read it.
    #[cfg(windows)]
    #[test]
    fn a_held_file_gets_a_neighbour() {
        use std::os::windows::fs::OpenOptionsExt;
        let (folder, target) = folder(true);
        let held = fs::OpenOptions::new().read(true).share_mode(1).open(&target).expect("open");
        let own = OwnFiles::default();
        let placed = put(&target, &own, "new");
        assert_eq!(placed.file, folder.path().join("report-1.csv"));
        assert_eq!(
            placed.refused.and_then(|error| error.raw_os_error()).map(|code| code == 5 || code == 32),
            Some(true)
        );
        drop(held);
        assert_eq!(put(&target, &own, "newer").file, target);
    }
}
