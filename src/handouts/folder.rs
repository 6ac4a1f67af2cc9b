//! The folder of a run's handouts: complete, or absent.
//!
//! Files are written into a draft folder next to it, which is renamed at the end. Existing files are never overwritten,
//! and a failed draft is removed. All files are on disk before the folder gets its name, also if the power fails.

use super::HandoutError;
use crate::util::{private_file, replace::rename};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Up to this many files are synced one by one. Each takes milliseconds, so for more, Linux syncs the file system once.
#[cfg(target_os = "linux")]
const SYNCED_SINGLY_MAX: usize = 64;

/// The first of `folder`, `folder-2`, `folder-3` … that does not exist, so that printing again needs no name.
#[must_use]
pub fn first_free(folder: &Path) -> PathBuf {
    let numbered = |nth: u64| {
        let mut name = folder.as_os_str().to_owned();
        name.push(format!("-{nth}"));
        PathBuf::from(name)
    };
    let mut names = std::iter::once(folder.to_owned()).chain((2..).map(numbered));
    names.find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| folder.to_owned())
}

/// Whether a folder that does not exist yet would be inside another one, whatever links lead there.
pub(super) fn lies_in(folder: &Path, other: &Path) -> bool {
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(above), fs::canonicalize(other)) {
        (Ok(above), Ok(other)) => above.starts_with(other),
        // Creating the folder fails with a better message.
        _ => folder.starts_with(other),
    }
}

/// A folder in progress.
pub(super) struct Draft {
    draft: PathBuf,
    target: PathBuf,
    files: Vec<PathBuf>,
    finished: bool,
}

impl Draft {
    /// Starts the folder `target`, which must not exist yet.
    pub(super) fn begin(target: &Path) -> Result<Self, HandoutError> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(HandoutError::Exists(target.to_owned()));
        }
        let mut draft = target.as_os_str().to_owned();
        draft.push(".draft");
        let draft = PathBuf::from(draft);
        match private_file::create_dir(&draft) {
            Ok(()) => Ok(Self { draft, target: target.to_owned(), files: Vec::new(), finished: false }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(HandoutError::LeftBehind(draft)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(HandoutError::NoParent(target.to_owned())),
            Err(source) => Err(HandoutError::File { file: draft, source }),
        }
    }

    /// Writes one file with a name that is not used in this folder yet.
    pub(super) fn file<E: From<io::Error>>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.draft.join(name);
        let mut out = BufWriter::with_capacity(1 << 16, private_file::create_file(&path)?);
        self.files.push(path);
        let written = write(&mut out).and_then(|()| Ok(out.flush()?));
        // The buffered rest is dropped after a failure.
        drop(out.into_parts());
        written
    }

    /// Gives the folder its final name.
    pub(super) fn finish(mut self) -> Result<(), HandoutError> {
        let placed = self.sync().and_then(|()| rename(&self.draft, &self.target));
        placed.map_err(|source| HandoutError::File { file: self.target.clone(), source })?;
        self.finished = true;
        Ok(())
    }

    /// Writes all files to disk.
    fn sync(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if self.files.len() > SYNCED_SINGLY_MAX {
            return Ok(rustix::fs::syncfs(File::open(&self.draft)?)?);
        }
        // Windows syncs only files that are open for writing.
        self.files.iter().try_for_each(|file| File::options().write(true).open(file)?.sync_all())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.finished {
            self.files.iter().for_each(|file| drop(fs::remove_file(file)));
            let _ = fs::remove_dir(&self.draft);
        }
    }
}
