//! Reports that cannot be replaced, as when a spreadsheet holds them open on Windows. Here, folders with their names
//! simulate that on every system.

use crate::{
    checkers::{self, Row},
    program::{Stage, said},
};
use std::{fs, path::PathBuf};

/// Makes it impossible to replace these files of the run folder.
fn hold(stage: &Stage, names: &[&str]) {
    for name in names {
        let file = stage.run_folder().join(name);
        let _ = fs::remove_file(&file);
        fs::create_dir(file).expect("made");
    }
}

/// No name beside the report is left.
fn hold_all_neighbours(stage: &Stage) {
    (1..=99).for_each(|number| hold(stage, &[&format!("report-{number}.csv")]));
}

fn rows(file: PathBuf) -> Vec<Row> {
    checkers::read(&fs::read(file).expect("a report"))
}

/// What is in the run folder, without the files of the ledger.
fn reports(stage: &Stage) -> Vec<String> {
    let entries = fs::read_dir(stage.run_folder()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let names = entries.map(|name| name.into_string().expect("text"));
    let mut names: Vec<String> = names.filter(|name| name.starts_with("report") || name.starts_with("summ")).collect();
    names.sort_unstable();
    names
}

#[test]
fn held_reports_stop_no_run() {
    let stage = Stage::new(60, "{}");
    stage.plan();
    hold(&stage, &["report.csv"]);
    let ended = stage.running().output().expect("it starts");
    let said = said(&ended);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert_eq!(reports(&stage), ["report-1.csv", "report.csv", "report.html", "summary.json"]);
    let report = rows(stage.run_folder().join("report-1.csv"));
    stage.check(&report);
    checkers::check_ended(&report).expect("the end");
    let told = |words: &str| said.rfind(words).unwrap_or_else(|| panic!("{words}: {said}"));
    assert!(told("60 rows: 60 reset.") < told("warning: report.csv could not be replaced"), "{said}");
    told("Report:  run");
    told("report-1.csv");
    assert!(said.contains("write it again with:  ") && said.contains(" report run"), "{said}");
    let summary = fs::read(stage.run_folder().join("summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_slice(&summary).expect("JSON");
    assert_eq!(summary["not_replaced"][0]["file"], "report.csv");
    assert_eq!(summary["not_replaced"][0]["written_as"], "report-1.csv");
    fs::remove_dir(stage.run_folder().join("report.csv")).expect("removed");
    assert_eq!(stage.report().len(), 60);
}

#[test]
fn each_file_is_written_beside() {
    let stage = Stage::new(20, "{}");
    stage.plan();
    hold(&stage, &["report.csv", "report.html", "summary.json", "report.csv.draft"]);
    let ended = stage.running().output().expect("it starts");
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    for name in ["report-1.csv", "report-1.html", "summary-1.json"] {
        let text = fs::read_to_string(stage.run_folder().join(name)).expect(name);
        assert!(said(&ended).contains(name) && text.len() > 100, "{name}: {}", said(&ended));
    }
    let again = stage.program(&["report", "run"]).output().expect("it starts");
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert!(said(&again).contains("report-2.csv"), "a file of another process is kept: {}", said(&again));
}

#[test]
fn a_result_without_reports_is_told_first() {
    let stage = Stage::new(1_000, r#"{"latency_ms": 200}"#);
    stage.plan();
    hold_all_neighbours(&stage);
    let child = stage.begin(stage.running(), 100);
    hold(&stage, &["report.csv"]);
    let said = stage.must_end_away(child, &[" report run", "report.csv"]);
    let told = |words: &str| said.find(words).unwrap_or_else(|| panic!("{words}: {said}"));
    assert!(told("1,000 rows: 1,000 reset.") < told("error:"), "{said}");
    assert!(!said.contains("Report:  "), "{said}");
    let summary = fs::read_to_string(stage.run_folder().join("summary.json")).expect("a summary");
    assert!(summary.contains("\"reset\": 1000"), "the others are written anyway: {summary}");
}

#[test]
fn a_check_without_reports_is_told_first() {
    let stage = Stage::new(20, "{}");
    stage.plan();
    stage.finish();
    hold_all_neighbours(&stage);
    hold(&stage, &["report.csv"]);
    let child = stage.connecting(&["verify", "run"]).spawn().expect("it starts");
    let said = stage.must_end_away(child, &["report.csv", " report run"]);
    let told = |words: &str| said.find(words).unwrap_or_else(|| panic!("{words}: {said}"));
    assert!(told("Verified: 20 confirmed.") < told("error:"), "{said}");
}

#[test]
fn nothing_is_sent_without_a_report() {
    let stage = Stage::new(20, "{}");
    stage.plan();
    hold_all_neighbours(&stage);
    hold(&stage, &["report.csv"]);
    let child = stage.running().spawn().expect("it starts");
    stage.must_end_away(child, &["report.csv", " run run"]);
    assert_eq!(stage.served.tenant.tally().patches, 0);
}

/// On Windows itself, with files that others hold open.
#[cfg(windows)]
mod on_windows {
    use super::*;
    use std::os::windows::fs::OpenOptionsExt;

    /// Opens a file of the run folder as Excel does: others may read it, and do nothing else.
    fn open_in_excel(stage: &Stage, name: &str) -> fs::File {
        fs::OpenOptions::new().read(true).share_mode(1).open(stage.run_folder().join(name)).expect("it is there")
    }

    #[test]
    fn reports_in_excel_stop_no_run() {
        let stage = Stage::new(1_000, r#"{"latency_ms": 100}"#);
        stage.plan();
        let csv = open_in_excel(&stage, "report.csv");
        let child = stage.begin(stage.running(), 100);
        let page = open_in_excel(&stage, "report.html");
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
        assert_eq!(reports(&stage), ["report-1.csv", "report-1.html", "report.csv", "report.html", "summary.json"]);
        let report = rows(stage.run_folder().join("report-1.csv"));
        stage.check(&report);
        checkers::check_ended(&report).expect("the end");
        drop((csv, page));
        stage.finish();
    }

    #[test]
    fn the_lock_cannot_be_moved_away() {
        let stage = Stage::new(1_000, r#"{"latency_ms": 100}"#);
        stage.plan();
        let child = stage.begin(stage.running(), 100);
        let lock = stage.run_folder().join("run.lock");
        for refused in [fs::rename(&lock, stage.home().join("aside")), fs::remove_file(&lock)] {
            assert_eq!(refused.expect_err("it is in use").raw_os_error(), Some(32));
        }
        let second = stage.running().output().expect("it starts");
        assert_eq!(second.status.code(), Some(3), "{}", said(&second));
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
        stage.check(&stage.last_report());
    }
}
