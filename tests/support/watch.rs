//! A guard between the run and the tenant: it checks each request when it is sent, and can cut a run off there.

use super::{
    checkers::{Invariant, Violation},
    elsewhere::Elsewhere,
    world::World,
};
use passwave::{
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, Reply, Request, SendError, claims::Claims},
    ledger::FILE_NAME,
    simulator::Simulator,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    path::Path,
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// The batch at which a process is cut off, and on which side of its effect.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// The intent is on disk, and the batch is not sent.
    BeforeSending(u32),
    /// The batch takes effect, and the answer is lost.
    BeforeAnswer(u32),
    /// Never.
    Never,
}

/// What was sent for one row.
#[derive(Default)]
struct Sent {
    /// The password that was sent last.
    password: String,
    /// The number of its attempt in the ledger.
    attempt: u64,
    /// Whether it was certainly not sent, or Graph's refusal of that password has arrived.
    is_over: bool,
}

/// Forwards batches to the tenant.
pub struct Watch<'a, G = Simulator> {
    tenant: &'a G,
    ledger: Connection,
    elsewhere: Option<&'a dyn Elsewhere>,
    cut: Cut,
    process: u32,
    batches: Cell<u32>,
    /// Notified when the cut has happened.
    pub reached: Notify,
    in_flight: RefCell<HashSet<u64>>,
    sent: RefCell<HashMap<u64, Sent>>,
    /// For each row to be written, the earliest time to send it again, from answers that have arrived.
    told: RefCell<HashMap<u64, Instant>>,
    /// The same for rows that were read; only this process knows them.
    told_reading: RefCell<HashMap<u64, Instant>>,
    /// When the last wait was requested, and when it is over.
    hold: Cell<Option<(Instant, Instant)>>,
    /// The same for requests that are sent alone: the process, when it was requested, and when it is over.
    hold_alone: Cell<Option<(u32, Instant, Instant)>>,
    /// The waits requested from some process, for reads (`true`) and for writes: the process, and the end of the wait.
    kept: RefCell<HashMap<bool, (u32, Instant)>>,
    /// The first violation.
    fault: RefCell<Option<Violation>>,
}

/// Rows in flight; they are removed however the sending ends.
struct Away<'a>(&'a RefCell<HashSet<u64>>, Vec<u64>);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().retain(|row| !self.1.contains(row));
    }
}

impl<'a, G: Graph> Watch<'a, G> {
    /// A guard for `tenant` and the run in `folder`.
    pub fn new(tenant: &'a G, folder: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let ledger = Connection::open_with_flags(folder.join(FILE_NAME), flags);
        Self::with(tenant, ledger.expect("the ledger"), None)
    }

    /// A guard for `tenant` and the run of a world, wherever that is.
    pub fn of(tenant: &'a G, world: &'a World) -> Self {
        match world.elsewhere.as_deref() {
            None => Self::new(tenant, &world.folder()),
            elsewhere => Self::with(tenant, Connection::open_in_memory().expect("memory"), elsewhere),
        }
    }

    fn with(tenant: &'a G, ledger: Connection, elsewhere: Option<&'a dyn Elsewhere>) -> Self {
        Self {
            tenant,
            ledger,
            elsewhere,
            cut: Cut::Never,
            process: 0,
            batches: Cell::new(0),
            reached: Notify::new(),
            in_flight: RefCell::default(),
            sent: RefCell::default(),
            told: RefCell::default(),
            told_reading: RefCell::default(),
            hold: Cell::new(None),
            hold_alone: Cell::new(None),
            kept: RefCell::default(),
            fault: RefCell::default(),
        }
    }

    /// A new process starts, which is cut off at `cut`. Waits that the last one was asked for still apply.
    pub fn new_process(&mut self, cut: Cut) {
        self.cut = cut;
        self.process += 1;
        self.batches.set(0);
        self.hold.set(None);
        self.told_reading.borrow_mut().clear();
        self.reached = Notify::new();
    }

    /// The next process cannot know the waits of the last one: it died before it noted them, or their clocks differ.
    pub fn forget_waits(&self) {
        self.told.borrow_mut().clear();
        self.hold_alone.set(None);
        self.kept.borrow_mut().clear();
    }

