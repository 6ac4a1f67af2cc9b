//! Somebody at a shell who pastes what is printed.

use crate::served::Served;
use secrecy::ExposeSecret;
use std::{
    ffi::{OsStr, OsString},
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// Accounts of the roster.
pub const ROWS: usize = 8;
/// What comes before a printed command, which ends its line.
const MARK: &str = ":  ";

/// A folder with a roster in it, and a tenant that has its accounts.
pub struct Desk {
    pub home: TempDir,
    pub served: Served,
}

impl Desk {
    /// A tenant with faults.
    pub fn new(faults: &str) -> Self {
        Self::of(ROWS, faults)
    }

    /// The same with so many accounts.
    pub fn of(rows: usize, faults: &str) -> Self {
        let accounts: Vec<String> = (1..=rows).map(|nth| format!("pupil{nth}@contoso.com")).collect();
        let home = tempfile::tempdir().expect("a folder");
        let roster: String =
            accounts.iter().enumerate().map(|(at, name)| format!("{name},Start-{at}-Here!\n")).collect();
        fs::write(home.path().join("wave.csv"), format!("UPN,Password\n{roster}")).expect("a roster");
        Self { home, served: Served::new(&accounts, faults) }
    }

    /// A program of this shell. It finds passwave by its name, and the tenant's credentials in the environment.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.current_dir(self.home.path()).env_clear().stdin(Stdio::null());
        let program = Path::new(env!("CARGO_BIN_EXE_passwave"));
        command.env("PATH", format!("{}:/usr/bin:/bin", program.parent().expect("a folder").display()));
        let credentials = self.served.tenant.credentials();
        command.env("AZURE_TENANT_ID", &credentials.tenant_id).env("AZURE_CLIENT_ID", &credentials.client_id);
        command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
        command.env("PASSWAVE_NO_CONFIG", "true").env("NO_COLOR", "1");
        command
    }

    /// A shell with a line to be obeyed.
    pub fn shell(&self, line: &str) -> Command {
        let mut command = self.program("/bin/sh");
        command.args(["-c", line]);
        command
    }

    /// The same line as a person types it.
    pub fn types(&self, line: &str) -> Output {
        self.shell(line).output().expect("a shell")
    }

    /// Calls the program with these words, past any shell.
    pub fn calls(&self, words: &[&OsStr]) -> Output {
        self.program("passwave").args(words).output().expect("it starts")
    }

    /// The flags that lead to the tenant.
    pub fn there(&self) -> String {
        format!("--graph-endpoint {0} --authority-host {0}", self.served.url)
    }

    /// Pastes a command; it must end with this code. Returns what it said.
    pub fn pastes(&self, command: &str, code: i32) -> String {
        let output = self.types(command);
        assert_eq!(output.status.code(), Some(code), "{command}\n{}", said(&output));
        said(&output)
    }

    /// How many accounts of the run in `folder` stand so, by its summary.
    pub fn count(&self, folder: &OsStr, status: &str) -> u64 {
        let text = fs::read(self.home.path().join(folder).join("summary.json")).expect("a summary");
        let summary: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        summary["counts"][status].as_u64().expect("a number")
    }

    /// Whether everybody is reset in the run.
    pub fn must_be_done(&self, folder: impl Into<OsString>) {
        let folder = folder.into();
        assert_eq!(self.count(&folder, "pending"), 0);
        assert!(self.count(&folder, "reset") > 0);
    }
}

/// What a process wrote on stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The commands that are printed as the way on. No other place of the text may name one to be run: it could not work.
pub fn printed(text: &str) -> Vec<String> {
    let commands = text.lines().filter_map(|line| {
        let (_, command) = line.split_once(MARK)?;
        command.starts_with("passwave ").then(|| command.to_owned())
    });
    let commands: Vec<String> = commands.collect();
    for part in ["`passwave run`", "`passwave verify`", "with: passwave", "then: passwave"] {
        assert!(!text.contains(part), "{part} is no command that works: {text}");
    }
    commands
}

/// The only command that is printed.
pub fn the_way_on(text: &str) -> String {
    let commands = printed(text);
    assert_eq!(commands.len(), 1, "{text}");
    commands.into_iter().next().expect("a command")
}
