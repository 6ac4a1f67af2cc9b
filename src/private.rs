//! Files and folders that only their owner may read, on every platform.
//!
//! On Unix the mode is set as the file is made, so there is no moment in which others could open it; on Windows a new
//! file takes over the access list of its folder, which in a user's profile names that user alone. Nothing here follows
//! or overwrites what already stands at a target, except [`replace`], which swaps a finished file in.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::Path,
};

/// Makes a folder (mode 0700) that must not exist yet; the folder above it must.
///
/// # Errors
/// Whatever the file system says, `AlreadyExists` included.
pub fn create_dir(path: &Path) -> io::Result<()> {
    #[allow(unused_mut, reason = "the mode is set on Unix only")]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a file (mode 0600) that must not exist yet, not even as a link.
///
/// # Errors
/// Whatever the file system says, `AlreadyExists` included.
pub fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a file whole: beside the target first, synced, then in its place, so that nobody ever meets half of it.
///
/// # Errors
/// Whatever the file system or `write` says; the target is then as it was.
pub fn replace<E: From<io::Error>>(
    target: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let mut draft = target.as_os_str().to_owned();
    draft.push(".draft");
    let draft = Path::new(&draft);
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut writer = BufWriter::with_capacity(1 << 16, create_file(draft)?);
    let written = write(&mut writer).and_then(|()| {
        writer.flush()?;
        writer.get_ref().sync_all()?;
        Ok(fs::rename(draft, target)?)
    });
    if written.is_err() {
        // A full disk is not to be kept full by a file that nobody reads. What is still in the buffer goes nowhere.
        drop(writer.into_parts());
        let _ = fs::remove_file(draft);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("report.csv");
        replace::<io::Error>(&target, |file| file.write_all(b"one")).expect("written");
        let broken = replace(&target, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert!(broken.is_err());
        assert_eq!(fs::read(&target).expect("read"), b"one");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no half of it is left behind");
        fs::write(folder.path().join("report.csv.draft"), "left by a process that died").expect("written");
        replace::<io::Error>(&target, |file| file.write_all(b"two")).expect("written over the draft left behind");
        assert_eq!(fs::read(&target).expect("read"), b"two");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_look() {
        use std::os::unix::fs::PermissionsExt;
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
