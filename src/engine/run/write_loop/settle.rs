//! What the verdicts of a batch mean for each of its rows.
//!
//! It turns every verdict into exactly one fact. It does not send or write.

use super::{BatchKind, Engine, RunEnd, SESSIONS_DENIED_MAX, Ticket};
use crate::{
    engine::{
        dispatch::{Completion, Judged, TROUBLES_MAX},
        run::{REPLACEMENTS_MAX, RunError, RunEvent, derivation, systemic::Others},
    },
    graph::{Graph, Reply},
    ledger::{
        Fact, LedgerError, Revocation, RevocationEvent,
        state::{Doubt, Event},
    },
    outcome::{Cause, Verdict},
    password::{Password, Person},
    plan::names_of,
    util::sanitize,
};
use std::time::Duration;

/// Why a password is sent again.
enum Retry {
    /// The quota was spent, or the token was refused: nothing was written, and the row is not to blame.
    Throttled,
    /// Another write was in the way: nothing was written, and it counts against the row's patience.
    Busy,
    /// The answer is lost, so the password may have been written.
    Lost {
        /// Whether it counts against the row's patience: not while all answers are lost.
        counts: bool,
    },
}

impl<G: Graph> Engine<'_, G> {
    /// Turns the verdicts of one batch into facts.
    pub(super) fn judged(&mut self, batch: Vec<Judged<Ticket>>, completion: Completion) -> Result<(), RunError> {
        self.count_denied_sessions(&batch);
        for judged in batch {
            match judged.ticket.errand {
                BatchKind::Write(doubt) => self.settle_write(judged, doubt, completion)?,
                BatchKind::Sessions => self.settle_sessions(judged, completion),
            }
        }
        self.systemic.end_of_batch();
        if self.closing.is_none() && self.systemic.verdict(Others::Follow).is_some() {
            self.closing = Some(RunEnd::Interrupted);
        }
        Ok(())
    }

    /// Turns the verdict about one password into a fact.
    fn settle_write(
        &mut self,
        judged: Judged<Ticket>,
        mut doubt: Doubt,
        completion: Completion,
    ) -> Result<(), RunError> {
        let Judged { ticket, verdict, mut reply } = judged;
        let given_up = ticket.troubles + 1 >= TROUBLES_MAX;
        let wait = self.dispatcher.wait_after(&verdict, ticket.troubles, completion).unwrap_or_default();
        let cause = match verdict {
            Verdict::Refused(cause) => Some(cause),
            Verdict::PasswordRefused => Some(Cause::Password),
            _ => None,
        };
        let event = match verdict {
            Verdict::Done => {
                self.systemic.rule_out();
                reply.code.clear();
                reply.message.clear();
                Event::Confirmed
            }
            Verdict::Throttled(_) | Verdict::TokenRefused => self.again(wait, Retry::Throttled),
            Verdict::Busy if given_up => Event::Refused,
            Verdict::Busy => self.again(wait, Retry::Busy),
            // While all answers are lost, this row is not to blame.
            Verdict::Unknown(_) if !completion.was_connected => self.again(wait, Retry::Lost { counts: false }),
            Verdict::Unknown(_) if given_up => {
                doubt.current = true;
                Event::Refused
            }
            Verdict::Unknown(_) => self.again(wait, Retry::Lost { counts: true }),
            Verdict::PasswordRefused => {
                self.systemic.rule_out();
                self.replacement(ticket.row, &ticket.user_principal_name)?.map_or(Event::Refused, Event::Replaced)
            }
            Verdict::Refused(cause) => {
                self.systemic.refused(ticket.row, cause, || sanitize::sentence(&reply.whole()));
                Event::Refused
            }
        };
        self.settled += u64::from(matches!(event, Event::Confirmed | Event::Refused));
        let cause = cause.filter(|_| matches!(event, Event::Refused));
        self.facts.writes.push(Fact { cause, ..fact(ticket.row, doubt, event, reply) });
        Ok(())
    }

    /// Turns a verdict about sessions into a fact; in any case, the password stays set.
    fn settle_sessions(&mut self, judged: Judged<Ticket>, completion: Completion) {
        let Judged { ticket, verdict, reply } = judged;
        let trouble = match verdict {
            Verdict::Busy => true,
            Verdict::Unknown(_) => completion.was_connected,
            _ => false,
        };
        let given_up = trouble && ticket.troubles + 1 >= TROUBLES_MAX;
        let event = match self.dispatcher.wait_after(&verdict, ticket.troubles, completion) {
            _ if verdict == Verdict::Done => RevocationEvent::Revoked,
            Some(wait) if !given_up => RevocationEvent::Again { not_before: self.after(wait), trouble },
            _ => RevocationEvent::Kept(code_of(&reply)),
        };
        self.revoked += u64::from(!matches!(event, RevocationEvent::Again { .. }));
        self.facts.sessions.push(Revocation { row: ticket.row, event });
    }

    /// Each session request costs a write, so they are pointless if nobody here may revoke sessions.
    fn count_denied_sessions(&mut self, batch: &[Judged<Ticket>]) {
        let sessions = || batch.iter().filter(|judged| matches!(judged.ticket.errand, BatchKind::Sessions));
        let is_denied = |judged: &Judged<Ticket>| judged.verdict == Verdict::Refused(Cause::Permission);
        match &mut self.sessions_denied {
            Some(_) if sessions().any(|judged| judged.verdict == Verdict::Done) => self.sessions_denied = None,
            Some(denied) => *denied += sessions().filter(|judged| is_denied(judged)).count(),
            None => {}
        }
    }

    /// Gives up revoking sessions if it is certain that nobody here may.
    pub(super) fn give_up_sessions(&mut self) -> Result<(), LedgerError> {
        if self.sessions_denied.is_some_and(|denied| denied >= SESSIONS_DENIED_MAX) {
            self.sessions_denied = None;
            let code = "Authorization_RequestDenied";
            self.ledger.keep_sessions(code)?;
            (self.emit)(RunEvent::SessionsDenied(code.into()));
        }
        Ok(())
    }

    /// A row that was never sent.
    pub(super) fn unsent(&mut self, ticket: Ticket) {
        match ticket.errand {
            BatchKind::Write(doubt) => {
                self.facts.writes.push(fact(ticket.row, doubt, Event::Unsent, Reply::default()));
            }
            BatchKind::Sessions => {
                let event = RevocationEvent::Again { not_before: 0, trouble: false };
                self.facts.sessions.push(Revocation { row: ticket.row, event });
            }
        }
    }

    fn again(&self, wait: Duration, retry: Retry) -> Event {
        let (maybe_written, trouble) = match retry {
            Retry::Throttled => (false, false),
            Retry::Busy => (false, true),
            Retry::Lost { counts } => (true, counts),
        };
        Event::Again { not_before: self.after(wait), maybe_written, trouble }
    }

    pub(super) fn after(&self, wait: Duration) -> i64 {
        let wait = i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        self.clock.millis().saturating_add(wait)
    }

    /// A new password for a row whose password was refused, if it may have one.
    pub(super) fn replacement(&self, row: u64, user_principal_name: &str) -> Result<Option<Password>, RunError> {
        let settings = self.ledger.settings();
        // A password that a user chose is not replaced behind their back.
        if settings.password_column.is_some() || self.ledger.replacements(row)? >= REPLACEMENTS_MAX {
            return Ok(None);
        }
        let cells = self.ledger.cells(row)?;
        let names = names_of(&settings.name_columns, |column| cells.get(column).map_or("", String::as_str));
        let person = Person { upn: user_principal_name, names, form: self.ledger.form(row)? };
        derivation::make(self.ledger, row, person)
    }
}

fn fact(row: u64, doubt: Doubt, event: Event, reply: Reply) -> Fact {
    let code = if matches!(event, Event::Unsent) { String::new() } else { code_of(&reply) };
    Fact { row, doubt, event, cause: None, code, message: reply.message, request_id: reply.request_id }
}

/// `error.code`, or a code derived from the status; empty for a success.
pub(super) fn code_of(reply: &Reply) -> String {
    match reply.status {
        _ if !reply.code.is_empty() => reply.code.clone(),
        204 => String::new(),
        0 => "not_answered".to_owned(),
        status => format!("http_{status}"),
    }
}
