//! What a later check finds: rows in doubt after a crash, changes that are visible or not, and sessions that are
//! revoked.

use crate::{
    pacing::note,
    scenarios::{Bent, config},
    watch::{Cut, Watch},
    world::World,
};
use passwave::{
    engine::{
        run::{RunEnd, RunEvent, prepare, run},
        verify::{VerifyEnd, verify},
    },
    graph::{BatchRequest, BatchResponse, Operation, Reply},
    ledger::{Counts, LedgerError, RowStatus, Verdict},
    plan::{Lookup, Rules},
    report,
    simulator::Simulator,
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::{pending, ready},
    time::Duration,
};
use tokio::time::sleep;

/// A world in which a process was cut off at its second batch, and the number of writes to each account by then.
async fn cut_off(faults: &str, cut: Cut) -> World {
    let mut world = World::of(config(faults), 60);
    world.look(&world.tenant, pending()).await.expect("a look");
    sleep(Duration::from_secs(5)).await;
    die(&mut world, cut).await;
    world
}

/// A process starts, and is cut off.
pub async fn die(world: &mut World, cut: Cut) {
    world.options.pace.concurrency = Some(1);
    let mut watch = Watch::new(&world.tenant, &world.folder());
    watch.new_process(cut);
    tokio::select! {
        end = world.go(&watch, pending()) => panic!("it ended: {end:?}"),
        () = watch.reached.notified() => {}
    }
}

