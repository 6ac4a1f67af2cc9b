//! Finds run folders.
//!
//! Links are not followed, so the search ends, and stays below its folder.

use super::entry::Unreadable;
use passwave::ledger;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What was found.
pub struct Found {
    /// Folders with a ledger, in order of their paths.
    pub runs: Vec<PathBuf>,
    /// Folders that could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// Searches `folder` and everything below it. A run folder is not searched further.
///
/// # Errors
/// Fails if `folder` itself cannot be read.
pub fn below(folder: &Path) -> io::Result<Found> {
    let mut found = Found { runs: Vec::new(), unreadable: Vec::new() };
    // The names of folders in the current one begin with their own names.
    let folder = if folder == Path::new(".") { Path::new("") } else { folder };
    let mut to_search = vec![(folder.to_owned(), entries(folder)?)];
    while let Some((folder, names)) = to_search.pop() {
        if names.iter().any(|(path, _)| path.file_name().is_some_and(|name| name == ledger::FILE_NAME)) {
            found.runs.push(folder);
            continue;
        }
        for (path, is_folder) in names {
            match is_folder.then(|| entries(&path)) {
                None => {}
                Some(Ok(names)) => to_search.push((path, names)),
                Some(Err(error)) => {
                    found.unreadable.push(Unreadable::new(&path, &format!("{}: {error}", path.display())));
                }
            }
        }
    }
    found.runs.sort();
    Ok(found)
}

/// What is in a folder, and which of it are folders.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let each = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((folder.join(entry.file_name()), entry.file_type()?.is_dir()))
    };
    fs::read_dir(if folder == Path::new("") { Path::new(".") } else { folder })?.map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with_ledger(parent: &Path, name: &str) -> PathBuf {
        let folder = parent.join(name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(ledger::FILE_NAME), "").expect("a file");
        folder
    }

    #[test]
    fn run_folders_are_found_at_any_depth_and_in_order() {
        let place = tempfile::tempdir().expect("a folder");
        let deep = folder_with_ledger(place.path(), "b/c/deep");
        let first = folder_with_ledger(place.path(), "a");
        folder_with_ledger(place.path(), "a/inside-a-run");
        fs::write(place.path().join("b/notes.txt"), "").expect("a file");
        assert_eq!(below(place.path()).expect("readable").runs, [first, deep]);
        assert!(below(&place.path().join("absent")).is_err());
    }

    #[test]
    fn run_folder_itself_is_listed() {
        let place = tempfile::tempdir().expect("a folder");
        let run = folder_with_ledger(place.path(), "run");
        assert_eq!(below(&run).expect("readable").runs, [run]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let place = tempfile::tempdir().expect("a folder");
        let elsewhere = tempfile::tempdir().expect("a folder");
        folder_with_ledger(elsewhere.path(), "run");
        std::os::unix::fs::symlink(elsewhere.path(), place.path().join("link")).expect("a link");
        std::os::unix::fs::symlink(place.path(), place.path().join("circle")).expect("a link");
        assert!(below(place.path()).expect("readable").runs.is_empty());
    }
}
