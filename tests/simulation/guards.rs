//! Guard rails: a run that stops although it could continue, and continues later.

use crate::{scenarios::config, world::World};
use jiff::{SignedDuration, tz::TimeZone};
use passwave::{
    engine::run::{RunEnd, RunError},
    outcome::Cause,
    simulator::AccountKind,
};

#[tokio::test(start_paused = true)]
async fn pilot_touches_only_its_accounts() {
    for faults in ["{}", r#"{"items": {"throttled": 0.2}, "requests": {"lost_after": 0.2}}"#] {
        let mut world = World::of(config(faults), 300);
        world.options.pilot = Some(25);
        assert_eq!(world.run().await.expect("an end"), RunEnd::PilotEnded);
        let report = world.check().expect("the invariants");
        let reset = report.iter().filter(|row| row.status == "reset").map(|row| row.row);
        assert!(reset.eq(1..=25), "the first 25 and no others");
        assert_eq!(world.run().await.expect("an end"), RunEnd::PilotEnded);
        let report = world.check().expect("the invariants");
        let reset = report.iter().filter(|row| row.status == "reset").map(|row| row.row);
        assert!(reset.eq(1..=50), "a second pilot takes the next 25");
        world.options.pilot = None;
        assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
        world.check_ended();
    }
    let mut whole = World::of(config("{}"), 20);
    whole.options.pilot = Some(21);
    assert_eq!(whole.run().await.expect("an end"), RunEnd::Finished, "a pilot of all");
}

#[tokio::test(start_paused = true)]
async fn refused_pilot_says_why() {
    let mut world = World::of(config(r#"{"denied": "writes"}"#), 100);
    world.options.pilot = Some(5);
    let end = world.run().await;
    assert!(matches!(end, Err(RunError::Everyone { rows: 5, cause: Cause::Permission, .. })), "{end:?}");
    assert_eq!(world.counts().planned, 100);
}

#[tokio::test(start_paused = true)]
async fn failures_halt_the_run() {
    for (rule, most) in [("failed=3%", 260), ("failed=9", 260)] {
        let mut world = World::of(config(r#"{"latency_ms": 200}"#), 2_000);
        (1..=400).for_each(|nth| world.make(nth * 5, AccountKind::Synced));
        world.options.halt_on = vec![rule.parse().expect("a rule")];
        let end = world.run().await.expect("an end");
        assert!(matches!(end, RunEnd::Halted(_)), "{rule}: {end:?}");
        let counts = world.counts();
        assert!(counts.in_flight == 0 && counts.settled() <= most, "{rule}: {counts:?}");
        world.check().expect("the invariants");
        let before = counts.settled();
        assert!(matches!(world.run().await.expect("an end"), RunEnd::Halted(_)), "it continues, and halts again");
        assert!(world.counts().settled() > before);
        world.options.halt_on.clear();
        assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
        assert_eq!((world.counts().reset, world.counts().failed), (1_600, 400));
    }
}

#[tokio::test(start_paused = true)]
async fn halt_claims_nothing_more() {
    let mut world = World::of(config(r#"{"latency_ms": 200}"#), 200);
    (1..=200).for_each(|row| world.make(row, AccountKind::Synced));
    world.options.pace.concurrency = Some(1);
    world.options.halt_on = vec!["failed=20".parse().expect("a rule")];
    assert!(matches!(world.run().await.expect("an end"), RunEnd::Halted(_)));
    assert_eq!((world.tenant.tally().batches, world.counts().planned), (1, 180), "one batch, and no other");
}

#[tokio::test(start_paused = true)]
async fn halt_names_the_shared_cause() {
    let mut world = World::of(config(r#"{"denied": "writes"}"#), 200);
    world.options.halt_on = vec!["failed=10".parse().expect("a rule")];
    let end = world.run().await;
    assert!(matches!(end, Err(RunError::Everyone { cause: Cause::Permission, .. })), "{end:?}");
    assert_eq!(world.counts().planned, 200);
}

#[tokio::test(start_paused = true)]
async fn closed_window_sends_nothing() {
    let mut world = World::of(config(r#"{"latency_ms": 100}"#), 6_500);
    // The window opened an hour ago and closes in one to two minutes, because hours have no seconds. By then the burst
    // is over, and the 3,500 accounts beyond it need three minutes.
    let now = world.options.pace.clock.now().to_zoned(TimeZone::system());
    let (opened, closes) = (&now - SignedDuration::from_hours(1), &now + SignedDuration::from_secs(120));
    let window = format!("{}-{}", opened.strftime("%H:%M"), closes.strftime("%H:%M"));
    world.options.window = Some(window.parse().expect("hours"));
    assert_eq!(world.run().await.expect("an end"), RunEnd::WindowClosed, "{window}");
    let counts = world.counts();
    assert!(counts.in_flight == 0 && counts.reset >= 3_000 && counts.planned > 0, "{counts:?}");
    assert_eq!(world.run().await.expect("an end"), RunEnd::WindowClosed, "it is still closed");
    assert_eq!(world.counts(), counts);
    world.options.window = None;
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    world.check_ended();
}
