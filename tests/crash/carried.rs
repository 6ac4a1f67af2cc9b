//! A ledger of an older release, and a process that is killed during the migration: it leaves either the complete old
//! ledger or the complete new one.

use crate::program::{Stage, can_trace, traced};
use passwave::ledger::Ledger;
use rusqlite::{Connection, types::Value};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// System calls with which SQLite changes a file or syncs it.
const CALLS: [&str; 4] = ["pwrite64", "fsync,fdatasync", "ftruncate", "unlink,unlinkat"];

fn released(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/ledger/released/schema-4/{name}.db"))
}

/// What both schemas store for every row, and the version.
fn content(ledger: &Path) -> (i64, Vec<Vec<Value>>) {
    let ledger = Connection::open(ledger).expect("the ledger");
    let whole: String = ledger.query_row("PRAGMA integrity_check", (), |row| row.get(0)).expect("a verdict");
    assert_eq!(whole, "ok");
    let version = ledger.query_row("PRAGMA user_version", (), |row| row.get(0)).expect("a version");
    let sql =
        "SELECT row, line, user_principal_name, cells, password, nth, attempts FROM roster JOIN account USING (row)";
    let mut select = ledger.prepare(sql).expect("the schema");
    let rows = select.query_map((), |row| (0..7).map(|at| row.get(at)).collect());
    (version, rows.expect("rows").map(|row| row.expect("a row")).collect())
}

/// Replaces the run's ledger with an old one.
fn put(stage: &Stage, name: &str) {
    let _ = fs::remove_dir_all(stage.run_folder());
    fs::create_dir(stage.run_folder()).expect("made");
    fs::copy(released(name), stage.ledger()).expect("copied");
}

/// Kills a process at the nth of these calls. Returns whether it got that far, and the version that it left.
fn killed_at(stage: &Stage, name: &str, calls: &str, nth: u32) -> (bool, i64) {
    put(stage, name);
    let option = format!("inject={calls}:signal=KILL:when={nth}");
    let options = ["-o", "/dev/null", "-P", &stage.ledger().display().to_string(), "-e", &option].map(str::to_owned);
    let mut options = options.to_vec();
    for companion in ["ledger.db-wal", "ledger.db-journal"] {
        options.extend(["-P".to_owned(), stage.run_folder().join(companion).display().to_string()]);
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    // The process opens the run to work on it, and then finds that it is not the approved plan.
    let mut refused = stage.running();
    refused.args(["--expect", &"0".repeat(64)]);
    let ended = traced(&refused, &options).output().expect("it starts");
    let (version, rows) = content(&stage.ledger());
    assert!(rows == content(&released_copy(stage, name)).1, "{calls} {nth}: other rows than before");
    (ended.status.code().is_none(), version)
}

/// A copy for comparison, because opening a database may create files beside it.
fn released_copy(stage: &Stage, name: &str) -> PathBuf {
    let copy = stage.home().join(format!("{name}.db"));
    fs::copy(released(name), &copy).expect("copied");
    copy
}

#[test]
fn migration_is_atomic_under_kills() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new(1, "{}");
    let mut left = BTreeMap::<i64, u32>::new();
    for calls in CALLS {
        for nth in 1.. {
            let (was_killed, version) = killed_at(&stage, "planned", calls, nth);
            let ledger = Ledger::open(&stage.run_folder()).expect("it is opened, and carried over if it was not");
            ledger.must_be_as_planned().expect("the plan");
            drop(ledger);
            assert_eq!(content(&stage.ledger()).0, 5, "{calls} {nth}");
            if !was_killed {
                break;
            }
            *left.entry(version).or_default() += 1;
        }
    }
    assert!(left.keys().eq(&[4, 5]) && left.values().all(|times| *times > 1), "both were met: {left:?}");
    assert_eq!(stage.served.tenant.tally().patches, 0);
}
