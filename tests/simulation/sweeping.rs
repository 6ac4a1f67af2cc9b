//! Sweeps: who has chosen a password of their own since the reset.

use crate::{meeting::one, scenarios::config, world::World};
use passwave::{
    engine::{
        run::RunEnd,
        sign_ins::{SignIns, SignInsEnd, read_sign_ins},
        sweep::{SweepEnd, sweep},
    },
    ledger::{ClaimCounts, ClaimState},
    report::{self, Summary},
};
use std::{
    future::{pending, ready},
    time::Duration,
};
use tokio::time::{Instant, sleep};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const fn counts(yes: u64, no: u64, unread: u64) -> ClaimCounts {
    ClaimCounts { yes, no, unread }
}

/// A world in which everybody was reset a day ago.
async fn reset_yesterday(faults: &str, rows: usize) -> World {
    let world = World::of(config(faults), rows);
    world.look(&world.tenant, pending()).await.expect("a look");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    sleep(DAY).await;
    world
}

async fn swept(world: &World, age: Duration) -> SweepEnd {
    let mut ledger = world.ledger();
    sweep(&mut ledger, &world.tenant, &world.options.pace, age, pending(), &mut |_| {}).await.expect("an end")
}

fn choose(world: &World, rows: std::ops::Range<usize>) {
    rows.for_each(|row| world.tenant.change_elsewhere(&world.accounts[row], "My-own-choice-1"));
}

#[tokio::test(start_paused = true)]
async fn each_sweep_finds_who_has_chosen_since() {
    for faults in ["{}", r#"{"latency_ms": 80, "items": {"throttled": 0.01}}"#] {
        let world = reset_yesterday(faults, 60).await;
        assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(0, 60, 0)), "{faults}");
        choose(&world, 0..10);
        sleep(DAY).await;
        assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(10, 50, 0)), "{faults}");
        choose(&world, 10..60);
        let reads = world.tenant.tally().reads;
        assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(60, 0, 0)), "{faults}");
        assert!(world.tenant.tally().reads - reads < 60, "who has chosen is not asked about again");
        let ledger = world.reader();
        let yes: Vec<u64> = ledger.sweeps().expect("sweeps").iter().map(|sweep| sweep.claims.yes).collect();
        assert_eq!(yes, [0, 10, 60], "{faults}");
        let row = ledger.row(1).expect("readable").expect("a row");
        assert!(row.claimed == Some(ClaimState::Yes) && row.claimed_at.is_some());
        assert!(world.report().iter().all(|row| row.status == "reset"), "no result changes");
    }
}

#[tokio::test(start_paused = true)]
async fn report_and_summary_have_the_claims() {
    let world = reset_yesterday("{}", 3).await;
    let csv = |world: &World| {
        let mut bytes = Vec::new();
        report::print_csv(&world.reader(), &mut bytes).expect("a report");
        String::from_utf8(bytes).expect("UTF-8")
    };
    assert!(!csv(&world).contains("claimed"), "the columns come with the first sweep");
    assert_eq!(Summary::of(&world.reader()).expect("a summary").claimed, None);
    choose(&world, 1..2);
    swept(&world, Duration::ZERO).await;
    let text = csv(&world);
    assert!(text.lines().next().expect("a header").contains("changed_at,claimed,claimed_at,"), "{text}");
    let cells: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split(',').nth(9)).collect();
    assert_eq!(cells, ["no", "yes", "no"]);
    let summary = Summary::of(&world.reader()).expect("a summary");
    assert_eq!((summary.claimed, summary.sweeps.len()), (Some(counts(1, 2, 0)), 1));
}

#[tokio::test(start_paused = true)]
async fn junit_has_a_suite_for_own_passwords() {
    let world = reset_yesterday("{}", 3).await;
    let junit = |world: &World| {
        let mut bytes = Vec::new();
        report::print_junit(&world.reader(), &mut bytes).expect("a report");
        String::from_utf8(bytes).expect("UTF-8")
    };
    assert_eq!(junit(&world).matches("<testsuite ").count(), 1, "the suite comes with the first sweep");
    choose(&world, 1..2);
    swept(&world, Duration::ZERO).await;
    let text = junit(&world);
    assert!(text.contains("<testsuites name=\"passwave\" tests=\"6\" failures=\"2\" errors=\"0\""), "{text}");
    let (_, own) = text.split_once(": own passwords\"").expect("a second suite");
    assert!(own.contains("tests=\"3\" failures=\"2\" errors=\"0\""), "{own}");
    let failed: Vec<bool> = own.lines().skip(1).take(3).map(|case| case.contains("type=\"not_claimed\"")).collect();
    assert_eq!(failed, [true, false, true], "{own}");
}

/// Users may choose a password seconds after the reset. Whatever our clock shows, that is not taken for our own write,
/// and our own write is not taken for theirs.
#[tokio::test(start_paused = true)]
async fn clocks_may_be_far_apart() {
    for ahead in [-90, 0, 90] {
        let world = one(r#"{"latency_ms": 60}"#, 60, 1, ahead);
        world.look(&world.tenant, pending()).await.expect("a look");
        assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
        assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(0, 60, 0)), "{ahead}");
        sleep(Duration::from_secs(5)).await;
        choose(&world, 0..20);
        assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(20, 40, 0)), "{ahead}");
        let at = world.reader().row(1).expect("readable").expect("a row").claimed_at.expect("a time");
        let chosen = at - world.epoch.as_millisecond();
        assert!((0..60_000).contains(&chosen), "{ahead}: by the directory's clock, and not by ours: {chosen} ms");
    }
}

