//! The loop: one owner of the ledger, the dispatcher and the verdicts, with batches in flight around it.

mod settle;
mod writeback;
mod writeback_settle;

pub use self::writeback::writeback_time;
use super::{
    Halt, RunEnd, RunError, RunEvent, RunOptions,
    pauses::Pauses,
    systemic::{Others, SystemicFailures},
    tell_accounts,
};

use self::writeback::Lane;
use crate::{
    account::upn::Upn,
    engine::{
        dispatch::{self, Completed, Dispatcher},
        pace::{Call, Throttle},
    },
    graph::{Graph, Operation, Request},
    ledger::{
        Claimed, Claims, Counts, Facts, Ledger, LedgerError, OnHold, Session, SessionsDue, WAIT_MILLIS_MAX,
        state::{Doubt, Event},
    },
    outcome::Asked,
    util::clock::Clock,
};
use futures_util::future::FusedFuture;
use jiff::tz::TimeZone;
use std::time::Duration;
use tokio::time::sleep;

/// Maximum number of batches in flight, unless the pace sets it. Only a much larger quota than the documented one needs so
/// many; the throttle allows fewer otherwise.
const CONCURRENCY: usize = 64;
/// Stop revoking sessions after this many refusals for a missing permission and no success: three full batches.
const SESSIONS_DENIED_MAX: usize = 60;

/// What prevents more rows from being claimed.
enum Limit {
    /// The pace, or a pause: ask again after this time.
    Time(Duration),
    /// No more rows are due.
    Due,
    /// The maximum is in flight, or claiming has stopped: only an answer changes that.
    Answers,
}

/// What is kept for a row while its batch is in flight.
#[derive(Clone, Debug)]
struct Ticket {
    row: u64,
    user_principal_name: String,
    troubles: u32,
    errand: BatchKind,
}

/// What the batch does for the row.
#[derive(Clone, Copy, Debug)]
enum BatchKind {
    /// Writes its password; the row has this doubt from earlier attempts.
    Write(Doubt),
    /// Revokes its sessions.
    Sessions,
}

impl dispatch::Ticket for Ticket {
    fn row(&self) -> u64 {
        self.row
    }

    fn asked(&self) -> Asked {
        match self.errand {
            BatchKind::Write(_) => Asked::Password,
            BatchKind::Sessions => Asked::Sessions,
        }
    }
}

pub(super) struct Engine<'a, G> {
    ledger: &'a mut Ledger,
    options: &'a RunOptions,
    emit: &'a mut dyn FnMut(RunEvent),
    clock: Clock,
    dispatcher: Dispatcher<'a, G, Ticket>,
    pauses: Pauses,
    systemic: SystemicFailures,
    /// Session requests refused for a missing permission; `None` once one succeeded.
    sessions_denied: Option<usize>,
    /// Answers that have arrived and are not on disk yet.
    facts: Facts,
    /// Passwords for the on-premises directory, which go their own way at their own pace.
    writeback: Lane<'a, G>,
    /// Set if claiming has stopped: how the run will end.
    closing: Option<RunEnd>,
    /// The counts when this process started.
    before: Counts,
    began_at: i64,
    settled: u64,
    revoked: u64,
}

impl<'a, G: Graph> Engine<'a, G> {
    pub(super) fn new(
        ledger: &'a mut Ledger,
        graph: &'a G,
        options: &'a RunOptions,
        began_at: i64,
        emit: &'a mut dyn FnMut(RunEvent),
    ) -> Self {
        let (clock, before) = (options.pace.clock, ledger.counts());
        let mut systemic = SystemicFailures::new();
        if before.reset > 0 {
            systemic.rule_out();
        }
        let throttle = Throttle::new(options.pace.write_quota, options.pace.seed);
        let throttle = throttle.among(Call::Write, options.pace.all_tenants.as_ref());
        Self {
            ledger,
            options,
            emit,
            clock,
            dispatcher: Dispatcher::new(graph, &options.pace, throttle, CONCURRENCY),
            pauses: Pauses::new(),
            systemic,
            sessions_denied: Some(0),
            facts: Facts::default(),
            writeback: Lane::new(graph, options),
            closing: None,
            before,
            began_at,
            settled: 0,
            revoked: 0,
        }
    }

    /// What was done so far, in the ledger's form.
    pub(super) fn session(&self) -> Session {
        let tally = self.dispatcher.tally();
        Session {
            began_at: self.began_at,
            ended_at: self.clock.millis(),
            first_write: tally.first_sent,
            last_write: tally.last_answer,
            batches: tally.batches,
            writes: tally.requests,
            throttled: tally.throttled,
            settled: self.settled,
            revoked: self.revoked,
            write_quota: self.options.pace.write_quota.to_string(),
        }
    }

    /// Its pauses, once it has ended.
    pub(super) fn into_pauses(self) -> Pauses {
        self.pauses
    }

