//! Kills at random moments from a seed, and orderly interruptions. `PASSWAVE_KILLS` sets the number of kills.

use crate::program::{Stage, said};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{thread::sleep, time::Duration};

const FAULTS: &str = r#"{"latency_ms": 15, "latency_jitter_ms": 20,
    "items": {"unavailable": 0.004, "timeout": 0.004, "applied": 0.5, "conflict": 0.004},
    "requests": {"lost_before": 0.01, "lost_after": 0.02, "truncated": 0.01, "bad_gateway": 0.01, "applied": 0.5},
    "responses": {"missing": 0.003, "repeated": 0.01, "unknown": 0.05},
    "complexity": {"share": 0.02}, "token": {"revoked_after_requests": 30}}"#;

#[test]
fn kills_leave_a_correct_report() {
    let kills = std::env::var("PASSWAVE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(5);
    let stage = Stage::new(300 * kills, FAULTS);
    stage.plan();
    let mut rng = StdRng::seed_from_u64(2_026);
    for _ in 0..kills {
        let mut child = stage.connecting(&["run", "run", "--yes"]).spawn().expect("it starts");
        let tenant = &stage.served.tenant;
        let enough = tenant.tally().batches + rng.random_range(0..14);
        let ended = || child.try_wait().expect("a child").is_some();
        stage.wait_for(|tenant| tenant.tally().batches >= enough, ended);
        sleep(Duration::from_micros(rng.random_range(0..30_000)));
        child.kill().expect("it is killed, or has ended");
        child.wait().expect("it has ended");
        let report = stage.report();
        stage.check(&report);
        assert!(report.iter().all(|row| row.status == "reset" || row.status == "pending"));
    }
    stage.finish();
}

/// A number in summary.json.
fn figure(stage: &Stage, name: &str) -> f64 {
    let text = std::fs::read(stage.run_folder().join("summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    summary[name].as_f64().unwrap_or_else(|| panic!("{name} is {}", summary[name]))
}

/// A regression: for 3,599 resets by two processes, the first of which was killed, the summary said "559 writes, under
/// a second".
#[test]
fn figures_count_killed_processes() {
    let stage = Stage::new(1_200, r#"{"latency_ms": 60}"#);
    stage.plan();
    let mut child = stage.begin(stage.running(), 600);
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    let reset = stage.report().iter().filter(|row| row.status == "reset").count() as f64;
    assert!(reset > 100.0, "{reset}");
    assert!(figure(&stage, "writes") >= reset);
    assert_eq!((figure(&stage, "processes"), figure(&stage, "processes_cut_off")), (1.0, 1.0));
    assert!(figure(&stage, "seconds") >= 0.06, "{}", figure(&stage, "seconds"));
    let text = std::fs::read_to_string(stage.run_folder().join("summary.json")).expect("a summary");
    assert!(text.contains("\"ended_at\": null"), "its end is not known: {text}");
    stage.finish();
    let tally = stage.served.tenant.tally();
    assert!(figure(&stage, "writes") >= 1_200.0 && figure(&stage, "writes") >= tally.writes as f64);
    assert_eq!((figure(&stage, "processes"), figure(&stage, "processes_cut_off")), (2.0, 1.0));
    assert!(figure(&stage, "batches") < tally.batches as f64, "those of the killed process are not known");
    let told = stage.program(&["report", "run"]).output().expect("it starts");
    assert!(said(&told).contains("The 429 answers to 1 process that was cut off are not known."), "{}", said(&told));
    let cases = stage.program(&["report", "run", "--format", "junit"]).output().expect("it starts");
    let time = format!("time=\"{:.3}\"", figure(&stage, "seconds"));
    assert!(String::from_utf8_lossy(&cases.stdout).contains(&time), "{time}");
    let page = std::fs::read_to_string(stage.run_folder().join("report.html")).expect("a page");
    assert!(page.contains("without 1 process that was cut off"), "the page says so, too");
}

/// The folder's reports are then those of the plan, so they must say how old they are.
#[test]
fn reports_after_a_kill_say_when_they_were_written() {
    let stage = Stage::new(1_200, r#"{"latency_ms": 60}"#);
    stage.plan();
    let mut child = stage.begin(stage.running(), 600);
    let sent = jiff::Timestamp::now();
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    let text = std::fs::read(stage.run_folder().join("summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!((&summary["counts"]["pending"], &summary["finished"]), (&1_200.into(), &false.into()));
    let written: jiff::Timestamp = summary["written_at"].as_str().expect("a text").parse().expect("a time");
    assert!(written < sent && sent.duration_since(written).as_secs() < 600, "{written}, {sent}");
    let page = std::fs::read_to_string(stage.run_folder().join("report.html")).expect("a page");
    let minute = written.strftime("%-d %b %Y, %H:%M UTC");
    assert!(page.contains(&format!("As of {minute}: 1,200 accounts are not done yet.")), "{minute}");
    stage.finish();
}

#[cfg(unix)]
#[test]
fn interrupt_waits_and_reports() {
    let stage = Stage::new(2_000, r#"{"latency_ms": 150}"#);
    stage.plan();
    for signal in ["-INT", "-TERM"] {
        let mut child = stage.connecting(&["run", "run", "--yes"]).spawn().expect("it starts");
        let before = stage.served.tenant.tally().writes;
        let ended = || child.try_wait().expect("a child").is_some();
        stage.wait_for(|tenant| tenant.tally().writes > before + 20, ended);
        let sent = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        assert!(said(&output).contains("passwave run"), "it names the next command: {}", said(&output));
        let report = stage.last_report();
        stage.check(&report);
        let settled = report.iter().filter(|row| row.status == "reset").count() as u64;
        assert_eq!(settled, stage.served.tenant.tally().writes, "nothing was left in flight");
        assert!(settled < 2_000);
    }
    stage.finish();
    assert_eq!(stage.served.tenant.tally().writes, 2_000, "nothing was sent twice");
}

#[test]
fn second_process_is_refused() {
    let stage = Stage::new(2_000, r#"{"latency_ms": 1000}"#);
    stage.plan();
    let mut first = stage.connecting(&["run", "run", "--yes"]).spawn().expect("it starts");
    stage.wait_for(|tenant| tenant.tally().patches > 0, || false);
    let second = stage.connecting(&["run", "run", "--yes"]).output().expect("it starts");
    assert_eq!(second.status.code(), Some(3), "{}", said(&second));
    let holder = format!("process {}", first.id());
    assert!(said(&second).contains(&holder), "{holder}: {}", said(&second));
    stage.check(&stage.report());
    first.kill().expect("it is killed");
    first.wait().expect("it has ended");
    stage.check(&stage.report());
}

#[test]
fn wait_survives_a_kill() {
    const SECONDS: u64 = 5;
    let faults = format!(r#"{{"requests": {{"throttled": 1.0, "retry_after_seconds": {SECONDS}}}}}"#);
    let stage = Stage::new(100, &faults);
    let planned = stage.program(&["plan", "wave.csv", "--run-dir", "run", "--lookup", "off"]).output();
    let planned = planned.expect("it starts");
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    let mut first = stage.running().spawn().expect("it starts");
    stage.wait_for(|tenant| tenant.tally().throttled_whole > 0, || first.try_wait().expect("a child").is_some());
    let asked = std::time::Instant::now();
    sleep(Duration::from_millis(700));
    first.kill().expect("it is killed");
    first.wait().expect("it has ended");
    let before = stage.served.tenant.tally().throttled_whole;
    let mut second = stage.running().spawn().expect("it starts");
    let again = |tenant: &passwave::simulator::Simulator| tenant.tally().throttled_whole > before;
    stage.wait_for(again, || second.try_wait().expect("a child").is_some());
    let waited = asked.elapsed();
    second.kill().expect("it is killed");
    second.wait().expect("it has ended");
    assert!(stage.served.tenant.tally().throttled_whole > before, "it asks again");
    // The first look at the tally comes a little after the answer.
    assert!(waited > Duration::from_millis(SECONDS * 1_000 - 100), "it asked again after {waited:?}");
}