/// The directory does not say who changed a password. An administrator who does it before our reset changes nothing; one
/// who does it later counts as the user.
#[tokio::test(start_paused = true)]
async fn administrators_who_change_a_password_later_count_as_the_user() {
    let world = World::of(config("{}"), 3);
    world.look(&world.tenant, pending()).await.expect("a look");
    sleep(Duration::from_secs(10)).await;
    choose(&world, 0..1);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    sleep(Duration::from_secs(10)).await;
    world.tenant.change_elsewhere(&world.accounts[1], "Set-by-an-admin-1");
    assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(1, 2, 0)));
    let claimed = |row| world.reader().row(row).expect("readable").expect("a row").claimed;
    assert_eq!([1, 2, 3].map(claimed), [ClaimState::No, ClaimState::Yes, ClaimState::No].map(Some));
    // What was claimed once is not asked about again, so a second change shows nothing new.
    sleep(Duration::from_secs(10)).await;
    world.tenant.change_elsewhere(&world.accounts[1], "Set-by-an-admin-2");
    assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(1, 2, 0)));
}

async fn sign_ins(world: &World) -> SignInsEnd {
    read_sign_ins(&world.ledger(), &world.tenant, &world.options.pace, pending()).await.expect("an end")
}

/// 350 accounts and some strangers are 4 pages; ten pages a minute are allowed.
#[tokio::test(start_paused = true)]
async fn sign_ins_show_who_has_tried() {
    let world = World::of(config("{}"), 350);
    world.look(&world.tenant, pending()).await.expect("a look");
    world.tenant.sign_in_elsewhere(&world.accounts[0]);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    sleep(DAY).await;
    (1..31).for_each(|row| world.tenant.sign_in_elsewhere(&world.accounts[row]));
    choose(&world, 1..11);
    assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(10, 340, 0)));
    // The first has signed in before the reset only, and the ten who have chosen a password are not counted.
    let (expected, began) = (SignInsEnd::Read(SignIns { tried: 20, not_tried: 320 }), Instant::now());
    for _ in 0..5 {
        assert_eq!(sign_ins(&world).await, expected);
    }
    assert!(world.tenant.tally().throttled > 0, "a later process does not know what is spent, and waits as Graph asks");
    assert!(began.elapsed() < Duration::from_secs(150), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn long_lists_of_sign_ins_keep_to_the_limit() {
    let world = World::of(config("{}"), 2_500);
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    sleep(DAY).await;
    assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(0, 2_500, 0)));
    let (began, throttled) = (Instant::now(), world.tenant.tally().throttled);
    assert_eq!(sign_ins(&world).await, SignInsEnd::Read(SignIns { tried: 0, not_tried: 2_500 }));
    assert_eq!(world.tenant.tally().throttled, throttled, "no page is refused");
    // 25 pages or one more, and ten of them at once.
    assert!((90.0..103.0).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn sign_ins_are_left_out_without_licence_or_permission() {
    for (faults, expected) in [(r#"{"premium": false}"#, "no licence"), (r#"{"denied": "audit_log"}"#, "HTTP 403 ")] {
        let world = reset_yesterday(faults, 3).await;
        assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(0, 3, 0)));
        let told = match sign_ins(&world).await {
            SignInsEnd::NoLicence => "no licence".to_owned(),
            SignInsEnd::Denied(said) => said,
            other => panic!("{other:?}"),
        };
        assert!(told.starts_with(expected), "{faults}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn recent_resets_are_not_asked_about() {
    let world = reset_yesterday("{}", 30).await;
    assert_eq!(swept(&world, 2 * DAY).await, SweepEnd::Finished(counts(0, 0, 0)));
    sleep(DAY).await;
    assert_eq!(swept(&world, 2 * DAY).await, SweepEnd::Finished(counts(0, 30, 0)));
}

#[tokio::test(start_paused = true)]
async fn sweep_says_what_it_cannot_read() {
    let world = World::of(config(r#"{"denied": "reads"}"#), 30);
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    assert!(matches!(swept(&world, Duration::ZERO).await, SweepEnd::Denied(_)));
    assert!(!world.reader().is_swept().expect("readable"), "a sweep that failed counts for nothing");
}

#[tokio::test(start_paused = true)]
async fn stopped_sweep_keeps_what_it_found() {
    let world = reset_yesterday("{}", 30).await;
    let (mut ledger, pace) = (world.ledger(), &world.options.pace);
    let end = sweep(&mut ledger, &world.tenant, pace, Duration::ZERO, ready(()), &mut |_| {}).await;
    assert_eq!(end.expect("an end"), SweepEnd::Interrupted);
    drop(ledger);
    assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(0, 30, 0)));
}

/// A full bucket has 8,000 resource units and gets 800 a second, and each read costs one.
#[tokio::test(start_paused = true)]
async fn sweep_runs_at_the_read_quota() {
    let world = reset_yesterday(r#"{"latency_ms": 10}"#, 10_000).await;
    let begun = Instant::now();
    assert_eq!(swept(&world, Duration::ZERO).await, SweepEnd::Finished(counts(0, 10_000, 0)));
    let share = begun.elapsed().as_secs_f64() / (2_000.0 / 800.0);
    assert!(share < 1.05, "{share}");
}
