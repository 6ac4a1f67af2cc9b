//! A guard on the way to the tenant: it checks what is sent when it is sent, and can cut a run off there.

use super::checkers::{Invariant, Violation};
use passwave::{
    graph::{
        BatchRequest, BatchResponse, Graph, Operation, Page, Reply, Request, SendError, claims::Claims,
        simulator::Simulator,
    },
    ledger::FILE_NAME,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    path::Path,
};
use tokio::{sync::Notify, time::Instant};

/// At which batch a process is cut off, and on which side of its effect.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// The intent is on disk, and the batch does not leave.
    BeforeSending(u32),
    /// The batch takes effect, and nobody hears the answer.
    BeforeAnswer(u32),
    /// Not here.
    Never,
}

/// What was sent of one row.
#[derive(Default)]
struct Sent {
    /// The password that was sent last.
    password: String,
    /// The intent on which it was: the number of the attempt.
    attempt: u64,
    /// Whether it never left after all, or Graph refused that password, as was heard.
    is_over: bool,
    /// Passwords that the row had before that one.
    nth: u32,
    /// The process that sent it.
    process: u32,
}

/// Passes batches on to the tenant.
pub struct Watch<'a, G = Simulator> {
    tenant: &'a G,
    ledger: Connection,
    cut: Cut,
    process: u32,
    batches: Cell<u32>,
    /// Woken when the cut has come.
    pub reached: Notify,
    in_flight: RefCell<HashSet<u64>>,
    sent: RefCell<HashMap<u64, Sent>>,
    /// Per row that was to be written, when it may be sent again: what was told in an answer that was heard.
    told: RefCell<HashMap<u64, Instant>>,
    /// The same of rows that were read, which only this process knows of.
    told_reading: RefCell<HashMap<u64, Instant>>,
    /// When a wait was told last, and when it is over.
    hold: Cell<Option<(Instant, Instant)>>,
    /// What was wrong first.
    fault: RefCell<Option<Violation>>,
}

/// Rows that are away; they come back however the sending ends.
struct Away<'a>(&'a RefCell<HashSet<u64>>, Vec<u64>);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().retain(|row| !self.1.contains(row));
    }
}

