//! The program as a child process, with a roster, a run folder and the way into a tenant.

use crate::{
    checkers::{self, Row},
    served::Served,
};
use passwave::graph::simulator::Simulator;
use secrecy::ExposeSecret;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A folder with a roster in it, and a tenant.
pub struct Stage {
    pub served: Served,
    pub accounts: Vec<String>,
    pub strangers: Vec<String>,
    home: TempDir,
}

impl Stage {
    /// A roster of `rows` accounts, and a tenant that has them and others.
    pub fn new(rows: usize, faults: &str) -> Self {
        let names = |kind: &str| (1..=rows).map(|n| format!("{kind}{n}@contoso.com")).collect::<Vec<_>>();
        let (accounts, strangers) = (names("pupil"), names("teacher"));
        let served = Served::new(&[accounts.clone(), strangers.clone()].concat(), faults);
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("wave.csv"), format!("UPN\n{}\n", accounts.join("\n"))).expect("a roster");
        Self { served, accounts, strangers, home }
    }

    pub fn run_folder(&self) -> PathBuf {
        self.home.path().join("run")
    }

    pub fn ledger(&self) -> PathBuf {
        self.run_folder().join("ledger.db")
    }

    /// A command line without anything of the machine's own environment that could lead elsewhere.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let credentials = self.served.tenant.credentials();
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(arguments).current_dir(self.home.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for door in ["AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT"] {
            command.env_remove(door);
        }
        for job in ["ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI"] {
            command.env_remove(job);
        }
        command.env("AZURE_TENANT_ID", &credentials.tenant_id).env("AZURE_CLIENT_ID", &credentials.client_id);
        command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
        command.env("AZURE_AUTHORITY_HOST", &self.served.url);
        command
    }

    /// The same for a verb that connects, at a pace that only the tenant limits.
    pub fn connecting(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(arguments);
        command.args(["--graph-endpoint", &self.served.url, "--write-quota", "100000/1s"]);
        command
    }

    pub fn plan(&self) {
        let planned = self.connecting(&["plan", "wave.csv", "--run-dir", "run"]).output().expect("it starts");
        assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    }

    /// Runs `passwave report`, and reads what it has written.
    pub fn report(&self) -> Vec<Row> {
        let reported = self.program(&["report", "run"]).output().expect("it starts");
        assert_eq!(reported.status.code(), Some(0), "{}", said(&reported));
        self.last_report()
    }

    /// The report that stands in the run folder.
    pub fn last_report(&self) -> Vec<Row> {
        checkers::read(&fs::read(self.run_folder().join("report.csv")).expect("a report"))
    }

    pub fn check(&self, report: &[Row]) {
        checkers::check(report, &self.accounts, &self.served.tenant, &self.strangers).expect("the invariants");
    }

    /// Waits until `enough` holds of the tenant or `over` is true, looking every millisecond.
    pub fn wait_for(&self, enough: impl Fn(&Simulator) -> bool, mut over: impl FnMut() -> bool) {
        while !enough(&self.served.tenant) && !over() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Runs to the end, and checks that everybody was reset.
    pub fn finish(&self) {
        let ended = self.connecting(&["run", "run", "--yes"]).output().expect("it starts");
        assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
        let report = self.last_report();
        self.check(&report);
        checkers::check_ended(&report).expect("the end");
        assert!(report.iter().all(|row| row.status == "reset"));
    }
}

/// What a process wrote on stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
