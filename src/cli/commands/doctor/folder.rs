//! The folder of a run: whether it can be written, who else may read it, and how much space there is.

use super::Examination;
#[cfg(not(unix))]
use crate::cli::commands::access;
use passwave::util::{
    format::grouped,
    private_file::{create_dir, create_file},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

const CHECK: &str = "folder";
const MEGABYTE: u64 = 1_000_000;
/// A run of a few thousand accounts with its reports needs about this much.
const SPACE_NEEDED: u64 = 20 * MEGABYTE;
/// Runs of a hundred thousand accounts, sealed, with handouts and workbooks, need less.
const SPACE_AMPLE: u64 = 1_000 * MEGABYTE;

/// Examines the run folder `run_dir`, or the folder in which it would be made.
pub(super) fn examine(examination: &mut Examination<'_>, run_dir: Option<&Path>) {
    let folder = base(run_dir);
    let shown = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    let shown = shown.display();
    match try_out(&folder) {
        Ok(readers) => {
            examination.fine(CHECK, format!("{shown} can be written"));
            readers.into_iter().for_each(|(text, hint)| examination.warning(CHECK, text, hint));
        }
        Err(error) => {
            let hint = "choose a folder that you may write to, with --run-dir, or start passwave in one".to_owned();
            examination.problem(CHECK, format!("no run folder can be made in {shown}: {error}"), Some(hint));
        }
    }
    match fs4::available_space(&folder) {
        Ok(free) => space(examination, free),
        Err(error) => examination.skipped("disk space", format!("unknown: {error}")),
    }
}

/// `run_dir` if it exists, otherwise the folder in which it would be made.
fn base(run_dir: Option<&Path>) -> PathBuf {
    let Some(run_dir) = run_dir else { return ".".into() };
    let parent = run_dir.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    if run_dir.is_dir() { run_dir.into() } else { parent.into() }
}

/// Makes a folder with a file in it, as a run does, and removes both. Returns who else could read them, and what to do
/// about it.
fn try_out(folder: &Path) -> io::Result<Option<(String, String)>> {
    let trial = folder.join(format!(".passwave-doctor-{}", process::id()));
    create_dir(&trial)?;
    let file = trial.join("file");
    let made = create_file(&file).map(drop);
    let readers = readers(folder, &trial);
    let removed = made.as_ref().map_or(Ok(()), |()| fs::remove_file(&file));
    fs::remove_dir(&trial)?;
    made.and(removed).map(|()| readers)
}

#[cfg(unix)]
fn readers(folder: &Path, trial: &Path) -> Option<(String, String)> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path| fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o7777);
    by_modes(mode(folder).ok()?, mode(trial).ok()?)
}

/// The same by the modes of the folder, and of the run folder that would be made in it.
#[cfg(unix)]
fn by_modes(folder: u32, run_dir: u32) -> Option<(String, String)> {
    if run_dir & 0o077 != 0 {
        let text = format!("this file system lets others read what passwave writes (mode {run_dir:o} in place of 700)");
        return Some((text, "use a folder on another file system, or seal the passwords (--seal-to)".into()));
    }
    let (others_write, is_sticky) = (folder & 0o022 != 0, folder & 0o1000 != 0);
    (others_write && !is_sticky).then(|| {
        let text = format!("other users may rename or remove what is in it (mode {folder:o})");
        (text, "use a folder of your own: a run folder itself is readable only by you".into())
    })
}

#[cfg(not(unix))]
fn readers(folder: &Path, _trial: &Path) -> Option<(String, String)> {
    access::others(folder).map(|access::Readers { text, hint }| (text, hint))
}

fn space(examination: &mut Examination<'_>, free: u64) {
    let text = format!("{} MB free", grouped(free / MEGABYTE));
    let hint = "free some space: passwave stops before it sends anything that it cannot write down";
    match free {
        ..SPACE_NEEDED => examination.problem("disk space", text, Some(hint.into())),
        SPACE_NEEDED..SPACE_AMPLE => examination.warning("disk space", text, hint),
        _ => examination.fine("disk space", text),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::by_modes;

    #[test]
    fn others_are_found_by_modes() {
        for (folder, run_dir, words) in
            [(0o777, 0o777, "lets others read"), (0o700, 0o755, "lets others read"), (0o775, 0o700, "rename or remove")]
        {
            let (text, _) = by_modes(folder, run_dir).expect("others");
            assert!(text.contains(words), "{text}");
        }
        for (folder, run_dir) in [(0o755, 0o700), (0o1777, 0o700), (0o700, 0o700)] {
            assert!(by_modes(folder, run_dir).is_none(), "{folder:o} {run_dir:o}");
        }
    }
}
