//! Batches in flight: how many are allowed, when the next may be sent, and what their answers mean for all of them.
//!
//! The pace, the patience and the token are handled here, for writes and reads alike. The sender decides what an answer
//! means for its row. Nothing here touches the ledger or sends anything twice.
//!
//! Invariant: each ticket that is sent comes back exactly once, unless the dispatcher is dropped.

mod alone;
mod connectivity;
mod feedback;
mod judge;
mod pace;
mod shared;

pub use judge::Judged;
pub use pace::{MAX_WAIT, Pace};

use crate::{
    engine::pace::{Refusals, Throttle},
    graph::{BatchRequest, BatchResponse, Graph, Reply, Request, SendError, client::SignInError},
    ledger::KeptPace,
    outcome::{Asked, Verdict},
    util::{
        clock::{Clock, Offset},
        format::short,
        sanitize,
    },
};
use connectivity::Connectivity;
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use std::time::Duration;
use tokio::time::Instant;

/// Uncertain answers and conflicts before a row is given up; with the back-off between them, about four minutes.
pub const TROUBLES_MAX: u32 = 10;
/// Stop after this many refused tokens in a row, with none accepted in between.
const TOKEN_REFUSALS_MAX: u32 = 4;
/// How far a change can appear to precede its intent, in milliseconds: the directory reports whole seconds, its clock
/// is known to within about another second, and its servers differ a little.
pub(crate) const SEEMS_BEFORE: i64 = 3_000;

/// Why nothing is sent for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// Graph answered 429.
    Asked,
    /// Graph answered 429, because the application has spent its quota over all tenants.
    AskedOfApplication,
    /// The network or the service is unavailable; the text says how.
    Away(String),
}

/// A pause in sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The reason.
    pub reason: WaitReason,
    /// Its length.
    pub wait: Duration,
    /// How long Graph asked to wait, if that is longer than we accept.
    pub named: Option<Duration>,
}

/// Why nothing more can be sent. Open rows stay as they are, and a later run continues them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// No token.
    #[error(transparent)]
    SignIn(SignInError),
    /// Tokens that were just issued are refused.
    #[error("Graph refuses the tokens that the sign-in service has just issued ({0})")]
    TokenRefused(String),
    /// Graph, or something before it, refuses the batch itself.
    #[error("the batch as a whole was refused: {0}")]
    BatchRefused(String),
    /// The network or the service was unavailable for too long.
    #[error("no usable answer for {waited:.0?} ({said})")]
    Away {
        /// How long.
        waited: Duration,
        /// The last error.
        said: String,
    },
    /// Graph asks for a longer wait than is allowed.
    #[error(
        "Graph asks to wait {}, but the limit is {}; nothing more is sent",
        short(*.named), short(*.allowed)
    )]
    Asked {
        /// How long it asks to wait.
        named: Duration,
        /// The longest wait that is allowed.
        allowed: Duration,
    },
    /// Graph answers, but accepts nothing.
    #[error("Graph has throttled every request for {0:.0?}")]
    Stalled(Duration),
}

/// What is kept for a row while its batch is in flight.
pub trait Ticket {
    /// The row.
    fn row(&self) -> u64;

    /// What was asked for it.
    fn asked(&self) -> Asked;
}

/// A batch that has come back, or was never sent.
pub enum Completed<T> {
    /// It was never sent: nothing happened to these rows.
    Unsent(Vec<T>),
    /// Each of its rows is judged by itself.
    Judged(Vec<Judged<T>>, Completion),
}

/// What happened to a batch as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// How long everything waits because its rows were throttled; zero if each waits for itself.
    pub hold: Duration,
    /// Whether any answers arrived while it was in flight. If not, no row is to blame.
    pub was_connected: bool,
}

/// Counts of what was done, for the ledger.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Batches sent.
    pub batches: u64,
    /// Requests in them.
    pub requests: u64,
    /// How many of these were answered with 429.
    pub throttled: u64,
    /// When the first batch was sent, in milliseconds since 1970.
    pub first_sent: Option<i64>,
    /// When the last answer arrived.
    pub last_answer: Option<i64>,
}

struct Answer<T> {
    tickets: Vec<T>,
    sent: Sent,
    result: Result<BatchResponse, SendError>,
}

