//! A guard on the way to the tenant: it checks what is sent when it is sent, and can cut a run off there.

use passwave::{
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, SendError, claims::Claims, simulator::Simulator},
    ledger::FILE_NAME,
};
use rusqlite::{Connection, OpenFlags};
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

/// Passes batches on to the tenant.
pub struct Watch<'a> {
    tenant: &'a Simulator,
    ledger: Connection,
    cut: Cut,
    batches: Cell<u32>,
    /// Woken when the cut has come.
    pub reached: Notify,
    in_flight: RefCell<HashSet<u64>>,
    /// Per row that was to be written, when it may be sent again: what was told in an answer that was heard.
    told: RefCell<HashMap<u64, Instant>>,
    /// The same of rows that were read, which only this process knows of.
    told_reading: RefCell<HashMap<u64, Instant>>,
    /// When a wait was told last, and when it is over.
    hold: Cell<Option<(Instant, Instant)>>,
    /// What was wrong first.
    fault: RefCell<Option<String>>,
}

/// Rows that are away; they come back however the sending ends.
struct Away<'a>(&'a RefCell<HashSet<u64>>, Vec<u64>);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().retain(|row| !self.1.contains(row));
    }
}

impl<'a> Watch<'a> {
    /// A guard before `tenant` for the run in `folder`.
    pub fn new(tenant: &'a Simulator, folder: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self {
            tenant,
            ledger: Connection::open_with_flags(folder.join(FILE_NAME), flags).expect("the ledger"),
            cut: Cut::Never,
            batches: Cell::new(0),
            reached: Notify::new(),
            in_flight: RefCell::default(),
            told: RefCell::default(),
            told_reading: RefCell::default(),
            hold: Cell::new(None),
            fault: RefCell::default(),
        }
    }

    /// A new process begins, which is cut off at `cut`. What was told to the last one about rows still holds.
    pub fn new_process(&mut self, cut: Cut) {
        self.cut = cut;
        self.batches.set(0);
        self.hold.set(None);
        self.told_reading.borrow_mut().clear();
        self.reached = Notify::new();
    }

    /// What was wrong first, if anything was.
    ///
    /// # Errors
    /// With that.
    pub fn verdict(&self) -> Result<(), String> {
        self.fault.borrow().clone().map_or(Ok(()), Err)
    }

    fn must(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fault.borrow_mut().get_or_insert_with(what);
        }
    }

    fn examine(&self, batch: &BatchRequest) {
        let now = Instant::now();
        self.must((1..=20).contains(&batch.requests.len()), || format!("{} rows in a batch", batch.requests.len()));
        if let Some((told, until)) = self.hold.get() {
            self.must(told == now || now >= until, || "a batch was sent before a wait was over".into());
        }
        for request in &batch.requests {
            let row = request.row;
            self.must(self.in_flight.borrow_mut().insert(row), || format!("row {row} is in flight twice"));
            let told = self.told_of(&request.operation).borrow().get(&row).copied();
            self.must(told.is_none_or(|until| now >= until), || format!("row {row} was sent again before its time"));
            if let Operation::SetPassword(password, _) = &request.operation {
                self.must(self.is_on_disk(row, password.expose()), || {
                    format!("row {row} was sent before the intent and its password were in the ledger")
                });
            }
        }
    }

    fn is_on_disk(&self, row: u64, password: &str) -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM account WHERE row = ?1 AND password = ?2 AND state = 'in_flight')";
        let mut select = self.ledger.prepare_cached(sql).expect("the schema");
        select.query_row((row, password), |found| found.get(0)).expect("the ledger")
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
            }
            Err(SendError::Refused(reply)) if reply.status == 429 => self.note(told, &rows, reply.retry_after),
            Err(_) => {}
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

impl Graph for Watch<'_> {
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
