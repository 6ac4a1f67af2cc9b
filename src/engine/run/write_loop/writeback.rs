//! Passwords for the on-premises directory: sent one by one, and each followed until its operation has ended.
//!
//! They go beside the batches, at the pace of their own limit, and the same task owns the ledger for both. It begins with
//! one password and sends others only when that one's operation has succeeded.
//!
//! Invariant: once the service may have accepted a password, it is only looked at.

use super::{Engine, Limit, RunEnd, RunError, RunEvent, RunOptions, address, tell_accounts};
use crate::{
    engine::{
        dispatch::{self, Completed, DispatchError, Dispatcher},
        pace::{Call, Throttle},
    },
    graph::{Graph, Operation, Request, quota::Quota},
    ledger::{Errand, Ledger, LedgerError, OnHold, WritebackClaim, WritebackEvent, WritebackFact, state::State},
    outcome::Asked,
};
use std::time::Duration;

/// The pace at the start: the documented 5 requests in 10 seconds, spread evenly, because nobody has seen how Graph counts
/// them.
pub(in crate::engine::run) const WRITEBACK_QUOTA: Quota = Quota::of(1, 2);
/// Maximum number of requests in flight. At this pace there is hardly ever a second one.
const CONCURRENCY: usize = 4;
/// The waits before each look at an operation, in milliseconds. Most operations end within 15 seconds.
pub(super) const WAITS: [i64; 7] = [15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000];

/// About how long this many passwords take: two requests each, and the first one alone until it has succeeded.
pub fn writeback_time(rows: u64) -> Duration {
    let request = WRITEBACK_QUOTA.per;
    let first = Duration::from_millis(WAITS[0].unsigned_abs());
    match u32::try_from(rows).unwrap_or(u32::MAX) {
        0 => Duration::ZERO,
        1 => first,
        // While the last ones are on their way, no others are sent.
        rows => first + request * 2 * (rows - 1) + first.saturating_sub(request * 4),
    }
}

/// What is kept for a row while its request is in flight.
pub(super) struct Ticket {
    pub(super) row: u64,
    pub(super) user_principal_name: String,
    pub(super) what: What,
    pub(super) is_accepted: bool,
    pub(super) polls: u32,
}

/// What the request does for the row.
pub(super) enum What {
    Reset { troubles: u32 },
    Follow,
    Look { sent_at: i64, changed_before: Option<i64> },
}

impl dispatch::Ticket for Ticket {
    fn row(&self) -> u64 {
        self.row
    }

    fn asked(&self) -> Asked {
        match self.what {
            What::Reset { .. } => Asked::ResetOnPremises,
            What::Follow => Asked::Operation,
            What::Look { .. } => Asked::Account,
        }
    }
}

/// Whether more passwords may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Only one, until it has succeeded; this row, if it was sent.
    Pilot(Option<u64>),
    /// Any number.
    Open,
    /// None: the first one did not succeed.
    Failed(u64),
}

/// The requests about passwords for the on-premises directory.
pub(super) struct Lane<'a, G> {
    pub(super) dispatcher: Dispatcher<'a, G, Ticket>,
    pub(super) facts: Vec<WritebackFact>,
    gate: Gate,
    is_used: bool,
}

impl<'a, G: Graph> Lane<'a, G> {
    pub(super) fn new(graph: &'a G, options: &'a RunOptions) -> Self {
        let throttle = Throttle::of(Call::AuthenticationMethod, WRITEBACK_QUOTA, options.pace.seed)
            .among(Call::AuthenticationMethod, options.pace.all_tenants.as_ref());
        let dispatcher = Dispatcher::alone(graph, &options.pace, throttle, CONCURRENCY);
        Self { dispatcher, facts: Vec::new(), gate: Gate::Pilot(None), is_used: false }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.dispatcher.in_flight()
    }

    pub(super) fn take_broken(&mut self) -> Option<DispatchError> {
        self.dispatcher.take_broken()
    }

    /// How the run ends if the first password was not set.
    pub(super) fn failed_pilot(&self) -> Option<RunEnd> {
        if let Gate::Failed(row) = self.gate { Some(RunEnd::WritebackPilotFailed(row)) } else { None }
    }

    pub(super) async fn next(&mut self) -> Vec<Completed<Ticket>> {
        self.dispatcher.next().await
    }

    /// How many passwords may be sent now, besides looks at others.
    fn may_begin(&self, ledger: &Ledger, most: usize) -> Result<usize, LedgerError> {
        Ok(match self.gate {
            // Without answers, one password after the other would be in doubt: first, a look must be answered.
            _ if !self.dispatcher.is_connected() && ledger.counts().accepted > 0 => 0,
            Gate::Open => most,
            // An operation of an earlier process is as good a pilot.
            Gate::Pilot(None) if !ledger.follows_operations()? => most.min(1),
            Gate::Pilot(_) | Gate::Failed(_) => 0,
        })
    }

    /// Learns from a fact whether more passwords may be sent.
    fn learn(&mut self, fact: &WritebackFact) {
        self.gate = match (self.gate, fact.ended()) {
            (Gate::Pilot(_), Some(State::Reset)) => Gate::Open,
            (Gate::Pilot(Some(row)), Some(_)) if row == fact.row => Gate::Failed(row),
            (Gate::Pilot(Some(row)), None)
                if row == fact.row && matches!(fact.event, WritebackEvent::NotAccepted(_)) =>
            {
                Gate::Pilot(None)
            }
            (gate, _) => gate,
        };
    }
}

