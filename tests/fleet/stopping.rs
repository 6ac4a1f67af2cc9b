//! A fleet that is asked to stop: each tenant ends tidily, and the printed command continues.

use crate::place::{Place, said};
use passwave::ledger::Ledger;
use rustix::process::{Pid, Signal, kill_process};
use std::{process::Output, thread, time::Duration};

const TWO: [&str; 2] = ["contoso.com", "fabrikam.com"];

/// Runs the program, and sends the signal once `until` holds.
fn stopped(place: &Place, arguments: &[&str], signal: Signal, until: impl Fn() -> bool) -> Output {
    let mut child = place.program(arguments).spawn().expect("it starts");
    while !until() {
        assert!(child.try_wait().expect("a child").is_none(), "it has not ended yet");
        thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), signal).expect("sent");
    child.wait_with_output().expect("ended")
}

fn sum(place: &Place, of: impl Fn(&passwave::simulator::Tally) -> u64) -> u64 {
    TWO.iter().map(|domain| of(&place.tenants.get(domain).expect("served").tally())).sum()
}

#[test]
fn writing_ends_tidily_in_each_tenant() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new(&TWO, 300, r#"{"latency_ms": 100}"#);
        let arguments =
            ["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes", "--lookup", "off"];
        let output = stopped(&place, &arguments, signal, || sum(&place, |tally| tally.writes) >= 60);
        let told = said(&output);
        assert_eq!(output.status.code(), Some(130), "{told}");
        assert!(told.contains("Stopping: nothing more is sent"), "{told}");
        assert!(told.contains("not finished. Continue with:") && told.contains("run autumn"), "{told}");
        let written = sum(&place, |tally| tally.writes);
        assert!(written < 600, "it stopped in the middle");
        let counts =
            TWO.map(|domain| Ledger::open_to_read(&place.path("autumn").join(domain)).expect("a ledger").counts());
        assert!(counts.iter().all(|counts| counts.in_flight == 0), "all answers were awaited: {counts:?}");
        assert_eq!(counts.iter().map(|counts| counts.reset).sum::<u64>(), written);
        assert_eq!(place.json("autumn/summary.json")["counts"]["reset"], written);
        let (code, told) = place.run(&["run", "autumn"]);
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(sum(&place, |tally| tally.writes), 600, "nobody was sent twice");
        place.everybody_holds(&place.path("autumn/report.csv"), &TWO);
    }
}

#[test]
fn nothing_is_sent_after_a_stop_during_the_lookup() {
    let place = Place::new(&TWO, 2_000, r#"{"latency_ms": 300}"#);
    let arguments = ["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes"];
    let output = stopped(&place, &arguments, Signal::INT, || sum(&place, |tally| tally.reads) >= 20);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert_eq!(sum(&place, |tally| tally.patches), 0);
    assert!(told.contains("run autumn"), "{told}");
    let (code, told) = place.run(&["run", "autumn", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    place.everybody_holds(&place.path("autumn/report.csv"), &TWO);
}

#[test]
fn verify_and_sweep_can_be_stopped() {
    let place = Place::new(&TWO, 400, r#"{"latency_ms": 200}"#);
    let arguments = ["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes"];
    let (code, told) = place.run(&arguments);
    assert_eq!(code, Some(0), "{told}");
    for verb in ["verify", "sweep"] {
        let before = sum(&place, |tally| tally.reads);
        let arguments = [verb, "autumn", "--concurrency", "1", "--json"];
        let output = stopped(&place, &arguments, Signal::INT, || sum(&place, |tally| tally.reads) > before);
        let told = said(&output);
        assert_eq!(output.status.code(), Some(130), "{verb}: {told}");
        assert!(told.contains(r#""event":"finished","end":"interrupted""#), "{verb}: {told}");
        assert!(sum(&place, |tally| tally.reads) < before + 800, "{verb}: it stopped in the middle");
    }
}
