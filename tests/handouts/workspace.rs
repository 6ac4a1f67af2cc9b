//! A folder with a run, and the program that makes handouts from it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A school's roster: two classes, one of them with two spellings, a pupil without a class, and a row that is not an
/// account.
pub const ROSTER: &str = "\
Name;Vorname;UPN;Klasse;Sprache
Zander;Bob;bob@contoso.com;7A;de
\u{c5}berg;Zoë;zoe@contoso.com;7B;fr-CA
Abel;Ann;ann@contoso.com;7A;
\"<b>O'Brien</b>\";Kim;kim@contoso.com;7a;Klingon
Smith;;smith@contoso.com;;
Nobody;No;no address;7A;
";

/// A folder in which the program works.
pub struct Workspace(TempDir);

impl Workspace {
    /// An empty folder.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// A folder with a rehearsal of [`ROSTER`] in `run`.
    pub fn rehearsed(flags: &[&str]) -> Self {
        let workspace = Self::new();
        workspace.write("school.csv", ROSTER);
        let made = workspace.passwave(&[&["rehearse", "school.csv", "--run-dir", "run"], flags].concat());
        assert_eq!(made.status.code(), Some(1), "one row is no account: {}", said(&made));
        workspace
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The names of the files in a folder, in order.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("UTF-8");
        let entries = fs::read_dir(self.path(folder)).expect("a folder");
        let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
        names.sort();
        names
    }

    pub fn passwave(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(arguments).current_dir(self.0.path()).env_remove("PASSWAVE_SEAL_PASSPHRASE");
        command.output().expect("it starts")
    }

    /// Makes the handouts, with this exit code; the output contains no password. Returns the output.
    pub fn handouts(&self, code: i32, flags: &[&str]) -> String {
        let output = self.passwave(&[&["handouts", "run"], flags].concat());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for (upn, password) in self.passwords() {
            assert!(!said.contains(&password), "the password of {upn} is shown: {said}");
        }
        said
    }

    /// The passwords in the run's report, by account; a sealed run has none there.
    pub fn passwords(&self) -> Vec<(String, String)> {
        passwords(&self.path("run/report.csv"))
    }

    /// The password of one account.
    pub fn password(&self, upn: &str) -> String {
        let found = self.passwords().into_iter().find(|(name, _)| name == upn);
        found.unwrap_or_else(|| panic!("{upn} has no password")).1
    }
}

fn passwords(report: &Path) -> Vec<(String, String)> {
    let mut reader = csv::Reader::from_path(report).expect("a report");
    let rows = reader.records().map(|row| row.expect("a row"));
    let shown = rows.map(|row| (row[1].to_owned(), row[3].to_owned()));
    shown.filter(|(_, password)| !password.is_empty()).collect()
}

/// What a program printed on stdout and stderr.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A text escaped for HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
