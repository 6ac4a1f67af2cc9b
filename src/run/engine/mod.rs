//! The loop: one owner of ledger, traffic and verdicts, with batches in flight around it.

mod settle;

use super::{Halt, RunEnd, RunError, RunEvent, RunOptions, moments::Moments, suspicion::Suspicion, tell_accounts};
use crate::{
    clock::Clock,
    graph::{Graph, Operation, Request},
    ledger::{
        Claimed, Claims, Counts, Facts, Ledger, LedgerError, OnHold, Session, SessionsDue,
        life::{Doubt, Event},
    },
    outcome::Asked,
    throttle::Throttle,
    traffic::{self, Landed, Traffic},
    upn::Upn,
};
use futures_util::future::FusedFuture;
use jiff::tz::TimeZone;
use std::time::Duration;
use tokio::time::sleep;

/// Batches in flight at most, unless `--concurrency` says otherwise: far more than the documented quota ever needs, and
/// what Microsoft's own bulk writers use.
const CONCURRENCY: usize = 16;
/// Noted where a process found every account refused for want of permission.
const ALL_REFUSED: &str = "all_refused";
/// Sessions refused for want of permission, with none revoked, after which no more are tried: three full batches.
const SESSIONS_DENIED_MAX: usize = 60;

/// What keeps more rows from being claimed.
enum Limit {
    /// The pace, or a pause: ask again after this time.
    Time(Duration),
    /// No more rows are due.
    Due,
    /// As many are in flight as may be, or nothing is to be claimed any more: only an answer changes that.
    Answers,
}

/// What the run keeps of a row while its batch is away.
#[derive(Clone, Debug)]
struct Ticket {
    row: u64,
    user_principal_name: String,
    troubles: u32,
    errand: Errand,
}

/// What the batch is to do for the row.
#[derive(Clone, Copy, Debug)]
enum Errand {
    /// Write its password; this is in doubt from earlier attempts.
    Write(Doubt),
    /// Revoke its sessions.
    Sessions,
}

impl traffic::Ticket for Ticket {
    fn row(&self) -> u64 {
        self.row
    }

    fn asked(&self) -> Asked {
        match self.errand {
            Errand::Write(_) => Asked::Password,
            Errand::Sessions => Asked::Sessions,
        }
    }
}

