//! Removal of passwords: afterwards no byte of the run folder has any, also if it was cut off at any step.

use crate::{
    scenarios::config,
    world::{KeyPair, World},
};
use passwave::{
    engine::{run::RunEnd, sweep, verify},
    ledger::{FILE_NAME, Ledger, LedgerError, Removal},
    plan::Rules,
    report::{self, RemovalStep, Summary, TakeOver, remove_passwords},
};
use rusqlite::Connection;
use secrecy::ExposeSecret;
use std::{collections::HashSet, fs, future::pending, path::Path, time::Duration};
use tokio::time::sleep;

/// So many bytes of a secret reveal it.
const PIECE: usize = 12;
/// Passwords that are refused and replaced, and lost answers: more passwords for a row than one.
const FAULTS: &str =
    r#"{"latency_ms": 20, "complexity": {"share": 0.2, "times": 2}, "requests": {"lost_after": 0.05}}"#;

/// Everything that must not be in the folder afterwards.
struct Canaries(HashSet<Vec<u8>>);

impl Canaries {
    /// All passwords that an account ever had, or that the ledger holds, clear or sealed; and the key of the marks.
    fn of(world: &World) -> Self {
        let mut canaries = HashSet::new();
        let given = world.accounts.iter().flat_map(|account| world.tenant.ever_given(account));
        canaries.extend(given.map(|password| begin(password.expose_secret().as_bytes())));
        let ledger = Connection::open(world.folder().join(FILE_NAME)).expect("the ledger");
        let texts = "SELECT CAST(password AS BLOB) FROM account WHERE password IS NOT NULL
             UNION ALL SELECT CAST(password AS BLOB) FROM replaced
             UNION ALL SELECT commitment FROM account WHERE commitment IS NOT NULL
             UNION ALL SELECT CAST(value AS BLOB) FROM run WHERE name = 'marks_key'
             UNION ALL SELECT substr(wrapped, -200) FROM data_key";
        let mut select = ledger.prepare(texts).expect("the schema");
        let found = select.query_map((), |row| row.get::<_, Vec<u8>>(0)).expect("rows");
        // A sealed value begins with the number of its key.
        canaries.extend(found.map(|bytes| end(&bytes.expect("a value"))));
        Self(canaries)
    }

    /// The first file below `folder` that has one of them.
    fn found_below(&self, folder: &Path) -> Option<String> {
        files(folder).into_iter().find_map(|path| {
            let bytes = fs::read(&path).expect("readable");
            let leak = bytes.windows(PIECE).find(|window| self.0.contains(*window))?;
            Some(format!("{} has {:?}", path.display(), String::from_utf8_lossy(leak)))
        })
    }
}

fn begin(bytes: &[u8]) -> Vec<u8> {
    bytes[..PIECE].to_vec()
}