    pub(super) async fn work(
        &mut self,
        stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    ) -> Result<RunEnd, RunError> {
        self.wait_on()?;
        loop {
            // First, because sessions follow what it records.
            let wake = self.turn_writeback()?;
            let wake = earlier(wake, self.turn()?);
            if self.dispatcher.in_flight() + self.writeback.in_flight() == 0 && self.has_ended()? {
                return self.end();
            }
            tokio::select! {
                biased;
                () = &mut *stop, if !stop.is_terminated() => self.stop(),
                completed = self.dispatcher.next(), if self.dispatcher.in_flight() > 0 => self.take(completed)?,
                completed = self.writeback.next(), if self.writeback.in_flight() > 0 => self.take_writeback(completed)?,
                () = sleep(wake.unwrap_or_default()), if wake.is_some() => {}
            }
        }
    }

    /// Whether nothing more will be sent.
    fn has_ended(&self) -> Result<bool, LedgerError> {
        Ok(self.is_closing() || (self.ledger.next_due()?.is_none() && self.is_writeback_over()?))
    }

    /// Takes up the pace of earlier processes and other runs, and continues a wait that Graph asked it for.
    fn wait_on(&mut self) -> Result<(), LedgerError> {
        let now = self.clock.millis();
        self.dispatcher.share_through(self.ledger)?;
        self.dispatcher.recall(self.ledger.kept_pace(OnHold::Writes, now)?);
        self.options.left_by_others.iter().for_each(|kept| self.dispatcher.recall(Some(kept.clone())));
        self.dispatcher.hold_for(self.ledger.hold_left_after_cut(now, self.dispatcher.each())?);
        self.tell_waits();
        self.begin_writeback(now)
    }

