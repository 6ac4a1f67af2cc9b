//! File names that Windows does not accept, with the reason.
//!
//! Windows opens a device where a path has a device's name, and silently drops dots and spaces at the end of a name: the
//! file would not be where a person looks for it. (Microsoft's "Naming Files, Paths, and Namespaces".)

use std::{io, path::Path};

/// Device names, with any extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
/// Characters that no name contains. Slashes separate names, and a colon follows a drive.
const FORBIDDEN: &str = "<>:\"|?*";

/// Why Windows does not accept a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It is a device's name.
    #[error("Windows keeps the name {0} for a device")]
    Device(String),
    /// It ends with a dot or a space.
    #[error("Windows drops a dot or a space at the end of a name")]
    Ending,
    /// It contains this character.
    #[error("Windows does not allow {0} in a name")]
    Character(char),
}

impl NameFault {
    /// The fault that an error of the file system is about, if it is one.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Whether this is the name of a device, with any extension and in any case.
#[must_use]
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = |kind| {
        stem.strip_prefix(kind).is_some_and(|rest| rest.chars().count() == 1 && !rest.starts_with(char::is_alphabetic))
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// Refuses a path with a name that this system does not take. Only Windows has such names.
///
/// # Errors
/// Fails with `InvalidFilename` and a [`NameFault`].
pub fn must_be_possible(path: &Path) -> io::Result<()> {
    fault(path).map_or(Ok(()), |fault| Err(io::Error::new(io::ErrorKind::InvalidFilename, fault)))
}

/// What this system does not take in a path; `None` on all systems but Windows.
#[must_use]
pub fn fault(path: &Path) -> Option<NameFault> {
    // A path that begins with two slashes names a server, a device or a long path, which has its own rules.
    let text = path.to_string_lossy();
    (cfg!(windows) && !text.starts_with(r"\\")).then(|| fault_in(&text)).flatten()
}

/// The first fault in a Windows path.
fn fault_in(path: &str) -> Option<NameFault> {
    let has_drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    let names = if has_drive { &path[2..] } else { path }.split(['/', '\\']);
    names.filter(|name| !matches!(*name, "" | "." | "..")).find_map(fault_of)
}

fn fault_of(name: &str) -> Option<NameFault> {
    if let Some(c) = name.chars().find(|c| FORBIDDEN.contains(*c) || c.is_control()) {
        return Some(NameFault::Character(c));
    }
    if is_device(name) {
        return Some(NameFault::Device(name.to_owned()));
    }
    name.ends_with(['.', ' ']).then_some(NameFault::Ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_refuses_are_found() {
        for (path, fault) in [
            ("NUL", NameFault::Device("NUL".into())),
            (r"C:\runs\aux.2026\wave", NameFault::Device("aux.2026".into())),
            ("runs/COM1", NameFault::Device("COM1".into())),
            ("lpt\u{b9}", NameFault::Device("lpt\u{b9}".into())),
            ("con .txt", NameFault::Device("con .txt".into())),
            ("semester.", NameFault::Ending),
            (r"semester \wave", NameFault::Ending),
            ("a\" --yes", NameFault::Character('"')),
            ("class 7A?", NameFault::Character('?')),
            (r"C:\runs\12:00", NameFault::Character(':')),
        ] {
            assert_eq!(fault_in(path), Some(fault), "{path}");
        }
        for path in
            ["semester", r"C:\runs\wave.2026", r"..\runs\.\wave", "console", "com10", "nul-1", "my runs\\", ".hidden"]
        {
            assert_eq!(fault_in(path), None, "{path}");
        }
    }

    #[test]
    fn only_windows_refuses_them() {
        assert_eq!(must_be_possible(Path::new("NUL")).is_err(), cfg!(windows));
    }
}
