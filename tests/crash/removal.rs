//! `remove` is killed at random moments from a seed; called again, it leaves no password.

use crate::program::{Stage, said};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use secrecy::ExposeSecret;
use std::{collections::HashSet, fs, path::Path, thread::sleep, time::Duration};

const KILLS: usize = 8;
/// So many bytes of a password reveal it.
const PIECE: usize = 12;

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn has_passwords(folder: &Path, passwords: &HashSet<Vec<u8>>) -> bool {
    let has = |path: &std::path::PathBuf| {
        fs::read(path).expect("readable").windows(PIECE).any(|window| passwords.contains(window))
    };
    files(folder).iter().any(has)
}

#[test]
fn killed_removal_is_completed_by_the_next_one() {
    let stage = Stage::new(1_000, "{}");
    stage.plan();
    stage.finish();
    let slips = stage.program(&["handouts", "run"]).output().expect("it starts");
    assert!(cfg!(not(feature = "handouts")) || slips.status.code() == Some(0), "{}", said(&slips));
    let given = stage.accounts.iter().flat_map(|account| stage.served.tenant.ever_given(account));
    let passwords: HashSet<_> = given.map(|password| password.expose_secret().as_bytes()[..PIECE].to_vec()).collect();
    assert!(passwords.len() >= 1_000 && has_passwords(&stage.run_folder(), &passwords));
    let mut rng = StdRng::seed_from_u64(20);
    for nth in 0..KILLS {
        let folder = stage.home().join(format!("run-{nth}"));
        let copied = std::process::Command::new("cp").arg("-r").arg(stage.run_folder()).arg(&folder).status();
        assert!(copied.expect("cp is there").success());
        let name = format!("run-{nth}");
        let mut child = stage.program(&["remove", &name, "--yes"]).spawn().expect("it starts");
        sleep(Duration::from_micros(rng.random_range(0..250_000)));
        child.kill().expect("it is killed, or has ended");
        child.wait().expect("it has ended");
        let ended = stage.program(&["remove", &name, "--yes"]).output().expect("it starts");
        assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
        assert!(!has_passwords(&folder, &passwords), "kill {nth}");
    }
}

/// The reports over all tenants are written again, also if the removal was cut off right before that.
#[test]
fn fleets_keep_no_password_in_their_own_reports() {
    let stage = Stage::new(1, "{}");
    let roster = "UPN,Tenant\nann@contoso.com,contoso.com\nbob@fabrikam.com,fabrikam.com\n";
    fs::write(stage.home().join("trust.csv"), roster).expect("written");
    let run = |arguments: &[&str]| {
        let output = stage.program(arguments).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    };
    run(&["rehearse", "trust.csv", "--tenant-column", "Tenant", "--run-dir", "trust"]);
    let fleet = stage.home().join("trust");
    let old = fs::read(fleet.join("report.csv")).expect("a report");
    let passwords: HashSet<Vec<u8>> = files(&fleet)
        .into_iter()
        .filter(|path| path.ends_with("report.csv") && path.parent() != Some(&fleet))
        .flat_map(|path| crate::checkers::read(&fs::read(path).expect("a report")))
        .map(|row| row.password.as_bytes()[..PIECE].to_vec())
        .collect();
    assert!(passwords.len() == 2 && has_passwords(&fleet, &passwords));
    run(&["remove", "trust", "--yes"]);
    assert!(!has_passwords(&fleet, &passwords));
    fs::write(fleet.join("report.csv"), old).expect("written");
    run(&["remove", "trust", "--yes"]);
    assert!(!has_passwords(&fleet, &passwords), "it is called again after a cut");
}
