//! Who may read the files of a run on Windows, where they inherit the access list of their folder.
//!
//! The list comes from `icacls /save`, a part of Windows, in a form that does not depend on its language. If it cannot be
//! had, nothing is said: on Unix, the mode of each file already excludes others.

#[cfg_attr(not(windows), allow(dead_code, reason = "only Windows has such lists"))]
mod sddl;

use crate::cli::{
    console::Reporter,
    next_step::{quoted, quoted_word},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Who else may read new files in a folder, and what to do about it.
pub struct Readers {
    pub text: String,
    pub hint: String,
}

/// Warns if a run folder at `run_dir` would be open to others.
pub fn warn(reporter: &Reporter, run_dir: &Path) {
    if let Some(Readers { text, hint }) = others(&parent(run_dir)) {
        reporter.warn_with(text, &hint);
    }
}

/// The folder in which `run_dir` is made.
fn parent(run_dir: &Path) -> PathBuf {
    let parent = run_dir.parent().filter(|parent| *parent != Path::new(""));
    parent.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The groups that may read what is written to `folder`; `None` if there are none, or they are not known.
pub fn others(folder: &Path) -> Option<Readers> {
    let crowds = sddl::readers(&descriptor(folder)?).filter(|crowds| !crowds.is_empty())?;
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    Some(readers(&crowds, &folder, &account()))
}

fn readers(crowds: &BTreeSet<&str>, folder: &Path, account: &str) -> Readers {
    let names = crowds.iter().copied().collect::<Vec<_>>().join(", ");
    let text = format!("files in {} can be read by: {names}; a run folder there holds passwords", folder.display());
    let hint = match folder.parent() {
        // Windows itself needs the list of a drive.
        None => "use a folder below your profile, with --run-dir".to_owned(),
        Some(_) => {
            format!(
                "use a folder below your profile, or let only yourself, administrators and the system read this one:  \
                 icacls {} /inheritance:r /grant:r {} {} {}",
                quoted(folder),
                quoted_word(format!("{account}:(OI)(CI)F")),
                quoted_word("*S-1-5-32-544:(OI)(CI)F"),
                quoted_word("*S-1-5-18:(OI)(CI)F"),
            )
        }
    };
    Readers { text, hint }
}

/// The account that runs this process, as `icacls` takes it.
fn account() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USERNAME").unwrap_or_else(|| "USER".into());
    variable("USERDOMAIN").map_or_else(|| user.clone(), |domain| format!(r"{domain}\{user}"))
}

/// The access list of a folder.
#[cfg(windows)]
fn descriptor(folder: &Path) -> Option<String> {
    use passwave::util::private_file::create_dir;
    use std::{
        env, fs,
        process::{Command, Stdio},
    };
    // By its whole path, so that no other program of this name is started.
    let icacls = PathBuf::from(env::var_os("SystemRoot")?).join("System32").join("icacls.exe");
    let place = env::temp_dir().join(format!("passwave-access-{}", std::process::id()));
    create_dir(&place).ok()?;
    let file = place.join("list");
    let mut command = Command::new(icacls);
    command.arg(std::path::absolute(folder).ok()?).arg("/save").arg(&file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let saved = command.status().ok().and_then(|_| fs::read(&file).ok());
    // What is left behind holds no secret.
    let _ = fs::remove_dir_all(&place);
    saved.and_then(|bytes| last_line(&bytes))
}

/// The access list of a folder.
#[cfg(not(windows))]
const fn descriptor(_folder: &Path) -> Option<String> {
    None
}

/// The last line of a file in UTF-16: `icacls` writes the folder's name, and its list below.
#[cfg_attr(not(windows), allow(dead_code, reason = "only Windows has such lists"))]
fn last_line(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16_lossy(&units);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_line_is_the_list() {
        let saved = "\u{feff}resets\r\nD:AI(A;OICI;FR;;;WD)\r\n";
        let bytes: Vec<u8> = saved.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(last_line(&bytes).as_deref(), Some("D:AI(A;OICI;FR;;;WD)"));
        assert_eq!(last_line(b""), None);
    }

    #[test]
    fn advice_can_be_pasted() {
        let crowds = BTreeSet::from(["Everyone", "Users"]);
        let folder = std::env::temp_dir().join("my resets");
        let Readers { text, hint } = readers(&crowds, &folder, r"CONTOSO\ann");
        assert!(text.contains("can be read by: Everyone, Users"), "{text}");
        assert!(hint.contains("icacls ") && hint.contains("/inheritance:r /grant:r"), "{hint}");
        assert!(hint.contains(r"CONTOSO\ann:(OI)(CI)F") && hint.contains("*S-1-5-32-544:(OI)(CI)F"), "{hint}");
        let root = folder.ancestors().last().expect("a root").to_owned();
        assert!(!readers(&crowds, &root, "ann").hint.contains("icacls"), "a drive keeps its list");
    }

    #[test]
    fn run_folders_are_made_in_their_parent() {
        assert_eq!(parent(Path::new("semester")), Path::new("."));
        assert_eq!(parent(Path::new("resets/semester")), Path::new("resets"));
    }

    /// Wine has no `icacls` that saves lists.
    #[cfg(windows)]
    #[test]
    fn windows_gives_the_list_of_a_folder() {
        if windows_registry::CURRENT_USER.open(r"Software\Wine").is_err() {
            let place = tempfile::tempdir().expect("a folder");
            let list = descriptor(place.path()).expect("a list");
            assert!(list.starts_with("D:"), "{list}");
        }
    }
}
