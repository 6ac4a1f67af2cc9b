//! The workflows in `examples/pipelines`, as GitHub Actions and Azure Pipelines run them: their own scripts, step by
//! step, on machines that disappear, against a simulated tenant.
#![cfg(all(unix, feature = "seal"))]

#[path = "../support/checkers.rs"]
mod checkers;
#[path = "../auth/fake_server.rs"]
#[allow(dead_code, reason = "tests/auth uses all of it")]
mod fake_server;
#[path = "../support/served.rs"]
mod served;
#[path = "../auth/stage.rs"]
#[allow(dead_code, reason = "tests/auth uses all of it")]
mod stage;

mod service;
mod steps;

use age::x25519;
use checkers::Row;
use secrecy::ExposeSecret;
use service::{Kind, Service};
use stage::{Stage, said};
use std::{fs, process::Command};
use steps::Job;

const GITHUB: &str = include_str!("../../examples/pipelines/github-actions.yml");
const AZURE: &str = include_str!("../../examples/pipelines/azure-pipelines.yml");

const SWEEP_GITHUB: &str = include_str!("../../examples/pipelines/sweep-github-actions.yml");
const SWEEP_AZURE: &str = include_str!("../../examples/pipelines/sweep-azure-pipelines.yml");

/// The two jobs of each workflow: one plans, the other runs.
fn workflows() -> [(Kind, Job, Job); 2] {
    [
        (Kind::GitHub, steps::github(GITHUB, "plan"), steps::github(GITHUB, "run")),
        (Kind::Azure, steps::azure(AZURE, 0), steps::azure(AZURE, 1)),
    ]
}

/// A tenant, and a key that no job has.
struct Office {
    stage: Stage,
    recipient: String,
}

impl Office {
    fn new() -> Self {
        let stage = Stage::new(service::server);
        let key = x25519::Identity::generate();
        fs::write(stage.home().join("head.key"), key.to_string().expose_secret()).expect("a key file");
        Self { stage, recipient: key.to_public().to_string() }
    }

    fn service(&self, kind: Kind) -> Service<'_> {
        let [(_, tenant), (_, client)] = self.stage.ids();
        let values: Vec<(&str, &str)> = vec![
            ("vars.AZURE_TENANT_ID", &tenant),
            ("vars.AZURE_CLIENT_ID", &client),
            ("vars.PASSWAVE_SEAL_TO", &self.recipient),
            ("sealTo", &self.recipient),
            ("inputs.roster", "wave.csv"),
            ("parameters.roster", "wave.csv"),
            ("inputs.max_accounts", "100"),
            ("parameters.maxAccounts", "100"),
            ("System.AccessToken", "s3cret+/=&~Q"),
        ];
        Service::new(kind, &self.stage, &values)
    }

    /// The report in an artifact, opened with the key and checked against the tenant.
    fn opened(&self, service: &Service<'_>, artifact: &str) -> Vec<Row> {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = service.kept(artifact).join("wave.tar.gz");
        let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()).status();
        assert!(unpacked.expect("tar").success());
        let wave = folder.path().join("wave");
        let wave = wave.to_str().expect("text");
        let output = self.stage.bare(&["report", wave, "--format", "csv", "--identity", "head.key"]).output();
        let output = output.expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let report = checkers::read(&output.stdout);
        self.nothing_in_the_clear(&report, wave);
        report
    }

    fn nothing_in_the_clear(&self, report: &[Row], folder: &str) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).expect("a file");
            let holds = |password: &str| bytes.windows(password.len()).any(|part| part == password.as_bytes());
            let shown = report.iter().find(|row| !row.password.is_empty() && holds(&row.password));
            assert!(shown.is_none(), "{} holds a password", path.display());
        }
    }

    /// Checks that the artifact has all passwords in force.
    fn has_all(&self, service: &Service<'_>, artifact: &str) {
        let report = self.opened(service, artifact);
        checkers::check(&report, &self.stage.accounts, &self.stage.served.tenant, &[]).expect("the invariants");
        assert!(report.iter().all(|row| row.status == "reset" && row.attempts >= 1), "{artifact}");
    }
}