    fn tell_waits(&mut self) {
        let (now, throttled) = (self.clock.millis(), self.dispatcher.tally().throttled);
        for waiting in self.dispatcher.take_waits() {
            self.pauses.note(now, &waiting, throttled);
            (self.emit)(RunEvent::Waiting(waiting));
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.is_some() || self.dispatcher.is_broken()
    }

    fn stop(&mut self) {
        self.closing = Some(RunEnd::Interrupted);
        (self.emit)(RunEvent::Stopping { in_flight: self.dispatcher.in_flight() + self.writeback.in_flight() });
    }

    fn end(&mut self) -> Result<RunEnd, RunError> {
        // The accounts of a pilot are all there are for now.
        let no_others = self.ledger.next_due()?.is_none();
        // If all were refused before, and again after a fix, the rows are the cause.
        let news = no_others && !self.ledger.were_all_refused()?;
        // After a halt, other rows cannot show anything, and its cause matters more than its rule.
        let halted = matches!(self.closing, Some(RunEnd::Halted(_)));
        let others = if news || halted { Others::None } else { Others::Follow };
        if let Some((rows, cause, said)) = self.systemic.verdict(others) {
            self.ledger.plan_again(rows)?;
            tell_accounts(self.ledger, self.options, rows.iter().copied(), self.emit)?;
            if no_others {
                self.ledger.note_all_refused(said)?;
            }
            return Err(RunError::Everyone { rows: rows.len(), cause, said: said.to_owned() });
        }
        if !no_others {
            // Too few to tell whether the rows are the cause: the next process finds out.
            self.ledger.plan_again(self.systemic.open())?;
            tell_accounts(self.ledger, self.options, self.systemic.open().iter().copied(), self.emit)?;
        }
        match self.dispatcher.take_broken().or_else(|| self.writeback.take_broken()) {
            Some(error) => Err(error.into()),
            None if self.ledger.counts().is_finished() => Ok(RunEnd::Finished),
            // With nothing left to stop it, the remaining rows lie beyond a pilot.
            None => Ok(self.closing.take().or(self.writeback.failed_pilot()).unwrap_or(RunEnd::PilotEnded)),
        }
    }

    /// Records what has arrived and sends what may be sent; returns how long to sleep if no answer arrives.
    fn turn(&mut self) -> Result<Option<Duration>, RunError> {
        let now = self.clock.millis();
        let recorded = !self.facts.is_empty();
        self.look_at_the_guards();
        let (admitted, limit) = self.admit(now)?;
        if let Some(offset) = self.dispatcher.offset() {
            self.ledger.learn_clock(offset, now);
        }
        if let Some(pace) = self.dispatcher.pace_to_keep() {
            self.ledger.keep_pace(OnHold::Writes, pace)?;
        }
        let claims = self.ledger.turn(&self.facts, admitted, now)?;
        let facts = std::mem::take(&mut self.facts);
        let ended = facts.writes.iter().filter(|fact| matches!(fact.event, Event::Confirmed | Event::Refused));
        tell_accounts(self.ledger, self.options, ended.map(|fact| fact.row), self.emit)?;
        if self.ledger.is_displaced() {
            self.closing.get_or_insert(RunEnd::Interrupted);
        }
        self.give_up_sessions()?;
        self.send(claims)?;
        if recorded {
            self.tell_progress();
        }
        match limit {
            Limit::Time(wait) => Ok(Some(wait)),
            // Asked only now, because a row that was just recorded may be due first.
            Limit::Due => Ok(self.until_due(now)?),
            Limit::Answers => Ok(None),
        }
    }

    fn tell_progress(&mut self) {
        let (counts, dispatcher) = (self.ledger.counts(), &self.dispatcher);
        let (throttled, latency) = (dispatcher.tally().throttled, dispatcher.latency());
        (self.emit)(RunEvent::Progress { counts, throttled, covered: dispatcher.covered(), latency });
    }

    /// Stops claiming once the hours are over, or too much has gone wrong.
    fn look_at_the_guards(&mut self) {
        let closed = |window: &super::Window| !window.is_open(&self.clock.now().to_zoned(TimeZone::system()));
        if self.closing.is_none() && self.options.window.as_ref().is_some_and(closed) {
            self.closing = Some(RunEnd::WindowClosed);
        }
        let counts = self.ledger.counts_after(&self.facts);
        let reached = |halt: &&Halt| halt.is_reached(&self.before, &counts);
        if self.closing.is_none() && counts.pending() > 0 {
            self.closing = self.options.halt_on.iter().find(reached).map(|halt| RunEnd::Halted(*halt));
        }
    }

    /// How many requests may be claimed and sent now, and what prevents more.
    fn admit(&mut self, now: i64) -> Result<(usize, Limit), LedgerError> {
        if self.is_closing() {
            return Ok((0, Limit::Answers));
        }
        let room = match self.dispatcher.room() {
            Ok(room) => room,
            Err(pause) => return Ok((0, Limit::Time(pause))),
        };
        let due = self.ledger.due(now, room)?;
        Ok(match self.dispatcher.admit(due) {
            (admitted, Some(wait)) => (admitted, Limit::Time(wait)),
            (admitted, None) if due < room => (admitted, Limit::Due),
            (admitted, None) => (admitted, Limit::Answers),
        })
    }

    /// How long until the next request is due; `None` if none is left.
    fn until_due(&self, now: i64) -> Result<Option<Duration>, LedgerError> {
        let mut due = self.ledger.next_due()?;
        if due.is_some_and(|due| due.saturating_sub(now) > WAIT_MILLIS_MAX) {
            self.ledger.bound_waits(now)?;
            due = self.ledger.next_due()?;
        }
        Ok(due.map(|due| Duration::from_millis(u64::try_from(due.saturating_sub(now)).unwrap_or(0))))
    }

    /// Sends what was claimed: sessions first, in the order of the claims.
    fn send(&mut self, claims: Claims) -> Result<(), LedgerError> {
        let settings = self.ledger.settings();
        let sessions = claims.sessions.into_iter().map(|due| {
            let SessionsDue { row, user_principal_name, object_id, troubles } = due;
            let address = address(row, &user_principal_name, object_id.as_deref())?;
            let ticket = Ticket { row, user_principal_name, troubles, errand: BatchKind::Sessions };
            Ok((Request::new(row, address, Operation::RevokeSessions), ticket))
        });
        let writes = claims.writes.into_iter().map(|claimed| {
            let Claimed { row, user_principal_name, object_id, password, form, doubt, troubles, client_request_id } =
                claimed;
            let force_change = settings.force_change_of(form.profile);
            let address = address(row, &user_principal_name, object_id.as_deref())?;
            let ticket = Ticket { row, user_principal_name, troubles, errand: BatchKind::Write(doubt) };
            let operation = Operation::SetPassword(password, force_change);
            Ok((Request { row, address, operation, client_request_id: Some(client_request_id) }, ticket))
        });
        self.dispatcher.send(sessions.chain(writes).collect::<Result<_, LedgerError>>()?);
        Ok(())
    }

    /// Takes what has arrived: all of it shares a commit.
    fn take(&mut self, completed: Vec<Completed<Ticket>>) -> Result<(), RunError> {
        if let Some(asked) = self.dispatcher.take_asked() {
            self.ledger.keep_hold(OnHold::Writes, asked)?;
        }
        self.tell_waits();
        for completed in completed {
            match completed {
                Completed::Unsent(tickets) => tickets.into_iter().for_each(|ticket| self.unsent(ticket)),
                Completed::Judged(batch, completion) => self.judged(batch, completion)?,
            }
        }
        Ok(())
    }
}

/// The earlier of two times, if there is any.
fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

/// Where the request goes: to the object id if the account was looked up, so no escape of a name can lead elsewhere. A
/// name is checked again, because others can edit a ledger.
fn address(row: u64, user_principal_name: &str, object_id: Option<&str>) -> Result<Upn, LedgerError> {
    Upn::parse(object_id.unwrap_or(user_principal_name)).map_err(|_| LedgerError::BadAddress(row))
}
