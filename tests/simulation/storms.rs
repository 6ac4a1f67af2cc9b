//! Hundreds of runs, each with its own roster, tenant, faults and cuts; after every cut and at the end all must hold.

use crate::{
    watch::{Cut, Watch},
    world::World,
};
use passwave::{
    graph::simulator::{AccountKind, Faults, SimulatorConfig, faults},
    quota::Quota,
    run::{RunEnd, RunError},
    traffic::{Pace, TrafficError},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{ops::Range, time::Duration};
use tokio::time::sleep;

/// Processes after which a run that has not ended never will.
const PROCESSES_MAX: usize = 60;
/// Virtual time after which a process hangs.
const PROCESS_TIME_MAX: Duration = Duration::from_secs(3 * 86_400);

#[tokio::test(start_paused = true)]
async fn storms_lose_nothing() {
    for seed in seeds(0..150) {
        let mut rng = StdRng::seed_from_u64(seed);
        survive(seed, Faults::storm(), &mut rng).await;
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_nothing_is_lost() {
    for seed in seeds(1_000..1_150) {
        let mut rng = StdRng::seed_from_u64(seed);
        let faults = misfortune(&mut rng);
        survive(seed, faults, &mut rng).await;
    }
}

/// Which seeds to go through.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    match (number("PASSWAVE_SEED"), number("PASSWAVE_SEEDS")) {
        (Some(seed), _) if usual.start / 1_000 == seed / 1_000 => seed..seed + 1,
        (Some(_), _) => 0..0,
        (_, Some(number)) => usual.start..usual.start + number.min(1_000),
        _ => usual,
    }
}

/// One run from its plan to its end, with everything checked on the way.
async fn survive(seed: u64, faults: Faults, rng: &mut StdRng) {
    let told = format!("seed {seed} (PASSWAVE_SEED={seed} cargo test --test simulation), faults {faults:?}");
    let world = world(seed, faults, rng);
    if rng.random() {
        // In a storm it may end early; the run then goes by the names that were not looked up.
        let _ = world.look(&world.tenant, std::future::pending()).await;
    }
    if rng.random_ratio(1, 3) {
        world.ledger().revoke_sessions().expect("a note");
    }
    let mut watch = Watch::new(&world.tenant, &world.folder());
    let mut cuts = rng.random_range(0..6_u32);
    let mut last = String::new();
    for process in 0.. {
        assert!(process < PROCESSES_MAX, "{told}: it never ends: {last}");
        cuts = cuts.saturating_sub(1);
        let end = process_of(&world, &mut watch, cuts > 0, rng).await;
        watch.verdict().and_then(|()| world.check().map(drop)).unwrap_or_else(|fault| panic!("{told}: {fault}"));
        match end {
            Some(Ok(RunEnd::Finished)) => break,
            Some(Ok(end @ (RunEnd::PilotEnded | RunEnd::Halted(_) | RunEnd::WindowClosed))) => {
                panic!("{told}: nobody asked for {end:?}")
            }
            Some(Ok(RunEnd::Interrupted)) => {
                assert_eq!(world.counts().in_flight, 0, "{told}: an orderly end leaves nothing in flight");
            }
            Some(Err(
                error
                @ (RunError::Ledger(_) | RunError::Password(_) | RunError::Traffic(TrafficError::BatchRefused(_))),
            )) => {
                panic!("{told}: {error}")
            }
            Some(Err(error)) => {
                last = error.to_string();
                // The trouble lasted longer than the process would wait for.
                sleep(Duration::from_secs(60)).await;
            }
            None => {}
        }
    }
    world.check_ended();
    assert_eq!(world.tenant.tally().in_flight, 0, "{told}");
}

/// One process, which ends by itself, is asked to stop, or is cut off (then there is no result).
async fn process_of(
    world: &World,
    watch: &mut Watch<'_>,
    cut: bool,
    rng: &mut StdRng,
) -> Option<Result<RunEnd, RunError>> {
    let batch = rng.random_range(1..12);
    let moment = Duration::from_millis(rng.random_range(0..40_000));
    let kind = if cut { rng.random_range(0..4) } else { 4 };
    watch.new_process(match kind {
        0 => Cut::BeforeSending(batch),
        1 => Cut::BeforeAnswer(batch),
        _ => Cut::Never,
    });
    let lull = if rng.random() { Duration::ZERO } else { moment / 10 };
    let the_end = async {
        match kind {
            0 | 1 => {
                watch.reached.notified().await;
                sleep(lull).await;
            }
            2 => sleep(moment).await,
            _ => sleep(PROCESS_TIME_MAX).await,
        }
    };
    let stop = async {
        match kind {
            3 => sleep(moment).await,
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        end = world.go(watch, stop) => Some(end),
        () = the_end => {
            assert!(kind < 3, "a process hangs");
            None
        }
    }
}

fn world(seed: u64, faults: Faults, rng: &mut StdRng) -> World {
    let quota = |text: &str| text.parse::<Quota>().expect("a quota");
    let of_tenant = [Quota::DOCUMENTED_WRITES, quota("40/20s"), quota("100/10s"), quota("300/15s")];
    let mut config = SimulatorConfig::new(of_tenant[rng.random_range(0..of_tenant.len())], seed);
    config.faults = faults;
    if rng.random_ratio(1, 4) {
        config.resource_units = quota("30/10s");
    }
    let mut world = World::new(config, roster(rng));
    world.options.pace = Pace {
        write_quota: if rng.random() { Quota::DOCUMENTED_WRITES } else { quota("60/10s") },
        concurrency: Some(rng.random_range(1..20)),
        batch_size: if rng.random() { 20 } else { rng.random_range(1..=20) },
        ..world.options.pace
    };
    // The first is ordinary: where everybody is an administrator, it cannot be told whose fault the refusals are.
    for row in 2..=world.accounts.len() {
        let kinds = [AccountKind::Admin, AccountKind::Synced, AccountKind::Guest, AccountKind::Missing];
        if rng.random_ratio(1, 20) {
            world.make(row, kinds[rng.random_range(0..kinds.len())]);
        }
    }
    world
}

/// Ordinary names, names that need care, object ids, rows that are wrong, and the same account again.
fn roster(rng: &mut StdRng) -> Vec<String> {
    let rows = rng.random_range(1..160);
    let mut roster: Vec<String> = Vec::with_capacity(rows);
    for n in 0..rows {
        let again = roster.get(rng.random_range(0..n.max(1))).map(|name| name.to_ascii_uppercase());
        roster.push(match rng.random_range(0..24) {
            0 => format!("o'brien{n}@contoso.com"),
            1 => format!("guest{n}_fabrikam.com#EXT#@contoso.onmicrosoft.com"),
            2 => format!("a%41+b{n}^~!@contoso.com"),
            3 => format!("${n}'s@contoso.com"),
            4 => format!("0b8f2a6e-3c1d-4e5f-8a9b-{n:012x}"),
            5 => format!("not an account {n}"),
            6 if n > 0 => again.unwrap_or_default(),
            _ => format!("user{n}@contoso.com"),
        });
    }
    // The roster must be one.
    roster[0] = "user0000@contoso.com".into();
    roster
}

/// Some kinds of trouble at a time, each as strong as chance has it.
fn misfortune(rng: &mut StdRng) -> Faults {
    let mut share = |most: f64| if rng.random_ratio(1, 3) { rng.random_range(0.0..most) } else { 0.0 };
    let mut faults = Faults {
        quota_full: 1.0 - share(1.0),
        items: faults::ItemFaults {
            throttled: share(0.2),
            throttled_seconds: share(30.0),
            unavailable: share(0.3),
            timeout: share(0.2),
            applied: share(1.0),
            conflict: share(0.15),
            conflict_as_bad_request: share(0.15),
        },
        requests: faults::RequestFaults {
            throttled: share(0.1),
            retry_after_seconds: share(60.0),
            unavailable: share(0.1),
            timeout: share(0.1),
            bad_gateway: share(0.1),
            applied: share(1.0),
            lost_before: share(0.2),
            lost_after: share(0.3),
            truncated: share(0.1),
        },
        responses: faults::ResponseFaults { missing: share(0.5), repeated: share(0.5), unknown: share(1.0) },
        stall: faults::Stall { share: share(0.2), seconds: share(60.0) },
        complexity: faults::Complexity { share: share(1.0), times: 1 },
        ..Faults::calm()
    };
    faults.latency_ms = rng.random_range(0..500);
    faults.latency_jitter_ms = rng.random_range(0..1_000);
    faults.complexity.times = rng.random_range(1..5);
    faults.token.revoked_after_requests = if rng.random() { 0 } else { rng.random_range(2..20) };
    faults.token.seconds = if rng.random() { 3_599 } else { rng.random_range(1..60) };
    if rng.random() {
        let window = |from_seconds, seconds| faults::Window { from_seconds, seconds };
        faults.outages = vec![window(rng.random_range(0.0..30.0), rng.random_range(0.1..1_500.0))];
    }
    if rng.random_ratio(1, 4) {
        let units_per_second = rng.random_range(0.5..30.0);
        faults.competing = faults::Competing { units_per_second, from_seconds: 0.0, seconds: Some(300.0) };
    }
    use faults::{HeaderCase, RetryAfterForm};
    faults.retry_after = if rng.random() { RetryAfterForm::Mixed } else { RetryAfterForm::Absent };
    faults.header_case = HeaderCase::Mixed;
    faults
}
