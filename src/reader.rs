//! Reading accounts, as many as there are, in batches at the pace that the resource units allow.
//!
//! Reading does no harm, so what fails is simply read again; nothing of it is on disk but what [`Reading::keep`] keeps.
//! What an account's state means is for whoever asked.
//!
//! Invariant: each row that [`Reading::next`] hands out comes back to [`Reading::keep`] exactly once, unless the reading
//! ends before its time.

use crate::{
    clean,
    clock::Offset,
    graph::{Graph, Operation, Reply, Request, user::User},
    ledger::{Ledger, LedgerError, OnHold},
    outcome::{Asked, Cause, Verdict},
    quota::Quota,
    throttle::Throttle,
    traffic::{self, Judged, Landed, Landing, Pace, TROUBLES_MAX, Traffic, TrafficError, Waiting},
    upn::Upn,
};
use futures_util::future::FusedFuture;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Batches in flight at most, unless `--concurrency` says otherwise: the resource units allow 800 reads a second, and an
/// answer may take more than a second.
const CONCURRENCY: usize = 64;
/// Batches without an account that can be read after which none is taken to be, whatever the cause; where all are
/// forbidden, the first one does.
const UNREADABLE_MAX: u32 = 3;
/// Answers about one account that hold none, after which it is given up.
const UNCLEAR_MAX: u32 = 3;
/// How long such a batch waits, so that others come before it.
const UNREADABLE_WAIT: Duration = Duration::from_secs(1);

/// What a look at an account found.
pub enum Found {
    /// The account.
    User(Box<User>),
    /// The directory knows none.
    Missing,
    /// It could not be read, for this reason.
    Unread(String),
    /// Graph answers, and not with an account: nobody knows what the name leads to.
    Unclear(String),
}

/// Where rows come from, and where what was found goes.
pub trait Reading {
    /// The ledger, in which waits are noted that Graph asks for.
    fn ledger(&self) -> &Ledger;

    /// The next rows to be read, `most` of them; none where there are no more.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    fn next(&mut self, most: usize) -> Result<Vec<(u64, Upn)>, LedgerError>;

    /// Takes what was found. Graph's clock is ahead of ours by `offset`, if that is known.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    fn keep(&mut self, found: Vec<(u64, Found)>, offset: Option<Offset>) -> Result<(), LedgerError>;
}

/// What is told while it reads.
#[derive(Clone, Debug)]
pub enum ReadEvent {
    /// So many more rows have been read.
    Read(u64),
    /// Nothing is sent for a while.
    Waiting(Waiting),
}

/// How reading ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadEnd {
    /// All rows are read.
    Finished,
    /// It was asked to stop.
    Interrupted,
    /// The application may not read accounts, as told. None was read.
    Denied(String),
}

/// Why reading was broken off.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The ledger cannot be kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nothing more can be sent.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// Answers come, and none of them is about an account.
    #[error(
        "Graph's answers about accounts cannot be understood ({0})\n\
         hint: check --graph-endpoint and whether a proxy answers in Graph's place, then go on with `passwave run`; \
         a plan with --lookup off goes by the names in the roster"
    )]
    Unclear(String),
}

/// A row while its batch is away, or while it waits to be read again.
struct Ticket {
    row: u64,
    address: Upn,
    troubles: u32,
}

impl traffic::Ticket for Ticket {
    fn row(&self) -> u64 {
        self.row
    }

    fn asked(&self) -> Asked {
        Asked::Account
    }
}

struct Reader<'a, G, R> {
    traffic: Traffic<'a, G, Ticket>,
    reading: &'a mut R,
    /// To be read again, and not before when.
    again: Vec<(Instant, Ticket)>,
    exhausted: bool,
    /// Whether any account could be read.
    readable: bool,
    /// Batches so far of which no account could be read.
    unreadable: u32,
    /// Why none is read any more.
    given_up: Option<GivenUp>,
    stopping: bool,
}

/// Why no account is read any more.
enum GivenUp {
    /// The application may not.
    Denied(String),
    /// The answers hold no account.
    Unclear(String),
}

