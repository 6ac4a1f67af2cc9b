//! A ledger in a database does what a ledger in a folder does.

use crate::{
    server::shared,
    steps::{NOW, calm, create, open, planned, refused, rows, server, turn},
};
use passwave::{
    ledger::{
        Counts, Ledger, LedgerError,
        postgres::{Address, Clear, LedgerServer, PostgresError},
        state::Event,
    },
    password::Password,
    plan::Plan,
};
use std::{path::Path, time::Duration};

fn again() -> Event {
    Event::Again { not_before: NOW + 5, maybe_written: true, trouble: true }
}

/// The same life of a run, in any ledger.
fn live(ledger: &mut Ledger) -> Result<(), LedgerError> {
    let claimed = turn(ledger, vec![], 4)?;
    let first = claimed[0].row;
    turn(
        ledger,
        vec![
            (first, Event::Confirmed),
            (first + 1, Event::Refused),
            (first + 2, again()),
            (first + 3, Event::Replaced(Password::new("Another-one-7".into()))),
        ],
        2,
    )?;
    ledger.set_remarks(&["a remark\0 with an odd character".into()])?;
    ledger.revoke_sessions()?;
    ledger.leave_sessions()
}

/// What both show, without the passwords, which are random.
fn shape(ledger: &passwave::ledger::ReadLedger) -> (Counts, Vec<String>, Vec<String>) {
    let rows = rows(ledger).into_iter().map(|row| row.split('"').step_by(2).collect()).collect();
    (ledger.counts(), rows, ledger.remarks().expect("remarks"))
}

#[test]
fn room_of_a_run_makes_no_difference() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("run");
    let mut here = planned(8, |settings, plan: Plan<'_>| Ledger::create(&folder, settings, plan)).expect("made").ledger;
    here.end_lookup(Some("a test")).expect("an end");
    let server = calm(&database.url());
    let mut there = create(&server, "wave", 8).expect("made");
    live(&mut here).expect("a life");
    live(&mut there).expect("a life");
    assert_eq!(shape(&here), shape(&there));
    drop(here);
    let now = jiff::Timestamp::from_millisecond(NOW).expect("a time");
    let here = Ledger::open_at(&folder, now).expect("open");
    let before = rows(&there);
    drop(there);
    let there = open(&server, "wave").expect("open");
    assert_eq!(shape(&here), shape(&there));
    there.must_be_as_planned().expect("every mark and every proof holds");
    assert_eq!(rows(&there).len(), before.len());
    let password = |row: &String| row.split('"').nth(1).map(str::to_owned);
    let passwords = |rows: &[String]| rows.iter().map(password).collect::<Vec<_>>();
    assert_eq!(passwords(&rows(&there)), passwords(&before));
    assert_eq!(there.exclusions().expect("exclusions"), ["excluded@contoso.com"]);
}

#[test]
fn readers_need_no_lease_and_see_what_is_confirmed() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let server = calm(&database.url());
    let mut ledger = create(&server, "wave", 3).expect("made");
    turn(&mut ledger, vec![], 2).expect("a turn");
    let read = Ledger::read_on(&server, "wave", Path::new("reports")).expect("read");
    assert_eq!((read.counts(), read.operand()), (ledger.counts(), Path::new("wave")));
    assert_eq!(read.counts().in_flight, 2);
    assert!(matches!(refused(Ledger::read_on(&server, "wind", Path::new("r"))), PostgresError::NoRun { .. }));
    let [run] = server.runs().expect("a list").try_into().expect("one");
    assert_eq!((run.name.as_str(), run.rows, run.pending, run.holder.as_deref()), ("wave", 5, 3, Some("the test")));
    drop(ledger);
    assert_eq!(server.runs().expect("a list")[0].holder, None);
}

#[test]
fn run_in_the_database_is_never_overwritten() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let server = calm(&database.url());
    drop(create(&server, "wave", 1).expect("made"));
    assert!(matches!(refused(create(&server, "wave", 1)), PostgresError::Exists { .. }));
    let address = Address::parse(&database.url()).expect("an address");
    let strict = LedgerServer::connect(address, "x".into(), Duration::from_secs(60), Clear::Refused).expect("a server");
    assert!(matches!(refused(create(&strict, "other", 1)), PostgresError::NotSealed));
    assert_eq!(database.sql("SELECT count(*) FROM passwave.run"), "1");
    let doomed = create(&server, "doomed", 1).expect("made");
    doomed.discard().expect("removed");
    let left = "SELECT (SELECT count(*) FROM passwave.run) + (SELECT count(DISTINCT run) FROM passwave.account)";
    assert_eq!(database.sql(left), "2", "with all of its rows");
}

#[test]
fn many_rows_are_stored_and_loaded_in_parts() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let server = calm(&database.url());
    let mut ledger = create(&server, "wave", 5_001).expect("made");
    let claimed = turn(&mut ledger, vec![], 2_500).expect("a turn");
    assert_eq!(database.sql("SELECT count(*) FROM passwave.account WHERE state = 'in_flight'"), "2500");
    let facts = claimed.iter().map(|claimed| (claimed.row, Event::Confirmed)).collect();
    turn(&mut ledger, facts, 0).expect("a turn");
    ledger.revoke_sessions().expect("noted");
    assert_eq!(database.sql("SELECT count(*) FROM passwave.account WHERE sessions = 'due'"), "2500");
    let before = rows(&ledger);
    drop(ledger);
    assert_eq!(rows(&open(&server, "wave").expect("open")), before);
}

#[test]
fn changed_rows_are_found_in_a_database_too() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let server = calm(&database.url());
    drop(create(&server, "wave", 4).expect("made"));
    database
        .sql("UPDATE passwave.account SET password = 'Chosen-by-another-1' WHERE state = 'planned' AND \"row\" = 4");
    let ledger = open(&server, "wave").expect("open");
    assert!(matches!(ledger.must_be_as_planned(), Err(LedgerError::Changed { row: 4, .. })));
}

#[test]
fn turns_go_through_a_pooler_that_keeps_no_session() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let Some(url) = database.pooled() else { return };
    let server = server(&url, Duration::from_secs(600)).expect("a server");
    // More than the pooler has connections, so that each turn may get another one.
    let mut ledgers: Vec<Ledger> =
        (0..5).map(|nth| create(&server, &format!("wave{nth}"), 40).expect("made")).collect();
    for _ in 0..20 {
        for ledger in &mut ledgers {
            let claimed = turn(ledger, vec![], 2).expect("a turn");
            let facts = claimed.iter().map(|claimed| (claimed.row, Event::Confirmed)).collect();
            turn(ledger, facts, 0).expect("a turn");
        }
    }
    let counts = ledgers.iter().map(|ledger| ledger.counts().reset).collect::<Vec<_>>();
    assert_eq!(counts, [40; 5]);
    assert_eq!(database.sql("SELECT count(*) FROM passwave.account WHERE state = 'reset'"), "200");
}
