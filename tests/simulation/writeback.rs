//! Passwords that go to an on-premises directory: sent one by one, followed, and never sent again once they may have been
//! accepted.

use crate::world::World;
use passwave::{
    engine::run::{RunEnd, RunOptions},
    ledger::Ledger,
    outcome::Method,
    plan::{Lookup, Rules},
    simulator::{Faults, SimulatorConfig},
};
use std::time::Duration;
use tokio::time::Instant;

const HYBRID: Rules = Rules { lookup: Lookup::Required, include_synced: false, include_admins: false, writeback: true };

/// A tenant with these faults, and a roster of this many accounts.
async fn hybrid(rows: usize, faults: &str) -> World {
    let faults = Faults::from_json(faults.as_bytes()).expect("faults");
    let config = SimulatorConfig::default().with_faults(faults);
    let world = World::with(config, (1..=rows).map(|n| format!("user{n}@contoso.com")).collect(), HYBRID, &[]);
    world.look(&world.tenant, std::future::pending()).await.expect("a lookup");
    world
}

/// How many rows go each way and their statuses.
fn ways(world: &World) -> Vec<(Method, String)> {
    let mut ways = Vec::new();
    let each = |row: passwave::ledger::RowStatus| {
        ways.extend(row.method.map(|method| (method, row.status.as_str().to_owned())));
        Ok::<_, passwave::ledger::LedgerError>(())
    };
    world.reader().for_each_standing(None, each).expect("rows");
    ways
}

fn count(ways: &[(Method, String)], method: Method, status: &str) -> usize {
    ways.iter().filter(|(way, found)| *way == method && found == status).count()
}

