//! What the verdicts of a batch mean for each of its rows.
//!
//! It turns every verdict into exactly one fact; it neither sends nor writes.

use super::{Engine, Errand, RunEnd, SESSIONS_DENIED_MAX, Ticket};
use crate::{
    clean,
    graph::{Graph, Reply},
    ledger::{
        Fact, LedgerError, Revocation, RevocationEvent,
        life::{Doubt, Event},
    },
    outcome::{Cause, Verdict},
    password::{Generator, Password, Person},
    plan::names_of,
    run::{REPLACEMENTS_MAX, RunError, RunEvent},
    traffic::{Judged, Landing, TROUBLES_MAX},
};
use std::time::Duration;

impl<G: Graph> Engine<'_, G> {
    /// Turns the verdicts of one batch into facts.
    pub(super) fn judged(&mut self, batch: Vec<Judged<Ticket>>, landing: Landing) -> Result<(), RunError> {
        self.count_denied_sessions(&batch);
        for judged in batch {
            match judged.ticket.errand {
                Errand::Write(doubt) => self.settle_write(judged, doubt, landing)?,
                Errand::Sessions => self.settle_sessions(judged, landing),
            }
        }
        self.suspicion.end_of_batch();
        if self.closing.is_none() && self.suspicion.verdict(false).is_some() {
            self.closing = Some(RunEnd::Interrupted);
        }
        Ok(())
    }

    /// One password's verdict becomes a fact.
    fn settle_write(&mut self, judged: Judged<Ticket>, mut doubt: Doubt, landing: Landing) -> Result<(), RunError> {
        let Judged { ticket, verdict, mut reply } = judged;
        let given_up = ticket.troubles + 1 >= TROUBLES_MAX;
        let wait = self.traffic.wait_after(&verdict, ticket.troubles, landing).unwrap_or_default();
        let event = match verdict {
            Verdict::Done => {
                self.suspicion.allay();
                reply.code.clear();
                reply.message.clear();
                Event::Confirmed
            }
            Verdict::Throttled(_) | Verdict::TokenRefused => self.again(wait, false, false),
            Verdict::Busy if given_up => Event::Refused,
            Verdict::Busy => self.again(wait, false, true),
            // While all answers are lost, that is not this row's fault.
            Verdict::Unknown(_) if !landing.was_fair => self.again(wait, true, false),
            Verdict::Unknown(_) if given_up => {
                doubt.current = true;
                Event::Refused
            }
            Verdict::Unknown(_) => self.again(wait, true, true),
            Verdict::PasswordRefused => {
                self.suspicion.allay();
                self.replacement(&ticket)?.map_or(Event::Refused, Event::Replaced)
            }
            Verdict::Refused(cause) => {
                self.suspicion.refused(ticket.row, cause, || clean::sentence(&reply.whole()));
                Event::Refused
            }
        };
        self.settled += u64::from(matches!(event, Event::Confirmed | Event::Refused));
        self.facts.writes.push(fact(ticket.row, doubt, event, reply));
        Ok(())
    }

    /// One verdict about sessions becomes a fact; whatever it is, the password stays set.
    fn settle_sessions(&mut self, judged: Judged<Ticket>, landing: Landing) {
        let Judged { ticket, verdict, reply } = judged;
        let trouble = match verdict {
            Verdict::Busy => true,
            Verdict::Unknown(_) => landing.was_fair,
            _ => false,
        };
        let given_up = trouble && ticket.troubles + 1 >= TROUBLES_MAX;
        let event = match self.traffic.wait_after(&verdict, ticket.troubles, landing) {
            _ if verdict == Verdict::Done => RevocationEvent::Revoked,
            Some(wait) if !given_up => RevocationEvent::Again { not_before: self.after(wait), trouble },
            _ => RevocationEvent::Kept(code_of(&reply)),
        };
        self.revoked += u64::from(!matches!(event, RevocationEvent::Again { .. }));
        self.facts.sessions.push(Revocation { row: ticket.row, event });
    }

    /// Sessions that nobody here may revoke cost a write each, and bring nothing.
    fn count_denied_sessions(&mut self, batch: &[Judged<Ticket>]) {
        let sessions = || batch.iter().filter(|judged| matches!(judged.ticket.errand, Errand::Sessions));
        let is_denied = |judged: &Judged<Ticket>| judged.verdict == Verdict::Refused(Cause::Permission);
        match &mut self.sessions_denied {
            Some(_) if sessions().any(|judged| judged.verdict == Verdict::Done) => self.sessions_denied = None,
            Some(denied) => *denied += sessions().filter(|judged| is_denied(judged)).count(),
            None => {}
        }
    }

    /// Gives up on sessions where it is certain that nobody here may revoke them.
    pub(super) fn give_up_sessions(&mut self) -> Result<(), LedgerError> {
        if self.sessions_denied.is_some_and(|denied| denied >= SESSIONS_DENIED_MAX) {
            self.sessions_denied = None;
            let code = "Authorization_RequestDenied";
            self.ledger.keep_sessions(code)?;
            (self.emit)(RunEvent::SessionsDenied(code.into()));
        }
        Ok(())
    }

    /// A row that never left.
    pub(super) fn unsent(&mut self, ticket: Ticket) {
        match ticket.errand {
            Errand::Write(doubt) => {
                self.facts.writes.push(fact(ticket.row, doubt, Event::Unsent, Reply::default()));
            }
            Errand::Sessions => {
                let event = RevocationEvent::Again { not_before: 0, trouble: false };
                self.facts.sessions.push(Revocation { row: ticket.row, event });
            }
        }
    }

    fn again(&self, wait: Duration, maybe_written: bool, trouble: bool) -> Event {
        Event::Again { not_before: self.after(wait), maybe_written, trouble }
    }

    fn after(&self, wait: Duration) -> i64 {
        let wait = i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        self.clock.millis().saturating_add(wait)
    }

    /// Another password for a row whose own was refused, if it may have one.
    fn replacement(&self, ticket: &Ticket) -> Result<Option<Password>, RunError> {
        let settings = self.ledger.settings();
        // What a person chose is not replaced behind their back.
        if settings.password_column.is_some() || self.ledger.replacements(ticket.row)? >= REPLACEMENTS_MAX {
            return Ok(None);
        }
        let cells = self.ledger.cells(ticket.row)?;
        let names = names_of(&settings.name_columns, |column| cells.get(column).map_or("", String::as_str));
        let person = Person { upn: &ticket.user_principal_name, names, form: self.ledger.form(ticket.row)? };
        let mut generator = Generator::new(&settings.policy)?;
        loop {
            let made = generator.generate(&[person])?.pop();
            match made {
                Some(password) if self.ledger.is_used(&password)? => drop(password),
                other => return Ok(other),
            }
        }
    }
}

fn fact(row: u64, doubt: Doubt, event: Event, reply: Reply) -> Fact {
    let code = if matches!(event, Event::Unsent) { String::new() } else { code_of(&reply) };
    Fact { row, doubt, event, code, message: reply.message, request_id: reply.request_id }
}

/// `error.code`, or what the status makes of it; nothing where all is well.
fn code_of(reply: &Reply) -> String {
    match reply.status {
        _ if !reply.code.is_empty() => reply.code.clone(),
        204 => String::new(),
        0 => "not_answered".to_owned(),
        status => format!("http_{status}"),
    }
}
