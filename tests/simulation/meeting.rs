//! Two runs of the same accounts that meet in one tenant: neither may say of a password that it is in force when the
//! other run has written a later one.

use crate::{afterwards::die, scenarios::config, watch::Cut, world::World};
use jiff::SignedDuration;
use passwave::{
    clock::Clock,
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, SendError, claims::Claims, simulator::Simulator},
    ledger::{FILE_NAME, LedgerError},
    verify::{VerifyEnd, verify},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    future::pending,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Two writes that are this far apart are told apart, whatever the second in which each falls: the directory tells a change
/// in whole seconds, a clock that was compared once is known within one, and the directory's servers may differ a little.
const TOLD_APART: Duration = Duration::from_millis(2_300);
/// What a tenant may do to both runs.
const WEATHER: [&str; 5] = [
    "{}",
    r#"{"latency_ms": 80, "latency_jitter_ms": 400}"#,
    r#"{"latency_ms": 300, "requests": {"lost_after": 0.3, "lost_before": 0.1, "truncated": 0.1}}"#,
    r#"{"latency_ms": 150, "items": {"timeout": 0.3, "applied": 0.6, "throttled": 0.1, "throttled_seconds": 3}}"#,
    r#"{"latency_ms": 50, "stall": {"share": 0.1, "seconds": 9}}"#,
];

/// The tenant as one run reaches it. It keeps when each row's password left last, and when that was confirmed.
struct Way<'a> {
    tenant: &'a Simulator,
    sent: RefCell<HashMap<u64, Instant>>,
    confirmed: RefCell<HashMap<u64, Instant>>,
}

impl<'a> Way<'a> {
    fn to(tenant: &'a Simulator) -> Self {
        Self { tenant, sent: RefCell::default(), confirmed: RefCell::default() }
    }
}

impl Graph for Way<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let writes = batch.requests.iter().filter(|request| matches!(request.operation, Operation::SetPassword(..)));
        let rows: Vec<u64> = writes.map(|request| request.row).collect();
        self.sent.borrow_mut().extend(rows.iter().map(|row| (*row, Instant::now())));
        let response = self.tenant.send(batch).await?;
        let done = response.replies.iter().filter(|reply| reply.status == 204).filter_map(|reply| reply.row);
        let done = done.filter(|row| rows.contains(row)).map(|row| (row, Instant::now()));
        self.confirmed.borrow_mut().extend(done);
        Ok(response)
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.tenant.claims().await
    }
}

/// A run of `rows` accounts in a tenant of its own, on a machine whose clock is `ahead` seconds ahead.
fn one(faults: &str, rows: usize, seed: u64, ahead: i64) -> World {
    let mut config = config(faults);
    config.seed = seed;
    // Clocks seldom begin at a full second.
    config.epoch = "2026-09-01T07:00:00.4Z".parse().expect("a time");
    let mut world = World::of(config, rows);
    world.options.pace.clock = Clock::at(world.epoch + SignedDuration::from_secs(ahead));
    world
}

/// Looks, and runs to the end.
async fn work(world: &World, way: &Way<'_>) {
    world.look(way, pending()).await.expect("a look");
    world.go(way, pending()).await.expect("an end");
}

