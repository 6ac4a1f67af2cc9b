//! Files and folders that only their owner can read, on every platform.
//!
//! On Unix the mode is set when the file is created, so others can never open it. On Windows a new file inherits the
//! access list of its folder; in a user's profile, that list names only the user. Nothing here follows links or
//! overwrites an existing file; [`super::replace`] does that.

use super::windows_name;
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// Creates a folder (mode 0700). It must not exist yet; its parent must.
///
/// # Errors
/// Any error of the file system, including `AlreadyExists`, and `InvalidFilename` if Windows takes no such name.
pub fn create_dir(path: &Path) -> io::Result<()> {
    windows_name::must_be_possible(path)?;
    #[allow(unused_mut, reason = "the mode is set on Unix only")]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Creates a file (mode 0600). It must not exist yet, not even as a link.
///
/// # Errors
/// Any error of the file system, including `AlreadyExists`, and `InvalidFilename` if Windows takes no such name.
pub fn create_file(path: &Path) -> io::Result<File> {
    windows_name::must_be_possible(path)?;
    new_file().open(path)
}

/// The options of [`create_file`].
pub(super) fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_may_look() {
        use std::{fs, os::unix::fs::PermissionsExt};
        let folder = tempfile::tempdir().expect("a folder");
        let (dir, file) = (folder.path().join("run"), folder.path().join("run/file"));
        create_dir(&dir).expect("made");
        create_file(&file).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&file)), (0o700, 0o600));
        assert!(create_file(&file).is_err());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).expect("linked");
        assert!(create_file(&link).is_err(), "a link is not followed");
    }
}
