//! Batches on their way: how many may be, when the next may leave, and what their answers say about all of them.
//!
//! Here are the pace, the patience and the token, for writing and for reading alike. What an answer means for its row is
//! for whoever sent it; nothing here touches the ledger or sends anything twice.
//!
//! Invariant: each ticket that leaves comes back exactly once, unless the traffic is dropped.

mod judge;
mod lessons;
mod weather;

pub use judge::Judged;

use crate::{
    clean,
    clock::{Clock, Offset},
    figures::short,
    graph::{BATCH_ITEMS_MAX, BatchRequest, BatchResponse, Graph, Reply, Request, SendError},
    outcome::{Asked, Verdict},
    quota::Quota,
    retry_after::WAIT_MAX,
    throttle::Throttle,
};
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use std::time::Duration;
use tokio::time::Instant;
use weather::Weather;

/// How long trouble that nobody here can mend is waited out, unless `--max-wait` says otherwise.
pub const MAX_WAIT: Duration = Duration::from_secs(15 * 60);
/// Uncertain answers and conflicts after which a row is given up; with the back-off between them, some four minutes.
pub const TROUBLES_MAX: u32 = 10;
/// Tokens refused in a row, with none accepted in between, that stop everything.
const TOKEN_REFUSALS_MAX: u32 = 4;
/// How much a change can seem to lie before its intent, in milliseconds: the directory tells it in whole seconds, a clock
/// is known within about another one, and a directory's servers differ a little.
pub(crate) const SEEMS_BEFORE: i64 = 3_000;

/// How fast, and how patiently.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The write quota to ride.
    pub write_quota: Quota,
    /// Batches in flight at most; none for what suits writing or reading.
    pub concurrency: Option<usize>,
    /// Accounts in a batch, 1 to [`BATCH_ITEMS_MAX`].
    pub batch_size: usize,
    /// How long a network or service that is away is waited for.
    pub max_wait: Duration,
    /// How long a wait may be that Graph asks for; what is longer stops the run.
    pub max_asked: Duration,
    /// Seed of the jitter in waits.
    pub seed: u64,
    /// By which times are told: one clock for all that a process does.
    pub clock: Clock,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            write_quota: Quota::DOCUMENTED_WRITES,
            concurrency: None,
            batch_size: BATCH_ITEMS_MAX,
            max_wait: MAX_WAIT,
            max_asked: WAIT_MAX,
            seed: 0,
            clock: Clock::start(),
        }
    }
}

/// Why nothing is sent for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Graph answered 429.
    Asked,
    /// The network or the service is away, as told.
    Away(String),
}

/// Nothing is sent for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Why.
    pub reason: WaitReason,
    /// How long.
    pub wait: Duration,
    /// How long Graph asked to wait, where that is more than is believed.
    pub named: Option<Duration>,
}

/// Why nothing more can be sent. What has not ended stays as it is, and `passwave run` goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    /// No token.
    #[error("{0}")]
    SignIn(String),
    /// Tokens that were just issued are refused.
    #[error(
        "Graph refuses the tokens that the sign-in service has just issued ({0})\nhint: check that --cloud, --authority-host and --graph-endpoint belong together"
    )]
    TokenRefused(String),
    /// Graph, or something before it, refuses the batch itself.
    #[error(
        "the batch as a whole was refused: {0}\nhint: check --graph-endpoint and whether a proxy answers in Graph's place, then go on"
    )]
    BatchRefused(String),
    /// The network or the service stayed away.
    #[error(
        "no usable answer for {waited:.0?} ({said})\nhint: check the network and the service's health, then go on; --max-wait sets how long to wait"
    )]
    Away {
        /// How long.
        waited: Duration,
        /// The last words.
        said: String,
    },
    /// Graph asks for a longer wait than is allowed.
    #[error(
        "Graph asks to wait {}, and --max-wait allows {}; nothing more is sent\n\
         hint: go on later with `passwave run`, or allow a longer --max-wait",
        short(*.named), short(*.allowed)
    )]
    Asked {
        /// How long it asks to wait.
        named: Duration,
        /// How long it may.
        allowed: Duration,
    },
    /// Graph answers, and accepts nothing.
    #[error(
        "Graph has put off everything for {0:.0?}\nhint: another job may be using up this application's quota; go on later, or wait longer with --max-wait"
    )]
    Stalled(Duration),
}

