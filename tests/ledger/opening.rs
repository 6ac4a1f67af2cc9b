//! How a ledger is created and opened, and what is refused.

use super::{again, create, fact, ledger, turn};
use jiff::Timestamp;
use passwave::{
    ledger::{Ledger, LedgerError},
    password::{BannedWords, Generator, PasswordPolicy, Style},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
};
use std::path::Path;

#[test]
fn run_folder_creation_is_atomic() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("run");
    let ledger = create(&folder, 3).expect("a ledger");
    let fingerprint = ledger.fingerprint().expect("readable");
    assert!(matches!(create(&folder, 4), Err(LedgerError::Exists(_))));
    assert!(
        matches!(Ledger::open(&folder), Err(LedgerError::Locked { holder, .. }) if holder.contains(&std::process::id().to_string()))
    );
    let reader = Ledger::open_to_read(&folder).expect("readers are welcome");
    assert_eq!((reader.fingerprint().expect("readable"), reader.counts().planned), (fingerprint, 3));
    assert!(matches!(Ledger::open(home.path()), Err(LedgerError::NoRun(_))));
}

#[test]
fn long_paths_are_reached() {
    let home = tempfile::tempdir().expect("a folder");
    let above = home.path().join("long".repeat(30)).join("name".repeat(40));
    std::fs::create_dir_all(&above).expect("folders");
    let folder = above.join("run");
    drop(create(&folder, 3).expect("a ledger"));
    assert_eq!(Ledger::open(&folder).expect("again").counts().planned, 3);
    assert_eq!(Ledger::open_to_read(&folder).expect("to read").counts().planned, 3);
}

#[cfg(windows)]
#[test]
fn names_of_devices_are_refused() {
    for (name, why) in [("NUL", "for a device"), ("wave.", "at the end"), ("a\" --yes", "does not allow \"")] {
        let refused = create(Path::new(name), 1).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains(why), "{name}: {refused}");
    }
    for name in ["a\" --yes", "what?"] {
        let refused = Ledger::open(Path::new(name)).err();
        assert!(matches!(refused, Some(LedgerError::BadName { fault: Some(_), .. })), "{name}");
    }
}

#[test]
fn inaccessible_folder_is_not_missing() {
    let opened = Ledger::open_to_read(Path::new("no\0name"));
    assert!(matches!(opened, Err(LedgerError::File { .. })));
    let home = tempfile::tempdir().expect("a folder");
    assert!(matches!(Ledger::open_to_read(home.path()), Err(LedgerError::NoRun(_))));
}

#[test]
fn excessive_wait_means_clock_change() {
    let now = Timestamp::from_second(1_790_000_000).expect("a time");
    for (wait, is_kept) in [(3_599_000, true), (3_601_000, false)] {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("run");
        let mut ledger = create(&folder, 1).expect("a ledger");
        let until = now.as_millisecond() + wait;
        turn(&mut ledger, vec![], 1, 0).expect("a turn");
        turn(&mut ledger, vec![fact(1, again(until))], 0, 0).expect("a turn");
        drop(ledger);
        let ledger = Ledger::open_at(&folder, now).expect("the ledger again");
        assert_eq!(ledger.next_due().expect("a time"), Some(if is_kept { until } else { 0 }), "{wait} ms");
    }
}

