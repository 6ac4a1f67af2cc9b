//! Events around a run while its batches are in flight, besides the quotas and faults of the tenant itself.

use super::{sabotage::Sabotage, true_time::TrueTime};
use crate::{
    checkers::{Invariant, Violation},
    world::World,
};
use passwave::{
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, Reply, Request, SendError, claims::Claims},
    ledger::LedgerError,
    simulator::{Account, AccountKind},
};
use rusqlite::Connection;
use std::cell::{Cell, RefCell};

/// An event.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A second process tries to open the same run.
    Rival,
    /// Someone reads the report.
    Reader,
    /// The account of this row changes its kind.
    Change(usize, AccountKind),
    /// The user of this row chooses a password.
    Choice(usize),
    /// The permission to write is withdrawn until this process ends.
    Denial,
    /// The directory's clock jumps ahead by this many seconds: this machine slept, or a clock was set.
    Jump(i64),
}

/// The tenant, with events at batches.
pub struct Disturbances<'a> {
    world: &'a World,
    true_time: &'a TrueTime,
    sabotage: &'a Sabotage,
    /// Sees what others write to the ledger.
    ledger: &'a Connection,
    /// Whether the tenant refuses a password that the account already has, like a password history.
    has_history: bool,
    is_denied: Cell<bool>,
    batches: Cell<u32>,
    /// The events, each with its batch of the process.
    events: RefCell<Vec<(u32, Event)>>,
    fault: RefCell<Option<Violation>>,
}

impl<'a> Disturbances<'a> {
    /// A tenant without events yet.
    pub fn new(
        world: &'a World,
        true_time: &'a TrueTime,
        sabotage: &'a Sabotage,
        ledger: &'a Connection,
        has_history: bool,
    ) -> Self {
        let (is_denied, batches, events, fault) = Default::default();
        Self { world, true_time, sabotage, ledger, has_history, is_denied, batches, events, fault }
    }

    /// A new process starts, with these events.
    pub fn new_process(&self, events: Vec<(u32, Event)>) {
        self.batches.set(0);
        self.is_denied.set(false);
        self.events.replace(events);
    }

    /// The first violation, if there is one.
    ///
    /// # Errors
    /// Returns the violation.
    pub fn verdict(&self) -> Result<(), Violation> {
        self.fault.borrow().clone().map_or(Ok(()), Err)
    }

    fn happen(&self) {
        let nth = self.batches.get() + 1;
        self.batches.set(nth);
        let due: Vec<_> = self.events.borrow_mut().extract_if(.., |(at, _)| *at <= nth).collect();
        for (_, event) in due {
            match event {
                Event::Rival => self.note(self.a_second_process_is_refused()),
                Event::Reader => self.note(self.world.check_as(|rows| (self.sabotage.report)(rows)).map(drop)),
                Event::Change(row, kind) => self.change(row, kind),
                Event::Choice(row) => self.world.choose(row),
                Event::Denial => self.is_denied.set(true),
                Event::Jump(seconds) => self.true_time.jump(seconds),
            }
        }
    }

    fn note(&self, held: Result<(), Violation>) {
        if let Err(violation) = held {
            self.fault.borrow_mut().get_or_insert(violation);
        }
    }

    fn change(&self, row: usize, kind: AccountKind) {
        let Some(upn) = self.world.upn_of(row) else { return };
        self.world.tenant.add(Account { kind, ..Account::from(&upn) });
    }

    fn a_second_process_is_refused(&self) -> Result<(), Violation> {
        let fault = |what: &str| Err(Violation::new(Invariant::Alone, what));
        let version =
            || self.ledger.query_row("PRAGMA data_version", (), |row| row.get::<_, i64>(0)).expect("a number");
        if let Some(elsewhere) = &self.world.elsewhere {
            let before = elsewhere.version();
            return match elsewhere.open(self.true_time.clock(0).now()) {
                Ok(_) => fault("a second process was let in"),
                Err(error) if !elsewhere.is_held(&error) => {
                    fault("a second process was refused, but not because of the first")
                }
                Err(_) if elsewhere.version() == before => Ok(()),
                Err(_) => fault("a second process was refused, and changed the ledger"),
            };
        }
        let before = version();
        match (self.sabotage.open)(&self.world.folder(), self.true_time.clock(0).now()) {
            Ok(_) => fault("a second process was let in"),
            Err(LedgerError::Locked { .. }) if version() == before => Ok(()),
            Err(LedgerError::Locked { .. }) => fault("a second process was refused, and changed the ledger"),
            Err(_) => fault("a second process was refused, but not because of the first"),
        }
    }

    /// The rows whose accounts already have the password of the batch.
    fn held(&self, batch: &BatchRequest) -> Vec<u64> {
        let holds = |request: &&Request| match &request.operation {
            Operation::SetPassword(password, _) => {
                self.has_history && self.world.tenant.holds(request.address.as_str(), password.expose())
            }
            _ => false,
        };
        batch.requests.iter().filter(holds).map(|request| request.row).collect()
    }

    /// Changes an answer's times to the clock of the sky, and refuses passwords in the history.
    fn bent(&self, mut response: BatchResponse, held: &[u64]) -> BatchResponse {
        response.date = response.date.map(|date| self.true_time.seen(date));
        for reply in &mut response.replies {
            if let Some(user) = &mut reply.user {
                user.password_changed = user.password_changed.map(|changed| self.true_time.seen(changed));
            }
            if (200..300).contains(&reply.status) && reply.row.is_some_and(|row| held.contains(&row)) {
                let said = "The specified password does not comply with password complexity requirements.";
                *reply = refusal(reply.row, 400, "Request_BadRequest", said);
            }
        }
        response
    }
}

fn refusal(row: Option<u64>, status: u16, code: &str, said: &str) -> Reply {
    Reply { row, status, code: code.into(), message: said.into(), ..Reply::default() }
}

/// The answer if nothing may be written any more.
fn denial(batch: &BatchRequest) -> BatchResponse {
    let denied =
        |request: &Request| refusal(Some(request.row), 403, "Authorization_RequestDenied", "Insufficient privileges");
    BatchResponse { replies: batch.requests.iter().map(denied).collect(), ..BatchResponse::default() }
}

impl Graph for Disturbances<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.happen();
        if self.is_denied.get() && batch.requests.iter().any(|one| !matches!(one.operation, Operation::Read)) {
            return Ok(denial(batch));
        }
        let held = self.held(batch);
        let response = self.world.tenant.send(batch).await?;
        Ok(self.bent(response, &held))
    }

    async fn send_alone(&self, request: &Request) -> Result<BatchResponse, SendError> {
        self.happen();
        if self.is_denied.get() && matches!(request.operation, Operation::ResetOnPremises(_)) {
            let denied = refusal(Some(request.row), 403, "accessDenied", "Request Authorization failed");
            return Ok(BatchResponse { replies: vec![denied], ..BatchResponse::default() });
        }
        Ok(self.bent(self.world.tenant.send_alone(request).await?, &[]))
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.world.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.world.tenant.claims().await
    }
}
