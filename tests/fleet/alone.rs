//! Each run of a fleet is an ordinary run, and a killed fleet continues.

use crate::place::Place;
use std::{process::Stdio, thread, time::Duration};

const TWO: [&str; 2] = ["contoso.com", "fabrikam.com"];

#[test]
fn one_tenant_can_be_run_by_itself() {
    let place = Place::new(&TWO, 3, "{}");
    let (code, told) = place.run(&["plan", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = place.run(&["run", "autumn/fabrikam.com", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    let batches = |domain: &str| place.tenants.get(domain).expect("served").tally().writes;
    assert_eq!((batches("contoso.com"), batches("fabrikam.com")), (0, 3));
    let (code, told) = place.run(&["run", "autumn", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!((batches("contoso.com"), batches("fabrikam.com")), (3, 3));
    place.everybody_holds(&place.path("autumn/report.csv"), &TWO);
}

#[test]
fn killed_fleet_continues() {
    let place = Place::new(&TWO, 300, r#"{"latency_ms": 60}"#);
    let arguments =
        ["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes", "--lookup", "off"];
    let mut child = place.program(&arguments).stderr(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
    let writes = || TWO.iter().map(|domain| place.tenants.get(domain).expect("served").tally().writes).sum::<u64>();
    while writes() < 60 {
        assert!(child.try_wait().expect("a child").is_none(), "it has not ended yet");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(writes() < 600, "it was cut off in the middle");
    let (code, told) = place.run(&["report", "autumn"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = place.run(&["run", "autumn"]);
    assert_eq!(code, Some(0), "nobody has to agree again: {told}");
    place.everybody_holds(&place.path("autumn/report.csv"), &TWO);
    let (code, told) = place.run(&["report", "autumn", "--format", "xlsx", "--output", "all.xlsx"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(std::fs::metadata(place.path("all.xlsx")).expect("a workbook").len() > 10_000);
}

#[test]
fn two_processes_do_not_share_a_fleet() {
    let place = Place::new(&TWO, 1, "{}");
    let (code, told) = place.run(&["plan", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn"]);
    assert_eq!(code, Some(0), "{told}");
    let fleet = passwave::fleet::Fleet::open(&place.path("autumn")).expect("a fleet");
    let held = fleet.lock().expect("locked");
    let (code, told) = place.run(&["run", "autumn", "--yes"]);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("another process works on"), "{told}");
    drop(held);
}
