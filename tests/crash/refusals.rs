//! What is refused before anything is sent, and left untouched.

use crate::program::{Stage, said};
use std::fs;

#[test]
fn foreign_ledgers_are_left_untouched() {
    let stage = Stage::new(400, "{}");
    stage.plan();
    let good = fs::read(stage.ledger()).expect("a ledger");
    let damaged = |at: usize| {
        let mut bytes = good.clone();
        bytes[at..].iter_mut().take(600).for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(7));
        bytes
    };
    let foreign = {
        let file = stage.run_folder().join("other.db");
        let other = rusqlite::Connection::open(&file).expect("a database");
        other.execute_batch("CREATE TABLE run (name TEXT, value TEXT)").expect("a table");
        drop(other);
        fs::read(file).expect("its bytes")
    };
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("a page in the middle", damaged(good.len() / 2 / 4_096 * 4_096), "is damaged"),
        ("the page of the schema", damaged(100), "is damaged"),
        ("half of it", good[..good.len() / 2].to_vec(), "is damaged"),
        ("half a page", good[..2_000].to_vec(), "is damaged"),
        ("half a header", good[..50].to_vec(), "is not a passwave ledger"),
        ("nothing", Vec::new(), "planning was cut off"),
        ("another database", foreign, "is not a passwave ledger"),
        ("a text", b"userPrincipalName\nann@contoso.com\n".repeat(20), "is not a passwave ledger"),
    ];
    for (name, bytes, expected) in cases {
        fs::write(stage.ledger(), &bytes).expect("written");
        for arguments in [&["run", "run", "--yes"][..], &["report", "run"]] {
            let mut command =
                if arguments[0] == "run" { stage.connecting(arguments) } else { stage.program(arguments) };
            let refused = command.output().expect("it starts");
            assert_eq!(refused.status.code(), Some(2), "{name}, {arguments:?}: {}", said(&refused));
            assert!(said(&refused).contains(expected), "{name}, {arguments:?}: {}", said(&refused));
            assert!(fs::read(stage.ledger()).expect("there") == bytes, "{name}, {arguments:?}: it was changed");
        }
    }
    assert_eq!(stage.served.tenant.tally().patches, 0);
    fs::write(stage.ledger(), &good).expect("restored");
    stage.finish();
}

#[test]
fn wrong_secret_keeps_the_plan() {
    let stage = Stage::new(10, "{}");
    let mut command = stage.connecting(&["reset", "wave.csv", "--run-dir", "run", "--yes"]);
    let refused = command.env("AZURE_CLIENT_SECRET", "not-the-secret").output().expect("it starts");
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    for expected in ["AADSTS7000215", "AZURE_CLIENT_SECRET", "passwave run"] {
        assert!(said(&refused).contains(expected), "{expected}: {}", said(&refused));
    }
    assert!(!said(&refused).contains("not-the-secret"));
    assert_eq!(stage.served.tenant.tally().batches, 0);
    stage.finish();
}

#[test]
fn missing_input_creates_nothing() {
    let stage = Stage::new(10, "{}");
    for variable in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"] {
        let mut command = stage.connecting(&["reset", "wave.csv", "--run-dir", "run", "--yes"]);
        let refused = command.env_remove(variable).output().expect("it starts");
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(variable), "{}", said(&refused));
        assert!(!stage.run_folder().exists(), "{variable}");
    }
    let refused = stage.connecting(&["reset", "wave.csv", "--run-dir", "run"]).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("--yes"), "{}", said(&refused));
    assert!(!stage.run_folder().exists() && stage.served.tenant.tally().tokens_issued == 0);
}

#[test]
fn output_contains_no_secrets() {
    let stage = Stage::new(60, r#"{"complexity": {"share": 0.3, "times": 4}, "items": {"conflict": 0.05}}"#);
    let mut command = stage.connecting(&["reset", "wave.csv", "--run-dir", "run", "--yes"]);
    let ended = command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1").output().expect("it starts");
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let report = stage.last_report();
    stage.check(&report);
    assert!(report.iter().any(|row| row.status == "failed") && ended.stdout.is_empty());
    let summary = fs::read_to_string(stage.run_folder().join("summary.json")).expect("a summary");
    let words = said(&ended) + &summary;
    let secret = secrecy::ExposeSecret::expose_secret(&stage.served.tenant.credentials().client_secret);
    assert!(!words.contains(secret) && !words.contains("Bearer"));
    let passwords = report.iter().map(|row| &row.password).filter(|password| !password.is_empty());
    assert!(passwords.into_iter().all(|password| !words.contains(password.as_str())));
}