#[tokio::test(start_paused = true)]
async fn each_account_goes_its_own_way() {
    let world = hybrid(60, r#"{"synced": 0.5}"#).await;
    assert_eq!(world.run().await.expect("a run"), RunEnd::Finished);
    let report = world.check_ended();
    let ways = ways(&world);
    let (graph, writeback) = (count(&ways, Method::Graph, "reset"), count(&ways, Method::Writeback, "reset"));
    assert_eq!(graph + writeback, 60, "{ways:?}");
    assert!((20..40).contains(&writeback), "{writeback}");
    let tally = world.tenant.tally();
    assert_eq!(
        (tally.operations, tally.resets_on_premises, tally.polls),
        (writeback as u64, writeback as u64, writeback as u64)
    );
    assert_eq!((tally.writes, tally.throttled, tally.early), (graph as u64, 0, 0));
    assert!(report.iter().all(|row| row.attempts == 1));
}

#[tokio::test(start_paused = true)]
async fn first_failure_keeps_the_others_back() {
    let world = hybrid(40, r#"{"synced": 0.5, "writeback": {"off": true}}"#).await;
    let RunEnd::WritebackPilotFailed(row) = world.run().await.expect("a run") else { panic!("no pilot") };
    let report = world.check().expect("the invariants");
    let failed: Vec<_> = report.iter().filter(|row| row.status == "failed").collect();
    assert_eq!((failed.len(), failed[0].row, failed[0].code.as_str()), (1, row, "writeback_failed"));
    let ways = ways(&world);
    assert_eq!(count(&ways, Method::Graph, "pending"), 0, "the others are reset");
    assert!(count(&ways, Method::Writeback, "pending") > 10);
    assert_eq!(world.tenant.tally().operations, 1);
}

#[tokio::test(start_paused = true)]
async fn each_process_begins_with_one_unless_it_trusts_an_earlier_one() {
    for trusts in [false, true] {
        let mut world = hybrid(30, r#"{"synced": 1}"#).await;
        world.options.trusts_earlier_writeback = trusts;
        for nth in 0..2 {
            let stop = async {
                while world.tenant.tally().operations < 3 + nth * 10 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            };
            assert_eq!(world.go(&world.tenant, stop).await.expect("a run"), RunEnd::Interrupted);
        }
        let mut ledger = Ledger::open(&world.folder()).expect("a ledger");
        let (began, before) = (Instant::now(), world.tenant.tally().operations);
        // Nothing of the earlier processes is left to follow.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let options: RunOptions = world.options.clone();
        let end =
            passwave::engine::run::run(&mut ledger, &world.tenant, &options, std::future::pending(), &mut |_| {}).await;
        assert_eq!(end.expect("a run"), RunEnd::Finished);
        assert!(world.tenant.tally().operations > before && began.elapsed() > Duration::from_secs(60));
        drop(ledger);
        world.check_ended();
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answers_stay_in_doubt_and_are_not_sent_again() {
    for faults in [
        r#"{"synced": 0.5, "requests": {"lost_after": 0.1}}"#,
        r#"{"synced": 0.5, "requests": {"lost_before": 0.1}}"#,
        r#"{"synced": 0.5, "items": {"timeout": 0.1, "applied": 0.5}}"#,
    ] {
        let mut world = hybrid(80, faults).await;
        world.options.trusts_earlier_writeback = true;
        for _ in 0..20 {
            if world.run().await.expect("a run") == RunEnd::Finished {
                break;
            }
        }
        let report = world.check_ended();
        let ways = ways(&world);
        assert!(count(&ways, Method::Writeback, "in_doubt") > 0, "{faults}");
        assert!(count(&ways, Method::Writeback, "reset") > 10, "{faults}");
        assert_eq!(count(&ways, Method::Graph, "in_doubt"), 0, "{faults}");
        for account in &world.accounts {
            assert!(world.tenant.operations_of(account) <= 1, "{faults}: {account}");
        }
        for row in report.iter().filter(|row| row.status == "in_doubt") {
            assert!(row.code == "answer_lost" && !row.password.is_empty(), "{faults}: {}", row.code);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ends_of_operations_are_told_apart() {
    let faults = r#"{"synced": 1, "writeback": {"refused": 0.2, "endless": 0.1, "without_address": 0.1, "slow": 0.2}}"#;
    let world = hybrid(100, faults).await;
    for _ in 0..20 {
        if world.run().await.expect("a run") == RunEnd::Finished {
            break;
        }
    }
    let report = world.check_ended();
    let count = |status: &str, code: &str| report.iter().filter(|row| row.status == status && row.code == code).count();
    let (failed, unfinished) = (count("failed", "writeback_failed"), count("in_doubt", "writeback_unfinished"));
    let unconfirmed = count("in_doubt", "writeback_unconfirmed");
    assert!(failed > 5 && unfinished > 2 && unconfirmed > 2, "{failed} {unfinished} {unconfirmed}");
    assert_eq!(count("reset", "") + failed + unfinished + unconfirmed, 100);
    assert_eq!(world.tenant.tally().operations, 100, "none is sent twice");
}

#[tokio::test(start_paused = true)]
async fn applications_are_refused() {
    let world = World::with(
        SimulatorConfig::default().with_faults(Faults::from_json(br#"{"synced": 1}"#).expect("faults")),
        vec!["user1@contoso.com".into(), "user2@contoso.com".into()],
        HYBRID,
        &[],
    );
    let application = passwave::simulator::Simulator::new(
        SimulatorConfig::default().with_faults(Faults::from_json(br#"{"synced": 1}"#).expect("faults")),
    );
    world.accounts.iter().for_each(|name| application.add(passwave::simulator::Account::normal(name)));
    world.look(&application, std::future::pending()).await.expect("a lookup");
    let end = world.go(&application, std::future::pending()).await.expect("a run");
    assert_eq!(end, RunEnd::WritebackPilotFailed(1));
    let report = world.report();
    assert_eq!((report[0].status.as_str(), report[0].code.as_str()), ("failed", "accessDenied"));
}

#[tokio::test(start_paused = true)]
async fn limit_is_kept_and_learnt() {
    let mut config = SimulatorConfig::default().with_faults(Faults::from_json(br#"{"synced": 1}"#).expect("faults"));
    config.authentication_methods = "2/10s".parse().expect("a quota");
    let world = World::with(config, (1..=30).map(|n| format!("user{n}@contoso.com")).collect(), HYBRID, &[]);
    world.look(&world.tenant, std::future::pending()).await.expect("a lookup");
    assert_eq!(world.run().await.expect("a run"), RunEnd::Finished);
    world.check_ended();
    let tally = world.tenant.tally();
    assert_eq!(tally.operations, 30);
    assert_eq!(tally.early, 0);
    assert!((1..30).contains(&tally.throttled), "{}", tally.throttled);
}

#[tokio::test(start_paused = true)]
async fn time_is_foretold() {
    for rows in [20, 300] {
        let world = hybrid(rows, r#"{"synced": 1, "latency_ms": 300}"#).await;
        let began = Instant::now();
        assert_eq!(world.run().await.expect("a run"), RunEnd::Finished);
        let (took, told) = (began.elapsed(), passwave::engine::run::writeback_time(rows as u64));
        let ratio = took.as_secs_f64() / told.as_secs_f64();
        assert!((0.95..1.05).contains(&ratio), "{rows} accounts: {took:?}, and {told:?} was foretold");
    }
}

#[tokio::test(start_paused = true)]
async fn cloud_accounts_are_not_slowed() {
    let mut took = Vec::new();
    for synced in ["0", "0.05"] {
        let world = hybrid(8_000, &format!(r#"{{"synced": {synced}, "latency_ms": 200}}"#)).await;
        let stop = async {
            while world.tenant.tally().writes < 7_500 {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        world.go(&world.tenant, stop).await.expect("a run");
        let tally = world.tenant.tally();
        took.push(tally.last_write.expect("a write") - tally.first_write.expect("a write"));
    }
    let ratio = took[1].as_secs_f64() / took[0].as_secs_f64();
    assert!((0.98..1.02).contains(&ratio), "{took:?}");
}
