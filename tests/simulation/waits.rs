//! A wait that Graph asked for also applies to the next process.

use crate::{scenarios::config, world::World};
use passwave::{
    engine::run::RunEnd,
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, Reply, SendError, claims::Claims},
    ledger::FILE_NAME,
};
use rusqlite::Connection;
use std::{
    cell::{Cell, RefCell},
    future::pending,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Answers 429 to the first request of its kind, for as long as configured; records when each was sent.
struct Busy<'a> {
    world: &'a World,
    reads: bool,
    wait: Duration,
    asked: Cell<Option<Instant>>,
    sent: RefCell<Vec<Instant>>,
    whole: bool,
}

impl<'a> Busy<'a> {
    fn new(world: &'a World, reads: bool, whole: bool) -> Self {
        let wait = Duration::from_secs(20);
        Self { world, reads, wait, asked: Cell::new(None), sent: RefCell::default(), whole }
    }
}

impl Graph for Busy<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let is_read = batch.requests.iter().all(|request| matches!(request.operation, Operation::Read));
        if is_read != self.reads {
            return self.world.tenant.send(batch).await;
        }
        self.sent.borrow_mut().push(Instant::now());
        if self.asked.get().is_some() {
            return self.world.tenant.send(batch).await;
        }
        self.asked.set(Some(Instant::now()));
        let refusal = |row| Reply { row, status: 429, retry_after: Some(self.wait), ..Reply::default() };
        if self.whole {
            return Err(SendError::Refused(refusal(None)));
        }
        let replies = batch.requests.iter().map(|request| refusal(Some(request.row))).collect();
        Ok(BatchResponse { replies, ..BatchResponse::default() })
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.world.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.world.tenant.claims().await
    }
}

/// The process is killed three seconds after it was asked to wait; the next one starts at once.
async fn killed_while_it_waits(reads: bool, whole: bool) {
    let early = sent_early(reads, whole, "").await;
    assert_eq!(early, 0, "reads: {reads}, whole: {whole}");
}

/// How many requests the next process sends before the wait is over, after `edit` has changed its ledger.
async fn sent_early(reads: bool, whole: bool, edit: &str) -> usize {
    let world = World::of(config("{}"), 400);
    if !reads {
        world.look(&world.tenant, pending()).await.expect("a look");
    }
    let busy = Busy::new(&world, reads, whole);
    let killed = async {
        while busy.asked.get().is_none() {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_secs(3)).await;
    };
    let forget = || Connection::open(world.folder().join(FILE_NAME)).expect("a ledger").execute_batch(edit);
    if reads {
        tokio::select! { end = world.look(&busy, pending()) => panic!("it ended: {end:?}"), () = killed => {} }
        forget().expect("an edit");
        world.look(&busy, pending()).await.expect("a look");
    } else {
        tokio::select! { end = world.go(&busy, pending()) => panic!("it ended: {end:?}"), () = killed => {} }
        forget().expect("an edit");
        let end = world.go(&busy, pending()).await;
        assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    }
    let asked = busy.asked.get().expect("it was asked");
    let early = busy.sent.borrow().iter().filter(|sent| **sent > asked && **sent < asked + busy.wait).count();
    assert!(busy.sent.borrow().iter().any(|sent| *sent < asked + busy.wait + Duration::from_secs(3)), "nor much later");
    early
}

#[tokio::test(start_paused = true)]
async fn write_wait_survives_a_kill() {
    killed_while_it_waits(false, true).await;
    killed_while_it_waits(false, false).await;
}

/// Answers 429 to the request for the first page; records when each was requested.
struct BusyTenant<'a> {
    world: &'a World,
    asked: RefCell<Vec<Instant>>,
}

impl Graph for BusyTenant<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.world.tenant.send(batch).await
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.asked.borrow_mut().push(Instant::now());
        if self.asked.borrow().len() > 1 {
            return self.world.tenant.page(url).await;
        }
        let retry_after = Some(Duration::from_secs(20));
        Err(SendError::Refused(Reply { status: 429, retry_after, ..Reply::default() }))
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.world.tenant.claims().await
    }
}

#[tokio::test(start_paused = true)]
async fn tenant_wait_survives_a_kill() {
    let world = World::of(config("{}"), 5);
    let busy = BusyTenant { world: &world, asked: RefCell::default() };
    let killed = sleep(Duration::from_secs(3));
    tokio::select! { end = world.look(&busy, pending()) => panic!("it ended: {end:?}"), () = killed => {} }
    assert_eq!(busy.asked.borrow().len(), 1);
    world.look(&busy, pending()).await.expect("a look");
    let asked = busy.asked.borrow();
    let waited = asked[1] - asked[0];
    // Notes have whole milliseconds.
    assert!(waited >= Duration::from_millis(19_990) && waited < Duration::from_secs(23), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn read_wait_survives_a_kill() {
    killed_while_it_waits(true, true).await;
    killed_while_it_waits(true, false).await;
}

#[tokio::test(start_paused = true)]
async fn forgetting_a_wait_is_caught() {
    for (reads, note) in [(false, "writes"), (true, "reads")] {
        let forget = format!(
            "DELETE FROM run WHERE name IN ('held_{note}', 'pace_of_{note}'); UPDATE account SET not_before = 0"
        );
        for whole in [true, false] {
            assert!(sent_early(reads, whole, &forget).await > 0, "{note}, whole: {whole}");
        }
    }
}
