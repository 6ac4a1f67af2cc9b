//! Two runs of one roster on one machine: the second is refused until the first has ended.

use crate::{
    checkers::{Invariant, check, read},
    program::{Stage, said},
};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

/// Slow enough that the second run starts while the first is half done.
const SLOW: &str = r#"{"latency_ms": 120}"#;

/// The program's state folder in these tests.
fn state(stage: &Stage) -> PathBuf {
    stage.home().join("state")
}

fn entries(stage: &Stage) -> usize {
    let runs = fs::read_dir(state(stage).join("runs")).into_iter().flatten().flatten();
    runs.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "run")).count()
}

/// `passwave reset` into this run folder, with more arguments.
fn reset(stage: &Stage, folder: &str, more: &[&str]) -> Command {
    let mut command = stage.connecting(&["reset", "wave.csv", "--run-dir", folder, "--yes"]);
    command.args(more).env("PASSWAVE_STATE_DIR", state(stage));
    command
}

fn resume(stage: &Stage, folder: &str, more: &[&str]) -> Output {
    let mut command = stage.connecting(&["run", folder, "--yes"]);
    command.args(more).env("PASSWAVE_STATE_DIR", state(stage)).output().expect("it starts")
}

fn ended(mut command: Command) -> Output {
    command.output().expect("it starts")
}

/// A first run that was killed after a hundred accounts.
fn killed() -> Stage {
    let stage = Stage::new(1_500, SLOW);
    let mut child = stage.begin(reset(&stage, "first", &[]), 100);
    child.kill().expect("killed");
    child.wait().expect("it ends");
    stage
}

#[test]
fn second_run_waits_for_the_first() {
    let stage = killed();
    let before = stage.served.tenant.tally().patches;
    let refused = ended(reset(&stage, "second", &[]));
    let words = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{words}");
    for expected in ["first, started ", "has not ended", "nothing was sent", "passwave run ", "--alongside"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    assert_eq!(stage.served.tenant.tally().patches, before, "nothing was sent");
    assert_eq!(entries(&stage), 1, "the second has not begun");
    let again = resume(&stage, "second", &[]);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    let first = resume(&stage, "first", &[]);
    assert_eq!(first.status.code(), Some(0), "a run does not meet itself: {}", said(&first));
    assert_eq!(entries(&stage), 0, "it has ended");
    let second = resume(&stage, "second", &[]);
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
    assert_eq!(entries(&stage), 0);
}

#[test]
fn alongside_allows_both() {
    let stage = killed();
    let second = ended(reset(&stage, "second", &["--alongside"]));
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
    assert!(said(&second).contains("--alongside: the run in "), "{}", said(&second));
    let first = resume(&stage, "first", &[]);
    assert_eq!(first.status.code(), Some(1), "what the second wrote while the first was away: {}", said(&first));
}

#[test]
fn simultaneous_start_refuses_one() {
    let stage = Stage::new(600, SLOW);
    let going = ["first", "second"].map(|folder| reset(&stage, folder, &[]).spawn().expect("it starts"));
    let codes = going.map(|child| child.wait_with_output().expect("it ends").status.code());
    assert!(codes == [Some(0), Some(2)] || codes == [Some(2), Some(0)], "{codes:?}");
    assert_eq!(stage.served.tenant.tally().patches, 600);
}

#[test]
fn ignoring_the_register_is_caught() {
    let stage = Stage::new(200, SLOW);
    // Each has its own register, so neither sees the other.
    let begin = |folder: &str| {
        let mut command = reset(&stage, folder, &[]);
        command.env("PASSWAVE_STATE_DIR", stage.home().join(format!("state-of-{folder}"))).spawn().expect("it starts")
    };
    let going = ["first", "second"].map(begin);
    let codes = going.map(|child| child.wait_with_output().expect("it ends").status.code());
    assert_eq!(codes, [Some(0); 2], "neither is warned about the other");
    let is_wrong = |folder: &str| {
        let report = read(&fs::read(stage.home().join(folder).join("report.csv")).expect("a report"));
        let found = check(&report, &stage.accounts, &stage.served.tenant, &stage.strangers);
        found.is_err_and(|fault| fault.invariant == Invariant::ResetHolds)
    };
    assert!(["first", "second"].into_iter().any(is_wrong), "one of them says reset of a password that opens nothing");
}

#[test]
fn deleted_folders_block_nothing() {
    let stage = killed();
    fs::remove_dir_all(stage.home().join("first")).expect("removed");
    let second = ended(reset(&stage, "second", &[]));
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
    assert_eq!(entries(&stage), 0);
}

#[test]
fn distinct_accounts_do_not_overlap() {
    let mut stage = killed();
    std::mem::swap(&mut stage.accounts, &mut stage.strangers);
    stage.write_roster();
    let second = ended(reset(&stage, "second", &[]));
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
}

#[test]
fn broken_register_stops_no_run() {
    let stage = Stage::new(40, "{}");
    fs::write(state(&stage), "a file where the folder should be").expect("written");
    let told = ended(reset(&stage, "first", &["-v"]));
    assert_eq!(told.status.code(), Some(0), "{}", said(&told));
    assert!(said(&told).contains("register of runs: "), "{}", said(&told));
    let quiet = ended(reset(&stage, "second", &[]));
    assert_eq!(quiet.status.code(), Some(0), "{}", said(&quiet));
    assert!(!said(&quiet).contains("register of runs"), "{}", said(&quiet));
}

#[test]
fn register_excludes_rehearsals_and_plans() {
    let stage = killed();
    let with_state = |mut command: Command| {
        let output = command.env("PASSWAVE_STATE_DIR", state(&stage)).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    };
    with_state(stage.program(&["rehearse", "wave.csv", "--run-dir", "trial"]));
    with_state(stage.connecting(&["plan", "wave.csv", "--run-dir", "planned"]));
    assert_eq!(entries(&stage), 1);
}
