//! Reads any number of accounts, in batches, at the pace that the resource units allow.
//!
//! Reading does no harm, so failed reads are simply repeated. Only what [`Reading::keep`] keeps is on disk. The caller
//! decides what an account's state means.
//!
//! Invariant: each row from [`Reading::next`] comes back to [`Reading::keep`] exactly once, unless reading ends early.

use crate::{
    account::upn::Upn,
    engine::{
        dispatch::{self, Completed, Completion, DispatchError, Dispatcher, Judged, Pace, TROUBLES_MAX, Waiting},
        pace::{Call, Throttle},
    },
    graph::{Graph, Operation, Reply, Request, quota::Quota, user::User},
    ledger::{Ledger, LedgerError, OnHold},
    outcome::{Asked, Cause, Verdict},
    util::{clock::Offset, sanitize},
};
use futures_util::future::FusedFuture;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Maximum number of batches in flight, unless the pace sets it: the resource units allow 800 reads per
/// second, and an answer may take more than a second.
const CONCURRENCY: usize = 64;
/// After this many batches without a readable account, all accounts count as unreadable, whatever the cause. If a batch
/// is forbidden as a whole, one is enough.
const UNREADABLE_MAX: u32 = 3;
/// Give up an account after this many answers that do not contain one.
const UNCLEAR_MAX: u32 = 3;
/// How long such a batch waits, so that others come first.
const UNREADABLE_WAIT: Duration = Duration::from_secs(1);

/// The result of reading an account.
pub enum Found {
    /// The account.
    User(Box<User>),
    /// The directory does not know it.
    Missing,
    /// It could not be read, for this reason.
    Unread(String),
    /// Graph answers, but not with an account: it is unknown what the name leads to.
    Unclear(String),
}

/// Where rows come from, and where the results go.
pub trait Reading {
    /// The ledger. Waits that Graph asks for are noted there.
    fn ledger(&self) -> &Ledger;

    /// Returns up to `most` rows to read; empty at the end.
    fn next(&mut self, most: usize) -> Result<Vec<(u64, Upn)>, LedgerError>;

    /// Takes the results. Graph's clock is ahead of ours by `offset`, if known.
    fn keep(&mut self, found: Vec<(u64, Found)>, offset: Option<Offset>) -> Result<(), LedgerError>;
}

/// Progress of reading.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReadEvent {
    /// This many more rows were read.
    Read(u64),
    /// A pause in sending.
    Waiting(Waiting),
}

/// How reading ended. It is exhaustive on purpose, as [`RunEnd`](crate::engine::run::RunEnd) is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadEnd {
    /// All rows were read.
    Finished,
    /// The caller asked it to stop.
    Interrupted,
    /// The application may not read accounts; the text says why. None was read.
    Denied(String),
}

/// Why reading was broken off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nothing more can be sent.
    #[error(transparent)]
    Dispatcher(#[from] DispatchError),
    /// Graph answers, but no answer contains an account.
    #[error("Graph's answers about accounts cannot be understood ({0})")]
    Unclear(String),
}

/// A row while its batch is in flight, or while it waits to be read again.
struct Ticket {
    row: u64,
    address: Upn,
    troubles: u32,
}

impl dispatch::Ticket for Ticket {
    fn row(&self) -> u64 {
        self.row
    }

    fn asked(&self) -> Asked {
        Asked::Account
    }
}

struct Reader<'a, G, R> {
    dispatcher: Dispatcher<'a, G, Ticket>,
    reading: &'a mut R,
    /// Rows to read again, and the earliest time for each.
    again: Vec<(Instant, Ticket)>,
    exhausted: bool,
    /// Whether any account could be read.
    readable: bool,
    /// How many batches so far had no readable account.
    unreadable: u32,
    /// Why reading was given up.
    given_up: Option<GivenUp>,
    stopping: bool,
}

/// Why no more accounts are read.
enum GivenUp {
    /// The application has no permission.
    Denied(String),
    /// The answers contain no account.
    Unclear(String),
}

