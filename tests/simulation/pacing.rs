//! The pace: close to what the quota allows, with few refusals, and never too early.
//!
//! `PASSWAVE_FIGURES` names a file for the measured figures.

use crate::{checkers::Invariant, watch::Watch, world::World};
use passwave::{
    engine::{
        pace::Forecast,
        run::{self, RunEnd, RunEvent},
    },
    graph::{BatchRequest, BatchResponse, Graph, Page, Reply, SendError, claims::Claims, quota::Quota},
    simulator::{Faults, SimulatorConfig, faults::RetryAfterForm},
};
use std::io::Write;
use tokio::time::Instant;

/// The measurements of a wave.
struct Pace {
    /// Seconds from the first to the last write.
    seconds: f64,
    /// 429 answers, by account.
    refused: f64,
}

/// A wave of `n` accounts through a tenant that grants `quota`; the run expects the documented one.
async fn wave(name: &str, n: usize, quota: &str, faults: &str) -> Pace {
    let mut config = SimulatorConfig::new(quota.parse().expect("a quota"), 7);
    config.faults = Faults::from_json(faults.as_bytes()).expect("good faults");
    let is_dated = matches!(config.faults.retry_after, RetryAfterForm::Date | RetryAfterForm::Mixed);
    let world = World::of(config, n);
    let watch = Watch::new(&world.tenant, &world.folder());
    let end = world.go(&watch, std::future::pending()).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{name}: {end:?}");
    watch.verdict().expect("no retry before its time");
    world.check_ended();
    let tally = world.tenant.tally();
    assert_eq!((world.counts().reset, tally.writes), (n as u64, n as u64), "{name}");
    // A date is compared with the wall clock, which the simulated clock does not follow.
    assert!(tally.early == 0 || is_dated, "{name}: {} came too early", tally.early);
    let (first, last) = tally.first_write.zip(tally.last_write).expect("writes");
    let pace = Pace { seconds: (last - first).as_secs_f64(), refused: tally.throttled as f64 / n as f64 };
    note(&format!("{name}: n={n} {:.1} s, 429s {:.1} %", pace.seconds, pace.refused * 100.0));
    pace
}

pub fn note(figure: &str) {
    let Some(file) = std::env::var_os("PASSWAVE_FIGURES") else { return };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).expect("the file of figures");
    writeln!(file, "{figure}").expect("written");
}

