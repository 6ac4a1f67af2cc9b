//! Two runs of one roster on one machine: the second is refused as long as the first has not ended.

use crate::program::{Stage, said};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

/// Slow enough that a run can be met half way.
const SLOW: &str = r#"{"latency_ms": 120}"#;

/// Where the program keeps its state in these tests.
fn state(stage: &Stage) -> PathBuf {
    stage.home().join("state")
}

fn entries(stage: &Stage) -> usize {
    let runs = fs::read_dir(state(stage).join("runs")).into_iter().flatten().flatten();
    runs.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "run")).count()
}

/// `passwave reset` into a run folder, and more.
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
fn a_second_run_is_refused_until_the_first_has_ended() {
    let stage = killed();
    let before = stage.served.tenant.tally().patches;
    let refused = ended(reset(&stage, "second", &[]));
    let words = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{words}");
    for expected in ["/first, begun ", "has not ended", "nothing was sent", "passwave run ", "--alongside"] {
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
fn two_that_are_meant_go_side_by_side() {
    let stage = killed();
    let second = ended(reset(&stage, "second", &["--alongside"]));
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
    assert!(said(&second).contains("--alongside: the run in "), "{}", said(&second));
    let first = resume(&stage, "first", &[]);
    assert_eq!(first.status.code(), Some(1), "what the second wrote while the first was away: {}", said(&first));
}

#[test]
fn of_two_that_begin_at_once_one_is_refused() {
    let stage = Stage::new(600, SLOW);
    let going = ["first", "second"].map(|folder| reset(&stage, folder, &[]).spawn().expect("it starts"));
    let codes = going.map(|child| child.wait_with_output().expect("it ends").status.code());
    assert!(codes == [Some(0), Some(2)] || codes == [Some(2), Some(0)], "{codes:?}");
    assert_eq!(stage.served.tenant.tally().patches, 600);
}

#[test]
fn a_folder_that_is_gone_speaks_against_nothing() {
    let stage = killed();
    fs::remove_dir_all(stage.home().join("first")).expect("removed");
    let second = ended(reset(&stage, "second", &[]));
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
    assert_eq!(entries(&stage), 0);
}

#[test]
fn other_accounts_meet_nobody() {
    let mut stage = killed();
    std::mem::swap(&mut stage.accounts, &mut stage.strangers);
    stage.write_roster();
    let second = ended(reset(&stage, "second", &[]));
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
}

#[test]
fn a_register_that_cannot_be_kept_stops_no_run() {
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
fn rehearsals_and_plans_are_not_in_it() {
    let stage = killed();
    let with_state = |mut command: Command| {
        let output = command.env("PASSWAVE_STATE_DIR", state(&stage)).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    };
    with_state(stage.program(&["rehearse", "wave.csv", "--run-dir", "trial"]));
    with_state(stage.connecting(&["plan", "wave.csv", "--run-dir", "planned"]));
    assert_eq!(entries(&stage), 1);
}