/// Reads all rows of `reading`, until `stop` resolves or nothing more can be done.
///
/// # Errors
/// Says what stands against going on.
pub async fn read<G: Graph>(
    graph: &G,
    pace: &Pace,
    reading: &mut impl Reading,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    tell: &mut dyn FnMut(ReadEvent),
) -> Result<ReadEnd, ReadError> {
    let throttle = Throttle::for_reads(Quota::resource_units_for(pace.write_quota), pace.seed);
    let traffic = Traffic::new(graph, pace, throttle, CONCURRENCY);
    let again = Vec::new();
    let (exhausted, readable, unreadable, given_up, stopping) = (false, false, 0, None, false);
    let mut reader = Reader { traffic, reading, again, exhausted, readable, unreadable, given_up, stopping };
    let left = reader.reading.ledger().hold_left(OnHold::Reads, pace.clock.millis())?;
    reader.traffic.hold_for(left);
    reader.traffic.take_waits().into_iter().for_each(|wait| tell(ReadEvent::Waiting(wait)));
    loop {
        let wake = reader.fill()?;
        if reader.traffic.in_flight() == 0
            && let Some(end) = reader.end()
        {
            return end;
        }
        tokio::select! {
            biased;
            () = &mut *stop, if !stop.is_terminated() => reader.stopping = true,
            landed = reader.traffic.next(), if reader.traffic.in_flight() > 0 => {
                let read = reader.take(landed)?;
                tell(ReadEvent::Read(read));
                reader.traffic.take_waits().into_iter().for_each(|wait| tell(ReadEvent::Waiting(wait)));
            }
            () = sleep(wake.unwrap_or_default()), if wake.is_some() => {}
        }
    }
}

