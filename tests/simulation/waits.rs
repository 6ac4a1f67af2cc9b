//! A wait that Graph asked for survives the process that was asked.

use crate::{scenarios::config, world::World};
use passwave::{
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, Reply, SendError, claims::Claims},
    run::RunEnd,
};
use std::{
    cell::{Cell, RefCell},
    future::pending,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Answers 429 to the first request of its kind, for as long as it is asked to; notes when each was sent.
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

/// The process is killed three seconds after it was asked to wait; the next one begins at once.
async fn killed_while_it_waits(reads: bool, whole: bool) {
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
    if reads {
        tokio::select! { end = world.look(&busy, pending()) => panic!("it ended: {end:?}"), () = killed => {} }
        world.look(&busy, pending()).await.expect("a look");
    } else {
        tokio::select! { end = world.go(&busy, pending()) => panic!("it ended: {end:?}"), () = killed => {} }
        let end = world.go(&busy, pending()).await;
        assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    }
    let asked = busy.asked.get().expect("it was asked");
    let early = busy.sent.borrow().iter().filter(|sent| **sent > asked && **sent < asked + busy.wait).count();
    assert_eq!(early, 0, "reads: {reads}, whole: {whole}");
    assert!(busy.sent.borrow().iter().any(|sent| *sent < asked + busy.wait + Duration::from_secs(3)), "nor much later");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_writes_survives_a_kill() {
    killed_while_it_waits(false, true).await;
    killed_while_it_waits(false, false).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_reads_survives_a_kill() {
    killed_while_it_waits(true, true).await;
    killed_while_it_waits(true, false).await;
}
