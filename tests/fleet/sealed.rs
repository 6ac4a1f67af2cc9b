//! A sealed fleet: only the key opens what any of its tenants has, and a killed one continues with the key or without.

use crate::place::Place;
use age::x25519;
use secrecy::ExposeSecret;
use std::{fs, path::Path, process::Stdio, thread, time::Duration};

const TWO: [&str; 2] = ["contoso.com", "fabrikam.com"];
const KEY: [&str; 2] = ["--identity", "key.txt"];

/// A sealed plan for both tenants.
fn planned(place: &Place) {
    let key = x25519::Identity::generate();
    place.write("key.txt", key.to_string().expose_secret());
    let recipient = key.to_public().to_string();
    let plan = ["plan", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--seal-to", &recipient];
    let (code, told) = place.run(&plan);
    assert_eq!(code, Some(0), "{told}");
}

/// Starts the fleet, and kills it in the middle.
fn killed(place: &Place, flags: &[&str]) {
    let arguments = [&["run", "autumn", "--yes"], flags].concat();
    let mut child = place.program(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let writes = || TWO.iter().map(|domain| place.tenants.get(domain).expect("served").tally().writes).sum::<u64>();
    while writes() < 60 {
        assert!(child.try_wait().expect("a child").is_none(), "it has not ended yet");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(writes() < 600, "it was cut off in the middle");
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![fs::read(&path).expect("a file")] }).collect()
}

/// Checks that everybody holds what the key opens, and that it is nowhere in the clear.
fn all_hold_what_is_sealed(place: &Place) {
    let print = ["report", "autumn", "--format", "csv", "--output", "all.csv"];
    let (code, told) = place.run(&[&print[..], &KEY].concat());
    assert_eq!(code, Some(0), "{told}");
    place.everybody_holds(&place.path("all.csv"), &TWO);
    let mut reader = csv::ReaderBuilder::new().from_path(place.path("all.csv")).expect("a report");
    let rows = reader.records().map(|row| row.expect("a row"));
    let passwords: Vec<String> = rows.map(|row| row[3].to_owned()).filter(|password| !password.is_empty()).collect();
    assert_eq!(passwords.len(), 600);
    let files = files(&place.path("autumn"));
    for password in passwords.iter().step_by(30) {
        let holds = |bytes: &Vec<u8>| bytes.windows(password.len()).any(|window| window == password.as_bytes());
        assert!(!files.iter().any(holds), "a password is in the clear");
    }
}

#[test]
fn killed_fleet_continues_with_the_key() {
    let place = Place::new(&TWO, 300, r#"{"latency_ms": 60}"#);
    planned(&place);
    killed(&place, &KEY);
    let (code, told) = place.run(&[&["run", "autumn"], &KEY[..]].concat());
    assert_eq!(code, Some(0), "{told}");
    assert!(!told.contains("made new"), "the key opens them: {told}");
    all_hold_what_is_sealed(&place);
}

#[test]
fn killed_fleet_continues_without_the_key() {
    let place = Place::new(&TWO, 300, r#"{"latency_ms": 60}"#);
    planned(&place);
    killed(&place, &[]);
    let (code, told) = place.run(&["run", "autumn"]);
    assert_eq!(code, Some(0), "{told}");
    all_hold_what_is_sealed(&place);
}

#[test]
fn another_key_opens_no_tenant() {
    let place = Place::new(&TWO, 2, "{}");
    planned(&place);
    place.write("key.txt", x25519::Identity::generate().to_string().expose_secret());
    let (code, told) = place.run(&[&["run", "autumn", "--yes"], &KEY[..]].concat());
    assert!(code != Some(0) && told.contains("does not open the passwords"), "{code:?}: {told}");
    assert!(!told.contains("AGE-SECRET-KEY"), "{told}");
    assert!(TWO.iter().all(|domain| place.tenants.get(domain).expect("served").tally().writes == 0));
}
