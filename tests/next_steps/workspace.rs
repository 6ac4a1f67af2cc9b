//! A user at a shell who pastes the printed commands.

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
/// The text before a printed command, which ends its line.
const MARK: &str = ":  ";

/// A folder with a roster, and a tenant that has its accounts.
pub struct Workspace {
    pub home: TempDir,
    pub served: Served,
}

impl Workspace {
    /// A tenant with faults.
    pub fn new(faults: &str) -> Self {
        Self::of(ROWS, faults)
    }

    /// The same with this many accounts.
    pub fn of(rows: usize, faults: &str) -> Self {
        let accounts: Vec<String> = (1..=rows).map(|nth| format!("pupil{nth}@contoso.com")).collect();
        let home = tempfile::tempdir().expect("a folder");
        let roster: String =
            accounts.iter().enumerate().map(|(at, name)| format!("{name},Start-{at}-Here!\n")).collect();
        fs::write(home.path().join("wave.csv"), format!("UPN,Password\n{roster}")).expect("a roster");
        Self { home, served: Served::new(&accounts, faults) }
    }

    /// A program in this shell. It finds passwave by its name, and the tenant's credentials in the environment.
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

    /// A shell that runs a line.
    pub fn shell(&self, line: &str) -> Command {
        let mut command = self.program("/bin/sh");
        command.args(["-c", line]);
        command
    }

    /// Runs a line as a user types it.
    pub fn type_line(&self, line: &str) -> Output {
        self.shell(line).output().expect("a shell")
    }

    /// Calls the program with these arguments, without a shell.
    pub fn call(&self, words: &[&OsStr]) -> Output {
        self.program("passwave").args(words).output().expect("it starts")
    }

    /// The flags for the tenant's endpoints.
    pub fn endpoint_flags(&self) -> String {
        format!("--graph-endpoint {0} --authority-host {0}", self.served.url)
    }

    /// Pastes a command, which must exit with this code. Returns its output.
    pub fn paste(&self, command: &str, code: i32) -> String {
        let output = self.type_line(command);
        assert_eq!(output.status.code(), Some(code), "{command}\n{}", said(&output));
        said(&output)
    }

    /// How many accounts of the run in `folder` have this status in its summary.
    pub fn count(&self, folder: &OsStr, status: &str) -> u64 {
        let text = fs::read(self.home.path().join(folder).join("summary.json")).expect("a summary");
        let summary: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        summary["counts"][status].as_u64().expect("a number")
    }

    /// Checks that all accounts of the run are reset.
    pub fn must_be_done(&self, folder: impl Into<OsString>) {
        let folder = folder.into();
        assert_eq!(self.count(&folder, "pending"), 0);
        assert!(self.count(&folder, "reset") > 0);
    }
}

/// What a process printed on stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The printed commands for the next step. No other part of the text may tell the user to run a command: it could not
/// work.
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

/// The only printed command.
pub fn next_command(text: &str) -> String {
    let commands = printed(text);
    assert_eq!(commands.len(), 1, "{text}");
    commands.into_iter().next().expect("a command")
}