impl<G: Graph> Engine<'_, G> {
    /// Takes up where an earlier process left these passwords.
    pub(super) fn begin_writeback(&mut self, now: i64) -> Result<(), LedgerError> {
        let counts = self.ledger.writeback_counts()?;
        let lane = &mut self.writeback;
        lane.is_used = self.ledger.settings().rules.writeback && counts.rows() > 0;
        if self.options.trusts_earlier_writeback && counts.reset > 0 {
            lane.gate = Gate::Open;
        }
        lane.dispatcher.share_through(self.ledger)?;
        lane.dispatcher.recall(self.ledger.kept_pace(OnHold::Methods, now)?);
        lane.dispatcher.hold_for(self.ledger.hold_left(OnHold::Methods, now)?);
        Ok(())
    }

    /// Whether no row is left to send or to look at.
    pub(super) fn is_writeback_over(&self) -> Result<bool, LedgerError> {
        let lane = &self.writeback;
        let begins = !matches!(lane.gate, Gate::Failed(_));
        let is_idle = !lane.is_used || lane.dispatcher.is_broken();
        Ok(is_idle || self.ledger.next_writeback_due(begins)?.is_none())
    }

    /// Records what has arrived and sends what may be sent; returns how long to sleep if no answer arrives.
    pub(super) fn turn_writeback(&mut self) -> Result<Option<Duration>, RunError> {
        if !self.writeback.is_used {
            return Ok(None);
        }
        let now = self.clock.millis();
        let facts = std::mem::take(&mut self.writeback.facts);
        facts.iter().for_each(|fact| self.writeback.learn(fact));
        let ended: Vec<u64> = facts.iter().filter(|fact| fact.ended().is_some()).map(|fact| fact.row).collect();
        let has_facts = !facts.is_empty();
        let (admitted, beginning, limit) = self.admit_writeback(now)?;
        if let Some(offset) = self.writeback.dispatcher.offset() {
            self.ledger.learn_clock(offset, now);
        }
        if let Some(pace) = self.writeback.dispatcher.pace_to_keep() {
            self.ledger.keep_pace(OnHold::Methods, pace)?;
        }
        let claims = self.ledger.turn_writeback(facts, (admitted, beginning), now)?;
        tell_accounts(self.ledger, self.options, ended.into_iter(), self.emit)?;
        self.send_writeback(claims)?;
        if has_facts {
            self.tell_progress();
        }
        match limit {
            Limit::Time(wait) => Ok(Some(wait)),
            Limit::Answers => Ok(None),
            Limit::Due => {
                let begins = self.writeback.may_begin(self.ledger, 1)? > 0;
                let due = self.ledger.next_writeback_due(begins)?;
                Ok(due.map(|due| Duration::from_millis(u64::try_from(due.saturating_sub(now)).unwrap_or(0))))
            }
        }
    }

    /// How many requests may be sent now, how many of them may be new passwords, and what prevents more.
    fn admit_writeback(&mut self, now: i64) -> Result<(usize, usize, Limit), LedgerError> {
        if self.is_closing() || self.writeback.dispatcher.is_broken() {
            return Ok((0, 0, Limit::Answers));
        }
        let room = match self.writeback.dispatcher.room() {
            Ok(0) => return Ok((0, 0, Limit::Answers)),
            Ok(room) => room,
            Err(pause) => return Ok((0, 0, Limit::Time(pause))),
        };
        let beginning = self.writeback.may_begin(self.ledger, room)?;
        let due = self.ledger.due_writeback(now, room, beginning)?;
        let (admitted, wait) = self.writeback.dispatcher.admit(due);
        Ok((admitted, beginning, wait.map_or(Limit::Due, Limit::Time)))
    }

    fn send_writeback(&mut self, claims: Vec<WritebackClaim>) -> Result<(), LedgerError> {
        let mut requests = Vec::with_capacity(claims.len());
        for claim in claims {
            let WritebackClaim { row, user_principal_name, object_id, errand, is_accepted, polls } = claim;
            let address = address(row, &user_principal_name, object_id.as_deref())?;
            let client_request_id = match &errand {
                Errand::Reset(claimed) => Some(claimed.client_request_id),
                Errand::Follow(_) | Errand::Look { .. } => None,
            };
            let (operation, what) = match errand {
                Errand::Reset(claimed) => {
                    if self.writeback.gate == Gate::Pilot(None) {
                        self.writeback.gate = Gate::Pilot(Some(row));
                    }
                    (Operation::ResetOnPremises(claimed.password), What::Reset { troubles: claimed.troubles })
                }
                Errand::Follow(url) => (Operation::Follow(url), What::Follow),
                Errand::Look { sent_at, changed_before } => (Operation::Read, What::Look { sent_at, changed_before }),
            };
            let ticket = Ticket { row, user_principal_name, what, is_accepted, polls };
            requests.push((Request { row, address, operation, client_request_id }, ticket));
        }
        self.writeback.dispatcher.send(requests);
        Ok(())
    }

    /// Takes what has arrived.
    pub(super) fn take_writeback(&mut self, completed: Vec<Completed<Ticket>>) -> Result<(), RunError> {
        if let Some(asked) = self.writeback.dispatcher.take_asked() {
            self.ledger.keep_hold(OnHold::Methods, asked)?;
        }
        let waits = self.writeback.dispatcher.take_waits();
        // While batches go on, nothing is waiting.
        if self.ledger.next_due()?.is_none() && self.dispatcher.in_flight() == 0 {
            waits.into_iter().for_each(|waiting| (self.emit)(RunEvent::Waiting(waiting)));
        }
        for completed in completed {
            match completed {
                Completed::Unsent(tickets) => tickets.into_iter().for_each(|ticket| self.unsent_writeback(&ticket)),
                Completed::Judged(judged, completion) => {
                    judged.into_iter().try_for_each(|judged| self.judged_writeback(judged, completion))?;
                }
            }
        }
        Ok(())
    }
}