impl<G: Graph, R: Reading> Reader<'_, G, R> {
    fn end(&mut self) -> Option<Result<ReadEnd, ReadError>> {
        match (self.traffic.take_broken(), self.given_up.take()) {
            (Some(error), _) => Some(Err(error.into())),
            (None, Some(GivenUp::Denied(said))) => Some(Ok(ReadEnd::Denied(said))),
            (None, Some(GivenUp::Unclear(said))) => Some(Err(ReadError::Unclear(said))),
            (None, None) if self.exhausted && self.again.is_empty() => Some(Ok(ReadEnd::Finished)),
            (None, None) if self.stopping => Some(Ok(ReadEnd::Interrupted)),
            (None, None) => None,
        }
    }

    /// Sends what may be sent; returns how long to sleep if no answer comes.
    fn fill(&mut self) -> Result<Option<Duration>, LedgerError> {
        if self.stopping || self.traffic.is_broken() || self.given_up.is_some() {
            return Ok(None);
        }
        let room = match self.traffic.room() {
            Ok(room) => room,
            Err(pause) => return Ok(Some(pause)),
        };
        let mut tickets = self.due(room);
        if tickets.len() < room && !self.exhausted {
            let more = self.reading.next(room - tickets.len())?;
            self.exhausted = more.is_empty();
            tickets.extend(more.into_iter().map(|(row, address)| Ticket { row, address, troubles: 0 }));
        }
        let (admitted, wait) = self.traffic.admit(tickets.len());
        let now = Instant::now();
        self.again.extend(tickets.drain(admitted..).map(|ticket| (now, ticket)));
        self.traffic.send(tickets.into_iter().map(ask).collect());
        // Where nothing holds the pace, what waits to be read again may be due before the next answer.
        let due = self.again.iter().map(|(at, _)| at.saturating_duration_since(now)).min();
        Ok(wait.or(due.filter(|_| room > admitted)))
    }

    /// Takes out what is due again, `most` of it.
    fn due(&mut self, most: usize) -> Vec<Ticket> {
        let now = Instant::now();
        let mut due = Vec::new();
        let mut at = 0;
        while at < self.again.len() && due.len() < most {
            if self.again[at].0 <= now {
                due.push(self.again.swap_remove(at).1);
            } else {
                at += 1;
            }
        }
        due
    }

    fn take(&mut self, landed: Vec<Landed<Ticket>>) -> Result<u64, LedgerError> {
        let mut found = Vec::new();
        for landed in landed {
            match landed {
                Landed::Unsent(tickets) => {
                    let now = Instant::now();
                    self.again.extend(tickets.into_iter().map(|ticket| (now, ticket)));
                }
                Landed::Judged(batch, landing) => self.judged(batch, landing, &mut found),
            }
        }
        if let Some(asked) = self.traffic.take_asked() {
            self.reading.ledger().note_hold(OnHold::Reads, asked)?;
        }
        let read = found.len() as u64;
        self.reading.keep(found, self.traffic.offset())?;
        Ok(read)
    }

    fn judged(&mut self, batch: Vec<Judged<Ticket>>, landing: Landing, found: &mut Vec<(u64, Found)>) {
        let is_denied = |judged: &Judged<Ticket>| match judged.verdict {
            Verdict::Refused(_) => !is_missing(&judged.reply),
            Verdict::Done => judged.reply.user.is_none(),
            _ => false,
        };
        if !self.readable && !batch.is_empty() && batch.iter().all(is_denied) {
            self.unreadable += 1;
            let is_allowed = |judged: &&Judged<Ticket>| judged.verdict != Verdict::Refused(Cause::Permission);
            self.given_up = match batch.iter().find(is_allowed) {
                // Only a want of permission is one.
                None => Some(GivenUp::Denied(clean::sentence(&batch[0].reply.whole()))),
                Some(judged) if self.unreadable >= UNREADABLE_MAX => Some(GivenUp::Unclear(unclear(&judged.reply))),
                Some(_) => None,
            };
            // Whether the cause is theirs or everybody's, the others tell, which go first.
            let later = Instant::now() + UNREADABLE_WAIT;
            self.again.extend(batch.into_iter().map(|judged| (later, judged.ticket)));
            return;
        }
        for judged in batch {
            let row = judged.ticket.row;
            if let Some(what) = self.settle(judged, landing) {
                self.readable |= matches!(what, Found::User(_) | Found::Missing);
                found.push((row, what));
            }
        }
    }

    /// What was found, or nothing where the row is read again.
    fn settle(&mut self, judged: Judged<Ticket>, landing: Landing) -> Option<Found> {
        let Judged { mut ticket, verdict, mut reply } = judged;
        if verdict == Verdict::Done {
            if let Some(user) = reply.user.take() {
                return Some(Found::User(user));
            }
            ticket.troubles += 1;
            if ticket.troubles >= UNCLEAR_MAX {
                return Some(Found::Unclear(unclear(&reply)));
            }
            self.again.push((Instant::now() + UNREADABLE_WAIT, ticket));
            return None;
        }
        if is_missing(&reply) {
            return Some(Found::Missing);
        }
        let is_trouble = verdict == Verdict::Busy || (landing.was_fair && matches!(verdict, Verdict::Unknown(_)));
        match self.traffic.wait_after(&verdict, ticket.troubles, landing) {
            Some(wait) if !is_trouble || ticket.troubles + 1 < TROUBLES_MAX => {
                ticket.troubles += u32::from(is_trouble);
                self.again.push((Instant::now() + wait, ticket));
                None
            }
            _ => Some(Found::Unread(clean::sentence(&reply.whole()))),
        }
    }
}

/// Whether the directory says that there is no such account, and not something before it that there is no such page.
fn is_missing(reply: &Reply) -> bool {
    reply.status == 404 && reply.code == "Request_ResourceNotFound"
}

/// What to say of an answer that does not hold the account that was asked for.
fn unclear(reply: &Reply) -> String {
    let said = clean::sentence(&reply.whole());
    if (200..300).contains(&reply.status) { format!("{said}, and no account that can be understood") } else { said }
}

fn ask(ticket: Ticket) -> (Request, Ticket) {
    let request = Request { row: ticket.row, address: ticket.address.clone(), operation: Operation::Read };
    (request, ticket)
}
