//! The ledger by itself: its guarantees for the run, turn by turn.

mod opening;
mod released;

use passwave::{
    ledger::{
        Claimed, Counts, Fact, Facts, KindCount, Ledger, LedgerError, Looked, Pause, PauseReason, RowStatus,
        state::{Doubt, Event},
    },
    outcome::{Cause, Kind, Skip, Status},
    password::{BannedWords, Generator, Password, PasswordPolicy, Style},
    plan::{Plan, Settings},
    report::{Summary, SummaryCause},
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

/// A ledger with ten planned rows, and the folder that contains the run folder.
fn ledger() -> (TempDir, Ledger) {
    let home = tempfile::tempdir().expect("a folder");
    let ledger = create(&home.path().join("run"), 10).expect("a ledger");
    (home, ledger)
}

fn fact(row: u64, event: Event) -> Fact {
    let nothing = String::new;
    Fact {
        row,
        doubt: Doubt::default(),
        event,
        cause: None,
        code: nothing(),
        message: nothing(),
        request_id: nothing(),
    }
}

/// One turn of the run, only with passwords.
fn turn(ledger: &mut Ledger, writes: Vec<Fact>, most: usize, now: i64) -> Result<Vec<Claimed>, LedgerError> {
    Ok(ledger.turn(&Facts { writes, ..Facts::default() }, most, now)?.writes)
}

fn again(not_before: i64) -> Event {
    Event::Again { not_before, maybe_written: true, trouble: true }
}

fn rows(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(|claimed| claimed.row).collect()
}

/// What the report shows for each row.
fn statuses(ledger: &Ledger) -> Vec<(String, u64, bool)> {
    let mut seen = Vec::new();
    let note = |row: passwave::ledger::ReportRow| {
        seen.push((row.status.as_str().to_owned(), row.attempts, row.password.is_some()));
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_row(note).expect("rows");
    seen
}

#[test]
fn due_rows_come_in_order() {
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
fn wrong_facts_change_nothing() {
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
fn planning_fingerprint_matches_the_ledger() {
    let (home, ledger) = ledger();
    drop(ledger);
    let ledger = Ledger::open_to_read(&home.path().join("run")).expect("a ledger");
    assert_eq!(ledger.fingerprint().expect("noted"), ledger.fingerprint_now().expect("computed again"));
    ledger.must_be_as_planned().expect("the plan");
}

#[test]
fn unsent_batches_are_no_attempts() {
    let (_home, mut ledger) = ledger();
    turn(&mut ledger, vec![], 1, 1).expect("a turn");
    turn(&mut ledger, vec![fact(1, Event::Unsent)], 0, 1).expect("a turn");
    assert_eq!(statuses(&ledger)[0], ("pending".into(), 0, true));
}

#[test]
fn in_flight_rows_return_in_doubt() {
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
fn candidate_passwords_are_kept() {
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
fn shows_only_possible_passwords() {
    let (_home, mut ledger) = ledger();
    let first = turn(&mut ledger, vec![], 5, 0).expect("a turn");
    let first = |row: usize| first[row - 1].password.expose().to_owned();
    let lost = Doubt { current: true, earlier: false };
    let replaced = |row, doubt| Fact { doubt, ..fact(row, Event::Replaced(Password::new(format!("Second-{row}")))) };
    let facts = vec![
        replaced(1, lost),
        replaced(2, Doubt::default()),
        fact(3, again(0)),
        fact(4, Event::Confirmed),
        replaced(5, lost),
    ];
    turn(&mut ledger, facts, 0, 1).expect("a turn");
    let shown = |ledger: &Ledger| {
        let mut shown = Vec::new();
        let note = |row: passwave::ledger::ReportRow| {
            let earlier: Vec<String> = row.earlier.iter().map(|password| password.expose().to_owned()).collect();
            let password = row.password.map(|password| password.expose().to_owned());
            shown.push((row.status.as_str().to_owned(), password, earlier, row.ambiguous));
            Ok::<_, LedgerError>(())
        };
        ledger.for_each_row(note).expect("rows");
        shown.truncate(5);
        shown
    };
    let row = |status: &str, password: &str, earlier: &[String], ambiguous| {
        (status.to_owned(), Some(password.to_owned()), earlier.to_vec(), ambiguous)
    };
    let settled = row("reset", &first(4), &[], false);
    let pending = [
        row("pending", "Second-1", &[first(1)], true),
        row("pending", "Second-2", &[], false),
        row("pending", &first(3), &[], false),
        settled.clone(),
        row("pending", "Second-5", &[first(5)], true),
    ];
    assert_eq!(shown(&ledger), pending);
    let claimed = turn(&mut ledger, vec![], 4, 2).expect("a turn");
    let doubt_of = |row| claimed.iter().find(|claimed| claimed.row == row).expect("claimed").doubt;
    let refused = |row| Fact { doubt: doubt_of(row), ..fact(row, Event::Refused) };
    let mut doubt = doubt_of(5);
    doubt.current = true;
    let facts = vec![refused(1), refused(2), refused(3), Fact { doubt, ..fact(5, Event::Refused) }];
    turn(&mut ledger, facts, 0, 3).expect("a turn");
    let ended = [
        row("in_doubt", &first(1), &[], false),
        ("failed".to_owned(), None, Vec::new(), false),
        row("in_doubt", &first(3), &[], false),
        settled,
        row("in_doubt", "Second-5", &[first(5)], true),
    ];
    assert_eq!(shown(&ledger), ended);
}

#[test]
fn rows_are_counted_by_state() {
    let counts = Counts {
        planned: 1,
        in_flight: 2,
        reset: 4,
        failed: 8,
        in_doubt: 16,
        skipped: 32,
        sessions_due: 64,
        sessions_in_flight: 128,
        ..Counts::default()
    };
    assert_eq!((counts.settled(), counts.pending(), counts.rows(), counts.sessions_pending()), (28, 3, 63, 192));
    assert!(!counts.is_finished() && Counts::default().is_finished());
    assert!(!Counts { planned: 1, sessions_due: 1, ..Counts::default() }.is_finished());
}

#[test]
fn pauses_come_in_order() {
    let (_home, mut ledger) = ledger();
    let moment = |at, hold| Pause { at, hold, millis: 7, throttled: 2 };
    ledger.add_pauses(&[moment(30, PauseReason::Away), moment(10, PauseReason::Asked)]).expect("written");
    assert_eq!(ledger.pauses().expect("readable"), [moment(10, PauseReason::Asked), moment(30, PauseReason::Away)]);
    turn(&mut ledger, vec![], 3, 0).expect("a turn");
    turn(&mut ledger, vec![fact(1, Event::Confirmed), fact(2, Event::Refused)], 0, 5).expect("a turn");
    turn(&mut ledger, vec![fact(3, Event::Confirmed)], 0, 9).expect("a turn");
    assert_eq!(ledger.endings().expect("readable"), [(5, 2), (9, 1)]);
}

#[test]
fn counts_follow_every_turn() {
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
fn sending_times_use_directory_clock() {
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
fn rows_and_groups_are_reported() {
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
    let group = |message: &str, number| (Status::Failed, "Request_BadRequest".into(), message.into(), number);
    assert_eq!(groups, [group("a guest", 2), group("synced", 1)], "one code hides more than one cause");
    let told = ledger.standings(&[3, 1, 5]).expect("rows");
    let told: Vec<_> =
        told.iter().map(|row| (row.row, row.line, row.user_principal_name.as_str(), row.attempts)).collect();
    assert_eq!(told, [(3, 4, "user3@contoso.com", 1), (1, 2, "user1@contoso.com", 1), (5, 6, "user5@contoso.com", 0)]);
    let mut failed = Vec::new();
    let note = |row: RowStatus| {
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
fn refusal_causes_are_stored() {
    let (_home, mut ledger) = ledger();
    turn(&mut ledger, vec![], 3, 1).expect("a turn");
    let refused = |row, code: &str, cause| Fact { code: code.into(), cause, ..fact(row, Event::Refused) };
    // These codes do not reveal the cause.
    let facts = vec![refused(1, "Unknown_1", Some(Cause::Permission)), refused(2, "Unknown_2", None)];
    turn(&mut ledger, facts, 0, 2).expect("a turn");
    let rows = ledger.standings(&[1, 2, 3]).expect("rows");
    assert_eq!(rows.iter().map(|row| row.cause).collect::<Vec<_>>(), [Some(Cause::Permission), None, None]);
    let groups = ledger.groups().expect("groups");
    let groups: Vec<_> = groups.iter().map(|group| (group.code.as_str(), group.cause)).collect();
    assert_eq!(groups, [("Unknown_1", Some(Cause::Permission)), ("Unknown_2", None)]);
    let summary = Summary::of(&ledger).expect("a summary");
    let advice: Vec<_> = summary.causes.iter().map(SummaryCause::advice).collect();
    assert_eq!(advice, [Some(Cause::Permission.advice()), Some(Cause::Other.advice())]);
    ledger.plan_again(&[1]).expect("planned again");
    assert_eq!(ledger.standings(&[1]).expect("a row")[0].cause, None, "it is not refused any more");
}

#[test]
fn widest_row_is_known() {
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

fn looked(row: u64, skip: Option<Skip>) -> Looked {
    Looked {
        row,
        kind: skip.map_or(Kind::Ready, Kind::Reason),
        skip: skip.map(|skip| (skip, "as the directory says".into())),
        object_id: Some(format!("id-{row}")),
        user_principal_name: Some(format!("user{row}@contoso.com")),
        password_changed_at: None,
    }
}

#[test]
fn lookup_results_are_kept() {
    let (_home, mut ledger) = ledger();
    assert_eq!((ledger.left_to_look_up().expect("a number"), ledger.lookup_has_ended().expect("a note")), (10, false));
    let mut found: Vec<Looked> = (1..=6).map(|row| looked(row, None)).collect();
    found.extend([7, 8].map(|row| looked(row, Some(Skip::Synced))));
    ledger.keep_looked(&found).expect("kept");
    assert_eq!((ledger.counts().planned, ledger.counts().skipped), (8, 2));
    assert_eq!(ledger.left_to_look_up().expect("a number"), 2);
    ledger.end_lookup(None).expect("an end");
    assert!(ledger.lookup_has_ended().expect("a note") && ledger.is_looked_up().expect("a note"));
    assert_eq!(ledger.not_looked_up_because().expect("a note"), None);
    let kind = |is_skipped, kind, number, rows: &[u64]| KindCount {
        is_skipped,
        kind,
        number,
        names: rows.iter().map(|row| format!("user{row}@contoso.com")).collect(),
    };
    let (ready, synced) = (Some(Kind::Ready), Some(Kind::Reason(Skip::Synced)));
    let kinds = [kind(false, ready, 6, &[1, 2, 3]), kind(false, None, 2, &[9, 10]), kind(true, synced, 2, &[7, 8])];
    assert_eq!(ledger.kinds().expect("kinds"), kinds);
}

#[test]
fn reason_without_lookup_is_kept() {
    let (_home, mut ledger) = ledger();
    ledger.end_lookup(Some("nobody may read here")).expect("an end");
    assert!(ledger.lookup_has_ended().expect("a note") && !ledger.is_looked_up().expect("a note"));
    assert_eq!(ledger.not_looked_up_because().expect("a note").as_deref(), Some("nobody may read here"));
}