/// The name of the artifact from an attempt of a job.
fn artifact(kind: Kind, what: &str, attempt: u32) -> String {
    match (kind, what) {
        (Kind::Azure, _) => format!("{what}-{attempt}"),
        (Kind::GitHub, "planned") => format!("wave-{attempt}-planned"),
        (Kind::GitHub, _) => format!("wave-1-{what}-{attempt}"),
    }
}

#[test]
fn plan_runs_on_another_machine() {
    for (kind, plan, run) in workflows() {
        let office = Office::new();
        let mut service = office.service(kind);
        service.job(&plan, 1).expect("planned");
        assert_eq!(office.stage.served.tenant.tally().writes, 0);
        service.job(&run, 1).expect("run");
        office.has_all(&service, &artifact(kind, "ran", 1));
    }
}

#[test]
fn sweep_shows_who_has_not_chosen_a_password() {
    let sweeps = [steps::github(SWEEP_GITHUB, "sweep"), steps::azure(SWEEP_AZURE, 0)];
    for ((kind, plan, run), sweep) in workflows().into_iter().zip(sweeps) {
        let office = Office::new();
        let mut service = office.service(kind);
        service.job(&plan, 1).expect("planned");
        service.job(&run, 1).expect("run");
        let writes = office.stage.served.tenant.tally().writes;
        let said = service.job(&sweep, 1).expect_err("nobody has chosen a password");
        assert!(said.starts_with("Sweep: ") && said.contains("Claimed: 0 of 45 accounts (0 %); 45 not yet"), "{said}");
        assert_eq!(office.stage.served.tenant.tally().writes, writes, "a sweep only reads");
        let shown = if kind == Kind::GitHub { "claims-1" } else { "shown" };
        let tests = fs::read_to_string(service.kept(shown).join("claims.xml")).expect("tests");
        assert_eq!(tests.matches("type=\"not_claimed\"").count(), 45);
    }
}

#[test]
fn next_machine_replaces_a_lost_one() {
    for (kind, plan, run) in workflows() {
        let office = Office::new();
        let mut service = office.service(kind);
        service.job(&plan, 1).expect("planned");
        service.job_that_dies_after(&run, 1, "Run");
        assert_eq!(office.stage.served.tenant.tally().writes, 45);
        service.job(&run, 2).expect("run");
        let report = office.opened(&service, &artifact(kind, "ran", 2));
        for row in &report {
            assert!(
                row.status == "reset" && office.stage.served.tenant.holds(&row.name, &row.password),
                "{}",
                row.name
            );
        }
    }
}

#[test]
fn interrupted_run_continues() {
    for (kind, plan, run) in workflows() {
        let office = Office::new();
        let mut service = office.service(kind);
        service.job(&plan, 1).expect("planned");
        service.pilot = Some(20);
        let stopped = service.job(&run, 1).expect_err("some are left");
        assert!(stopped.contains("Run: ") && stopped.contains("passwave run wave"), "{stopped}");
        let kept = office.opened(&service, &artifact(kind, "ran", 1));
        assert_eq!(kept.iter().filter(|row| row.status == "reset").count(), 20);
        service.pilot = None;
        service.job(&run, 2).expect("run");
        assert_eq!(office.stage.served.tenant.tally().writes, 45, "what was reset is not sent again");
        office.has_all(&service, &artifact(kind, "ran", 2));
    }
}

#[test]
fn unapproved_plan_is_refused() {
    for (kind, plan, run) in workflows() {
        let office = Office::new();
        let mut service = office.service(kind);
        service.job(&plan, 1).expect("planned");
        let other = tempfile::tempdir().expect("a folder");
        let roster = other.path().join("other.csv");
        fs::write(&roster, "UPN\npupil1@contoso.com\n").expect("a roster");
        let wave = other.path().join("wave");
        let flags = ["plan", roster.to_str().expect("text"), "--run-dir", wave.to_str().expect("text")];
        let planned = office.stage.bare(&flags).output().expect("it starts");
        assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
        let packed = Command::new("tar")
            .arg("-czf")
            .arg(service.kept(&artifact(kind, "planned", 1)).join("wave.tar.gz"))
            .args(["-C", other.path().to_str().expect("text"), "wave"])
            .status();
        assert!(packed.expect("tar").success());
        let refused = service.job(&run, 1).expect_err("another plan");
        assert!(refused.contains("not the expected one"), "{refused}");
        assert_eq!(office.stage.served.tenant.tally().writes, 0);
    }
}