/// When a batch was sent, and the state at that time: news that arrives twice counts once.
#[derive(Clone, Copy)]
struct Sent {
    at: Instant,
    /// The same time by our wall clock, in milliseconds since 1970.
    wall: i64,
    /// The throttle's epoch.
    epoch: u32,
    token_refusals: u32,
}

/// What an answer as a whole shows about its 429s.
#[derive(Clone, Copy, Default)]
struct Signs {
    /// Whether the batch was refused as a whole.
    is_whole: bool,
    percentage: Option<f64>,
}

impl Signs {
    /// The same about a batch in which this many rows were answered for good.
    fn of(self, answered: usize) -> Refusals {
        Refusals { answered, is_whole: self.is_whole, percentage: self.percentage, ..Refusals::default() }
    }
}

/// The batches of one sender.
pub struct Dispatcher<'a, G, T> {
    graph: &'a G,
    pace: &'a Pace,
    concurrency: usize,
    /// Whether each request is sent by itself.
    is_alone: bool,
    clock: Clock,
    throttle: Throttle,
    connectivity: Connectivity,
    token_refusals: u32,
    in_flight: FuturesUnordered<LocalBoxFuture<'a, Answer<T>>>,
    requests_in_flight: usize,
    waits: Vec<Waiting>,
    /// The last wait that Graph asked for, until the caller has noted it: its start and its end.
    asked: Option<(i64, i64)>,
    broken: Option<DispatchError>,
    offset: Option<Offset>,
    tally: Tally,
}

