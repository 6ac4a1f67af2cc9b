//! What happens around a run while its batches are on their way, past the quotas and faults of the tenant itself.

use super::{sabotage::Sabotage, sky::Sky};
use crate::{
    checkers::{Invariant, Violation},
    world::World,
};
use passwave::{
    graph::{
        BatchRequest, BatchResponse, Graph, Operation, Page, Reply, Request, SendError,
        claims::Claims,
        simulator::{Account, AccountKind},
    },
    ledger::LedgerError,
};
use rusqlite::Connection;
use std::cell::{Cell, RefCell};

/// Something that happens.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A second process wants the same run.
    Rival,
    /// Somebody reads the report.
    Reader,
    /// The account of this row becomes something else.
    Change(usize, AccountKind),
    /// The person of this row chooses a password.
    Choice(usize),
    /// The permission to write is withdrawn, for as long as this process lives.
    Denial,
    /// The directory's clock is so many seconds ahead of where it was: this machine slept, or a clock was set.
    Jump(i64),
}

/// The tenant, with events at batches.
pub struct Mishaps<'a> {
    world: &'a World,
    sky: &'a Sky,
    sabotage: &'a Sabotage,
    /// Sees what others write into the ledger.
    ledger: &'a Connection,
    /// Whether the tenant refuses a password that the account holds already, as a history of passwords does.
    has_history: bool,
    is_denied: Cell<bool>,
    batches: Cell<u32>,
    /// At which batch of the process something happens.
    events: RefCell<Vec<(u32, Event)>>,
    fault: RefCell<Option<Violation>>,
}

impl<'a> Mishaps<'a> {
    /// A tenant around which nothing happens yet.
    pub fn new(
        world: &'a World,
        sky: &'a Sky,
        sabotage: &'a Sabotage,
        ledger: &'a Connection,
        has_history: bool,
    ) -> Self {
        let (is_denied, batches, events, fault) = Default::default();
        Self { world, sky, sabotage, ledger, has_history, is_denied, batches, events, fault }
    }

    /// A new process begins, with these events.
    pub fn new_process(&self, events: Vec<(u32, Event)>) {
        self.batches.set(0);
        self.is_denied.set(false);
        self.events.replace(events);
    }

    /// What was wrong first, if anything was.
    ///
    /// # Errors
    /// With that.
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
                Event::Jump(seconds) => self.sky.jump(seconds),
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
        let before = version();
        match (self.sabotage.open)(&self.world.folder(), self.sky.clock(0).now()) {
            Ok(_) => fault("a second process was let in"),
            Err(LedgerError::Held { .. }) if version() == before => Ok(()),
            Err(LedgerError::Held { .. }) => fault("a second process was refused, and changed the ledger"),
            Err(_) => fault("a second process was refused, but not because of the first"),
        }
    }

    /// The rows whose accounts hold what they are to be given.
    fn held(&self, batch: &BatchRequest) -> Vec<u64> {
        let holds = |request: &&Request| match &request.operation {
            Operation::SetPassword(password, _) => {
                self.has_history && self.world.tenant.holds(request.address.as_str(), password.expose())
            }
            _ => false,
        };
        batch.requests.iter().filter(holds).map(|request| request.row).collect()
    }

    /// What the answer says by the clock of the sky, of a tenant with a history.
    fn bent(&self, mut response: BatchResponse, held: &[u64]) -> BatchResponse {
        response.date = response.date.map(|date| self.sky.seen(date));
        for reply in &mut response.replies {
            if let Some(user) = &mut reply.user {
                user.password_changed = user.password_changed.map(|changed| self.sky.seen(changed));
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

/// What comes back where nothing may be written any more.
fn denial(batch: &BatchRequest) -> BatchResponse {
    let denied =
        |request: &Request| refusal(Some(request.row), 403, "Authorization_RequestDenied", "Insufficient privileges");
    BatchResponse { replies: batch.requests.iter().map(denied).collect(), ..BatchResponse::default() }
}

impl Graph for Mishaps<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.happen();
        if self.is_denied.get() && batch.requests.iter().any(|one| !matches!(one.operation, Operation::Read)) {
            return Ok(denial(batch));
        }
        let held = self.held(batch);
        let response = self.world.tenant.send(batch).await?;
        Ok(self.bent(response, &held))
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.world.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.world.tenant.claims().await
    }
}