#[tokio::test(start_paused = true)]
async fn no_lookup_means_no_doubt_check() {
    let accounts = (1..=60).map(|n| format!("user{n}@contoso.com")).collect();
    let rules = Rules { lookup: Lookup::Off, ..Rules::default() };
    let mut world = World::with(config(r#"{"latency_ms": 100}"#), accounts, rules, &[]);
    die(&mut world, Cut::BeforeAnswer(2)).await;
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    let report = world.check_ended();
    assert_eq!(report.iter().filter(|row| row.status == "reset" && row.attempts == 2).count(), 20, "sent again");
    let tally = world.tenant.tally();
    assert_eq!((tally.reads, tally.other_calls), (0, 0), "nothing was read");
}

#[tokio::test(start_paused = true)]
async fn effective_writes_are_left_alone() {
    let world = cut_off(r#"{"latency_ms": 100}"#, Cut::BeforeAnswer(2)).await;
    let patches = world.tenant.tally().patches;
    let mut looked = Vec::new();
    let mut emit = |event| {
        if let RunEvent::DoubtsLookedAt { rows, settled } = event {
            looked.push((rows, settled));
        }
    };
    let end = run(&mut world.ledger(), &world.tenant, &world.options, pending(), &mut emit).await;
    assert_eq!((end.expect("an end"), looked), (RunEnd::Finished, vec![(20, 20)]));
    let report = world.check_ended();
    assert!(report.iter().all(|row| row.status == "reset"));
    assert_eq!((patches, world.tenant.tally().patches), (40, 60), "only what had not been sent is sent");
    assert!(report.iter().all(|row| row.attempts == 1));
}

#[tokio::test(start_paused = true)]
async fn doubt_check_can_run_first() {
    let world = cut_off(r#"{"latency_ms": 100}"#, Cut::BeforeAnswer(2)).await;
    let (mut ledger, mut looked) = (world.ledger(), 0);
    let mut emit = |event| looked += u64::from(matches!(event, RunEvent::DoubtsLookedAt { .. }));
    let end = prepare(&mut ledger, &world.tenant, &world.options, ready(()), &mut emit).await;
    assert_eq!((end.expect("an end"), looked), (Some(RunEnd::Interrupted), 0));
    let mut emit = |event| looked += u64::from(matches!(event, RunEvent::DoubtsLookedAt { .. }));
    let end = prepare(&mut ledger, &world.tenant, &world.options, pending(), &mut emit).await;
    assert_eq!((end.expect("an end"), looked, ledger.counts().reset), (None, 1, 40));
}

#[tokio::test(start_paused = true)]
async fn uncertain_rows_are_sent_again() {
    for (faults, cut) in [
        (r#"{"latency_ms": 100}"#, Cut::BeforeSending(2)),
        (r#"{"latency_ms": 100, "replication_lag_seconds": 600}"#, Cut::BeforeAnswer(2)),
    ] {
        let world = cut_off(faults, cut).await;
        assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
        let report = world.check_ended();
        assert!(report.iter().all(|row| row.status == "reset"), "{faults}");
        assert_eq!(report.iter().filter(|row| row.attempts == 2).count(), 20, "{faults}");
    }
}

#[tokio::test(start_paused = true)]
async fn users_own_change_is_kept() {
    let world = cut_off(r#"{"latency_ms": 100}"#, Cut::BeforeAnswer(2)).await;
    sleep(Duration::from_secs(600)).await;
    world.tenant.change_elsewhere(&world.accounts[25], "My-own-choice-1");
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    let report = world.report();
    assert!(world.tenant.holds(&world.accounts[25], "My-own-choice-1"));
    assert_eq!((report[25].status.as_str(), report[25].code.as_str()), ("in_doubt", "changed_since"));
    assert!(!report[25].password.is_empty(), "it may have been in force");
    assert_eq!(report.iter().filter(|row| row.status == "reset").count(), 59);
}

#[tokio::test(start_paused = true)]
async fn lone_change_is_not_ours() {
    let world = cut_off(r#"{"latency_ms": 100}"#, Cut::BeforeSending(2)).await;
    sleep(Duration::from_secs(30)).await;
    world.tenant.change_elsewhere(&world.accounts[25], "My-own-choice-1");
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    let report = world.report();
    assert!(world.tenant.holds(&world.accounts[25], "My-own-choice-1"), "left alone");
    assert_eq!((report[25].status.as_str(), report[25].code.as_str()), ("in_doubt", "changed_since"));
    assert_eq!(report.iter().filter(|row| row.status == "reset").count(), 59);
}

/// Verifies, and counts the verdicts.
async fn look_back(world: &World, tenant: &Simulator) -> (VerifyEnd, BTreeMap<String, u64>) {
    let mut ledger = world.ledger();
    let end = verify(&mut ledger, tenant, &world.options.pace, pending(), &mut |_| {}).await.expect("an end");
    let word = |(verdict, number): (Verdict, u64)| (verdict.as_str().to_owned(), number);
    (end, ledger.verdicts().expect("verdicts").into_iter().map(word).collect())
}

async fn verified(faults: &str, before: impl FnOnce(&World)) -> (World, BTreeMap<String, u64>) {
    let world = World::of(config(faults), 30);
    world.look(&world.tenant, pending()).await.expect("a look");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    sleep(Duration::from_secs(70)).await;
    before(&world);
    let (end, words) = look_back(&world, &world.tenant).await;
    assert_eq!(end, VerifyEnd::Finished);
    (world, words)
}

fn csv(world: &World) -> String {
    let mut bytes = Vec::new();
    report::print_csv(&world.ledger(), &mut bytes).expect("a report");
    String::from_utf8(bytes).expect("UTF-8")
}

/// How many rows have the time at which the directory showed the change.
fn verified_rows(world: &World) -> usize {
    let mut rows = 0;
    let note = |row: RowStatus| {
        rows += usize::from(row.verified_at.is_some());
        Ok::<_, LedgerError>(())
    };
    world.ledger().for_each_standing(None, note).expect("rows");
    rows
}

#[tokio::test(start_paused = true)]
async fn visible_changes_are_confirmed() {
    for lag in [0, 120] {
        let (world, words) = verified(&format!(r#"{{"replication_lag_seconds": {lag}}}"#), |_| {}).await;
        assert_eq!(words, BTreeMap::from([("confirmed".into(), 30)]), "lag {lag}");
        assert!(world.report().iter().all(|row| row.status == "reset" && row.code.is_empty()), "lag {lag}");
        assert!(csv(&world).contains("changed_at,verified_at,userPrincipalName"));
        assert_eq!(verified_rows(&world), 30, "lag {lag}");
    }
    let (world, words) = verified(r#"{"replication_lag_seconds": 4000}"#, |_| {}).await;
    assert_eq!(words, BTreeMap::from([("not_yet_visible".into(), 30)]));
    assert!(world.report().iter().all(|row| row.status == "reset" && row.code == "not_yet_visible"));
    assert_eq!(verified_rows(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn foreign_changes_are_reported() {
    let someone = |world: &World| world.tenant.change_elsewhere(&world.accounts[6], "My-own-choice-1");
    let (world, words) = verified("{}", someone).await;
    assert_eq!(words, BTreeMap::from([("changed_since".into(), 1), ("confirmed".into(), 29)]));
    assert_eq!((world.report()[6].status.as_str(), world.report()[6].code.as_str()), ("reset", "changed_since"));
}

#[tokio::test(start_paused = true)]
async fn verification_needs_read_permission() {
    let world = World::of(config(r#"{"denied": "reads"}"#), 30);
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    assert!(matches!(look_back(&world, &world.tenant).await, (VerifyEnd::Denied(_), words) if words.is_empty()));
    assert!(!csv(&World::of(config("{}"), 1)).contains("verified_at"), "the column comes with its flag");
}

/// Runs and revokes sessions, for at most this long.
async fn revoke(world: &World, most: Duration) -> Option<RunEnd> {
    let mut ledger = world.ledger();
    ledger.revoke_sessions().expect("a note");
    let mut emit = |_| {};
    let all = run(&mut ledger, &world.tenant, &world.options, pending(), &mut emit);
    tokio::select! {
        end = all => Some(end.expect("an end")),
        () = sleep(most) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_are_revoked_at_quota_pace() {
    let world = World::of(config(r#"{"latency_ms": 100}"#), 2_500);
    assert_eq!(revoke(&world, Duration::MAX).await, Some(RunEnd::Finished));
    let tally = world.tenant.tally();
    assert_eq!((tally.revocations, tally.throttled), (2_500, 0));
    assert!(world.accounts.iter().all(|account| world.tenant.sessions_revoked(account) == 1));
    assert!(world.strangers.iter().all(|account| world.tenant.sessions_revoked(account) == 0));
    let session = world.ledger().sessions().expect("sessions").pop().expect("one");
    assert_eq!((session.settled, session.revoked), (2_500, 2_500));
    let seconds = (session.last_write.expect("an answer") - session.first_write.expect("a batch")) as f64 / 1_000.0;
    let share = seconds / (2.0 * 2_500.0 - 3_000.0) * 20.0;
    note(&format!("2,500 resets with sessions revoked: {share:.3} of the bound"));
    assert!(share <= 1.05, "{share}");
    assert!(csv(&world).contains(",revoked,"));
}

#[tokio::test(start_paused = true)]
async fn forbidden_revocations_cost_little() {
    let world = World::of(config(r#"{"denied": "sessions", "latency_ms": 100}"#), 1_000);
    assert_eq!(revoke(&world, Duration::MAX).await, Some(RunEnd::Finished));
    assert!(world.check_ended().iter().all(|row| row.status == "reset"));
    let counts = world.counts();
    assert_eq!((counts.sessions_kept, counts.sessions_revoked), (1_000, 0));
    assert!(world.tenant.tally().other_calls < 400, "{:?}", world.tenant.tally());
    assert!(csv(&world).contains("failed: Authorization_RequestDenied"));
}

/// Runs and revokes sessions. `bend` gives the status and code for a row, depending on the number of session requests
/// so far. Returns how many requests each row had, and how all rows ended.
async fn revoke_bent(world: &World, bend: fn(u32, u64) -> Option<(u16, &'static str)>) -> (BTreeMap<u64, u32>, Counts) {
    let asked = RefCell::new(BTreeMap::new());
    let tenant = Bent(&world.tenant, |batch: &BatchRequest, response: &mut BatchResponse| {
        for request in batch.requests.iter().filter(|one| matches!(one.operation, Operation::RevokeSessions)) {
            let mut asked = asked.borrow_mut();
            *asked.entry(request.row).or_default() += 1;
            let reply = response.replies.iter_mut().find(|reply| reply.row == Some(request.row)).expect("a reply");
            if let Some((status, code)) = bend(asked.values().sum(), request.row) {
                *reply = Reply { row: reply.row, status, code: code.into(), ..Reply::default() };
            }
        }
    });
    let mut ledger = world.ledger();
    ledger.revoke_sessions().expect("a note");
    let end = run(&mut ledger, &tenant, &world.options, pending(), &mut |_| {}).await;
    assert_eq!(end.expect("an end"), RunEnd::Finished);
    (asked.take(), ledger.counts())
}

#[tokio::test(start_paused = true)]
async fn one_revocation_tries_all_others() {
    let world = World::of(config(r#"{"latency_ms": 100}"#), 200);
    let (asked, counts) = revoke_bent(&world, |calls, _| (calls > 20).then_some((403, ""))).await;
    assert_eq!((asked.len(), counts.sessions_revoked, counts.sessions_kept), (200, 20, 180));
    assert!(asked.values().all(|times| *times == 1));
}

#[tokio::test(start_paused = true)]
async fn failing_revocations_stop_after_ten() {
    let world = World::of(config(r#"{"latency_ms": 100}"#), 200);
    let trouble = |_, row| Some(if row == 1 { (504, "") } else { (409, "Directory_ConcurrencyViolation") });
    let (asked, counts) = revoke_bent(&world, trouble).await;
    assert_eq!((counts.reset, counts.sessions_kept), (200, 200));
    assert!(asked.values().all(|times| *times == 10), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn interrupted_revocations_continue() {
    let faults =
        r#"{"latency_ms": 300, "items": {"throttled": 0.1, "unavailable": 0.1}, "requests": {"lost_after": 0.1}}"#;
    for cut in [1, 2, 4, 7, 11] {
        let world = World::of(config(faults), 200);
        revoke(&world, Duration::from_secs(cut)).await;
        let end = revoke(&world, Duration::MAX).await;
        assert_eq!(end, Some(RunEnd::Finished), "cut after {cut} s");
        let report = world.check_ended();
        assert_eq!(world.counts().sessions_revoked, world.counts().reset, "cut after {cut} s");
        // A row in doubt is left alone: its user may have chosen a password.
        let reset = world.accounts.iter().zip(&report).filter(|(_, row)| row.status == "reset");
        assert!(reset.clone().count() > 190, "cut after {cut} s");
        assert!(reset.clone().all(|(account, _)| world.tenant.sessions_revoked(account) > 0), "cut after {cut} s");
    }
}
