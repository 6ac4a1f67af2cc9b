//! A sealed run from the plan to the opened report: its passwords and keys appear nowhere, not even in the ledger and
//! the reports, until the key's holder asks for them.

use crate::{
    checkers,
    stage::{issued, said},
    watched::Watched,
};
use secrecy::ExposeSecret;
use std::fs;

const SECRET: &str = "Zq9~client+secret/of=ours&more";
const PASSPHRASE: &str = "Correct-Horse-Passphrase-4711";
/// Only the key file may contain secrets.
const ASKED_FOR: [&str; 1] = ["input."];

/// Runs it, and searches everything, including the ledger and the reports.
fn run(watched: &Watched, arguments: &[&str], stdout_is_asked_for: bool) -> (Option<i32>, Vec<u8>, String) {
    let connects = !matches!(arguments[0], "report" | "rehearse");
    let mut command = if connects { watched.program(arguments) } else { watched.stage.bare(arguments) };
    if connects {
        command.envs(watched.stage.ids());
    } else {
        command.arg("-vvv");
    }
    command.env("AZURE_CLIENT_SECRET", SECRET).env("PASSWAVE_SEAL_PASSPHRASE", PASSPHRASE).env("RUST_LOG", "trace");
    let output = command.output().expect("it starts");
    watched.search(&output, stdout_is_asked_for, &ASKED_FOR);
    let said = said(&output);
    (output.status.code(), output.stdout, said)
}

fn watched() -> (Watched, String) {
    // Some passwords are refused and replaced, and some answers are lost: a sealed run handles these differently.
    let faults = r#"{"complexity": {"share": 0.3, "times": 2}, "requests": {"lost_after": 0.2}}"#;
    let watched = Watched::new(faults, |_, issue| issued(&issue()));
    let key = age::x25519::Identity::generate();
    let written = key.to_string();
    let told_by_all = "AGE-SECRET-KEY-1";
    watched.knows("the key", written.expose_secret().strip_prefix(told_by_all).expect("as every key begins"));
    watched.knows("the client secret", SECRET);
    watched.knows("the passphrase", PASSPHRASE);
    fs::write(watched.stage.home().join("input.key"), written.expose_secret()).expect("written");
    (watched, key.to_public().to_string())
}

#[test]
fn only_key_holders_learn_anything() {
    let (watched, recipient) = watched();
    let plan = ["plan", "wave.csv", "--run-dir", "run", "--seal-to", &recipient, "--seal-passphrase"];
    for arguments in [
        &plan[..],
        &["run", "run", "--yes", "--pilot", "7", "--batch-size", "3"],
        &["run", "run", "--yes", "--identity", "input.key", "--pilot", "7"],
        &["run", "run", "--yes", "--passphrase"],
        &["verify", "run"],
        &["report", "run"],
        &["report", "run", "--format", "csv"],
        &["report", "run", "--format", "html"],
        &["report", "run", "--format", "json"],
        &["report", "run", "--format", "csv", "--identity", "wave.csv"],
        &["rehearse", "wave.csv", "--run-dir", "try", "--seal-to", &recipient],
    ] {
        let (code, _, said) = run(&watched, arguments, false);
        assert!(matches!(code, Some(0..=3)), "{arguments:?}: {code:?} {said}");
    }
    let given = watched.ever_given();
    assert!(given.len() >= 45, "{}", given.len());
    for opened in [&["--identity", "input.key"][..], &["--passphrase"]] {
        let (code, report, said) = run(&watched, &[&["report", "run", "--format", "csv"], opened].concat(), true);
        assert_eq!(code, Some(0), "{said}");
        let rows = checkers::read(&report);
        let reset: Vec<_> = rows.iter().filter(|row| row.status == "reset").collect();
        assert!(!reset.is_empty() && reset.iter().all(|row| given.contains(&row.password)), "{said}");
    }
}