fn end(bytes: &[u8]) -> Vec<u8> {
    bytes[bytes.len() - PIECE..].to_vec()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// A run that has ended, with everything in its folder that can have passwords.
async fn ended(rows: usize, keys: Option<KeyPair>) -> World {
    let accounts = (1..=rows).map(|n| format!("user{n}@contoso.com")).collect();
    let world = World::sealed(config(FAULTS), accounts, Rules::default(), &[], keys);
    world.gives_key.set(true);
    world.look(&world.tenant, pending()).await.expect("a look");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    let folder = world.folder();
    let mut ledger = world.reader();
    if let Some(keys) = world.keys() {
        ledger.unlock(&keys).expect("the right key");
    }
    report::write(&ledger).expect("reports");
    report::write_workbook(&ledger).expect("a workbook");
    for copy in ["report-1.csv", "report-2.csv.age", "report.html.draft"] {
        let mut bytes = Vec::new();
        report::print_csv(&ledger, &mut bytes).expect("a report");
        fs::write(folder.join(copy), bytes).expect("written");
    }
    #[cfg(feature = "handouts")]
    for name in ["handouts", "slips"] {
        use passwave::handouts::{Handouts, Template, Wishes};
        if world.key.is_none() {
            let handouts = Handouts::new(&ledger, Wishes::default()).expect("slips");
            handouts.write(&folder.join(name), &Template::default(), None).expect("written");
        }
    }
    world
}

fn remove(folder: &Path, done: &mut dyn FnMut(RemovalStep)) -> report::Removed {
    let mut ledger = Ledger::open(folder).expect("a ledger");
    remove_passwords(&mut ledger, done).expect("removed")
}

#[tokio::test(start_paused = true)]
async fn no_byte_of_the_folder_has_a_password_afterwards() {
    let world = ended(1_000, None).await;
    let (folder, canaries, before) = (world.folder(), Canaries::of(&world), world.report());
    assert!(canaries.0.len() > 1_000, "{}", canaries.0.len());
    assert!(canaries.found_below(&folder).is_some(), "they are there before");
    let removed = remove(&folder, &mut |_| {});
    assert_eq!(removed.accounts, 1_000);
    assert_eq!(canaries.found_below(&folder), None);
    let names: Vec<_> = removed.deleted.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert!(names.starts_with(&["handouts"]) || cfg!(not(feature = "handouts")), "{names:?}");
    assert!(names.contains(&"report-1.csv") && removed.unknown.is_empty(), "{names:?} {:?}", removed.unknown);
    let after = world.report();
    let told = |rows: &[crate::checkers::Row]| {
        rows.iter().map(|row| (row.name.clone(), row.status.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&after), told(&before), "the result of each row stays");
    assert!(after.iter().all(|row| row.password.is_empty()));
    assert!(!world.reader().has_passwords().expect("readable"));
}

/// What a kill leaves is the folder as it is after a step; each step is atomic.
#[tokio::test(start_paused = true)]
async fn a_removal_that_was_cut_off_can_be_called_again() {
    for keys in [None, KeyPair::generate()] {
        let is_sealed = keys.is_some();
        let world = ended(150, keys).await;
        let (folder, canaries) = (world.folder(), Canaries::of(&world));
        let place = tempfile::tempdir().expect("a folder");
        let mut steps = Vec::new();
        remove(&folder, &mut |step| {
            copy(&folder, &place.path().join(steps.len().to_string()));
            steps.push(step);
        });
        assert_eq!(canaries.found_below(&folder), None);
        assert!(steps.len() >= 6 && steps.ends_with(&[RemovalStep::Ended]), "{steps:?}");
        for (nth, step) in steps.iter().enumerate() {
            let left = place.path().join(nth.to_string());
            let reader = Ledger::open_to_read(&left).expect("a ledger");
            assert_eq!(reader.has_passwords().expect("readable"), *step != RemovalStep::Ended, "{step:?}");
            assert!(reader.must_have_passwords().is_err(), "{step:?}");
            drop(reader);
            remove(&left, &mut |_| {});
            assert_eq!(canaries.found_below(&left), None, "{step:?}, sealed: {is_sealed}");
            let reader = Ledger::open_to_read(&left).expect("a ledger");
            assert!(matches!(reader.removal(), Removal::Ended(_)));
            reader.must_be_as_planned().expect("the plan");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_without_its_passwords_can_be_read_verified_and_swept() {
    let world = ended(40, None).await;
    let approved = world.reader().fingerprint().expect("noted");
    remove(&world.folder(), &mut |_| {});
    let mut ledger = world.ledger();
    assert!(matches!(ledger.must_have_passwords(), Err(LedgerError::PasswordsRemoved { .. })));
    assert_eq!(ledger.fingerprint_now().expect("as planned"), approved);
    let pace = &world.options.pace;
    let end = verify::verify(&mut ledger, &world.tenant, pace, pending(), &mut |_| {}).await;
    assert_eq!(end.expect("an end"), verify::VerifyEnd::Finished);
    sleep(Duration::from_secs(24 * 60 * 60)).await;
    world.choose(1);
    let end = sweep::sweep(&mut ledger, &world.tenant, pace, Duration::ZERO, pending(), &mut |_| {}).await;
    let sweep::SweepEnd::Finished(claims) = end.expect("an end") else { panic!("it was stopped") };
    assert_eq!((claims.yes, claims.no), (1, 39));
    let summary = Summary::of(&ledger).expect("a summary");
    assert!(summary.passwords_removed_at.is_some() && summary.fingerprint == approved);
    let take_over = TakeOver { object_ids: true, forms: true };
    assert!(report::as_roster(&ledger, take_over).is_ok(), "its rows can be reset again");
    report::evidence::write(&ledger).expect("evidence");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_not_ended_keeps_its_passwords() {
    let world = World::of(config("{}"), 30);
    let before = world.report();
    let refused = world.ledger().forget_passwords();
    assert!(matches!(refused, Err(LedgerError::NotEnded { left: 30, .. })));
    assert_eq!(
        world.report().iter().map(|row| &row.password).collect::<Vec<_>>(),
        before.iter().map(|row| &row.password).collect::<Vec<_>>()
    );
}

/// New marks must not make a forged row look true.
#[tokio::test(start_paused = true)]
async fn a_row_that_was_changed_before_stays_in_doubt() {
    for change in
        ["UPDATE account SET settled_at = 1 WHERE row = 7", "UPDATE roster SET cells = '[\"x\",\"y\"]' WHERE row = 7"]
    {
        let world = ended(20, None).await;
        Connection::open(world.folder().join(FILE_NAME)).expect("the ledger").execute_batch(change).expect("changed");
        remove(&world.folder(), &mut |_| {});
        let report = world.report();
        assert_eq!(report[6].status, "in_doubt", "{change}");
        assert_eq!(report.iter().filter(|row| row.status == "reset").count(), 19, "{change}");
        assert!(world.reader().must_be_as_planned().is_err(), "{change}");
    }
}