/// Verifies in a process of its own, and tells the verdict on each row.
async fn verdicts(world: &World, tenant: &Simulator) -> BTreeMap<u64, String> {
    let mut ledger = world.ledger();
    let end = verify(&mut ledger, tenant, &world.options.pace, pending(), &mut |_| {}).await.expect("an end");
    assert_eq!(end, VerifyEnd::Finished);
    let mut verdicts = BTreeMap::new();
    let note = |row: passwave::ledger::Standing| {
        verdicts.extend(row.verdict.map(|verdict| (row.row, verdict)));
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_standing(None, note).expect("rows");
    verdicts
}

/// No row is confirmed that holds another password, unless that one was written at about the same second.
fn must_hold(world: &World, verdicts: &BTreeMap<u64, String>, own: &Way<'_>, other: &Way<'_>) -> Result<(), String> {
    for row in world.report() {
        let is_confirmed = verdicts.get(&row.row).is_some_and(|verdict| verdict == "confirmed");
        let account = &world.accounts[row.row as usize - 1];
        if !is_confirmed || own.tenant.holds(account, &row.password) {
            continue;
        }
        let (confirmed, sent) = (own.confirmed.borrow()[&row.row], other.sent.borrow()[&row.row]);
        let apart = sent.saturating_duration_since(confirmed);
        if apart >= TOLD_APART {
            return Err(format!("row {} is confirmed, and holds what was written {apart:?} later", row.row));
        }
    }
    Ok(())
}

/// Two runs that begin within some seconds of each other, on machines whose clocks differ; then each is verified, after
/// `spoil` had a hand in its ledger. Tells how many rows were seen to be changed since.
async fn meet(seed: u64, spoil: fn(&World)) -> Result<usize, String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let faults = WEATHER.choose(&mut rng).expect("one");
    let [first, second] = [0, 1].map(|nth| one(faults, 50, seed * 2 + nth, rng.random_range(-90..=90)));
    let (own, other) = (Way::to(&first.tenant), Way::to(&first.tenant));
    let lull = Duration::from_millis(rng.random_range(0..12_000));
    tokio::join!(work(&first, &own), async {
        sleep(lull).await;
        work(&second, &other).await;
    });
    sleep(Duration::from_secs(30)).await;
    [&first, &second].into_iter().for_each(spoil);
    let seen = [verdicts(&first, &first.tenant).await, verdicts(&second, &first.tenant).await];
    must_hold(&first, &seen[0], &own, &other)?;
    must_hold(&second, &seen[1], &other, &own)?;
    Ok(seen.iter().flat_map(BTreeMap::values).filter(|verdict| *verdict == "changed_since").count())
}

#[tokio::test(start_paused = true)]
async fn no_row_is_confirmed_that_holds_another_runs_password() {
    let mut changed = 0;
    for seed in 0..40 {
        changed += meet(seed, |_| {}).await.unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    }
    assert!(changed > 300, "{changed} rows were overwritten and seen to be");
}