    /// The first violation, if there is one.
    ///
    /// # Errors
    /// Returns the violation.
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
        self.examine_kept(batch, now);
        // Reads the ledger once for all of them.
        let look = self.ledger.unchecked_transaction().expect("the ledger");
        batch.requests.iter().for_each(|request| self.examine_row(request, now));
        drop(look);
    }

    /// A wait that an earlier process was asked for also applies to this one. Notes have whole milliseconds.
    fn examine_kept(&self, batch: &BatchRequest, now: Instant) {
        let kept = batch.requests.first().and_then(|first| self.kept.borrow().get(&is_read(&first.operation)).copied());
        let Some((process, until)) = kept.filter(|(process, _)| *process != self.process) else { return };
        let over = now + Duration::from_millis(2) >= until;
        self.must(over, Invariant::Manners, || format!("process {} forgot a wait of process {process}", self.process));
    }

    fn examine_row(&self, request: &Request, now: Instant) {
        let row = request.row;
        let alone = self.in_flight.borrow_mut().insert(row);
        self.must(alone, Invariant::IntentFirst, || format!("row {row} is in flight twice"));
        let told = self.told_of(&request.operation).borrow().get(&row).copied();
        let in_time = told.is_none_or(|until| now >= until);
        self.must(in_time, Invariant::Manners, || format!("row {row} was sent again before its time"));
        let (password, is_final) = match &request.operation {
            Operation::SetPassword(password, _) => (password, false),
            Operation::ResetOnPremises(password) => (password, true),
            _ => return,
        };
        let (password, on_disk) = (password.expose(), self.on_disk(row));
        let (kept, attempt) = on_disk.unwrap_or((Some(String::new()), None));
        // Without the key, a process makes new passwords.
        let is_sealed = kept.is_none();
        self.must(kept.is_none_or(|kept| kept == password), Invariant::Durable, || {
            format!("the password of row {row} was not in the ledger")
        });
        self.must(attempt.is_some(), Invariant::IntentFirst, || format!("row {row} was sent without an intent"));
        let attempt = attempt.unwrap_or_default();
        if let Some(last) = self.sent.borrow().get(&row) {
            // The on-premises directory may refuse the same password the second time.
            let fresh = last.is_over || (attempt > last.attempt && !is_final);
            self.must(fresh, Invariant::IntentFirst, || format!("row {row} was sent twice on one intent"));
            let same = last.is_over || is_sealed || password == last.password;
            self.must(same, Invariant::OnePassword, || format!("row {row} was sent with a second password"));
        }
        self.sent.borrow_mut().insert(row, Sent { password: password.to_owned(), attempt, is_over: false });
    }

    /// The password of a row in the ledger, and the number of its current attempt.
    fn on_disk(&self, row: u64) -> Option<(Option<String>, Option<u64>)> {
        if let Some(elsewhere) = self.elsewhere {
            return elsewhere.stored(row);
        }
        // A sealed password is compared when the report is opened: the key must read what was sent.
        let sql = "SELECT CASE typeof(password) WHEN 'text' THEN password WHEN 'blob' THEN NULL ELSE '' END, iif(state = 'in_flight', attempts, NULL) FROM account WHERE row = ?1";
        let mut select = self.ledger.prepare_cached(sql).expect("the schema");
        select.query_row([row], |found| Ok((found.get(0)?, found.get(1)?))).optional().expect("the ledger")
    }

    /// A wait for writes does not apply to reads, which use other quotas.
    fn told_of(&self, operation: &Operation) -> &RefCell<HashMap<u64, Instant>> {
        if is_read(operation) { &self.told_reading } else { &self.told }
    }

    fn listen(&self, batch: &BatchRequest, answer: &Result<BatchResponse, SendError>) {
        let rows: Vec<u64> = batch.requests.iter().map(|request| request.row).collect();
        let told = batch.requests.first().map_or(&self.told, |request| self.told_of(&request.operation));
        let is_reading = batch.requests.first().is_some_and(|request| is_read(&request.operation));
        match answer {
            Ok(response) => {
                // An answer to something that was not requested asks for nothing.
                let asked = |row: &Option<u64>| row.is_some_and(|row| rows.contains(&row));
                let throttled = response.replies.iter().filter(|reply| reply.status == 429 && asked(&reply.row));
                let throttled: Vec<&Reply> = throttled.collect();
                throttled.iter().for_each(|reply| tell(told, reply.row.as_slice(), reply.retry_after));
                let percentage = response.throttle_percentage;
                self.hold_all(is_reading, of_the_quota(&throttled, rows.len(), percentage));
                let refused = response.replies.iter().filter(|reply| is_about_the_password(reply));
                self.over(&refused.filter_map(|reply| reply.row).collect::<Vec<_>>());
            }
            Err(SendError::Refused(reply)) if reply.status == 429 => {
                tell(told, &rows, reply.retry_after);
                self.hold_all(is_reading, reply.retry_after);
            }
            Err(SendError::NotSent(_) | SendError::SignIn(_)) => self.over(&rows),
            Err(_) => {}
        }
    }

    /// A request that is sent alone waits for the limit of such requests, also if an earlier process was asked to.
    fn examine_alone(&self, request: &Request) {
        let now = Instant::now();
        if let Some((process, told, until)) = self.hold_alone.get() {
            let over = told == now || now + Duration::from_millis(2) >= until;
            self.must(over, Invariant::Manners, || format!("a wait that process {process} was asked for was not over"));
        }
        self.examine_row(request, now);
    }

    fn listen_alone(&self, request: &Request, answer: &Result<BatchResponse, SendError>) {
        let rows = [request.row];
        match answer {
            Ok(response) => {
                for reply in &response.replies {
                    if reply.status == 429
                        && let Some(wait) = reply.retry_after
                    {
                        let now = Instant::now();
                        let latest = self.hold_alone.get().map_or(now + wait, |(_, _, until)| until.max(now + wait));
                        self.hold_alone.set(Some((self.process, now, latest)));
                    }
                    if (300..500).contains(&reply.status) && reply.status != 408 {
                        self.over(&rows);
                    }
                }
            }
            Err(SendError::NotSent(_) | SendError::SignIn(_)) => self.over(&rows),
            Err(_) => {}
        }
    }

    /// The requests for `rows` certainly had no effect.
    fn over(&self, rows: &[u64]) {
        let mut sent = self.sent.borrow_mut();
        for row in rows {
            sent.entry(*row).and_modify(|sent| sent.is_over = true);
        }
    }

    /// Everything waits for as long as this.
    fn hold_all(&self, is_reading: bool, wait: Option<Duration>) {
        let now = Instant::now();
        let Some(until) = wait.map(|wait| now + wait) else { return };
        let latest = self.hold.get().map_or(until, |(_, other)| other.max(until));
        self.hold.set(Some((now, latest)));
        let mut kept = self.kept.borrow_mut();
        let latest = kept.get(&is_reading).map_or(until, |(_, other)| until.max(*other));
        kept.insert(is_reading, (self.process, latest));
    }
}

