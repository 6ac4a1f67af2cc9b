//! The pace: close to what the quota allows, with few refusals, never before its time.
//!
//! `PASSWAVE_FIGURES` names a file that the figures are written to.

use crate::{watch::Watch, world::World};
use passwave::{
    graph::simulator::{Faults, SimulatorConfig, faults::RetryAfterForm},
    quota::Quota,
    run::RunEnd,
};
use std::io::Write;

/// What a wave took.
struct Pace {
    /// Seconds from the first to the last write.
    seconds: f64,
    /// Answers 429, by accounts.
    refused: f64,
}

/// A wave of `n` accounts through a tenant that grants `quota`; the run believes in the documented one.
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
    // A date is read with the clock on the wall, which the simulated one does not follow.
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

/// Shortest time for `n` accounts, beginning with a full bucket.
fn least(quota: &str, n: usize) -> f64 {
    quota.parse::<Quota>().expect("a quota").least_time(n as u64).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn the_documented_quota_is_ridden() {
    // From one batch in flight upwards takes some round trips, which count where they are long.
    for (latency, most) in [(0, 1.05), (60, 1.05), (400, 1.05), (1_500, 1.3)] {
        let faults = format!(r#"{{"latency_ms": {latency}}}"#);
        let pace = wave(&format!("documented, {latency} ms"), 3_600, "3000/150s", &faults).await;
        assert!(pace.seconds <= most * 30.0, "{latency} ms: {:.1} s", pace.seconds);
        assert!(pace.refused < 0.01, "{latency} ms: {:.3}", pace.refused);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_the_burst_is_found_out() {
    for n in [600, 1_000, 3_600] {
        let pace = wave("a tenth", n, "300/15s", r#"{"latency_ms": 60}"#).await;
        let ratio = pace.seconds / least("300/15s", n);
        note(&format!("    ratio {ratio:.3}"));
        assert!(ratio <= 1.35, "{n}: {ratio:.3}");
        assert!(pace.refused < 0.4, "{n}: {:.3}", pace.refused);
    }
}

#[tokio::test(start_paused = true)]
async fn every_form_of_retry_after_leads_to_the_end() {
    for form in ["seconds", "absent", "one", "fraction", "date", "mixed"] {
        let faults = format!(r#"{{"latency_ms": 60, "retry_after": "{form}"}}"#);
        let pace = wave(&format!("Retry-After {form}"), 1_000, "300/15s", &faults).await;
        let ratio = pace.seconds / least("300/15s", 1_000);
        note(&format!("    ratio {ratio:.3}"));
        assert!(ratio <= 3.0 && pace.refused < 0.6, "{form}: {ratio:.2}, {:.2}", pace.refused);
    }
}

#[tokio::test(start_paused = true)]
async fn another_job_that_takes_half_is_lived_with() {
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
