//! Two runs of the same accounts in one tenant: neither may report a password as in force if the other run has written
//! a later one.

use crate::{afterwards::die, scenarios::config, watch::Cut, world::World};
use jiff::SignedDuration;
use passwave::{
    engine::verify::{VerifyEnd, verify},
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, SendError, claims::Claims},
    ledger::{FILE_NAME, LedgerError},
    simulator::Simulator,
    util::clock::Clock,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    future::pending,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Two writes that are this far apart can be told apart, wherever in a second each one falls. The directory reports
/// whole seconds, a clock that was compared once is known within one second, and the directory's servers may differ a
/// little.
const TOLD_APART: Duration = Duration::from_millis(2_300);
/// What a tenant may do to both runs.
const WEATHER: [&str; 5] = [
    "{}",
    r#"{"latency_ms": 80, "latency_jitter_ms": 400}"#,
    r#"{"latency_ms": 300, "requests": {"lost_after": 0.3, "lost_before": 0.1, "truncated": 0.1}}"#,
    r#"{"latency_ms": 150, "items": {"timeout": 0.3, "applied": 0.6, "throttled": 0.1, "throttled_seconds": 3}}"#,
    r#"{"latency_ms": 50, "stall": {"share": 0.1, "seconds": 9}}"#,
];

/// The tenant as one run reaches it. It records when each row's password was last sent, and when that was confirmed.
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

/// A run of `rows` accounts in its own tenant, on a machine whose clock is `ahead` seconds ahead.
pub fn one(faults: &str, rows: usize, seed: u64, ahead: i64) -> World {
    let mut config = config(faults);
    config.seed = seed;
    // Clocks rarely start at a full second.
    config.epoch = "2026-09-01T07:00:00.4Z".parse().expect("a time");
    let mut world = World::of(config, rows);
    world.options.pace.clock = Clock::at(world.epoch + SignedDuration::from_secs(ahead));
    world
}

/// Looks the accounts up, and runs to the end.
async fn work(world: &World, way: &Way<'_>) {
    world.look(way, pending()).await.expect("a look");
    world.go(way, pending()).await.expect("an end");
}

/// Verifies in another process, and returns the verdict on each row.
async fn verdicts(world: &World, tenant: &Simulator) -> BTreeMap<u64, String> {
    let mut ledger = world.ledger();
    let end = verify(&mut ledger, tenant, &world.options.pace, pending(), &mut |_| {}).await.expect("an end");
    assert_eq!(end, VerifyEnd::Finished);
    let mut verdicts = BTreeMap::new();
    let note = |row: passwave::ledger::RowStatus| {
        verdicts.extend(row.verdict.map(|verdict| (row.row, verdict.as_str().to_owned())));
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_standing(None, note).expect("rows");
    verdicts
}

/// Checks that no confirmed row has another password, unless both were written at about the same second.
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

/// Two runs that start within seconds of each other, on machines whose clocks differ. Then each is verified, after
/// `spoil` has changed its ledger. Returns how many rows were found to be changed since.
async fn meet(seed: u64, spoil: fn(&World)) -> Result<usize, String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let faults = WEATHER.choose(&mut rng).expect("one");
    let [first, second] = [0, 1].map(|nth| one(faults, 50, seed * 2 + nth, rng.random_range(-90..=90)));
    let (own, other) = (Way::to(&first.tenant), Way::to(&first.tenant));
    let gap = Duration::from_millis(rng.random_range(0..12_000));
    tokio::join!(work(&first, &own), async {
        sleep(gap).await;
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
async fn foreign_passwords_are_never_confirmed() {
    let mut changed = 0;
    for seed in 0..40 {
        changed += meet(seed, |_| {}).await.unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    }
    assert!(changed > 300, "{changed} rows were overwritten and seen to be");
}

#[tokio::test(start_paused = true)]
async fn one_minute_tolerance_is_caught() {
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
async fn close_runs_notice_each_other() {
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
async fn unchanged_accounts_are_confirmed() {
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
async fn clock_changes_mislead_nobody() {
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

/// A process dies during its second batch, another run starts later, and then the first run continues.
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
async fn other_runs_writes_are_not_ours() {
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
async fn recent_changes_are_reported() {
    for (minutes, is_told) in [(1, true), (9, true), (11, false)] {
        let [first, second] = [0, 1].map(|nth| one("{}", 60, nth, 90 * nth as i64));
        sleep(Duration::from_secs(3_600)).await;
        work(&first, &Way::to(&first.tenant)).await;
        sleep(Duration::from_secs(minutes * 60)).await;
        let (_, warnings) = second.look(&first.tenant, pending()).await.expect("a look");
        let told = warnings.iter().any(|warning| warning.starts_with("60 accounts of this plan got a new password"));
        assert_eq!(told, is_told, "{minutes} minutes: {warnings:?}");
        let (_, warnings) = first.look(&first.tenant, pending()).await.expect("a look that was done before");
        assert!(warnings.is_empty(), "a continued run does not warn about itself: {warnings:?}");
    }
}

/// A directory that does not report when passwords were set: it shows what an engine would conclude without those
/// times.
struct Timeless<'a>(&'a Simulator);

impl Graph for Timeless<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let mut response = self.0.send(batch).await?;
        response
            .replies
            .iter_mut()
            .filter_map(|reply| reply.user.as_mut())
            .for_each(|user| user.password_changed = None);
        Ok(response)
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.0.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.0.claims().await
    }
}

/// Whether a run that starts a minute after another one gets a warning, depending on what each sees in the directory.
async fn is_told_of_the_other(sees: impl AsyncFn(&World, &Simulator) -> Vec<String>) -> bool {
    let [first, second] = [0, 1].map(|nth| one("{}", 60, nth, 0));
    work(&first, &Way::to(&first.tenant)).await;
    sleep(Duration::from_secs(60)).await;
    let warnings = sees(&second, &first.tenant).await;
    warnings.iter().any(|warning| warning.contains("got a new password"))
}

#[tokio::test(start_paused = true)]
async fn ignoring_recent_changes_is_caught() {
    let honest = async |world: &World, tenant: &Simulator| world.look(tenant, pending()).await.expect("a look").1;
    let blind =
        async |world: &World, tenant: &Simulator| world.look(&Timeless(tenant), pending()).await.expect("a look").1;
    assert!(is_told_of_the_other(honest).await);
    assert!(!is_told_of_the_other(blind).await, "the check tells such an engine apart");
}