/// These rows wait for as long as this.
fn tell(told: &RefCell<HashMap<u64, Instant>>, rows: &[u64], wait: Option<Duration>) {
    let Some(until) = wait.map(|wait| Instant::now() + wait) else { return };
    told.borrow_mut().extend(rows.iter().map(|row| (*row, until)));
}

/// The wait of a spent quota, if these answers to a batch of `size` certainly mean that: one names the quota, its use is
/// above the limit, or almost all are refused.
fn of_the_quota(throttled: &[&Reply], size: usize, percentage: Option<f64>) -> Option<Duration> {
    let named: Vec<&&Reply> = throttled.iter().filter(|reply| reply.is_over_quota).collect();
    if !named.is_empty() {
        return named.iter().filter_map(|reply| reply.retry_after).max();
    }
    let is_certain = percentage.is_some_and(|share| share > 1.0) || (size > 11 && throttled.len() + 2 > size);
    let mut waits: Vec<Duration> = throttled.iter().filter_map(|reply| reply.retry_after).collect();
    waits.sort_unstable();
    // One of them may be about something else.
    waits.get(waits.len() / 2).copied().filter(|_| is_certain)
}

fn is_read(operation: &Operation) -> bool {
    matches!(operation, Operation::Read | Operation::Follow(_))
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

    async fn send_alone(&self, request: &Request) -> Result<BatchResponse, SendError> {
        self.batches.set(self.batches.get() + 1);
        let nth = self.batches.get();
        self.examine_alone(request);
        let _away = Away(&self.in_flight, vec![request.row]);
        if matches!(self.cut, Cut::BeforeSending(at) if nth >= at) {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        let answer = self.tenant.send_alone(request).await;
        if matches!(self.cut, Cut::BeforeAnswer(at) if nth >= at) {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        self.listen_alone(request, &answer);
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.tenant.claims().await
    }
}
