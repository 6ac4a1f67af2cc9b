//! The ledger by itself: what it promises to the run, turn by turn.

use jiff::Timestamp;
use passwave::{
    ledger::{
        Claimed, Fact, Facts, Hold, Ledger, LedgerError, Moment, Standing,
        life::{Doubt, Event},
    },
    outcome::Status,
    password::{BannedWords, Generator, Password, PasswordPolicy, Style},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
};
use std::path::Path;
use tempfile::TempDir;

fn create(folder: &Path, rows: usize) -> Result<Ledger, LedgerError> {
    let mut csv = "UPN\n".to_owned();
    (1..=rows).for_each(|n| csv.push_str(&format!("user{n}@contoso.com\n")));
    let roster = Roster::from_bytes("wave.csv", csv.into_bytes(), &RosterOptions::default()).expect("a roster");
    let policy = PasswordPolicy::new(Style::default(), BannedWords::default()).expect("a policy");
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    Ledger::create(folder, Settings::new(&roster, policy.clone()), plan).map(|created| created.ledger)
}

/// A ledger of ten planned rows, and the folder above its own.
fn ledger() -> (TempDir, Ledger) {
    let home = tempfile::tempdir().expect("a folder");
    let ledger = create(&home.path().join("run"), 10).expect("a ledger");
    (home, ledger)
}

fn fact(row: u64, event: Event) -> Fact {
    let nothing = String::new;
    Fact { row, doubt: Doubt::default(), event, code: nothing(), message: nothing(), request_id: nothing() }
}

/// A turn of the run as far as it is about passwords.
fn turn(ledger: &mut Ledger, writes: Vec<Fact>, most: usize, now: i64) -> Result<Vec<Claimed>, LedgerError> {
    Ok(ledger.turn(&Facts { writes, ..Facts::default() }, most, now)?.writes)
}

fn again(not_before: i64) -> Event {
    Event::Again { not_before, maybe_written: true, trouble: true }
}

fn rows(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(|claimed| claimed.row).collect()
}