/// Reads all rows of `reading`, until `stop` resolves or nothing more can be done.
///
/// # Errors
/// Says why reading cannot continue.
pub async fn read<G: Graph>(
    graph: &G,
    pace: &Pace,
    reading: &mut impl Reading,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    tell: &mut dyn FnMut(ReadEvent),
) -> Result<ReadEnd, ReadError> {
    let throttle = Throttle::for_reads(Quota::resource_units_for(pace.write_quota), pace.seed)
        .among(Call::Read, pace.all_tenants.as_ref());
    let dispatcher = Dispatcher::new(graph, pace, throttle, CONCURRENCY);
    let again = Vec::new();
    let (exhausted, readable, unreadable, given_up, stopping) = (false, false, 0, None, false);
    let mut reader = Reader { dispatcher, reading, again, exhausted, readable, unreadable, given_up, stopping };
    let now = pace.clock.millis();
    reader.dispatcher.recall(reader.reading.ledger().kept_pace(OnHold::Reads, now)?);
    reader.dispatcher.hold_for(reader.reading.ledger().hold_left(OnHold::Reads, now)?);
    reader.dispatcher.take_waits().into_iter().for_each(|wait| tell(ReadEvent::Waiting(wait)));
    loop {
        let wake = reader.fill()?;
        if reader.dispatcher.in_flight() == 0
            && let Some(end) = reader.end()
        {
            return end;
        }
        tokio::select! {
            biased;
            () = &mut *stop, if !stop.is_terminated() => reader.stopping = true,
            completed = reader.dispatcher.next(), if reader.dispatcher.in_flight() > 0 => {
                let read = reader.take(completed)?;
                tell(ReadEvent::Read(read));
                reader.dispatcher.take_waits().into_iter().for_each(|wait| tell(ReadEvent::Waiting(wait)));
            }
            () = sleep(wake.unwrap_or_default()), if wake.is_some() => {}
        }
    }
}

