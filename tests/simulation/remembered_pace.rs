//! A process that is killed leaves its pace to the next one.

use crate::{
    pacing::note,
    watch::{Cut, Watch},
    world::World,
};
use passwave::{
    engine::run::RunEnd,
    graph::quota::Quota,
    ledger::{FILE_NAME, Facts, OnHold, SignedInAs},
    report::Summary,
    simulator::{Faults, SimulatorConfig},
};
use rusqlite::Connection;
use std::{future::pending, time::Duration};
use tokio::time::sleep;

const FORGET: &str = "DELETE FROM run WHERE name LIKE 'pace_of_%'";

/// What came of a killed run.
struct Continued {
    world: World,
    /// From the first to the last write, in seconds.
    seconds: f64,
    /// 429 answers to the second process.
    refused: u64,
}

/// A run of `n` accounts is killed when `at` of them were written; then `edit` changes its ledger, and the next process
/// ends the run.
async fn killed_at(n: usize, at: u64, real: &str, edit: &str) -> Continued {
    let faults = Faults::from_json(br#"{"latency_ms": 60}"#).expect("good faults");
    let world = World::of(SimulatorConfig::new(real.parse().expect("a quota"), 7).with_faults(faults), n);
    let mut watch = Watch::new(&world.tenant, &world.folder());
    let killed = async {
        while world.tenant.tally().writes < at {
            sleep(Duration::from_millis(7)).await;
        }
    };
    tokio::select! { end = world.go(&watch, pending()) => panic!("it ended: {end:?}"), () = killed => {} }
    let before = world.tenant.tally().throttled;
    Connection::open(world.folder().join(FILE_NAME)).expect("a ledger").execute_batch(edit).expect("an edit");
    watch.new_process(Cut::Never);
    let end = world.go(&watch, pending()).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    world.check_ended();
    let tally = world.tenant.tally();
    let (first, last) = tally.first_write.zip(tally.last_write).expect("writes");
    let (seconds, refused) = ((last - first).as_secs_f64(), tally.throttled - before);
    note(&format!("{n} accounts, killed at {at}, {real}: {seconds:.1} s, {refused} refused by the second process"));
    if edit.is_empty() {
        watch.verdict().expect("no request before its time");
        assert_eq!(tally.early, 0, "the tenant saw none, either");
    }
    drop(watch);
    Continued { world, seconds, refused }
}

#[tokio::test(start_paused = true)]
async fn level_of_the_bucket_survives_a_kill() {
    let Continued { seconds, refused, .. } = killed_at(4_000, 2_080, "3000/150s", "").await;
    assert!(seconds <= 1.1 * 50.0 && refused == 0, "{seconds:.1} s, {refused} refused");
}

#[tokio::test(start_paused = true)]
async fn smaller_quota_survives_a_kill() {
    let Continued { seconds, refused, .. } = killed_at(1_200, 800, "300/60s", "").await;
    let bound = "300/60s".parse::<Quota>().expect("a quota").least_time(1_200).as_secs_f64();
    assert!(seconds <= 1.15 * bound && refused <= 40, "{seconds:.1} s of {bound:.1} s, {refused} refused");
}

#[tokio::test(start_paused = true)]
async fn forgetting_the_pace_is_caught() {
    let Continued { refused, .. } = killed_at(4_000, 2_080, "3000/150s", FORGET).await;
    assert!(refused > 0, "it took the bucket for full");
}

#[tokio::test(start_paused = true)]
async fn odd_values_slow_a_run_within_bounds() {
    let kept = |at: &str, millis: &str, price: &str| {
        let value = format!(
            r#"{{"at":{at},"quota":"3000/150s","until_full":{{"writes":{millis}}},"price":{price},"tenant":null,"application":null}}"#
        );
        format!("INSERT OR REPLACE INTO run VALUES ('pace_of_writes', '{value}')")
    };
    for (edit, most) in [
        (kept("9223372036854775807", "18446744073709551615", "16"), 3_610.0 + 150.0),
        (kept("-9223372036854775808", "18446744073709551615", "16"), 60.0),
        (kept("0", "60000000", "4294967295"), 60.0),
        (kept("9223372036854775807", "0", "4294967295"), 1_500.0),
        (kept("9223372036854775807", "0", "0"), 60.0),
        (kept("soon", "0", "0"), 60.0),
        ("INSERT OR REPLACE INTO run VALUES ('pace_of_writes', '[1, 2]')".into(), 60.0),
    ] {
        let Continued { seconds, .. } = killed_at(400, 200, "3000/150s", &edit).await;
        assert!(seconds <= most, "{edit}: {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_application_has_its_own_pace() {
    let world = killed_at(3_100, 3_050, "3000/150s", "").await.world;
    let ledger = world.ledger();
    let now = world.options.pace.clock.millis();
    let kept = ledger.kept_pace(OnHold::Writes, now).expect("readable").expect("a pace");
    assert!(kept.until_full["writes"] > 140_000, "{kept:?}");
    let later = ledger.kept_pace(OnHold::Writes, now + 140_000).expect("readable").expect("a pace");
    assert!(later.until_full["writes"] < 15_000, "{later:?}");
    for (tenant, application) in [("other", "a"), ("t", "other")] {
        let signed_in =
            SignedInAs { tenant_id: Some(tenant.into()), client_id: Some(application.into()), ..SignedInAs::default() };
        ledger.set_signed_in(&signed_in).expect("noted");
        assert_eq!(ledger.kept_pace(OnHold::Writes, now).expect("readable"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn longest_hold_is_kept_with_the_rows() {
    let world = World::of(SimulatorConfig::default(), 3);
    let mut ledger = world.ledger();
    let left = |ledger: &passwave::ledger::Ledger| ledger.hold_left(OnHold::Writes, 1_000).expect("readable").as_secs();
    ledger.keep_hold(OnHold::Writes, (0, 61_000)).expect("staged");
    ledger.keep_hold(OnHold::Writes, (1_000, 11_000)).expect("staged");
    assert_eq!(left(&ledger), 0, "nothing is written before the rows");
    ledger.turn(&Facts::default(), 1, 1_000).expect("a turn");
    assert_eq!(left(&ledger), 60);
    ledger.keep_hold(OnHold::Writes, (2_000, 12_000)).expect("staged");
    ledger.turn(&Facts::default(), 1, 2_000).expect("a turn");
    assert_eq!(left(&ledger), 60, "a shorter one ends nothing");
    // The two rows that a cut leaves in flight may have been refused, too.
    drop(ledger);
    let after = world.ledger().hold_left_after_cut(1_000, Duration::from_secs(2)).expect("readable");
    assert_eq!(after.as_secs(), 64);
    let just_over = world.ledger().hold_left_after_cut(61_500, Duration::from_secs(2)).expect("readable");
    assert_eq!(just_over, Duration::ZERO, "nothing is in flight any more");
}

/// Killed at any moment after the first wait, the next process comes to no account too early.
#[tokio::test(start_paused = true)]
async fn next_process_keeps_every_wait() {
    for later in 0..12 {
        let faults = br#"{"latency_ms": 300, "quota_full": 0.05}"#;
        let config = SimulatorConfig::new(Quota::DOCUMENTED_WRITES, 7);
        let world = World::of(config.with_faults(Faults::from_json(faults).expect("good faults")), 400);
        let killed = async {
            while world.tenant.tally().throttled == 0 {
                sleep(Duration::from_millis(10)).await;
            }
            sleep(Duration::from_millis(320 + later * 170)).await;
        };
        tokio::select! { end = world.run() => panic!("it ended: {end:?}"), () = killed => {} }
        assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
        assert_eq!(world.tenant.tally().early, 0, "killed {later} steps later");
    }
}

/// Two runs in a tenant, one after the other.
struct Two {
    second: World,
    /// From the first to the last write, in seconds.
    seconds: f64,
    refused: u64,
}

/// 2,800 accounts, and then 1,200 in a run that may know what the first left.
async fn one_after_the_other(knows: bool) -> Two {
    let faults = Faults::from_json(br#"{"latency_ms": 60}"#).expect("good faults");
    let config = SimulatorConfig::new(Quota::DOCUMENTED_WRITES, 7);
    let first = World::of(config.with_faults(faults), 2_800);
    assert_eq!(first.run().await.expect("an end"), RunEnd::Finished);
    let mut second = World::of(SimulatorConfig::default(), 1_200);
    let now = second.options.pace.clock.millis();
    let left = first
        .ledger()
        .pace_for_another(&second.ledger().signed_in().expect("readable"), now)
        .expect("readable")
        .expect("a pace");
    if knows {
        second.options.left_by_others.push(left);
    }
    let end = second.go(&first.tenant, pending()).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    let tally = first.tenant.tally();
    let (from, to) = tally.first_write.zip(tally.last_write).expect("writes");
    assert_eq!(tally.early, 0);
    Two { seconds: (to - from).as_secs_f64(), refused: tally.throttled, second }
}

#[tokio::test(start_paused = true)]
async fn another_run_takes_up_what_is_spent() {
    let Two { second, seconds, refused } = one_after_the_other(true).await;
    note(&format!("2,800 and 1,200 accounts in two runs: {seconds:.1} s of 50 s, {refused} refused"));
    assert!(seconds <= 1.1 * 50.0 && refused == 0, "{seconds:.1} s, {refused} refused");
    // 200 were left, and its report compares with that.
    let ledger = second.ledger();
    let left = ledger.times().expect("readable").processes[0].left.expect("known");
    assert!((150..=230).contains(&left), "{left}");
    let possible = Summary::of(&ledger).expect("a summary").possible_seconds.expect("more than was left");
    assert!((48.0..=53.0).contains(&possible), "{possible}");
    let Two { second, refused, .. } = one_after_the_other(false).await;
    assert!(refused > 0, "it took the bucket for full");
    assert_eq!(second.ledger().times().expect("readable").processes[0].left, None);
}