pub(super) struct Engine<'a, G> {
    ledger: &'a mut Ledger,
    options: &'a RunOptions,
    emit: &'a mut dyn FnMut(RunEvent),
    clock: Clock,
    traffic: Traffic<'a, G, Ticket>,
    moments: Moments,
    suspicion: Suspicion,
    /// Sessions that were refused for want of permission; none counts once one was revoked.
    sessions_denied: Option<usize>,
    /// What has come back and is not on disk yet.
    facts: Facts,
    /// Nothing is claimed any more, and the run ends so.
    closing: Option<RunEnd>,
    /// How things stood when this process began.
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
        let throttle = Throttle::new(options.pace.write_quota, options.pace.seed);
        Self {
            ledger,
            options,
            emit,
            clock,
            traffic: Traffic::new(graph, &options.pace, throttle, CONCURRENCY),
            moments: Moments::new(),
            suspicion: Suspicion::new(before.reset > 0),
            sessions_denied: Some(0),
            facts: Facts::default(),
            closing: None,
            before,
            began_at,
            settled: 0,
            revoked: 0,
        }
    }

    /// What was done so far, as the ledger keeps it.
    pub(super) fn session(&self) -> Session {
        let tally = self.traffic.tally();
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

    /// What held it up, once it has ended.
    pub(super) fn into_moments(self) -> Moments {
        self.moments
    }

    pub(super) async fn work(
        &mut self,
        stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    ) -> Result<RunEnd, RunError> {
        self.wait_on()?;
        loop {
            let wake = self.turn()?;
            if self.traffic.in_flight() == 0 && (self.is_closing() || self.ledger.next_due()?.is_none()) {
                return self.end();
            }
            tokio::select! {
                biased;
                () = &mut *stop, if !stop.is_terminated() => self.stop(),
                landed = self.traffic.next(), if self.traffic.in_flight() > 0 => self.take(landed)?,
                () = sleep(wake.unwrap_or_default()), if wake.is_some() => {}
            }
        }
    }

    /// Goes on with a wait that an earlier process was asked for.
    fn wait_on(&mut self) -> Result<(), LedgerError> {
        self.traffic.hold_for(self.ledger.hold_left(OnHold::Writes, self.clock.millis())?);
        self.tell_waits();
        Ok(())
    }

    fn tell_waits(&mut self) {
        let (now, throttled) = (self.clock.millis(), self.traffic.tally().throttled);
        for waiting in self.traffic.take_waits() {
            self.moments.note(now, &waiting, throttled);
            (self.emit)(RunEvent::Waiting(waiting));
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.is_some() || self.traffic.is_broken()
    }

    fn stop(&mut self) {
        self.closing = Some(RunEnd::Interrupted);
        (self.emit)(RunEvent::Stopping { in_flight: self.traffic.in_flight() });
    }

    fn end(&mut self) -> Result<RunEnd, RunError> {
        // A pilot's accounts are all there are for now.
        let no_others = self.ledger.next_due()?.is_none();
        // Where all were refused before, and again after whatever was mended, the cause is theirs.
        let news = no_others && self.ledger.note(ALL_REFUSED)?.is_none();
        // A halt leaves no others to find out with, and its cause is worth more than its rule.
        let halted = matches!(self.closing, Some(RunEnd::Halted(_)));
        if let Some((rows, cause, said)) = self.suspicion.verdict(news || halted) {
            self.ledger.plan_again(rows)?;
            tell_accounts(self.ledger, self.options, rows.iter().copied(), self.emit)?;
            if no_others {
                self.ledger.set_note(ALL_REFUSED, said)?;
            }
            return Err(RunError::Everyone { rows: rows.len(), cause, said: said.to_owned() });
        }
        if !no_others {
            // Not enough to tell whether the cause is theirs: the next process finds out.
            self.ledger.plan_again(self.suspicion.open())?;
            tell_accounts(self.ledger, self.options, self.suspicion.open().iter().copied(), self.emit)?;
        }
        match self.traffic.take_broken() {
            Some(error) => Err(error.into()),
            None if self.ledger.counts().is_finished() => Ok(RunEnd::Finished),
            // What is left, with nothing against going on, lies beyond the pilot.
            None => Ok(self.closing.take().unwrap_or(RunEnd::PilotEnded)),
        }
    }

    /// Records what has come back and sends what may be sent; returns how long to sleep if no answer comes.
    fn turn(&mut self) -> Result<Option<Duration>, RunError> {
        let now = self.clock.millis();
        let recorded = !self.facts.is_empty();
        self.look_at_the_guards();
        let (admitted, limit) = self.admit(now)?;
        if let Some(offset) = self.traffic.offset() {
            self.ledger.learn_clock(offset, now);
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
            let (counts, throttled) = (self.ledger.counts(), self.traffic.tally().throttled);
            (self.emit)(RunEvent::Progress { counts, throttled });
        }
        match limit {
            Limit::Time(wait) => Ok(Some(wait)),
            // Asked only now, since what has just been recorded may be due before anything else.
            Limit::Due => Ok(self.until_due(now)?),
            Limit::Answers => Ok(None),
        }
    }

    /// Claims nothing more once the hours are over, or too much has gone wrong.
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

    /// How many requests may be claimed and sent now, and what stands against more.
    fn admit(&mut self, now: i64) -> Result<(usize, Limit), LedgerError> {
        if self.is_closing() {
            return Ok((0, Limit::Answers));
        }
        let room = match self.traffic.room() {
            Ok(room) => room,
            Err(pause) => return Ok((0, Limit::Time(pause))),
        };
        let due = self.ledger.due(now, room)?;
        Ok(match self.traffic.admit(due) {
            (admitted, Some(wait)) => (admitted, Limit::Time(wait)),
            (admitted, None) if due < room => (admitted, Limit::Due),
            (admitted, None) => (admitted, Limit::Answers),
        })
    }

    /// How long until the next request is due; none where none is left.
    fn until_due(&self, now: i64) -> Result<Option<Duration>, LedgerError> {
        let due = self.ledger.next_due()?;
        Ok(due.map(|due| Duration::from_millis(u64::try_from(due - now).unwrap_or(0))))
    }

    /// Sends what was claimed: sessions first, as they were claimed.
    fn send(&mut self, claims: Claims) -> Result<(), LedgerError> {
        let settings = self.ledger.settings();
        let sessions = claims.sessions.into_iter().map(|due| {
            let SessionsDue { row, user_principal_name, object_id, troubles } = due;
            let address = address(row, &user_principal_name, object_id.as_deref())?;
            let ticket = Ticket { row, user_principal_name, troubles, errand: Errand::Sessions };
            Ok((Request { row, address, operation: Operation::RevokeSessions }, ticket))
        });
        let writes = claims.writes.into_iter().map(|claimed| {
            let Claimed { row, user_principal_name, object_id, password, form, doubt, troubles } = claimed;
            let force_change = settings.force_change_of(form.profile);
            let address = address(row, &user_principal_name, object_id.as_deref())?;
            let ticket = Ticket { row, user_principal_name, troubles, errand: Errand::Write(doubt) };
            Ok((Request { row, address, operation: Operation::SetPassword(password, force_change) }, ticket))
        });
        self.traffic.send(sessions.chain(writes).collect::<Result<_, LedgerError>>()?);
        Ok(())
    }

    /// Takes what has come back: all of it shares a commit.
    fn take(&mut self, landed: Vec<Landed<Ticket>>) -> Result<(), RunError> {
        if let Some(asked) = self.traffic.take_asked() {
            self.ledger.note_hold(OnHold::Writes, asked)?;
        }
        self.tell_waits();
        for landed in landed {
            match landed {
                Landed::Unsent(tickets) => tickets.into_iter().for_each(|ticket| self.unsent(ticket)),
                Landed::Judged(batch, landing) => self.judged(batch, landing)?,
            }
        }
        Ok(())
    }
}

/// Where the request goes: to the object id where the account was looked up, so that no escape of a name can lead
/// elsewhere. A name is checked once more: a ledger can be edited by others.
fn address(row: u64, user_principal_name: &str, object_id: Option<&str>) -> Result<Upn, LedgerError> {
    Upn::parse(object_id.unwrap_or(user_principal_name)).map_err(|_| LedgerError::BadAddress(row))
}
