//! Two runs of the same accounts in one database: the second is refused until the first has ended.

use crate::{
    server::{Database, shared},
    workers::Office,
};
use passwave::simulator::Account;
use std::{
    fs,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Slow enough that one run is half done when another one begins.
const SLOW: [&str; 4] = ["--write-quota", "10/5s", "--batch-size", "5"];

fn office(database: Database<'_>) -> Office<'_> {
    let office = Office::new(database, 30);
    let others = ["ann@contoso.com", "bob@contoso.com"];
    others.into_iter().for_each(|name| office.served.tenant.add(Account::normal(name)));
    fs::write(office.home.path().join("others.csv"), format!("UPN\n{}\n", others.join("\n"))).expect("a roster");
    for (roster, name) in [("pupils.csv", "first"), ("pupils.csv", "second"), ("others.csv", "third")] {
        let (code, said) = office.run(&["plan", roster, "--run-dir", name, "--clear-ledger", "--lookup", "off"]);
        assert_eq!(code, Some(0), "{said}");
    }
    office
}

fn begin(office: &Office<'_>, name: &str) -> Child {
    let mut command = office.command(&[&["run", name, "--yes", "--lease", "3s"][..], &SLOW].concat());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// Waits until the run has reset an account.
fn wait_for_a_reset(office: &Office<'_>) {
    let began = Instant::now();
    while office.database.sql("SELECT count(*) FROM passwave.account WHERE state = 'reset'") == "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is reset");
        sleep(Duration::from_millis(50));
    }
}

/// Takes a process away, in the middle of its run.
fn end(process: Child) {
    let kill = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().expect("it starts");
    assert!(kill.success());
    assert_eq!(process.wait_with_output().expect("it ends").status.code(), Some(130));
}

#[test]
fn second_run_in_a_database_waits_for_the_first() {
    let Some(postgres) = shared() else { return };
    let office = office(postgres.database());
    let first = begin(&office, "first");
    wait_for_a_reset(&office);
    end(first);
    let given =
        || (1..=30).map(|n| office.served.tenant.ever_given(&format!("user{n}@contoso.com")).len()).sum::<usize>();
    let before = given();
    let (code, said) = office.run(&["run", "second", "--yes"]);
    assert_eq!(code, Some(2), "{said}");
    let expected = [
        "the run first in the database, started 2",
        "has not ended",
        "nothing was sent",
        "passwave run first",
        "--alongside",
    ];
    assert!(expected.iter().all(|words| said.contains(words)), "{said}");
    assert_eq!(given(), before, "nothing was sent");
    let (code, said) = office.run(&["run", "third", "--yes"]);
    assert_eq!(code, Some(0), "other accounts are in no other run: {said}");
    let (code, said) = office.run(&["run", "first", "--yes", "--standby"]);
    assert_eq!(code, Some(0), "a run does not meet itself: {said}");
    let (code, said) = office.run(&["run", "second", "--yes"]);
    assert_eq!(code, Some(0), "the first has ended: {said}");
}

#[test]
fn two_machines_with_the_same_command_do_one_run() {
    let Some(postgres) = shared() else { return };
    let office = office(postgres.database());
    let plan = ["plan", "pupils.csv", "--run-dir", "wave", "--seal-to", &office.recipient, "--format", "json"];
    let planned = office.command(&plan).output().expect("it starts");
    let planned: serde_json::Value = serde_json::from_slice(&planned.stdout).expect("JSON");
    let fingerprint = planned["fingerprint"].as_str().expect("a fingerprint");
    let words = [&["run", "wave", "--yes", "--expect", fingerprint, "--standby", "--verify"][..], &SLOW].concat();
    let start = || office.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let first = start();
    wait_for_a_reset(&office);
    let second = start();
    end(first);
    let third = start();
    for machine in [second, third] {
        let output = machine.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let verified = "SELECT count(*) FROM passwave.account WHERE state = 'reset' AND verdict IS NOT NULL";
    assert_eq!(office.database.sql(verified), "30");
}

#[test]
fn runs_in_a_database_can_go_alongside() {
    let Some(postgres) = shared() else { return };
    let office = office(postgres.database());
    let first = begin(&office, "first");
    wait_for_a_reset(&office);
    let (code, said) = office.run(&["run", "second", "--yes", "--alongside"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("--alongside: the run first in the database, started 2"), "{said}");
    let output = first.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn one_of_two_runs_that_start_together_is_refused() {
    let Some(postgres) = shared() else { return };
    let office = office(postgres.database());
    let going = ["first", "second"].map(|name| begin(&office, name));
    let codes = going.map(|child| child.wait_with_output().expect("it ends").status.code());
    assert!(codes == [Some(0), Some(2)] || codes == [Some(2), Some(0)], "{codes:?}");
    assert_eq!(office.database.sql("SELECT count(*) FROM passwave.account WHERE state = 'reset'"), "30");
}

#[test]
fn worker_does_runs_of_the_same_accounts_one_after_the_other() {
    let Some(postgres) = shared() else { return };
    let office = office(postgres.database());
    let words = [&["work", "--once"][..], &SLOW].concat();
    let workers = [0, 1].map(|_| office.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn());
    for worker in workers {
        let output = worker.expect("it starts").wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(office.database.sql("SELECT count(*) FROM passwave.account WHERE state = 'reset'"), "62");
    let together = "SELECT count(*) FROM passwave.run AS one, passwave.run AS two
        WHERE one.name = 'first' AND two.name = 'second' AND
            (SELECT max(settled_at) FROM passwave.account WHERE run = one.run) > extract(epoch FROM two.begun_at) * 1000 AND
            (SELECT max(settled_at) FROM passwave.account WHERE run = two.run) > extract(epoch FROM one.begun_at) * 1000";
    assert_eq!(office.database.sql(together), "0", "neither began before the other had ended");
}