#[test]
fn incomplete_ledgers_are_recognized() {
    let home = tempfile::tempdir().expect("a folder");
    assert!(matches!(create(&home.path().join("nowhere/run"), 1), Err(LedgerError::NoParent(_))));
    let folder = home.path().join("run");
    drop(create(&folder, 300).expect("a ledger"));
    let file = folder.join("ledger.db");
    let whole = std::fs::read(&file).expect("a file");
    let told = |bytes: &[u8]| {
        std::fs::write(&file, bytes).expect("written");
        Ledger::open_to_read(&folder).err()
    };
    assert!(told(&whole).is_none());
    assert!(matches!(told(b""), Some(LedgerError::Unfinished(_))));
    let foreign = |bytes: &[u8]| matches!(told(bytes), Some(LedgerError::Foreign { .. }));
    assert!(foreign(b"SQLite format 3\0") && foreign(&whole[..99]), "less than a header");
    assert!(foreign(&[b'x'; 200]), "as long as a header, and none");
    assert!(foreign(&[&whole[..68], b"none", &whole[72..]].concat()), "another program's");
    assert!(matches!(told(&whole[..whole.len() / 2]), Some(LedgerError::Damaged { .. })));
    let empty = home.path().join("empty");
    std::fs::create_dir(&empty).expect("made");
    std::fs::write(&file, &whole).expect("written");
    let pragma = |file: &Path, sql: &str| {
        rusqlite::Connection::open(file).and_then(|file| file.query_row(sql, (), |row| row.get(0)))
    };
    let version: i32 = pragma(&file, "PRAGMA user_version").expect("a version");
    let marks = format!("PRAGMA application_id = {}; PRAGMA user_version = {version}", 0x7077_6176);
    let database = rusqlite::Connection::open(empty.join("ledger.db")).expect("a database");
    database.execute_batch(&marks).expect("marked as ours");
    assert!(matches!(Ledger::open_to_read(&empty), Err(LedgerError::Unfinished(_))), "no tables yet");
}

#[test]
fn reports_at_most_a_thousand_skips() {
    for (wrong, told) in [(3, 3), (1_000, 1_000), (1_002, 1_000)] {
        let home = tempfile::tempdir().expect("a folder");
        let mut csv = "UPN\nann@contoso.com\n".to_owned();
        (0..wrong).for_each(|n| csv.push_str(&format!("no address {n}\n")));
        let roster = Roster::from_bytes("wave.csv", csv.into_bytes(), &RosterOptions::default()).expect("a roster");
        let policy = PasswordPolicy::default();
        let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
        let created = Ledger::create(&home.path().join("run"), Settings::new(&roster, policy.clone()), plan);
        let created = created.expect("a ledger");
        assert_eq!((created.skipped.len(), created.ledger.counts().skipped), (told, wrong));
    }
}

#[test]
fn incomplete_index_is_found() {
    let (home, ledger) = ledger();
    drop(ledger);
    let folder = home.path().join("run");
    let database = rusqlite::Connection::open(folder.join("ledger.db")).expect("the ledger");
    let bend = "PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET sql = replace(sql, 'sessions =', '''due'' =') WHERE name = 'sessions_due'";
    database.execute_batch(bend).expect("a bent index");
    drop(database);
    let told = Ledger::open(&folder).err().expect("a refusal").to_string();
    assert!(told.contains("is damaged") && told.contains("sessions_due"), "{told}");
}

#[test]
fn missing_lock_is_recreated() {
    let (home, ledger) = ledger();
    drop(ledger);
    let folder = home.path().join("run");
    let lock = folder.join("run.lock");
    std::fs::remove_file(&lock).expect("removed");
    drop(Ledger::open(&folder).expect("the ledger"));
    std::fs::remove_file(&lock).expect("there again");
    std::fs::create_dir(&lock).expect("made");
    assert!(matches!(Ledger::open(&folder), Err(LedgerError::File { file, .. }) if file == lock));
}

#[test]
fn failed_roster_leaves_no_folder() {
    let home = tempfile::tempdir().expect("a folder");
    let mut csv = "UPN\n".to_owned();
    (1..=20_000).for_each(|n| csv.push_str(&format!("user{n}@contoso.com\n")));
    csv.push_str("\"last@contoso.com\nmore@contoso.com\n");
    let roster = Roster::from_bytes("wave.csv", csv.into_bytes(), &RosterOptions::default()).expect("good so far");
    let policy = PasswordPolicy::new(Style::default(), BannedWords::default()).expect("a policy");
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    let target = home.path().join("run");
    let created = Ledger::create(&target, Settings::new(&roster, policy.clone()), plan);
    assert!(matches!(created, Err(LedgerError::Plan(_))) && !target.exists());
}
