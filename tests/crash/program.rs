//! The program as a child process, with a roster, a run folder and credentials for a tenant.

use crate::{
    checkers::{self, Row},
    served::Served,
};
use passwave::{graph::client::auth::Variables, simulator::Simulator};
use secrecy::ExposeSecret;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A folder with a roster, and a tenant.
pub struct Stage {
    pub served: Served,
    pub accounts: Vec<String>,
    pub strangers: Vec<String>,
    /// The run folder's name, within the home folder.
    pub run: String,
    home: TempDir,
}

impl Stage {
    /// A roster of `rows` accounts, and a tenant that has them and others.
    pub fn new(rows: usize, faults: &str) -> Self {
        let names = |kind: &str| (1..=rows).map(|n| format!("{kind}{n}@contoso.com")).collect::<Vec<_>>();
        let (accounts, strangers) = (names("pupil"), names("teacher"));
        let served = Served::new(&[accounts.clone(), strangers.clone()].concat(), faults);
        let home = tempfile::tempdir().expect("a folder");
        let stage = Self { served, accounts, strangers, run: "run".into(), home };
        stage.write_roster();
        stage
    }

    pub fn write_roster(&self) {
        let roster = format!("UPN\n{}\n", self.accounts.join("\n"));
        fs::write(self.home().join("wave.csv"), roster).expect("a roster");
    }

    /// The current folder of the program.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn run_folder(&self) -> PathBuf {
        self.home().join(&self.run)
    }

    pub fn ledger(&self) -> PathBuf {
        self.run_folder().join("ledger.db")
    }

    /// A command line without variables of the machine that could affect it.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let credentials = self.served.tenant.credentials();
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(arguments).current_dir(self.home.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for variable in Variables::READ {
            command.env_remove(variable);
        }
        command.env_remove("PASSWAVE_SEAL_PASSPHRASE").env("PASSWAVE_NO_CONFIG", "true");
        for job in ["GITHUB_ACTIONS", "TF_BUILD"] {
            command.env_remove(job);
        }
        command.env("AZURE_TENANT_ID", &credentials.tenant_id).env("AZURE_CLIENT_ID", &credentials.client_id);
        command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
        command.env("AZURE_AUTHORITY_HOST", &self.served.url);
        command
    }

    /// The same for a command that connects, at a pace that only the tenant limits.
    pub fn connecting(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(arguments);
        command.args(["--graph-endpoint", &self.served.url, "--write-quota", "100000/1s"]);
        command
    }

    /// `passwave plan`, ready to start.
    pub fn planning(&self) -> Command {
        self.connecting(&["plan", "wave.csv", "--run-dir", &self.run])
    }

    pub fn plan(&self) {
        let planned = self.planning().output().expect("it starts");
        assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    }

    /// Runs `passwave report`, and reads the report.
    pub fn report(&self) -> Vec<Row> {
        let reported = self.program(&["report", &self.run]).output().expect("it starts");
        assert_eq!(reported.status.code(), Some(0), "{}", said(&reported));
        self.last_report()
    }

    /// The report that is in the run folder.
    pub fn last_report(&self) -> Vec<Row> {
        checkers::read(&fs::read(self.run_folder().join("report.csv")).expect("a report"))
    }

    pub fn check(&self, report: &[Row]) {
        let others = checkers::Others { superseded: self.superseded(), ..checkers::Others::default() };
        let held = checkers::check_with(report, &self.accounts, &self.served.tenant, &self.strangers, &others);
        held.expect("the invariants");
    }

    /// Replaced passwords that the ledger keeps in clear text, by row.
    fn superseded(&self) -> Vec<(u64, String)> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(ledger) = rusqlite::Connection::open_with_flags(self.ledger(), flags) else { return Vec::new() };
        let select = ledger.prepare("SELECT row, password FROM replaced WHERE typeof(password) = 'text'");
        let Ok(mut select) = select else { return Vec::new() };
        let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// Waits until `enough` is true for the tenant or `over` is true; checks every millisecond.
    pub fn wait_for(&self, enough: impl Fn(&Simulator) -> bool, mut over: impl FnMut() -> bool) {
        while !enough(&self.served.tenant) && !over() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Starts a run, and waits until `more` accounts have been written.
    pub fn begin(&self, mut run: Command, more: u64) -> Child {
        let enough = self.served.tenant.tally().writes + more;
        let mut child = run.spawn().expect("it starts");
        self.wait_for(|tenant| tenant.tally().writes >= enough, || child.try_wait().expect("a child").is_some());
        child
    }

    /// The run without questions.
    pub fn running(&self) -> Command {
        self.connecting(&["run", &self.run, "--yes"])
    }

    /// Waits for a process that cannot continue: it must exit with 3, say why and what to do, and not panic.
    pub fn must_end_away(&self, child: Child, words: &[&str]) -> String {
        let output = child.wait_with_output().expect("it ends");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("\nhint: ") && !said.contains("panicked"), "{said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{word}: {said}"));
        said
    }

    /// Runs to the end, and checks that all accounts were reset.
    pub fn finish(&self) {
        let ended = self.connecting(&["run", &self.run, "--yes"]).output().expect("it starts");
        assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
        let report = self.last_report();
        self.check(&report);
        checkers::check_ended(&report).expect("the end");
        assert!(report.iter().all(|row| row.status == "reset"));
    }
}

/// What a process printed on stderr, with the program's name as it is on Unix in the commands.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).replace("passwave.exe ", "passwave ")
}

/// `command` run under strace with `options`.
#[cfg(unix)]
pub fn traced(command: &Command, options: &[&str]) -> Command {
    let mut strace = Command::new("strace");
    strace.args(options).arg("--").arg(command.get_program()).args(command.get_args());
    in_the_place_of(command, strace)
}

/// `other` with the folder, the environment and the pipes of `command`.
#[cfg(unix)]
pub fn in_the_place_of(command: &Command, mut other: Command) -> Command {
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other.current_dir(command.get_current_dir().expect("it has one"));
    other.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    other
}

/// Whether programs can be traced on this machine.
#[cfg(unix)]
pub fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let can = traced.is_ok_and(|traced| traced.status.success());
    if !can {
        skipped("strace is not installed, or may not trace");
    }
    can
}

/// Prints why a test checks nothing on this machine.
#[cfg(unix)]
pub fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