impl<'a, G: Graph> Watch<'a, G> {
    /// A guard before `tenant` for the run in `folder`.
    pub fn new(tenant: &'a G, folder: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self {
            tenant,
            ledger: Connection::open_with_flags(folder.join(FILE_NAME), flags).expect("the ledger"),
            cut: Cut::Never,
            process: 0,
            batches: Cell::new(0),
            reached: Notify::new(),
            in_flight: RefCell::default(),
            sent: RefCell::default(),
            told: RefCell::default(),
            told_reading: RefCell::default(),
            hold: Cell::new(None),
            fault: RefCell::default(),
        }
    }

    /// A new process begins, which is cut off at `cut`. What was told to the last one about rows still holds.
    pub fn new_process(&mut self, cut: Cut) {
        self.cut = cut;
        self.process += 1;
        self.batches.set(0);
        self.hold.set(None);
        self.told_reading.borrow_mut().clear();
        self.reached = Notify::new();
    }

    /// The next process cannot know what the last one was told to wait for: it died before it wrote that down, or their
    /// clocks differ.
    pub fn forget_waits(&self) {
        self.told.borrow_mut().clear();
    }

    /// What was wrong first, if anything was.
    ///
    /// # Errors
    /// With that.
    pub fn verdict(&self) -> Result<(), Violation> {
        self.fault.borrow().clone().map_or(Ok(()), Err)
    }

    fn must(&self, holds: bool, invariant: Invariant, what: impl FnOnce() -> String) {
        if !holds {
            self.fault.borrow_mut().get_or_insert_with(|| Violation::new(invariant, what()));
        }
    }

    fn examine(&self, batch: &BatchRequest) {
        let now = Instant::now();
        let size = batch.requests.len();
        self.must((1..=20).contains(&size), Invariant::Manners, || format!("{size} rows in a batch"));
        if let Some((told, until)) = self.hold.get() {
            let over = told == now || now >= until;
            self.must(over, Invariant::Manners, || "a batch was sent before a wait was over".into());
        }
        // One look into the ledger for all of them.
        let look = self.ledger.unchecked_transaction().expect("the ledger");
        batch.requests.iter().for_each(|request| self.examine_row(request, now));
        drop(look);
    }

    fn examine_row(&self, request: &Request, now: Instant) {
        let row = request.row;
        let alone = self.in_flight.borrow_mut().insert(row);
        self.must(alone, Invariant::IntentFirst, || format!("row {row} is in flight twice"));
        let told = self.told_of(&request.operation).borrow().get(&row).copied();
        let in_time = told.is_none_or(|until| now >= until);
        self.must(in_time, Invariant::Manners, || format!("row {row} was sent again before its time"));
        let Operation::SetPassword(password, _) = &request.operation else { return };
        let (password, on_disk) = (password.expose(), self.on_disk(row));
        let (kept, attempt, nth) = on_disk.unwrap_or((Some(String::new()), None, 0));
        // Without the key, a process makes new ones.
        let is_sealed = kept.is_none();
        self.must(kept.is_none_or(|kept| kept == password), Invariant::Durable, || {
            format!("the password of row {row} was not in the ledger")
        });
        self.must(attempt.is_some(), Invariant::IntentFirst, || format!("row {row} was sent without an intent"));
        let attempt = attempt.unwrap_or_default();
        if let Some(last) = self.sent.borrow().get(&row) {
            let fresh = last.is_over || attempt > last.attempt;
            self.must(fresh, Invariant::IntentFirst, || format!("row {row} was sent twice on one intent"));
            // The plan does not cover a password that an earlier process made, so the next one makes another.
            let was_unbound = last.nth > 0 && last.process != self.process && nth > last.nth;
            let same = last.is_over || is_sealed || was_unbound || password == last.password;
            self.must(same, Invariant::OnePassword, || format!("row {row} was sent with a second password"));
        }
        let (password, process) = (password.to_owned(), self.process);
        self.sent.borrow_mut().insert(row, Sent { password, attempt, is_over: false, nth, process });
    }

    /// The password of a row in the ledger, the number of the attempt that is under way there, and that of the password.
    fn on_disk(&self, row: u64) -> Option<(Option<String>, Option<u64>, u32)> {
        // A sealed one is compared when the report is opened: the holder of the key must find what was sent.
        let sql = "SELECT CASE typeof(password) WHEN 'text' THEN password WHEN 'blob' THEN NULL ELSE '' END, iif(state = 'in_flight', attempts, NULL), nth FROM account WHERE row = ?1";
        let mut select = self.ledger.prepare_cached(sql).expect("the schema");
        select
            .query_row([row], |found| Ok((found.get(0)?, found.get(1)?, found.get(2)?)))
            .optional()
            .expect("the ledger")
    }

    /// That a write is to wait says nothing of a read, which other quotas pay for.
    fn told_of(&self, operation: &Operation) -> &RefCell<HashMap<u64, Instant>> {
        if matches!(operation, Operation::Read) { &self.told_reading } else { &self.told }
    }

    fn listen(&self, batch: &BatchRequest, answer: &Result<BatchResponse, SendError>) {
        let rows: Vec<u64> = batch.requests.iter().map(|request| request.row).collect();
        let told = batch.requests.first().map_or(&self.told, |request| self.told_of(&request.operation));
        match answer {
            Ok(response) => {
                // An answer to nothing that was asked asks nothing.
                let asked = |row: &Option<u64>| row.is_some_and(|row| rows.contains(&row));
                let throttled = response.replies.iter().filter(|reply| reply.status == 429 && asked(&reply.row));
                throttled.for_each(|reply| self.note(told, reply.row.as_slice(), reply.retry_after));
                let refused = response.replies.iter().filter(|reply| is_about_the_password(reply));
                self.over(&refused.filter_map(|reply| reply.row).collect::<Vec<_>>());
            }
            Err(SendError::Refused(reply)) if reply.status == 429 => self.note(told, &rows, reply.retry_after),
            Err(SendError::NotSent(_) | SendError::SignIn(_)) => self.over(&rows),
            Err(_) => {}
        }
    }

    /// What was sent of `rows` has come to nothing, as was heard.
    fn over(&self, rows: &[u64]) {
        let mut sent = self.sent.borrow_mut();
        for row in rows {
            sent.entry(*row).and_modify(|sent| sent.is_over = true);
        }
    }

    fn note(&self, told: &RefCell<HashMap<u64, Instant>>, rows: &[u64], wait: Option<std::time::Duration>) {
        let now = Instant::now();
        let Some(until) = wait.map(|wait| now + wait) else { return };
        told.borrow_mut().extend(rows.iter().map(|row| (*row, until)));
        let latest = self.hold.get().map_or(until, |(_, other)| other.max(until));
        self.hold.set(Some((now, latest)));
    }
}

/// Whether Graph refused a password as too weak.
fn is_about_the_password(reply: &Reply) -> bool {
    reply.status == 400 && reply.message.contains("password complexity")
}

impl<G: Graph> Graph for Watch<'_, G> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.batches.set(self.batches.get() + 1);
        let (nth, rows) = (self.batches.get(), batch.requests.iter().map(|request| request.row).collect::<Vec<_>>());
        self.examine(batch);
        let _away = Away(&self.in_flight, rows);
        if matches!(self.cut, Cut::BeforeSending(at) if nth >= at) {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        let answer = self.tenant.send(batch).await;
        if matches!(self.cut, Cut::BeforeAnswer(at) if nth >= at) {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        self.listen(batch, &answer);
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.tenant.claims().await
    }
}
