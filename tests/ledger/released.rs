//! Runs that an older release started: these ledgers are as that release left them, and the runs continue.

use passwave::{
    engine::run::{RunEnd, RunOptions, run},
    ledger::{Ledger, LedgerError, ReadLedger, ReportRow},
    outcome::{Cause, Status},
    simulator::{Account, Simulator, SimulatorConfig},
};
use rusqlite::{Connection, OpenFlags};
use std::{
    future::pending,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A run folder with a ledger as a release with schema 4 left it.
fn begun(name: &str) -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("run");
    std::fs::create_dir(&folder).expect("made");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/ledger/released/schema-4/{name}.db"));
    std::fs::copy(kept, folder.join("ledger.db")).expect("copied");
    (home, folder)
}

fn raw(folder: &Path) -> Connection {
    Connection::open_with_flags(folder.join("ledger.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the ledger")
}

fn version(folder: &Path) -> i32 {
    raw(folder).query_row("PRAGMA user_version", (), |row| row.get(0)).expect("a version")
}

/// A tenant in which the looked-up accounts of the ledger have their object ids.
fn tenant(folder: &Path) -> Simulator {
    let tenant = Simulator::new(SimulatorConfig::default());
    let ledger = raw(folder);
    let mut select = ledger.prepare("SELECT user_principal_name, object_id FROM looked_up").expect("the schema");
    let mut rows = select.query(()).expect("rows");
    while let Some(row) = rows.next().expect("a row") {
        let (name, id): (String, String) = (row.get(0).expect("a name"), row.get(1).expect("an id"));
        tenant.add(Account { id: Some(id), ..Account::normal(name) });
    }
    tenant
}

fn rows(ledger: &ReadLedger) -> Vec<ReportRow> {
    let mut rows = Vec::new();
    ledger
        .for_each_row(|row| {
            rows.push(row);
            Ok::<_, LedgerError>(())
        })
        .expect("rows");
    rows
}

fn passwords(folder: &Path) -> Vec<(u64, u32, Option<String>)> {
    let ledger = raw(folder);
    let mut select = ledger.prepare("SELECT row, nth, password FROM account ORDER BY row").expect("the schema");
    let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

async fn finish(folder: &Path, tenant: &Simulator) -> Ledger {
    let mut ledger = Ledger::open(folder).expect("the ledger");
    let end = run(&mut ledger, tenant, &RunOptions::default(), pending(), &mut |_| {}).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    ledger
}

#[tokio::test(start_paused = true)]
async fn schema_4_plan_keeps_its_fingerprint() {
    let (_home, folder) = begun("planned");
    let before = passwords(&folder);
    let ledger = Ledger::open(&folder).expect("carried over");
    ledger.must_be_as_planned().expect("the plan");
    let approved = "39b62eaf3693d7af404f516dd971d42738489b2e8827ddc85608ea348dfa85a8";
    assert_eq!(ledger.fingerprint().expect("noted"), approved);
    assert_eq!(ledger.fingerprint_now().expect("taken"), approved);
    assert_eq!(ledger.planned_by_schema().expect("a note").as_deref(), Some("4"));
    drop(ledger);
    assert_eq!(version(&folder), 5);
    let tenant = tenant(&folder);
    let ledger = finish(&folder, &tenant).await;
    let rows = rows(&ledger);
    assert_eq!(rows.len(), 60);
    for (row, (number, _, password)) in rows.iter().zip(before) {
        let (shown, planned) = (row.password.as_ref().expect("a password"), password.expect("a password"));
        assert_eq!((row.row, row.status.as_str(), shown.expose()), (number, "reset", planned.as_str()));
        assert!(tenant.holds(&row.user_principal_name, &planned));
    }
}

#[tokio::test(start_paused = true)]
async fn half_done_schema_4_run_continues() {
    let (_home, folder) = begun("half");
    let before = passwords(&folder);
    let tenant = tenant(&folder);
    let ledger = finish(&folder, &tenant).await;
    assert!(ledger.counts().sessions_revoked > 0, "sessions that were in flight are revoked");
    let rows = rows(&ledger);
    assert_eq!((rows.len(), rows.iter().filter(|row| row.status == Status::Reset).count()), (100, 100));
    for (row, (_, nth, password)) in rows.iter().zip(before) {
        let (shown, kept) = (row.password.as_ref().expect("a password"), password.expect("a password"));
        let is_first = nth == 0 || shown.expose() == kept;
        assert!(is_first || row.attempts > 1, "only a password that the plan does not cover is generated again");
        assert!(nth > 0 || shown.expose() == kept, "row {}", row.row);
    }
}

#[cfg(feature = "seal")]
#[tokio::test(start_paused = true)]
async fn sealed_schema_4_run_opens() {
    let (_home, folder) = begun("sealed");
    let tenant = tenant(&folder);
    let key = include_bytes!("released/schema-4/key.txt");
    let mut identities = passwave::seal::Identities::default();
    identities.add(key).expect("a key");
    let mut ledger = Ledger::open(&folder).expect("carried over");
    ledger.unlock(&identities).expect("the right key");
    let end = run(&mut ledger, &tenant, &RunOptions::default(), pending(), &mut |_| {}).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    for row in rows(&ledger) {
        let password = row.password.expect("the key opens it");
        assert!(row.status == Status::Reset && tenant.holds(&row.user_principal_name, password.expose()));
    }
}

#[test]
fn edits_before_migration_are_refused() {
    for change in [
        "UPDATE roster SET user_principal_name = 'eve@contoso.com' WHERE row = 3",
        "UPDATE looked_up SET object_id = '0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b' WHERE row = 3",
        "UPDATE run SET value = replace(value, '\"rehearsal\":false', '\"rehearsal\":true') WHERE name = 'settings'",
    ] {
        let (_home, folder) = begun("planned");
        Connection::open(folder.join("ledger.db")).expect("the ledger").execute(change, ()).expect("changed");
        let ledger = Ledger::open(&folder).expect("carried over");
        assert!(matches!(ledger.must_be_as_planned(), Err(LedgerError::Damaged { .. })), "{change}");
    }
}

#[test]
fn edits_after_migration_are_refused() {
    for change in [
        "UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 3",
        "UPDATE roster SET cells = '[]' WHERE row = 3",
    ] {
        let (_home, folder) = begun("planned");
        drop(Ledger::open(&folder).expect("carried over"));
        Connection::open(folder.join("ledger.db")).expect("the ledger").execute(change, ()).expect("changed");
        let refused = Ledger::open(&folder).expect("a ledger").must_be_as_planned();
        assert!(matches!(refused, Err(LedgerError::Changed { row: 3, .. })), "{change}: {refused:?}");
    }
}

#[test]
fn altered_schema_4_is_left_untouched() {
    for change in [
        "CREATE TRIGGER t AFTER UPDATE ON account BEGIN SELECT 1; END",
        "ALTER TABLE account ADD COLUMN commitment BLOB",
        "DROP VIEW report",
    ] {
        let (_home, folder) = begun("half");
        Connection::open(folder.join("ledger.db")).expect("the ledger").execute_batch(change).expect("changed");
        assert!(matches!(Ledger::open(&folder), Err(LedgerError::Altered { .. })), "{change}");
        assert_eq!(version(&folder), 4);
    }
}

#[test]
fn newer_schema_is_left_untouched() {
    let (_home, folder) = begun("planned");
    let file = folder.join("ledger.db");
    Connection::open(&file).expect("the ledger").pragma_update(None, "user_version", 6).expect("a version");
    let before = std::fs::read(&file).expect("a file");
    for opened in [Ledger::open(&folder).err(), Ledger::open_to_read(&folder).err()] {
        let told = opened.expect("a refusal").to_string();
        assert!(told.contains("newer passwave") && told.contains("schema 6"), "{told}");
    }
    assert_eq!(std::fs::read(&file).expect("a file"), before);
}

#[test]
fn old_refusal_causes_are_guessed() {
    let (_home, folder) = begun("half");
    let refused =
        "UPDATE account SET state = 'failed', settled_at = 1, error_code = ?2, error_message = ?3 WHERE row = ?1";
    let wanted = [
        (1, "http_403", None, Cause::Permission),
        (2, "Request_ResourceNotFound", Some("Resource 'x' does not exist"), Cause::NotFound),
        (3, "Request_BadRequest", Some("The password does not comply with the rules."), Cause::Password),
        (4, "Request_BadRequest", None, Cause::Other),
    ];
    let connection = Connection::open(folder.join("ledger.db")).expect("the ledger");
    for (row, code, message, _) in wanted {
        assert_eq!(connection.execute(refused, (row, code, message)).expect("changed"), 1);
    }
    drop(connection);
    let ledger = Ledger::open_to_read(&folder).expect("carried over in memory");
    let rows = ledger.standings(&wanted.map(|wanted| wanted.0)).expect("rows");
    let causes: Vec<_> = rows.iter().map(|row| (row.row, row.cause)).collect();
    assert_eq!(causes, wanted.map(|(row, .., cause)| (row, Some(cause))));
}

#[test]
fn reading_leaves_old_ledgers_unchanged() {
    for (name, number) in [("planned", 60), ("half", 100)] {
        let (_home, folder) = begun(name);
        let before = std::fs::read(folder.join("ledger.db")).expect("a file");
        let ledger = Ledger::open_to_read(&folder).expect("readable");
        assert_eq!(rows(&ledger).len(), number);
        drop(ledger);
        assert_eq!(version(&folder), 4);
        assert_eq!(std::fs::read(folder.join("ledger.db")).expect("a file"), before);
    }
}
