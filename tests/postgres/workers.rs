//! Workers: any number of processes share the runs of a database, and the quota of each application.

use crate::{
    served::Served,
    server::{Database, shared},
    steps::{calm, create, open},
};
use passwave::{
    graph::quota::Quota,
    ledger::{Ledger, SharedQuota, SignedInAs},
    seal::Identities,
};
use secrecy::ExposeSecret;
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub fn share(ledger: &Ledger) -> SharedQuota {
    let signed_in =
        SignedInAs { tenant_id: Some("a tenant".into()), client_id: Some("an application".into()), person: None };
    ledger.set_signed_in(&signed_in).expect("noted");
    ledger.shared_quota("writes", Quota::DOCUMENTED_WRITES).expect("a server").expect("a share")
}

/// How many requests are admitted before the first wait, and that wait.
fn spent(share: &mut SharedQuota) -> (u32, Duration) {
    let mut sum = 0;
    loop {
        match share.admit(20) {
            Ok(()) => sum += 20,
            Err(wait) => return (sum, wait),
        }
    }
}

#[test]
fn quota_is_shared_by_all_processes_of_an_application() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let ledgers = ["one", "two"].map(|name| create(&calm(&database.url()), name, 40).expect("made"));
    let began = Instant::now();
    let [mut one, mut two] = ledgers.each_ref().map(share);
    assert_eq!(one.admit(20), Ok(()));
    drop(one);
    let mut one = share(&ledgers[0]);
    let (sum, wait) = spent(&mut two);
    let (more, _) = spent(&mut one);
    let refilled = began.elapsed().as_secs_f64() * 20.0;
    let all = f64::from(20 + sum + more);
    assert!((2_980.0..=3_000.0 + refilled).contains(&all), "{all}: what the first had left was given back");
    assert!(wait <= Duration::from_secs(1), "{wait:?} for a batch of 20 at 20 a second");
    let asked = Instant::now();
    one.owe(Duration::from_secs(160));
    let told = std::iter::repeat_with(|| two.admit(20)).find_map(Result::err).expect("a wait");
    std::thread::sleep(told);
    let held = two.admit(20).expect_err("Graph asked the other process to wait");
    // The bucket of 150 s is empty until 10 s from then, and has a batch one second later.
    let (held, since) = (held.as_secs_f64(), asked.elapsed().as_secs_f64());
    assert!(held < 11.1 && held + since > 10.9, "{held} s to wait, {since} s later");
}

/// A tenant, a database, and a folder to work in.
pub struct Office<'a> {
    pub home: TempDir,
    pub served: Served,
    pub database: Database<'a>,
    pub recipient: String,
    key: String,
}

impl<'a> Office<'a> {
    pub fn new(database: Database<'a>, accounts: usize) -> Self {
        let names: Vec<String> = (1..=accounts).map(|n| format!("user{n}@contoso.com")).collect();
        let key = age::x25519::Identity::generate();
        let office = Self {
            home: tempfile::tempdir().expect("a folder"),
            served: Served::new(&names, "{}"),
            database,
            recipient: key.to_public().to_string(),
            key: key.to_string().expose_secret().to_owned(),
        };
        fs::write(office.home.path().join("pupils.csv"), format!("UPN\n{}\n", names.join("\n"))).expect("a roster");
        office
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        let credentials = self.served.tenant.credentials();
        command.args(words).current_dir(self.home.path()).stdin(Stdio::null()).env_clear();
        command.env("PASSWAVE_LEDGER", self.database.url()).env("PASSWAVE_STATE_DIR", self.home.path().join("state"));
        command.env("AZURE_TENANT_ID", &credentials.tenant_id).env("AZURE_CLIENT_ID", &credentials.client_id);
        command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
        command.env("AZURE_AUTHORITY_HOST", &self.served.url).env("PASSWAVE_GRAPH_ENDPOINT", &self.served.url);
        command
    }

    /// The exit code, and what it prints on standard error.
    pub fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.command(words).output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn plan(&self, name: &str, more: &[&str]) {
        let words = ["plan", "pupils.csv", "--run-dir", name, "--seal-to", &self.recipient];
        let (code, said) = self.run(&[&words, more].concat());
        assert_eq!(code, Some(0), "{said}");
    }

    fn start(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
    }

    /// Every account that was reset has a password that the key can read.
    fn must_hold(&self, name: &str, resets: usize) {
        let mut ledger = open(&calm(&self.database.url()), name).expect("a run");
        let mut identities = Identities::default();
        identities.add(self.key.as_bytes()).expect("a key");
        ledger.unlock(&identities).expect("unlocked");
        assert_eq!(usize::try_from(ledger.counts().reset).expect("a count"), resets, "{name}");
    }
}

#[test]
fn two_workers_do_all_runs_of_a_database() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 60);
    ["first", "second", "third"].iter().for_each(|name| office.plan(name, &[]));
    let workers = [0, 1].map(|n| office.start(&["work", "--once", "--out", &format!("reports{n}"), "--lease", "20s"]));
    for worker in workers {
        let output = worker.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let all = "SELECT count(*) FROM passwave.run WHERE is_finished AND holder IS NULL";
    assert_eq!(office.database.sql(all), "3");
    ["first", "second", "third"].iter().for_each(|name| office.must_hold(name, 60));
    let is_there = |name: &&str| {
        ["reports0", "reports1"].iter().any(|out| office.home.path().join(out).join(name).join("summary.json").exists())
    };
    assert!(["first", "second", "third"].iter().all(is_there), "each has its reports");
    let (code, said) = office.run(&["work", "--once"]);
    assert_eq!(code, Some(0), "nothing is left: {said}");
}

#[test]
fn worker_leaves_a_run_that_a_person_must_look_at() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 60);
    let missing: String = (1..=60).map(|n| format!("nobody{n}@contoso.com\n")).collect();
    fs::write(office.home.path().join("pupils.csv"), format!("UPN\n{missing}")).expect("a roster");
    office.plan("wave", &["--halt-on", "failed=5", "--lookup", "off"]);
    let (code, said) = office.run(&["work", "--once"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("stopped by --halt-on"), "{said}");
    let (code, said) = office.run(&["work", "--once"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("Working on"), "{said}");
    let list = office.command(&["runs"]).output().expect("it starts");
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("stopped by --halt-on failed=5"), "{list}");
}

#[test]
fn worker_gives_its_run_back_when_it_is_asked_to_stop() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 400);
    office.plan("wave", &[]);
    let worker = office.start(&["work", "--write-quota", "20/10s", "--batch-size", "5"]);
    let began = Instant::now();
    let settled = "SELECT count(*) FROM passwave.account WHERE state = 'reset'";
    while office.database.sql(settled).parse::<u32>().expect("a number") < 5 {
        assert!(began.elapsed() < Duration::from_secs(120), "it resets nothing");
        std::thread::sleep(Duration::from_millis(50));
    }
    let kill = Command::new("kill").args(["-TERM", &worker.id().to_string()]).status().expect("it starts");
    assert!(kill.success());
    let output = worker.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(office.database.sql("SELECT holder IS NULL FROM passwave.run"), "t");
    assert!(Path::new(&office.home.path().join("wave/report.csv")).exists());
    let (code, said) = office.run(&["work", "--once", "--write-quota", "100000/1s"]);
    assert_eq!(code, Some(0), "{said}");
    office.must_hold("wave", 400);
}