/// The minimum time for `n` accounts, starting with a full bucket.
fn least(quota: &str, n: usize) -> f64 {
    quota.parse::<Quota>().expect("a quota").least_time(n as u64).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn documented_quota_is_used_up() {
    // The growth from one batch in flight takes some round trips, which matter if they are long.
    for (latency, most) in [(0, 1.05), (60, 1.05), (400, 1.05), (1_500, 1.3)] {
        let faults = format!(r#"{{"latency_ms": {latency}}}"#);
        let pace = wave(&format!("documented, {latency} ms"), 3_600, "3000/150s", &faults).await;
        assert!(pace.seconds <= most * 30.0, "{latency} ms: {:.1} s", pace.seconds);
        assert!(pace.refused < 0.01, "{latency} ms: {:.3}", pace.refused);
    }
}

#[tokio::test(start_paused = true)]
async fn finds_a_nearly_empty_bucket() {
    for n in [600, 1_000, 3_600] {
        let pace = wave("a tenth", n, "300/15s", r#"{"latency_ms": 60}"#).await;
        let ratio = pace.seconds / least("300/15s", n);
        note(&format!("    ratio {ratio:.3}"));
        assert!(ratio <= 1.35, "{n}: {ratio:.3}");
        assert!(pace.refused < 0.4, "{n}: {:.3}", pace.refused);
    }
}

#[tokio::test(start_paused = true)]
async fn handles_every_retry_after_form() {
    for form in ["seconds", "absent", "one", "fraction", "date", "mixed"] {
        let faults = format!(r#"{{"latency_ms": 60, "retry_after": "{form}"}}"#);
        let pace = wave(&format!("Retry-After {form}"), 1_000, "300/15s", &faults).await;
        let ratio = pace.seconds / least("300/15s", 1_000);
        note(&format!("    ratio {ratio:.3}"));
        assert!(ratio <= 3.0 && pace.refused < 0.6, "{form}: {ratio:.2}, {:.2}", pace.refused);
    }
}

#[tokio::test(start_paused = true)]
async fn adapts_to_a_competing_job() {
    for (name, n, quota, full, bound) in [
        ("half taken", 3_600, "3000/150s", 1.0, 60.0),
        ("half taken, empty", 600, "3000/150s", 0.0, 60.0),
        ("half taken, a tenth", 1_000, "300/15s", 1.0, 70.0),
    ] {
        let faults = format!(r#"{{"latency_ms": 60, "quota_full": {full}, "competing": {{"units_per_second": 10}}}}"#);
        let pace = wave(name, n, quota, &faults).await;
        note(&format!("    ratio {:.3} of {bound} s", pace.seconds / bound));
        assert!(pace.seconds <= 2.5 * bound, "{name}: {:.1} s for {bound} s", pace.seconds);
        assert!(pace.refused < 0.6, "{name}: {:.2}", pace.refused);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_bucket_costs_few_refusals() {
    for full in [0.0, 0.1, 0.5] {
        let faults = format!(r#"{{"latency_ms": 60, "quota_full": {full}}}"#);
        let pace = wave(&format!("{full} full"), 2_000, "3000/150s", &faults).await;
        let bound = (2_000.0 - 3_000.0 * full) / 20.0;
        note(&format!("    ratio {:.3}", pace.seconds / bound));
        assert!(pace.seconds <= 1.35 * bound && pace.refused < 0.4, "{full}: {:.1}, {:.2}", pace.seconds, pace.refused);
    }
}

/// A wave of 5,000 accounts by somebody who says that there is no quota: the seconds from the first to the last write, and
/// the share of the accounts that was refused.
async fn without_a_quota(name: &str, real: &str) -> (f64, f64) {
    let faults = Faults::from_json(br#"{"latency_ms": 80}"#).expect("good faults");
    let mut world = World::of(SimulatorConfig::new(real.parse().expect("a quota"), 7).with_faults(faults), 5_000);
    world.options.pace.write_quota = "1000000/1s".parse().expect("a quota");
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let tally = world.tenant.tally();
    let (first, last) = tally.first_write.zip(tally.last_write).expect("writes");
    let (seconds, refused) = ((last - first).as_secs_f64(), tally.throttled as f64 / 5_000.0);
    note(&format!("{name}: {seconds:.2} s, 429s {:.1} %", refused * 100.0));
    (seconds, refused)
}

#[tokio::test(start_paused = true)]
async fn without_a_quota_sixty_four_batches_are_in_flight() {
    let (seconds, refused) = without_a_quota("no quota, 5,000 accounts, 80 ms", "1000000/1s").await;
    // One batch, eight, and then all: 250 batches in six round trips.
    assert!(seconds <= 7.0 * 0.08 && refused == 0.0, "{seconds:.2} s, {refused}");
}

#[tokio::test(start_paused = true)]
async fn wrong_quota_costs_few_refusals() {
    let (seconds, refused) = without_a_quota("documented quota, said to be none", "3000/150s").await;
    assert!(seconds <= 2.1 * 100.0 && refused < 0.45, "{seconds:.1} s, {refused:.2}");
}

/// What a broken pace makes of the answers: it stands between the engine and the watch.
struct Misread<'a>(&'a Watch<'a>, fn(&mut Reply));

impl Graph for Misread<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let mut response = self.0.send(batch).await?;
        response.replies.iter_mut().filter(|reply| reply.status == 429).for_each(self.1);
        Ok(response)
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.0.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.0.claims().await
    }
}

/// The seconds that 4,600 accounts take if one in 500 is refused for `wait` seconds although the quota is not spent,
/// by a pace that misreads 429s like this; and the first rule that it broke.
async fn randomly_refused(wait: u32, misread: fn(&mut Reply)) -> (f64, Option<Invariant>) {
    let faults = format!(r#"{{"latency_ms": 60, "items": {{"throttled": 0.002, "throttled_seconds": {wait}}}}}"#);
    let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
    let world = World::of(SimulatorConfig::new(Quota::DOCUMENTED_WRITES, 7).with_faults(faults), 4_600);
    let watch = Watch::new(&world.tenant, &world.folder());
    let began = Instant::now();
    let end = world.go(&Misread(&watch, misread), std::future::pending()).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    world.check_ended();
    assert!(world.tenant.tally().throttled >= 4, "some were refused");
    (began.elapsed().as_secs_f64(), watch.verdict().err().map(|violation| violation.invariant))
}

#[tokio::test(start_paused = true)]
async fn single_429_holds_only_its_account() {
    let (seconds, broken) = randomly_refused(10, |_| {}).await;
    note(&format!("one in 500 refused at random: {:.3} of the bound", seconds / 80.0));
    assert!(seconds <= 1.1 * 80.0 && broken.is_none(), "{seconds:.1} s, {broken:?}");
}

#[tokio::test(start_paused = true)]
async fn broken_paces_are_caught() {
    let (seconds, _) = randomly_refused(10, |reply| reply.is_over_quota = true).await;
    assert!(seconds > 1.1 * 80.0, "all wait for each: {seconds:.1} s");
    // What was refused is sent again after everything else, so only a long wait is not over by then.
    let (_, broken) = randomly_refused(300, |reply| reply.retry_after = Some(std::time::Duration::ZERO)).await;
    assert_eq!(broken, Some(Invariant::Manners), "each comes back too early");
}

/// How far the foretold time of 6,000 accounts is from what comes, at half and at nine tenths of them.
async fn foretold(latency: u32, random: f64) -> [f64; 2] {
    let faults = format!(r#"{{"latency_ms": {latency}, "items": {{"throttled": {random}, "throttled_seconds": 1}}}}"#);
    let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
    let world = World::of(SimulatorConfig::new(Quota::DOCUMENTED_WRITES, 7).with_faults(faults), 6_000);
    let (began, mut foretold) = (Instant::now(), Vec::new());
    let mut forecast = Forecast::begin(Quota::DOCUMENTED_WRITES, 0);
    let mut tell = |event| {
        let RunEvent::Progress { counts, throttled, covered, latency } = event else { return };
        forecast.note(counts.settled(), throttled, covered, latency);
        if [3_000, 5_400].get(foretold.len()).is_some_and(|at| counts.settled() >= *at) {
            foretold.push(began.elapsed() + forecast.time_left(counts.pending()));
        }
    };
    let end = run::run(&mut world.ledger(), &world.tenant, &world.options, std::future::pending(), &mut tell).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    let came = began.elapsed().as_secs_f64();
    [foretold[0], foretold[1]].map(|time| time.as_secs_f64() / came)
}

#[tokio::test(start_paused = true)]
async fn foretold_time_is_what_comes() {
    for latency in [20, 300, 1_500] {
        for random in [0.0, 0.002, 0.01, 0.05] {
            let shares = foretold(latency, random).await;
            note(&format!("foretold at {latency} ms, {random} random: {shares:.3?} of what came"));
            assert!(shares.iter().all(|share| (0.97..=1.03).contains(share)), "{latency} ms, {random}: {shares:?}");
        }
    }
}