/// What is kept of a row while its batch is away.
pub trait Ticket {
    /// The row that it is about.
    fn row(&self) -> u64;

    /// What was asked for it.
    fn asked(&self) -> Asked;
}

/// A batch that has come back, or was never gone.
pub enum Landed<T> {
    /// It never left: nothing happened to these.
    Unsent(Vec<T>),
    /// Each of its rows is judged alone.
    Judged(Vec<Judged<T>>, Landing),
}

/// What a batch met with as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Landing {
    /// How long its throttled rows are to wait.
    pub hold: Duration,
    /// Whether answers came at all while it was away: where not, that is no row's own fault.
    pub was_fair: bool,
}

/// What has been done, for the books.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Batches sent.
    pub batches: u64,
    /// Requests in them.
    pub requests: u64,
    /// Of these, answered 429.
    pub throttled: u64,
    /// When the first batch left, in milliseconds since 1970.
    pub first_sent: Option<i64>,
    /// When the last answer came.
    pub last_answer: Option<i64>,
}

struct Answer<T> {
    tickets: Vec<T>,
    sent: Sent,
    result: Result<BatchResponse, SendError>,
}

/// When a batch left, and what was known then: what is learnt from it twice counts once.
#[derive(Clone, Copy)]
struct Sent {
    at: Instant,
    /// The same by our clock, in milliseconds since 1970.
    wall: i64,
    /// Of the throttle.
    epoch: u32,
    token_refusals: u32,
}

/// The batches of one sender.
pub struct Traffic<'a, G, T> {
    graph: &'a G,
    pace: &'a Pace,
    concurrency: usize,
    clock: Clock,
    throttle: Throttle,
    weather: Weather,
    token_refusals: u32,
    in_flight: FuturesUnordered<LocalBoxFuture<'a, Answer<T>>>,
    requests_in_flight: usize,
    waits: Vec<Waiting>,
    /// The wait that was asked for last, until somebody has noted it: when it began, and when it is over.
    asked: Option<(i64, i64)>,
    broken: Option<TrafficError>,
    offset: Option<Offset>,
    tally: Tally,
}

