//! What the verdicts of a batch mean: for each of its rows, and for the pace, the patience and the token of all.
//!
//! It turns every verdict into exactly one fact; it neither sends nor writes.

use super::{Engine, Sent, TOKEN_REFUSALS_MAX};
use crate::{
    clean,
    graph::{Graph, Reply},
    ledger::{Fact, life::Event},
    outcome::Verdict,
    password::{Generator, Password, Person},
    plan::names_of,
    run::{
        REPLACEMENTS_MAX, RunError, RunEvent, TROUBLES_MAX, WaitReason,
        judge::{Judged, Ticket},
    },
};
use std::time::Duration;
use tokio::time::Instant;

impl<G: Graph> Engine<'_, G> {
    /// Turns the verdicts of one batch into facts, and draws what they say about all.
    pub(super) fn judged(&mut self, batch: Vec<Judged>, sent: Sent) -> Result<(), RunError> {
        let was_fair = self.weather.is_fair();
        let fruit = batch.iter().find(|judged| !matches!(judged.verdict, Verdict::Unknown(_)));
        if fruit.is_none() {
            let said = batch.first().map(|judged| judged.reply.whole()).unwrap_or_default();
            self.fruitless(sent.at, &said, batch.iter().filter_map(|judged| judged.verdict.wait()).max());
        }
        let count = |wanted: fn(&Verdict) -> bool| batch.iter().filter(|judged| wanted(&judged.verdict)).count();
        let good = count(|verdict| matches!(verdict, Verdict::Done));
        let settled = good + count(|verdict| matches!(verdict, Verdict::Refused(_)));
        let uneasy = count(|verdict| matches!(verdict, Verdict::Unknown(_) | Verdict::Busy));
        self.throttle.went_well(good, sent.at.elapsed());
        if uneasy > 0 {
            self.throttle.eased();
        }
        if fruit.is_some()
            && let Some(idle) = self.weather.fruitful(settled > 0)
        {
            self.break_off(RunError::Stalled(idle));
        }
        let hold = self.hold(&batch, sent.epoch);
        self.count_token_refusals(&batch, sent.token_refusals);
        for judged in batch {
            self.settle(judged, hold, was_fair)?;
        }
        self.suspicion.end_of_batch();
        if self.suspicion.verdict(false).is_some() {
            self.stopping = true;
        }
        Ok(())
    }

    /// Holds the pace for as long as the throttled rows of a batch ask for.
    fn hold(&mut self, batch: &[Judged], epoch: u32) -> Duration {
        let mut asked = None;
        let mut throttled = 0;
        for judged in batch {
            if let Verdict::Throttled(wait) = judged.verdict {
                throttled += 1;
                asked = asked.max(wait);
            }
        }
        if throttled == 0 {
            return Duration::ZERO;
        }
        self.session.throttled += throttled;
        #[expect(clippy::cast_precision_loss, reason = "at most a batch")]
        let share = throttled as f64 / batch.len() as f64;
        let hold = self.throttle.refused(epoch, share, asked);
        self.weather.asked_to_wait(hold);
        (self.emit)(RunEvent::Waiting { reason: WaitReason::Asked, wait: hold });
        hold
    }

    /// Counts tokens, not batches: several are in flight with one. Any other answer shows that the token was accepted.
    fn count_token_refusals(&mut self, batch: &[Judged], when_sent: u32) {
        let accepted = |judged: &Judged| !matches!(judged.verdict, Verdict::TokenRefused | Verdict::Unknown(_));
        let refused = batch.iter().find(|judged| judged.verdict == Verdict::TokenRefused);
        match refused {
            _ if batch.iter().any(accepted) => self.token_refusals = 0,
            Some(judged) if when_sent == self.token_refusals => {
                self.token_refusals += 1;
                if self.token_refusals >= TOKEN_REFUSALS_MAX {
                    let said = clean::sentence(&judged.reply.whole());
                    self.break_off(RunError::TokenRefused(said));
                }
            }
            _ => {}
        }
    }

    /// Pauses after a batch that came back with nothing, for at least as long as was `asked`.
    pub(super) fn fruitless(&mut self, sent: Instant, said: &str, asked: Option<Duration>) {
        let Some(nth) = self.weather.fruitless(sent) else { return };
        let said = clean::sentence(said);
        let pause = self.throttle.back_off(nth - 1).max(asked.unwrap_or_default());
        match self.weather.pause(pause) {
            Ok(wait) => (self.emit)(RunEvent::Waiting { reason: WaitReason::Away(said), wait }),
            Err(waited) => self.break_off(RunError::Away { waited, said }),
        }
    }

    /// One row's verdict becomes a fact.
    fn settle(&mut self, judged: Judged, hold: Duration, was_fair: bool) -> Result<(), RunError> {
        let Judged { mut ticket, verdict, mut reply } = judged;
        let event = match verdict {
            Verdict::Done => {
                self.suspicion.allay();
                reply.code.clear();
                reply.message.clear();
                Event::Confirmed
            }
            Verdict::Throttled(_) => self.again(hold, false, false),
            Verdict::TokenRefused => self.again(Duration::from_secs(u64::from(self.token_refusals / 2)), false, false),
            Verdict::Busy if ticket.troubles + 1 >= TROUBLES_MAX => Event::Refused,
            Verdict::Busy => {
                let wait = self.throttle.back_off(ticket.troubles);
                self.again(wait, false, true)
            }
            // While all answers are lost, that is not this row's fault, and the pause comes from elsewhere.
            Verdict::Unknown(wait) if !was_fair => self.again(wait.unwrap_or_default(), true, false),
            Verdict::Unknown(_) if ticket.troubles + 1 >= TROUBLES_MAX => {
                ticket.doubt.current = true;
                Event::Refused
            }
            Verdict::Unknown(wait) => {
                let wait = self.throttle.back_off(ticket.troubles).max(wait.unwrap_or_default());
                self.again(wait, true, true)
            }
            Verdict::PasswordRefused => {
                self.suspicion.allay();
                self.replacement(&ticket)?.map_or(Event::Refused, Event::Replaced)
            }
            Verdict::Refused(cause) => {
                self.suspicion.refused(ticket.row, cause, || clean::sentence(&reply.whole()));
                Event::Refused
            }
        };
        self.session.settled += u64::from(matches!(event, Event::Confirmed | Event::Refused));
        self.facts.push(fact(ticket, event, reply));
        Ok(())
    }

    fn again(&self, wait: Duration, maybe_written: bool, trouble: bool) -> Event {
        let wait = i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        Event::Again { not_before: self.clock.millis().saturating_add(wait), maybe_written, trouble }
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
        let person = Person { upn: &ticket.user_principal_name, names };
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

pub(super) fn fact(ticket: Ticket, event: Event, reply: Reply) -> Fact {
    let Reply { code, message, request_id, status, .. } = reply;
    let code = if code.is_empty() && status >= 300 { format!("http_{status}") } else { code };
    Fact { row: ticket.row, doubt: ticket.doubt, event, code, message, request_id }
}