impl<'a, G: Graph, T: Ticket + 'a> Dispatcher<'a, G, T> {
    /// A dispatcher without batches. `throttle` admits them, and at most `concurrency` are in flight unless the pace
    /// sets another limit.
    pub fn new(graph: &'a G, pace: &'a Pace, mut throttle: Throttle, concurrency: usize) -> Self {
        pace.concurrency.into_iter().for_each(|most| throttle.set_batches_in_flight(most));
        Self {
            graph,
            pace,
            concurrency: pace.concurrency.unwrap_or(concurrency),
            is_alone: false,
            clock: pace.clock,
            throttle,
            connectivity: Connectivity::new(pace.max_wait),
            token_refusals: 0,
            in_flight: FuturesUnordered::new(),
            requests_in_flight: 0,
            waits: Vec::new(),
            asked: None,
            broken: None,
            offset: None,
            tally: Tally::default(),
        }
    }

    /// The number of batches in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Why nothing more can be sent, if so. Returned once.
    pub fn take_broken(&mut self) -> Option<DispatchError> {
        self.broken.take()
    }

    /// Whether nothing more can be sent.
    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// The pauses since the last call.
    pub fn take_waits(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.waits)
    }

    /// The start and end (milliseconds since 1970) of a wait that Graph asked for since the last call. The caller notes
    /// it for the next process, in case this one is killed.
    pub fn take_asked(&mut self) -> Option<(i64, i64)> {
        self.asked.take()
    }

    /// Sends nothing for `wait`, which Graph asked an earlier process for.
    pub fn hold_for(&mut self, wait: Duration) {
        if !wait.is_zero() {
            self.throttle.hold(wait);
            self.connectivity.asked_to_wait(wait);
            self.waits.push(Waiting { reason: WaitReason::Asked, wait, named: None });
        }
    }

    /// Takes up the pace that another process left.
    pub fn recall(&mut self, kept: Option<KeptPace>) {
        if let Some(kept) = kept {
            self.throttle.recall(&kept, self.clock.millis());
        }
    }

    /// The pace for the next process, if there is news. The caller notes it with the rows.
    pub fn pace_to_keep(&mut self) -> Option<KeptPace> {
        self.throttle.news(self.clock.millis())
    }

    /// The time in which one request is refilled.
    pub fn each(&self) -> Duration {
        self.throttle.each()
    }

    /// Remembers that Graph asked for a wait from now on.
    pub(super) fn note_asked(&mut self, wait: Duration) {
        let now = self.clock.millis();
        let millis = i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        // Our own time is truncated to whole milliseconds.
        let until = now.saturating_add(millis).saturating_add(1);
        let latest = self.asked.map_or(until, |(_, other)| other.max(until));
        self.asked = Some((now, latest));
    }

    /// What was done so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How far Graph's clock is ahead of ours; `None` before the first answer that shows it.
    pub fn offset(&self) -> Option<Offset> {
        self.offset
    }

    fn batch_size(&self) -> usize {
        if self.is_alone { 1 } else { self.pace.batch_size.min(self.throttle.batch_max()) }
    }

    /// How many requests may be in flight now, in whole batches, or the pause that allows none.
    pub fn room(&self) -> Result<usize, Duration> {
        if let Some(until) = self.connectivity.paused_until.filter(|until| *until > Instant::now()) {
            return Err(until - Instant::now());
        }
        let size = self.batch_size();
        let most = if self.connectivity.is_connected() { self.throttle.in_flight_max(size) } else { size };
        let batches = most.saturating_sub(self.requests_in_flight) / size;
        Ok(batches.min(self.concurrency.saturating_sub(self.in_flight.len())) * size)
    }

    /// How many of `wanted` requests may be sent now, and how long the others wait for the pace, if they do.
    pub fn admit(&mut self, wanted: usize) -> (usize, Option<Duration>) {
        let mut admitted = 0;
        while admitted < wanted {
            let size = self.batch_size().min(wanted - admitted);
            match self.throttle.admit(size) {
                Ok(()) => admitted += size,
                Err(wait) => return (admitted, Some(wait)),
            }
        }
        (admitted, None)
    }

    /// Sends admitted requests in batches.
    pub fn send(&mut self, requests: Vec<(Request, T)>) {
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let (batch, tickets): (Vec<_>, Vec<_>) = requests.by_ref().take(self.batch_size()).unzip();
            self.tally.batches += 1;
            self.tally.requests += batch.len() as u64;
            self.tally.first_sent.get_or_insert(self.clock.millis());
            self.requests_in_flight += batch.len();
            let (graph, clock) = (self.graph, self.clock);
            let (epoch, token_refusals, is_alone) = (self.throttle.epoch(), self.token_refusals, self.is_alone);
            let batch = BatchRequest { requests: batch };
            self.in_flight.push(Box::pin(async move {
                let sent = Sent { at: Instant::now(), wall: clock.millis(), epoch, token_refusals };
                let result = match batch.requests.as_slice() {
                    [request] if is_alone => graph.send_alone(request).await,
                    _ => graph.send(&batch).await,
                };
                Answer { tickets, sent, result }
            }));
        }
    }

    /// Waits for a batch to come back, and takes all others that have arrived. Returns at once if none is in flight.
    pub async fn next(&mut self) -> Vec<Completed<T>> {
        let mut completed = Vec::new();
        let mut next = self.in_flight.next().await;
        while let Some(answer) = next {
            self.requests_in_flight -= answer.tickets.len();
            self.tally.last_answer = Some(self.clock.millis());
            completed.push(self.land(answer));
            next = self.in_flight.next().now_or_never().flatten();
        }
        completed
    }

    fn land(&mut self, answer: Answer<T>) -> Completed<T> {
        let Answer { tickets, sent, result } = answer;
        match result {
            Ok(response) => {
                self.throttle.in_use(response.throttle_percentage);
                if let Some(date) = response.date {
                    self.compare_clocks(sent, date);
                }
                let signs = Signs { percentage: response.throttle_percentage, is_whole: self.is_alone };
                self.judged(judge::items(tickets, response), sent, signs)
            }
            Err(SendError::Refused(reply)) => {
                // A refusal of the whole batch is never a success, whatever was asked.
                let verdict = reply.verdict(Asked::Password);
                match verdict {
                    Verdict::Refused(_) | Verdict::PasswordRefused | Verdict::Done => {
                        self.break_off(DispatchError::BatchRefused(sanitize::sentence(&reply.whole())));
                        Completed::Unsent(tickets)
                    }
                    _ => {
                        let signs = Signs { is_whole: true, percentage: None };
                        self.judged(judge::whole(tickets, verdict, &reply), sent, signs)
                    }
                }
            }
            Err(SendError::Lost(said)) => {
                let message = format!("no answer ({said})");
                let reply = Reply { code: "answer_lost".into(), message, ..Reply::default() };
                self.judged(judge::whole(tickets, Verdict::Unknown(None), &reply), sent, Signs::default())
            }
            Err(SendError::NotSent(said)) => {
                self.record_silence(sent.at, &said, None);
                Completed::Unsent(tickets)
            }
            Err(SendError::SignIn(said)) => {
                self.break_off(DispatchError::SignIn(said));
                Completed::Unsent(tickets)
            }
        }
    }

    fn break_off(&mut self, error: DispatchError) {
        self.broken.get_or_insert(error);
    }
}
