//! The run folder is moved, removed or changed while the program works in it.
//!
//! On Windows, a file in use can be neither removed nor moved, so these tests are for other systems.

use crate::program::{Stage, said};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Slow enough that some batches are always in flight.
const SLOW: &str = r#"{"latency_ms": 120}"#;
const ACCOUNTS: usize = 1_500;

/// A planned run, and a process that works on it.
fn begun() -> (Stage, std::process::Child) {
    let stage = Stage::new(ACCOUNTS, SLOW);
    stage.plan();
    let child = stage.begin(stage.running(), 100);
    (stage, child)
}

/// Checks that every write is reported as reset, so no answer was missed. Then continues to the end, and checks that
/// nothing is sent twice.
fn nothing_is_lost(stage: &Stage) {
    let report = stage.last_report();
    stage.check(&report);
    let settled = report.iter().filter(|row| row.status == "reset").count() as u64;
    assert_eq!(settled, stage.served.tenant.tally().writes, "answers on their way were awaited");
    assert!(settled < ACCOUNTS as u64, "it claimed nothing more");
    stage.check(&stage.report());
    stage.finish();
    assert_eq!(stage.served.tenant.tally().writes, ACCOUNTS as u64, "nothing was sent twice");
}

fn is_private(folder: &Path) {
    let mode = |path: PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(folder.to_owned()), 0o700);
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(path.clone()), 0o600, "{}", path.display());
    }
}

#[test]
fn removed_folder_is_saved_beside() {
    let (mut stage, child) = begun();
    fs::remove_dir_all(stage.run_folder()).expect("removed");
    stage.must_end_away(child, &["run was removed", "passwave run run.rescued", "run.rescued/report.csv"]);
    stage.run = "run.rescued".into();
    is_private(&stage.run_folder());
    nothing_is_lost(&stage);
}

#[test]
fn copies_never_replace_each_other() {
    let (mut stage, child) = begun();
    fs::create_dir(stage.home().join("run.rescued")).expect("made");
    fs::remove_dir_all(stage.run_folder()).expect("removed");
    stage.must_end_away(child, &["passwave run run.rescued-2"]);
    stage.run = "run.rescued-2".into();
    nothing_is_lost(&stage);
}

#[test]
fn removed_parent_is_saved_elsewhere() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::new(ACCOUNTS, SLOW);
    stage.plan();
    let mut run = stage.running();
    run.env("TMPDIR", elsewhere.path());
    let child = stage.begin(run, 100);
    fs::remove_dir_all(stage.home()).expect("removed");
    let copy = elsewhere.path().join("run.rescued");
    stage.must_end_away(child, &["run was removed", &format!("passwave run {}", copy.display())]);
    fs::create_dir(stage.home()).expect("made again");
    stage.run = copy.to_string_lossy().into_owned();
    nothing_is_lost(&stage);
}

#[test]
fn failed_rescue_is_explained() {
    // A folder cannot be created below a file.
    let elsewhere = tempfile::NamedTempFile::new().expect("a file");
    let stage = Stage::new(ACCOUNTS, SLOW);
    stage.plan();
    let mut run = stage.running();
    run.env("TMPDIR", elsewhere.path());
    let child = stage.begin(run, 100);
    fs::remove_dir_all(stage.home()).expect("removed");
    stage.must_end_away(child, &["run was removed", "could not be saved", "into a new run"]);
    fs::create_dir(stage.home()).expect("made again");
}

#[test]
fn moved_folder_names_the_next_step() {
    let (mut stage, child) = begun();
    fs::rename(stage.run_folder(), stage.home().join("aside")).expect("moved");
    let words: &[&str] = if cfg!(target_os = "linux") { &["was moved", "/aside"] } else { &["was moved"] };
    stage.must_end_away(child, words);
    stage.run = "aside".into();
    if !cfg!(target_os = "linux") {
        stage.report();
    }
    nothing_is_lost(&stage);
}

#[test]
fn removed_part_stops_without_loss() {
    for (name, saved) in [("ledger.db", true), ("ledger.db-wal", false), ("run.lock", false)] {
        let (mut stage, child) = begun();
        fs::remove_file(stage.run_folder().join(name)).expect("removed");
        let said = stage.must_end_away(child, &["passwave run"]);
        assert_eq!(said.contains("run.rescued"), saved, "{name}: {said}");
        if saved {
            stage.run = "run.rescued".into();
        }
        nothing_is_lost(&stage);
    }
}

#[test]
fn moved_ledger_takes_everything_along() {
    let (mut stage, child) = begun();
    let aside = stage.home().join("aside");
    fs::create_dir(&aside).expect("made");
    fs::rename(stage.ledger(), aside.join("ledger.db")).expect("moved");
    stage.must_end_away(child, &["ledger.db does not exist any more"]);
    // Not even the log is needed any more.
    fs::remove_dir_all(stage.run_folder()).expect("removed");
    stage.run = "aside".into();
    stage.report();
    nothing_is_lost(&stage);
}

#[test]
fn replacement_run_is_left_alone() {
    let mut stage = Stage::new(ACCOUNTS, SLOW);
    stage.plan();
    let planned = stage.connecting(&["plan", "wave.csv", "--run-dir", "other"]).output().expect("it starts");
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    let child = stage.begin(stage.running(), 100);
    let read = |folder: &str| {
        ["ledger.db", "report.csv", "summary.json"]
            .map(|name| fs::read(stage.home().join(folder).join(name)).expect("there"))
    };
    let other = read("other");
    fs::rename(stage.run_folder(), stage.home().join("aside")).expect("moved");
    fs::rename(stage.home().join("other"), stage.run_folder()).expect("moved");
    stage.must_end_away(child, &["was moved or changed"]);
    assert!(read("run") == other, "the new content was not touched");
    stage.run = "aside".into();
    stage.report();
    nothing_is_lost(&stage);
}

#[test]
fn late_removal_is_saved_too() {
    let mut stage = Stage::new(300, r#"{"replication_lag_seconds": 600}"#);
    stage.plan();
    let mut run = stage.running();
    run.arg("--verify");
    let child = stage.begin(run, 300);
    // The process checks again what is not visible yet.
    stage.wait_for(|tenant| tenant.tally().reads > 300, || false);
    fs::remove_dir_all(stage.run_folder()).expect("removed");
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill is there").success());
    stage.must_end_away(child, &["run was removed", "passwave run run.rescued"]);
    stage.run = "run.rescued".into();
    let report = stage.last_report();
    stage.check(&report);
    assert!(report.iter().all(|row| row.status == "reset"));
    // The run remembers that it verifies, and nothing becomes visible for minutes.
    let last = stage.running().arg("--no-verify").output().expect("it starts");
    assert_eq!(last.status.code(), Some(0), "{}", said(&last));
    stage.check(&stage.last_report());
    assert_eq!(stage.served.tenant.tally().writes, 300);
}