/// What the report shows of each row.
fn statuses(ledger: &Ledger) -> Vec<(String, u64, bool)> {
    let mut seen = Vec::new();
    let note = |row: passwave::ledger::ReportRow| {
        seen.push((row.status, row.attempts, row.password.is_some()));
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_row(note).expect("rows");
    seen
}

#[test]
fn rows_are_handed_out_in_order_and_when_they_are_due() {
    let (_home, mut ledger) = ledger();
    assert_eq!(rows(&turn(&mut ledger, vec![], 3, 100).expect("a turn")), [1, 2, 3]);
    let facts = vec![fact(1, again(200)), fact(2, again(300)), fact(3, Event::Unsent)];
    assert_eq!(rows(&turn(&mut ledger, facts, 2, 150).expect("a turn")), [3, 4], "what was put off is not due");
    assert_eq!((ledger.due(250, 99).expect("a count"), ledger.next_due().expect("a time")), (7, Some(0)));
    assert_eq!(rows(&turn(&mut ledger, vec![], 99, 250).expect("a turn")), [5, 6, 7, 8, 9, 10, 1]);
    assert_eq!(ledger.next_due().expect("a time"), Some(300));
    assert!(turn(&mut ledger, vec![], 99, 299).expect("a turn").is_empty());
    let claimed = turn(&mut ledger, vec![], 99, 300).expect("a turn");
    assert_eq!((rows(&claimed), claimed[0].troubles), (vec![2], 1));
    assert!(claimed[0].doubt.current);
}

#[test]
fn a_fact_about_a_row_that_is_not_in_flight_changes_nothing_at_all() {
    let (_home, mut ledger) = ledger();
    turn(&mut ledger, vec![], 2, 1).expect("a turn");
    let (before, counts) = (statuses(&ledger), ledger.counts());
    for wrong in [3, 11, u64::from(u32::MAX)] {
        let facts = vec![fact(1, Event::Confirmed), fact(wrong, Event::Confirmed)];
        assert!(matches!(turn(&mut ledger, facts, 5, 2), Err(LedgerError::OutOfStep(row)) if row == wrong));
        assert_eq!((statuses(&ledger), ledger.counts()), (before.clone(), counts));
    }
    turn(&mut ledger, vec![fact(1, Event::Confirmed)], 0, 2).expect("a turn");
    assert!(
        matches!(turn(&mut ledger, vec![fact(1, Event::Refused)], 0, 3), Err(LedgerError::OutOfStep(1))),
        "an end is an end"
    );
}

#[test]
fn the_fingerprint_taken_while_planning_is_that_of_the_ledger() {
    let (_home, ledger) = ledger();
    assert_eq!(ledger.fingerprint().expect("noted"), ledger.fingerprint_now().expect("taken anew"));
}

#[test]
fn a_batch_that_never_left_is_no_attempt() {
    let (_home, mut ledger) = ledger();
    turn(&mut ledger, vec![], 1, 1).expect("a turn");
    turn(&mut ledger, vec![fact(1, Event::Unsent)], 0, 1).expect("a turn");
    assert_eq!(statuses(&ledger)[0], ("pending".into(), 0, true));
}

#[test]
fn what_was_in_flight_when_the_process_died_is_in_doubt_and_has_the_same_password() {
    let (home, mut ledger) = ledger();
    let first = turn(&mut ledger, vec![], 4, i64::MAX).expect("a turn");
    turn(&mut ledger, vec![fact(1, Event::Confirmed), fact(2, Event::Refused)], 0, 5).expect("a turn");
    drop(ledger);
    let mut ledger = Ledger::open(&home.path().join("run")).expect("the ledger again");
    assert_eq!((ledger.counts().in_flight, ledger.counts().planned), (0, 8));
    let second = turn(&mut ledger, vec![], 2, 0).expect("a turn");
    assert_eq!(rows(&second), [3, 4]);
    for (one, two) in first[2..].iter().zip(&second) {
        assert!(one.password.expose() == two.password.expose() && two.doubt.current);
    }
    let doubts = second.iter().map(|claimed| Fact { doubt: claimed.doubt, ..fact(claimed.row, Event::Refused) });
    turn(&mut ledger, doubts.collect(), 0, 9).expect("a turn");
    let seen = statuses(&ledger);
    let told: Vec<_> = seen.iter().take(4).map(|(status, _, shown)| (status.as_str(), *shown)).collect();
    assert_eq!(told, [("reset", true), ("failed", false), ("in_doubt", true), ("in_doubt", true)]);
}

#[test]
fn a_replaced_password_is_kept_while_it_may_be_in_force() {
    let (_home, mut ledger) = ledger();
    let first = turn(&mut ledger, vec![], 2, 0).expect("a turn");
    let lost = Doubt { current: true, earlier: false };
    let replaced = |row, doubt| Fact { doubt, ..fact(row, Event::Replaced(Password::new(format!("Second-{row}")))) };
    turn(&mut ledger, vec![replaced(1, lost), replaced(2, Doubt::default())], 0, 1).expect("a turn");
    assert!(ledger.is_used(&Password::new("Second-1".into())).expect("an answer"));
    assert_eq!((ledger.replacements(1).expect("a count"), ledger.replacements(3).expect("a count")), (1, 0));
    let second = turn(&mut ledger, vec![], 2, 2).expect("a turn");
    assert_eq!(second.iter().map(|claimed| claimed.password.expose()).collect::<Vec<_>>(), ["Second-1", "Second-2"]);
    let refused = second.iter().map(|claimed| Fact { doubt: claimed.doubt, ..fact(claimed.row, Event::Refused) });
    turn(&mut ledger, refused.collect(), 0, 3).expect("a turn");
    let mut shown = Vec::new();
    let note = |row: passwave::ledger::ReportRow| {
        shown.push(row.password.map(|password| password.expose().to_owned()));
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_row(note).expect("rows");
    assert_eq!(shown[..2], [Some(first[0].password.expose().to_owned()), None]);
}

#[test]
fn a_run_folder_is_made_whole_or_not_at_all_and_never_over_another() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("run");
    let ledger = create(&folder, 3).expect("a ledger");
    let fingerprint = ledger.note("fingerprint").expect("readable");
    assert!(matches!(create(&folder, 4), Err(LedgerError::Exists(_))));
    assert!(
        matches!(Ledger::open(&folder), Err(LedgerError::Held { holder, .. }) if holder.contains(&std::process::id().to_string()))
    );
    let reader = Ledger::open_to_read(&folder).expect("readers are welcome");
    assert_eq!((reader.note("fingerprint").expect("readable"), reader.counts().planned), (fingerprint, 3));
    assert!(matches!(Ledger::open(home.path()), Err(LedgerError::NoRun(_))));
}

#[test]
fn what_cannot_be_looked_at_is_told_and_is_not_called_missing() {
    let opened = Ledger::open_to_read(Path::new("no\0name"));
    assert!(matches!(opened, Err(LedgerError::File { .. })));
    let home = tempfile::tempdir().expect("a folder");
    assert!(matches!(Ledger::open_to_read(home.path()), Err(LedgerError::NoRun(_))));
}

#[test]
fn a_wait_longer_than_any_comes_from_a_clock_that_was_set_back() {
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
fn what_is_no_whole_ledger_is_told_from_one() {
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
fn of_the_rows_that_are_wrong_a_thousand_are_told() {
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
fn an_index_that_lacks_a_row_is_found() {
    let (home, ledger) = ledger();
    drop(ledger);
    let folder = home.path().join("run");
    let database = rusqlite::Connection::open(folder.join("ledger.db")).expect("the ledger");
    let bend = "PRAGMA writable_schema = ON;
                UPDATE sqlite_schema SET sql = replace(sql, 'sessions =', '''due'' =') WHERE name = 'sessions_due'";
    database.execute_batch(bend).expect("a bent index");
    drop(database);
    let told = Ledger::open(&folder).err().expect("a refusal").to_string();
    assert!(told.contains("is damaged") && told.contains("sessions_due") && told.contains("hint"), "{told}");
}

#[test]
fn a_folder_that_came_without_its_lock_gets_another() {
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
fn a_roster_that_breaks_off_leaves_no_folder_behind() {
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

#[test]
fn what_held_a_run_up_is_kept_in_order_of_time() {
    let (_home, mut ledger) = ledger();
    let moment = |at, hold| Moment { at, hold, millis: 7, throttled: 2 };
    ledger.add_moments(&[moment(30, Hold::Away), moment(10, Hold::Asked)]).expect("written");
    assert_eq!(ledger.moments().expect("readable"), [moment(10, Hold::Asked), moment(30, Hold::Away)]);
    turn(&mut ledger, vec![], 3, 0).expect("a turn");
    turn(&mut ledger, vec![fact(1, Event::Confirmed), fact(2, Event::Refused)], 0, 5).expect("a turn");
    turn(&mut ledger, vec![fact(3, Event::Confirmed)], 0, 9).expect("a turn");
    assert_eq!(ledger.endings().expect("readable"), [(5, 2), (9, 1)]);
}

#[test]
fn the_counts_follow_every_turn() {
    let (_home, mut ledger) = ledger();
    ledger.revoke_sessions().expect("a decision");
    turn(&mut ledger, vec![], 7, 1).expect("a turn");
    let facts = [Event::Confirmed, Event::Confirmed, Event::Confirmed, Event::Refused].into_iter();
    let facts = facts.zip(1..).map(|(event, row)| fact(row, event)).collect();
    turn(&mut ledger, facts, 0, 2).expect("a turn");
    let counts = ledger.counts();
    assert_eq!((counts.planned, counts.in_flight, counts.settled(), counts.rows()), (3, 3, 4, 10));
    assert_eq!((counts.sessions_due, counts.sessions_in_flight), (3, 0), "one for each account that was reset");
    let claims = ledger.turn(&Facts::default(), 2, 3).expect("a turn");
    assert_eq!((claims.sessions.len(), ledger.counts().sessions_due, ledger.counts().sessions_in_flight), (2, 1, 2));
    assert_eq!(ledger.counts().sessions_pending(), 3);
}

#[test]
fn times_of_sending_are_those_of_the_directorys_clock() {
    let (home, mut ledger) = ledger();
    ledger.set_clock_ahead(5_000);
    turn(&mut ledger, vec![], 1, 100).expect("a turn");
    ledger.set_clock_ahead(-40);
    turn(&mut ledger, vec![], 1, 200).expect("a turn");
    drop(ledger);
    let kept = rusqlite::Connection::open(home.path().join("run/ledger.db")).expect("the ledger");
    let sent = |row: u64| kept.query_row("SELECT sent_at FROM account WHERE row = ?1", [row], |at| at.get::<_, i64>(0));
    assert_eq!((sent(1), sent(2)), (Ok(5_100), Ok(160)));
}

#[test]
fn rows_are_told_one_by_one_and_in_groups() {
    let (_home, mut ledger) = ledger();
    turn(&mut ledger, vec![], 4, 1).expect("a turn");
    let refused = |row, message: &str| Fact {
        code: "Request_BadRequest".into(),
        message: message.into(),
        request_id: format!("request-{row}"),
        ..fact(row, Event::Refused)
    };
    let writes = vec![fact(1, Event::Confirmed), refused(2, "synced"), refused(3, "a guest"), refused(4, "a guest")];
    turn(&mut ledger, writes, 0, 70).expect("a turn");
    let groups = ledger.groups().expect("groups").into_iter();
    let groups: Vec<_> = groups.map(|group| (group.status, group.code, group.message, group.number)).collect();
    let group = |message: &str, number| ("failed".into(), "Request_BadRequest".into(), message.into(), number);
    assert_eq!(groups, [group("a guest", 2), group("synced", 1)], "one code hides more than one cause");
    let told = ledger.standings(&[3, 1, 5]).expect("rows");
    let told: Vec<_> =
        told.iter().map(|row| (row.row, row.line, row.user_principal_name.as_str(), row.attempts)).collect();
    assert_eq!(told, [(3, 4, "user3@contoso.com", 1), (1, 2, "user1@contoso.com", 1), (5, 6, "user5@contoso.com", 0)]);
    let mut failed = Vec::new();
    let note = |row: Standing| {
        failed.push((row.row, row.error_code, row.error_message, row.request_id, row.changed_at));
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_standing(Some(Status::Failed), note).expect("rows");
    let row = |row, said: &str| {
        (row, Some("Request_BadRequest".to_owned()), Some(said.to_owned()), Some(format!("request-{row}")), None)
    };
    assert_eq!(failed, [row(2, "synced"), row(3, "a guest"), row(4, "a guest")]);
    let changed: Vec<_> = ledger.standings(&[1]).expect("a row").iter().map(|row| row.changed_at).collect();
    assert_eq!(changed, [Some(70)]);
    assert!(ledger.standings(&[11]).is_err(), "there is no such row");
}

#[test]
fn the_widest_row_is_known() {
    let home = tempfile::tempdir().expect("a folder");
    let csv = b"UPN,class\nann@contoso.com,7a\nbob@contoso.com,7b,,late\ncy@contoso.com\n".to_vec();
    let roster = Roster::from_bytes("wave.csv", csv, &RosterOptions::default()).expect("a roster");
    let policy = PasswordPolicy::default();
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    let created = Ledger::create(&home.path().join("run"), Settings::new(&roster, policy.clone()), plan);
    let ledger = created.expect("a ledger").ledger;
    assert_eq!(ledger.widest_row().expect("a number"), 4);
    assert_eq!(ledger.cells(2).expect("cells"), ["bob@contoso.com", "7b", "", "late"]);
}