impl<'a, G: Graph, T: Ticket + 'a> Traffic<'a, G, T> {
    /// No batches yet, to be admitted by `throttle`; at most `concurrency` of them in flight, unless the pace says.
    pub fn new(graph: &'a G, pace: &'a Pace, throttle: Throttle, concurrency: usize) -> Self {
        Self {
            graph,
            pace,
            concurrency: pace.concurrency.unwrap_or(concurrency),
            clock: pace.clock,
            throttle,
            weather: Weather::new(pace.max_wait),
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

    /// Batches on their way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Why nothing more is to be sent, if that is so; asked once.
    pub fn take_broken(&mut self) -> Option<TrafficError> {
        self.broken.take()
    }

    /// Whether nothing more is to be sent.
    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// What is to be told about waiting since this was asked last.
    pub fn take_waits(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.waits)
    }

    /// A wait that was asked for since this was asked last, from when until when (milliseconds since 1970): to be noted for
    /// the process that follows, should this one be killed.
    pub fn take_asked(&mut self) -> Option<(i64, i64)> {
        self.asked.take()
    }

    /// Sends nothing for `wait`, which an earlier process was asked for.
    pub fn hold_for(&mut self, wait: Duration) {
        if !wait.is_zero() {
            self.throttle.hold(wait);
            self.weather.asked_to_wait(wait);
            self.waits.push(Waiting { reason: WaitReason::Asked, wait, named: None });
        }
    }

    /// Remembers that Graph asked for a wait from now on.
    fn note_asked(&mut self, wait: Duration) {
        let now = self.clock.millis();
        let millis = i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        let until = now.saturating_add(millis);
        let latest = self.asked.map_or(until, |(_, other)| other.max(until));
        self.asked = Some((now, latest));
    }

    /// What has been done.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How far Graph's clock is ahead of ours, once an answer has told.
    pub fn offset(&self) -> Option<Offset> {
        self.offset
    }

    fn batch_size(&self) -> usize {
        self.pace.batch_size.min(self.throttle.batch_max())
    }

    /// Requests that fit into flight now, in whole batches; or the pause that stands against any.
    pub fn room(&self) -> Result<usize, Duration> {
        if let Some(until) = self.weather.paused_until.filter(|until| *until > Instant::now()) {
            return Err(until - Instant::now());
        }
        let size = self.batch_size();
        let most = if self.weather.is_fair() { self.throttle.in_flight_max(size) } else { size };
        let batches = most.saturating_sub(self.requests_in_flight) / size;
        Ok(batches.min(self.concurrency.saturating_sub(self.in_flight.len())) * size)
    }

    /// How many of `wanted` requests may leave now, and how long the others wait for the pace, where they do.
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

    /// Sends what was admitted, in batches.
    pub fn send(&mut self, requests: Vec<(Request, T)>) {
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let (batch, tickets): (Vec<_>, Vec<_>) = requests.by_ref().take(self.batch_size()).unzip();
            self.tally.batches += 1;
            self.tally.requests += batch.len() as u64;
            self.tally.first_sent.get_or_insert(self.clock.millis());
            self.requests_in_flight += batch.len();
            let (graph, clock) = (self.graph, self.clock);
            let (epoch, token_refusals) = (self.throttle.epoch(), self.token_refusals);
            let batch = BatchRequest { requests: batch };
            self.in_flight.push(Box::pin(async move {
                let sent = Sent { at: Instant::now(), wall: clock.millis(), epoch, token_refusals };
                let result = graph.send(&batch).await;
                Answer { tickets, sent, result }
            }));
        }
    }

    /// Waits for a batch to come back, and takes all others that have come meanwhile. With none on its way, there is
    /// nothing to wait for.
    pub async fn next(&mut self) -> Vec<Landed<T>> {
        let mut landed = Vec::new();
        let mut next = self.in_flight.next().await;
        while let Some(answer) = next {
            self.requests_in_flight -= answer.tickets.len();
            self.tally.last_answer = Some(self.clock.millis());
            landed.push(self.land(answer));
            next = self.in_flight.next().now_or_never().flatten();
        }
        landed
    }

    fn land(&mut self, answer: Answer<T>) -> Landed<T> {
        let Answer { tickets, sent, result } = answer;
        match result {
            Ok(response) => {
                if let Some(percentage) = response.throttle_percentage {
                    self.throttle.in_use(percentage);
                }
                if let Some(date) = response.date {
                    self.compare_clocks(sent, date);
                }
                self.judged(judge::items(tickets, response), sent)
            }
            Err(SendError::Refused(reply)) => {
                // A refusal of the whole is no success, whatever was asked.
                let verdict = reply.verdict(Asked::Password);
                match verdict {
                    Verdict::Refused(_) | Verdict::PasswordRefused | Verdict::Done => {
                        self.break_off(TrafficError::BatchRefused(clean::sentence(&reply.whole())));
                        Landed::Unsent(tickets)
                    }
                    _ => self.judged(judge::whole(tickets, verdict, &reply), sent),
                }
            }
            Err(SendError::Lost(said)) => {
                let message = format!("no answer ({said})");
                let reply = Reply { code: "answer_lost".into(), message, ..Reply::default() };
                self.judged(judge::whole(tickets, Verdict::Unknown(None), &reply), sent)
            }
            Err(SendError::NotSent(said)) => {
                self.fruitless(sent.at, &said, None);
                Landed::Unsent(tickets)
            }
            Err(SendError::SignIn(said)) => {
                self.break_off(TrafficError::SignIn(said));
                Landed::Unsent(tickets)
            }
        }
    }

    fn break_off(&mut self, error: TrafficError) {
        self.broken.get_or_insert(error);
    }

    fn compare_clocks(&mut self, sent: Sent, date: jiff::Timestamp) {
        let told = Offset::of_answer(sent.wall, self.clock.millis(), date.as_millisecond());
        // If a clock was set meanwhile, only the last answer counts.
        self.offset = Some(self.offset.and_then(|known| known.and(told)).unwrap_or(told));
    }
}