impl<G: Graph, R: Reading> Reader<'_, G, R> {
    fn end(&mut self) -> Option<Result<ReadEnd, ReadError>> {
        match (self.dispatcher.take_broken(), self.given_up.take()) {
            (Some(error), _) => Some(Err(error.into())),
            (None, Some(GivenUp::Denied(said))) => Some(Ok(ReadEnd::Denied(said))),
            (None, Some(GivenUp::Unclear(said))) => Some(Err(ReadError::Unclear(said))),
            (None, None) if self.exhausted && self.again.is_empty() => Some(Ok(ReadEnd::Finished)),
            (None, None) if self.stopping => Some(Ok(ReadEnd::Interrupted)),
            (None, None) => None,
        }
    }

    /// Sends what may be sent; returns how long to sleep if no answer arrives.
    fn fill(&mut self) -> Result<Option<Duration>, LedgerError> {
        if self.stopping || self.dispatcher.is_broken() || self.given_up.is_some() {
            return Ok(None);
        }
        let room = match self.dispatcher.room() {
            Ok(room) => room,
            Err(pause) => return Ok(Some(pause)),
        };
        let mut tickets = self.due(room);
        if tickets.len() < room && !self.exhausted {
            let more = self.reading.next(room - tickets.len())?;
            self.exhausted = more.is_empty();
            tickets.extend(more.into_iter().map(|(row, address)| Ticket { row, address, troubles: 0 }));
        }
        let (admitted, wait) = self.dispatcher.admit(tickets.len());
        let now = Instant::now();
        self.again.extend(tickets.drain(admitted..).map(|ticket| (now, ticket)));
        self.dispatcher.send(tickets.into_iter().map(ask).collect());
        // If nothing holds the pace, a row that waits to be read again may be due before the next answer.
        let due = self.again.iter().map(|(at, _)| at.saturating_duration_since(now)).min();
        Ok(wait.or(due.filter(|_| room > admitted)))
    }

    /// Takes up to `most` rows that are due again.
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

    fn take(&mut self, completed: Vec<Completed<Ticket>>) -> Result<u64, LedgerError> {
        let mut found = Vec::new();
        for completed in completed {
            match completed {
                Completed::Unsent(tickets) => {
                    let now = Instant::now();
                    self.again.extend(tickets.into_iter().map(|ticket| (now, ticket)));
                }
                Completed::Judged(batch, completion) => self.judged(batch, completion, &mut found),
            }
        }
        if let Some(asked) = self.dispatcher.take_asked() {
            self.reading.ledger().note_hold(OnHold::Reads, asked)?;
        }
        if let Some(pace) = self.dispatcher.pace_to_keep() {
            self.reading.ledger().keep_pace(OnHold::Reads, pace)?;
        }
        let read = found.len() as u64;
        self.reading.keep(found, self.dispatcher.offset())?;
        Ok(read)
    }

    fn judged(&mut self, batch: Vec<Judged<Ticket>>, completion: Completion, found: &mut Vec<(u64, Found)>) {
        let is_denied = |judged: &Judged<Ticket>| match judged.verdict {
            Verdict::Refused(_) => !is_missing(&judged.reply),
            Verdict::Done => judged.reply.user.is_none(),
            _ => false,
        };
        if !self.readable && !batch.is_empty() && batch.iter().all(is_denied) {
            self.unreadable += 1;
            let is_allowed = |judged: &&Judged<Ticket>| judged.verdict != Verdict::Refused(Cause::Permission);
            self.given_up = match batch.iter().find(is_allowed) {
                // Only a missing permission counts as denied.
                None => Some(GivenUp::Denied(sanitize::sentence(&batch[0].reply.whole()))),
                Some(judged) if self.unreadable >= UNREADABLE_MAX => Some(GivenUp::Unclear(unclear(&judged.reply))),
                Some(_) => None,
            };
            // The other rows go first: they show whether the problem is in these rows or everywhere.
            let later = Instant::now() + UNREADABLE_WAIT;
            self.again.extend(batch.into_iter().map(|judged| (later, judged.ticket)));
            return;
        }
        for judged in batch {
            let row = judged.ticket.row;
            if let Some(what) = self.settle(judged, completion) {
                self.readable |= matches!(what, Found::User(_) | Found::Missing);
                found.push((row, what));
            }
        }
    }

    /// The result, or `None` if the row is read again.
    fn settle(&mut self, judged: Judged<Ticket>, completion: Completion) -> Option<Found> {
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
        let is_trouble =
            verdict == Verdict::Busy || (completion.was_connected && matches!(verdict, Verdict::Unknown(_)));
        match self.dispatcher.wait_after(&verdict, ticket.troubles, completion) {
            Some(wait) if !is_trouble || ticket.troubles + 1 < TROUBLES_MAX => {
                if matches!(verdict, Verdict::Throttled(_)) {
                    // A row that is read has no time on disk before which it must wait: the next process holds all.
                    self.dispatcher.note_asked(wait);
                }
                ticket.troubles += u32::from(is_trouble);
                self.again.push((Instant::now() + wait, ticket));
                None
            }
            _ => Some(Found::Unread(sanitize::sentence(&reply.whole()))),
        }
    }
}

/// Whether the directory says that the account does not exist. A proxy's missing page does not count.
fn is_missing(reply: &Reply) -> bool {
    reply.status == 404 && reply.code == "Request_ResourceNotFound"
}

/// The text for an answer that does not contain the requested account.
fn unclear(reply: &Reply) -> String {
    let said = sanitize::sentence(&reply.whole());
    if (200..300).contains(&reply.status) { format!("{said}, without a usable account") } else { said }
}

fn ask(ticket: Ticket) -> (Request, Ticket) {
    let request = Request::new(ticket.row, ticket.address.clone(), Operation::Read);
    (request, ticket)
}
