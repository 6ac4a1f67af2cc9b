//! Situations that an administrator may meet, one at a time.

use crate::{
    watch::{Cut, Watch},
    world::World,
};
use passwave::{
    engine::{
        dispatch::DispatchError,
        run::{RunEnd, RunError, RunEvent, run},
    },
    graph::{BatchRequest, BatchResponse, Graph, Page, SendError, claims::Claims},
    ledger::FILE_NAME,
    outcome::Cause,
    simulator::{AccountKind, Faults, Simulator, SimulatorConfig},
};
use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    time::Duration,
};
use tokio::time::{Instant, sleep};

pub fn config(faults: &str) -> SimulatorConfig {
    let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
    SimulatorConfig::default().with_faults(faults)
}

/// Runs to the end, and checks that all accounts were reset, each with one batch item.
async fn everybody_is_reset(world: &World) {
    let end = world.run().await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    world.check_ended();
    assert_eq!(world.counts().reset, world.accounts.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn missing_permission_stops_the_run() {
    for (rows, batch_size) in [(1, 20), (25, 1), (200, 20), (2_000, 20)] {
        let mut world = World::of(config(r#"{"denied": "writes", "latency_ms": 50}"#), rows);
        world.options.pace.batch_size = batch_size;
        let end = world.run().await;
        assert!(matches!(end, Err(RunError::Everyone { cause: Cause::Permission, .. })), "{rows}: {end:?}");
        assert!(world.tenant.tally().batches <= 5, "{rows}: {} batches", world.tenant.tally().batches);
        world.check().expect("the invariants");
        assert_eq!(world.counts().planned, rows as u64, "{rows}");
        world.move_to(config("{}"));
        everybody_is_reset(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn permanently_refused_accounts_fail() {
    let world = World::of(config("{}"), 2);
    (1..=2).for_each(|row| world.make(row, AccountKind::Admin));
    assert!(matches!(world.run().await, Err(RunError::Everyone { rows: 2, .. })), "it may be the permission");
    assert_eq!(world.counts().planned, 2);
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)), "it is not, as nothing was mended");
    world.check_ended();
    assert_eq!(world.counts().failed, 2);
}

#[tokio::test(start_paused = true)]
async fn one_administrator_fails_alone() {
    let world = World::of(config("{}"), 100);
    world.make(1, AccountKind::Admin);
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let report = world.check_ended();
    assert_eq!((report[0].status.as_str(), report[0].code.as_str()), ("failed", "Authorization_RequestDenied"));
    assert_eq!((world.counts().failed, world.counts().reset), (1, 99));
}

#[tokio::test(start_paused = true)]
async fn unknown_accounts_stop_or_fail() {
    let world = World::of(config("{}"), 300);
    (1..=300).for_each(|row| world.make(row, AccountKind::Missing));
    let end = world.run().await;
    assert!(matches!(end, Err(RunError::Everyone { cause: Cause::NotFound, .. })), "{end:?}");
    assert!(world.tenant.tally().batches <= 5 && world.counts().planned == 300);
    let few = World::of(config("{}"), 10);
    (1..=10).for_each(|row| few.make(row, AccountKind::Missing));
    assert!(matches!(few.run().await, Ok(RunEnd::Finished)));
    few.check_ended();
    assert_eq!(few.counts().failed, 10);
}

#[tokio::test(start_paused = true)]
async fn departed_users_delay_nobody() {
    let world = World::of(config("{}"), 200);
    (1..=80).for_each(|row| world.make(row, AccountKind::Missing));
    assert!(matches!(world.run().await, Err(RunError::Everyone { .. })));
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)), "the second process comes past them");
    world.check_ended();
    assert_eq!((world.counts().failed, world.counts().reset), (80, 120));
}

#[tokio::test(start_paused = true)]
async fn expiring_tokens_only_cost_time() {
    for served in [1, 3, 7, 40] {
        let faults = format!(r#"{{"latency_ms": 200, "token": {{"revoked_after_requests": {served}}}}}"#);
        let world = World::of(config(&faults), 2_000);
        everybody_is_reset(&world).await;
        assert!(world.tenant.tally().tokens_refused > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn intermittent_token_refusals_are_tolerated() {
    let mut world = World::of(config(r#"{"token": {"revoked_after_requests": 1}}"#), 45);
    world.options.pace.batch_size = 1;
    (2..=45).for_each(|row| world.make(row, AccountKind::Synced));
    let end = world.run().await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    assert_eq!((world.counts().reset, world.counts().failed), (1, 44));
}

#[tokio::test(start_paused = true)]
async fn refused_token_ends_the_run() {
    let mut world = World::of(config("{}"), 500);
    let mut dead = config("{}");
    dead.faults.token.seconds = 0;
    world.move_to(dead);
    let end = world.run().await;
    assert!(matches!(end, Err(RunError::Dispatcher(DispatchError::TokenRefused(_)))), "{end:?}");
    world.check().expect("the invariants");
    assert_eq!(world.counts().planned, 500);
    world.move_to(config("{}"));
    everybody_is_reset(&world).await;
}

#[tokio::test(start_paused = true)]
async fn outage_ends_only_the_process() {
    for gone in [r#""outages": [{"from_seconds": 1, "seconds": 3600}]"#, r#""requests": {"lost_after": 1}"#] {
        let mut world = World::of(config(&format!(r#"{{"latency_ms": 400, {gone}}}"#)), 400);
        world.options.pace.max_wait = Duration::from_secs(60);
        let end = world.run().await;
        assert!(
            matches!(&end, Err(RunError::Dispatcher(DispatchError::Away { waited, .. })) if waited.as_secs() < 120),
            "{end:?}"
        );
        world.check().expect("the invariants");
        assert!(world.counts().in_flight == 0 && world.counts().planned > 0);
        if gone.contains("outages") {
            sleep(Duration::from_secs(3_600)).await;
            everybody_is_reset(&world).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_is_waited_out() {
    let faults = r#"{"latency_ms": 400, "outages": [{"from_seconds": 1, "seconds": 300}]}"#;
    let world = World::of(config(faults), 400);
    everybody_is_reset(&world).await;
    let report = world.report();
    assert!(report.iter().all(|row| row.attempts <= 2), "what never left is no attempt");
}

#[tokio::test(start_paused = true)]
async fn stop_waits_for_answers() {
    let world = World::of(config(r#"{"latency_ms": 1000}"#), 600);
    let mut watch = Watch::new(&world.tenant, &world.folder());
    watch.new_process(Cut::Never);
    let end = world.go(&watch, sleep(Duration::from_millis(4_500))).await;
    assert!(matches!(end, Ok(RunEnd::Interrupted)), "{end:?}");
    let (counts, tally) = (world.counts(), world.tenant.tally());
    assert_eq!((counts.in_flight, tally.in_flight), (0, 0));
    assert!(counts.reset > 0 && counts.planned > 0 && counts.reset == tally.writes, "{counts:?}");
    world.check().expect("the invariants");
    everybody_is_reset(&world).await;
    assert_eq!(world.tenant.tally().writes, 600, "nothing was sent twice");
}

#[tokio::test(start_paused = true)]
async fn refused_password_is_replaced_twice() {
    for (times, statuses) in [(1_u64, "reset"), (2, "reset"), (3, "failed")] {
        let world = World::of(config(&format!(r#"{{"complexity": {{"share": 1, "times": {times}}}}}"#)), 50);
        let watch = Watch::new(&world.tenant, &world.folder());
        assert!(matches!(world.go(&watch, std::future::pending()).await, Ok(RunEnd::Finished)));
        watch.verdict().expect("each new password is in the ledger before it leaves");
        let report = world.check_ended();
        assert!(report.iter().all(|row| row.status == statuses), "{times}");
        assert!(report.iter().all(|row| row.attempts == times.min(2) + 1), "{times}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_account_is_reported_once() {
    let mut world = World::of(config(r#"{"latency_ms": 100, "items": {"throttled": 0.1}}"#), 100);
    world.options.tell_accounts = true;
    world.make(7, AccountKind::Synced);
    let (mut told, mut last, mut times) = (Vec::new(), None, 0);
    let mut emit = |event| match event {
        RunEvent::Account(standing) => told.push((standing.row, standing.status.as_str().to_owned())),
        RunEvent::Progress { counts, .. } => (last, times) = (Some(counts), times + 1),
        _ => {}
    };
    let mut ledger = world.ledger();
    let end = run(&mut ledger, &world.tenant, &world.options, std::future::pending(), &mut emit).await;
    assert_eq!((end.expect("an end"), last), (RunEnd::Finished, Some(ledger.counts())));
    assert!(times <= world.tenant.tally().batches, "{times} times, and only where there was something to record");
    told.sort_unstable();
    let status = |row| if row == 7 { "failed" } else { "reset" };
    assert_eq!(told, (1..=100).map(|row| (row, status(row).to_owned())).collect::<Vec<_>>());
}

/// A tenant whose answers to batches are changed in transit.
pub struct Bent<'a, F>(pub &'a Simulator, pub F);

impl<F: Fn(&BatchRequest, &mut BatchResponse)> Graph for Bent<'_, F> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let mut response = self.0.send(batch).await?;
        self.1(batch, &mut response);
        Ok(response)
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.0.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.0.claims().await
    }
}

#[tokio::test(start_paused = true)]
async fn ten_failures_give_up_a_row() {
    let world = World::of(config(r#"{"items": {"conflict": 1}}"#), 200);
    // If no answers arrive at all, this row is not to blame. Here, those of other rows arrive.
    let silent = Bent(&world.tenant, |_: &BatchRequest, response: &mut BatchResponse| {
        response.replies.iter_mut().filter(|reply| reply.row == Some(1)).for_each(|reply| reply.status = 504);
    });
    let began = Instant::now();
    let end = world.go(&silent, std::future::pending()).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    // At least half of 1, 2, 4, 8, 16 and four times 30 seconds.
    assert!(began.elapsed() > Duration::from_secs(75), "{:?}", began.elapsed());
    let report = world.check_ended();
    assert_eq!((report[0].status.as_str(), report[0].attempts), ("in_doubt", 10));
    assert!(report[1..].iter().all(|row| (row.status.as_str(), row.attempts) == ("failed", 10)));
}

#[tokio::test(start_paused = true)]
async fn total_outage_blames_no_row() {
    let world = World::of(config("{}"), 40);
    let over = Instant::now() + Duration::from_secs(600);
    let away = Bent(&world.tenant, |_: &BatchRequest, response: &mut BatchResponse| {
        if Instant::now() < over {
            response.replies.iter_mut().for_each(|reply| reply.status = 504);
        }
    });
    assert!(matches!(world.go(&away, std::future::pending()).await, Ok(RunEnd::Finished)));
    let report = world.check_ended();
    assert!(report.iter().all(|row| row.status == "reset") && report.iter().any(|row| row.attempts > 10));
}

/// Does not answer the first time that a row is sent.
fn forgetful(tenant: &Simulator) -> Bent<'_, impl Fn(&BatchRequest, &mut BatchResponse)> {
    let told = RefCell::new(HashSet::new());
    Bent(tenant, move |_: &BatchRequest, response: &mut BatchResponse| {
        response.replies.retain(|reply| reply.row.is_none_or(|row| !told.borrow_mut().insert(row)));
    })
}

#[tokio::test(start_paused = true)]
async fn lost_answer_makes_refusal_doubtful() {
    let world = World::of(config(r#"{"complexity": {"share": 1, "times": 9}}"#), 30);
    let first: Vec<String> = world.report().into_iter().map(|row| row.password).collect();
    let forgetful = forgetful(&world.tenant);
    assert!(matches!(world.go(&forgetful, std::future::pending()).await, Ok(RunEnd::Finished)));
    let report = world.check_ended();
    assert!(report.iter().all(|row| row.status == "in_doubt"));
    assert!(report.iter().zip(first).all(|(row, first)| row.password == first));
}

#[tokio::test(start_paused = true)]
async fn unwritable_after_loss_is_doubtful() {
    let world = World::of(config("{}"), 20);
    let forgetful = forgetful(&world.tenant);
    let sending = world.go(&forgetful, std::future::pending());
    let closing = async {
        while world.tenant.tally().writes < 20 {
            tokio::task::yield_now().await;
        }
        (1..=20).for_each(|row| world.make(row, AccountKind::Synced));
    };
    let (end, ()) = tokio::join!(sending, closing);
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    assert!(world.check_ended().iter().all(|row| row.status == "in_doubt"));
}

#[tokio::test(start_paused = true)]
async fn unreadable_after_cut_is_doubtful() {
    let mut world = World::of(config(r#"{"latency_ms": 100, "denied": "reads"}"#), 60);
    world.options.pace.concurrency = Some(1);
    let mut watch = Watch::new(&world.tenant, &world.folder());
    watch.new_process(Cut::BeforeAnswer(2));
    tokio::select! {
        end = world.go(&watch, std::future::pending()) => panic!("it ended: {end:?}"),
        () = watch.reached.notified() => {}
    }
    (1..=60).for_each(|row| world.make(row, AccountKind::Synced));
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let report = world.check_ended();
    let statuses = |from: usize| report[from..from + 20].iter().map(|row| row.status.as_str()).collect::<HashSet<_>>();
    assert_eq!([0, 20, 40].map(statuses), ["reset", "in_doubt", "failed"].map(|status| HashSet::from([status])));
}

/// Makes the ledger read-only at the third batch.
struct FullDisk<'a>(&'a World, Cell<u32>);

impl Graph for FullDisk<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.1.set(self.1.get() + 1);
        if self.1.get() == 3 {
            let trigger = "CREATE TRIGGER full BEFORE UPDATE ON account BEGIN SELECT raise(ABORT, 'disk full'); END";
            self.ledger().execute_batch(trigger).expect("a trigger");
        }
        self.0.tenant.send(batch).await
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.0.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.0.tenant.claims().await
    }
}

impl FullDisk<'_> {
    fn ledger(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.0.folder().join(FILE_NAME)).expect("the ledger")
    }
}

#[tokio::test(start_paused = true)]
async fn unwritable_ledger_stops_the_run() {
    let mut world = World::of(config(r#"{"latency_ms": 100}"#), 200);
    world.options.pace.concurrency = Some(1);
    world.has_triggers.set(true);
    let full = FullDisk(&world, Cell::new(0));
    let end = world.go(&full, std::future::pending()).await;
    assert!(matches!(end, Err(RunError::Ledger(_))), "{end:?}");
    assert_eq!(full.1.get(), 3, "nothing is sent whose intent is not on disk");
    world.check().expect("what took effect is in the report");
    full.ledger().execute_batch("DROP TRIGGER full").expect("space again");
    world.has_triggers.set(false);
    everybody_is_reset(&world).await;
}
