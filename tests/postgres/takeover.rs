//! A process in standby goes on when the one that works on the run is killed or stopped.

use crate::{
    runs::must_hold_in,
    served::Served,
    server::{Database, shared},
    steps::{calm, open},
};
use secrecy::ExposeSecret;
use std::{
    fs,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const LEASE: Duration = Duration::from_secs(3);

/// A planned run of sealed passwords in a database, and its tenant.
struct Stage<'a> {
    home: TempDir,
    served: Served,
    database: Database<'a>,
    accounts: Vec<String>,
    key: String,
}

impl<'a> Stage<'a> {
    fn new(database: Database<'a>, rows: usize) -> Self {
        let accounts: Vec<String> = (1..=rows).map(|n| format!("user{n}@contoso.com")).collect();
        let key = age::x25519::Identity::generate();
        let served = Served::new(&accounts, "{}");
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("wave.csv"), format!("UPN\n{}\n", accounts.join("\n"))).expect("a roster");
        let stage = Self { home, served, database, accounts, key: key.to_string().expose_secret().to_owned() };
        let recipient = key.to_public().to_string();
        let planned = stage.command(&["plan", "wave.csv", "--run-dir", "wave", "--seal-to", &recipient]).output();
        let planned = planned.expect("it starts");
        assert_eq!(planned.status.code(), Some(0), "{}", String::from_utf8_lossy(&planned.stderr));
        stage
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        let credentials = self.served.tenant.credentials();
        command.args(words).current_dir(self.home.path()).stdin(Stdio::null()).env_clear();
        command.env("PASSWAVE_LEDGER", self.database.url()).env("PASSWAVE_STATE_DIR", self.home.path().join("state"));
        command.env("AZURE_TENANT_ID", &credentials.tenant_id).env("AZURE_CLIENT_ID", &credentials.client_id);
        command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
        command.env("AZURE_AUTHORITY_HOST", &self.served.url).env("PASSWAVE_GRAPH_ENDPOINT", &self.served.url);
        command
    }

    /// A process that works on the run, or waits for it. Each has a folder for reports of its own.
    fn standby(&self, nth: usize) -> Child {
        let out = format!("reports{nth}");
        let words = ["run", "wave", "--yes", "--standby", "--lease", "3s", "--out", &out];
        let pace = ["--write-quota", "20/2s", "--batch-size", "5", "--quiet"];
        let mut command = self.command(&[&words[..], &pace].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
    }

    fn number(&self, sql: &str) -> u64 {
        self.database.sql(sql).parse().expect("a number")
    }

    fn resets(&self) -> u64 {
        self.number("SELECT count(*) FROM passwave.account WHERE state = 'reset'")
    }

    fn epoch(&self) -> u64 {
        self.number("SELECT epoch FROM passwave.run")
    }

    /// Waits until the run has more resets than that, and checks what the ledger says.
    fn wait_for_more_than(&self, resets: u64) {
        let began = Instant::now();
        while self.resets() <= resets {
            assert!(began.elapsed() < PATIENCE, "nobody goes on");
            sleep(Duration::from_millis(50));
        }
    }

    /// How long it takes until another process has the run.
    fn takeover_after(&self, epoch: u64) -> Duration {
        let began = Instant::now();
        while self.epoch() == epoch {
            assert!(began.elapsed() < PATIENCE, "nobody takes over");
            sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }

    /// Every account's password is one that the key can read.
    fn must_hold(&self) {
        let mut ledger = open(&calm(&self.database.url()), "wave").expect("the run is free");
        must_hold_in(&self.served.tenant, &self.accounts, Some(&self.key), &mut ledger);
    }
}

fn signal(process: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &process.id().to_string()]).status().expect("it starts");
    assert!(sent.success());
}

/// Ends a process in order, and returns what it said.
fn end(process: Child, name: &str) -> (Option<i32>, String) {
    signal(&process, name);
    let output = process.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn standby_goes_on_when_the_holder_is_killed_or_stopped() {
    let Some(postgres) = shared() else { return };
    let stage = Stage::new(postgres.database(), 600);
    let first = stage.standby(0);
    stage.wait_for_more_than(0);
    let second = stage.standby(1);
    let epoch = stage.epoch();
    let resets = stage.resets();
    let (code, _) = end(first, "-KILL");
    assert_eq!(code, None, "it was killed");
    let taken = stage.takeover_after(epoch);
    assert!(taken < LEASE + Duration::from_secs(10), "{taken:?}");
    stage.wait_for_more_than(resets);
    let third = stage.standby(2);
    let (epoch, resets) = (stage.epoch(), stage.resets());
    signal(&second, "-STOP");
    stage.takeover_after(epoch);
    stage.wait_for_more_than(resets);
    let report = stage.home.path().join("reports1/report.csv");
    let before = fs::read(&report).expect("a report from its start");
    let (code, said) = end(second, "-CONT");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("was taken over by process"), "{said}");
    assert_eq!(fs::read(&report).expect("a report"), before, "it no longer knows how the rows stand");
    let (code, said) = end(third, "-TERM");
    assert_eq!(code, Some(130), "{said}");
    stage.must_hold();
}