#[tokio::test(start_paused = true)]
async fn a_tolerance_of_a_minute_is_caught() {
    let forget_the_clocks = |world: &World| {
        let ledger = rusqlite::Connection::open(world.folder().join(FILE_NAME)).expect("the ledger");
        assert_eq!(ledger.execute("DELETE FROM run WHERE name = 'clocks'", ()).expect("deleted"), 1);
    };
    let mut caught = 0;
    for seed in 0..20 {
        caught += usize::from(meet(seed, forget_the_clocks).await.is_err());
    }
    assert!(caught > 5, "{caught} of 20");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_comes_two_seconds_later_is_seen() {
    for ahead in [-90, 0, 90] {
        let [first, second] = [0, 1].map(|nth| one(r#"{"latency_ms": 60}"#, 200, nth, ahead * (1 - 2 * nth as i64)));
        let (own, other) = (Way::to(&first.tenant), Way::to(&first.tenant));
        work(&first, &own).await;
        sleep(TOLD_APART).await;
        work(&second, &other).await;
        let seen = verdicts(&first, &first.tenant).await;
        assert!(seen.len() == 200 && seen.values().all(|verdict| verdict == "changed_since"), "{ahead}: {seen:?}");
        let seen = verdicts(&second, &first.tenant).await;
        assert!(seen.len() == 200 && seen.values().all(|verdict| verdict == "confirmed"), "{ahead}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_else_changed_is_confirmed() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut sent_again = 0;
    for seed in 0..40 {
        let lag = *[0, 0, 40, 120].choose(&mut rng).expect("one");
        let faults = WEATHER.choose(&mut rng).expect("one");
        let rest = faults.strip_prefix('{').expect("an object");
        let comma = if rest.starts_with('}') { "" } else { ", " };
        let faults = format!(r#"{{"replication_lag_seconds": {lag}{comma}{rest}"#);
        let world = one(&faults, 50, seed, rng.random_range(-90..=90));
        let way = Way::to(&world.tenant);
        world.look(&way, pending()).await.expect("a look");
        sleep(Duration::from_secs(10)).await;
        world.go(&way, pending()).await.expect("an end");
        sleep(Duration::from_millis(rng.random_range(0..90_000))).await;
        let seen = verdicts(&world, &world.tenant).await;
        assert!(seen.values().all(|verdict| verdict == "confirmed"), "seed {seed}, {faults}: {seen:?}");
        sent_again += world.report().iter().filter(|row| row.attempts > 1).count();
    }
    assert!(sent_again > 100, "{sent_again}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_between_run_and_look_misleads_nobody() {
    for set in [-30 * 86_400, -90, 90, 2 * 86_400] {
        let mut world = one(r#"{"latency_ms": 60}"#, 50, 1, 0);
        work(&world, &Way::to(&world.tenant)).await;
        world.tenant.change_elsewhere(&world.accounts[6], "My-own-choice-1");
        sleep(Duration::from_secs(20)).await;
        world.tenant.change_elsewhere(&world.accounts[7], "My-own-choice-2");
        let now = world.options.pace.clock.now();
        world.options.pace.clock = Clock::at(now + SignedDuration::from_secs(set));
        let seen = verdicts(&world, &world.tenant).await;
        let changed: Vec<_> = seen.iter().filter(|(_, verdict)| *verdict != "confirmed").collect();
        assert_eq!(changed, [(&8, &"changed_since".to_owned())], "{set}");
    }
}

/// A process dies in the midst of its second batch, another run comes so much later, and then the first one goes on.
async fn overtaken(cut: Cut, later: Duration) -> (World, World) {
    let faults = r#"{"latency_ms": 100}"#;
    let [mut first, second] = [0, 1].map(|nth| one(faults, 60, nth, 0));
    first.look(&first.tenant, pending()).await.expect("a look");
    sleep(Duration::from_secs(5)).await;
    die(&mut first, cut).await;
    sleep(later).await;
    work(&second, &Way::to(&first.tenant)).await;
    first.run().await.expect("an end");
    (first, second)
}

#[tokio::test(start_paused = true)]
async fn what_another_run_wrote_is_not_taken_for_ours() {
    for later in [0, 1, 3, 8, 30, 110].map(Duration::from_secs) {
        for cut in [Cut::BeforeSending(2), Cut::BeforeAnswer(2)] {
            let (first, second) = overtaken(cut, later).await;
            let (report, others) = (first.report(), second.report());
            for (row, other) in report.iter().zip(&others).skip(20).take(20) {
                assert_eq!((row.status.as_str(), row.code.as_str()), ("in_doubt", "changed_since"), "{later:?}");
                assert!(first.tenant.holds(&first.accounts[row.row as usize - 1], &other.password), "left alone");
            }
            assert!(report[40..].iter().all(|row| row.status == "reset"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn passwords_that_were_set_moments_ago_are_told_before_the_run() {
    for (minutes, is_told) in [(1, true), (9, true), (11, false)] {
        let [first, second] = [0, 1].map(|nth| one("{}", 60, nth, 90 * nth as i64));
        sleep(Duration::from_secs(3_600)).await;
        work(&first, &Way::to(&first.tenant)).await;
        sleep(Duration::from_secs(minutes * 60)).await;
        let (_, warnings) = second.look(&first.tenant, pending()).await.expect("a look");
        let told = warnings.iter().any(|warning| warning.starts_with("60 accounts of this plan got a new password"));
        assert_eq!(told, is_told, "{minutes} minutes: {warnings:?}");
        let (_, warnings) = first.look(&first.tenant, pending()).await.expect("a look that was done before");
        assert!(warnings.is_empty(), "a run that goes on does not warn of itself: {warnings:?}");
    }
}
