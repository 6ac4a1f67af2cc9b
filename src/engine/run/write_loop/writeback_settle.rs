//! What the answers about a password for the on-premises directory mean for its row.
//!
//! It turns every answer into exactly one fact. It does not send or write.
//!
//! Invariant: only an answer that certainly accepted nothing lets a password be sent again, and only an operation that
//! succeeded makes a row `reset`.

use super::{
    Engine, RunError,
    settle::code_of,
    writeback::{Ticket, WAITS, What},
};
use crate::{
    engine::dispatch::{Completion, Judged, SEEMS_BEFORE, TROUBLES_MAX},
    graph::{Graph, NOT_AT_GRAPH, Reply},
    ledger::{Ledger, WritebackEvent, WritebackFact, state::Event},
    outcome::{Body, Cause, Verdict},
    util::sanitize,
};
use jiff::Timestamp;

/// How often an account is read whose operation cannot be followed.
const LOOKS_MAX: u32 = 3;

/// The code of a row whose operation failed.
const FAILED: &str = "writeback_failed";
/// The code of a row whose operation did not end in time.
const UNFINISHED: &str = "writeback_unfinished";
/// The code of a row that was accepted without an address to follow.
const UNCONFIRMED: &str = "writeback_unconfirmed";
/// The code of a row whose answer is lost.
const ANSWER_LOST: &str = "answer_lost";

impl<G: Graph> Engine<'_, G> {
    /// A request that was never sent.
    pub(super) fn unsent_writeback(&mut self, ticket: &Ticket) {
        let event = match ticket.what {
            What::Reset { .. } => WritebackEvent::NotAccepted(Event::Unsent),
            What::Follow | What::Look { .. } => WritebackEvent::Later { counts: false },
        };
        self.writeback.facts.push(fact(ticket.row, event, self.clock.millis(), Said::default()));
    }

    /// Turns the answer to a request into a fact.
    pub(super) fn judged_writeback(&mut self, judged: Judged<Ticket>, completion: Completion) -> Result<(), RunError> {
        let Judged { ticket, verdict, reply } = judged;
        let troubles = if let What::Reset { troubles } = ticket.what { troubles } else { ticket.polls };
        let wait = self.writeback.dispatcher.wait_after(&verdict, troubles, completion).unwrap_or_default();
        let fact = match ticket.what {
            What::Reset { .. } => self.settle_reset(&ticket, verdict, reply, self.after(wait))?,
            What::Follow => self.settle_followed(&ticket, verdict, &reply, (self.after(wait), completion)),
            What::Look { sent_at, changed_before } => {
                self.settle_look(&ticket, (sent_at, changed_before), (verdict, &reply), self.after(wait))
            }
        };
        self.writeback.facts.push(fact);
        Ok(())
    }

    /// What the answer to a password means. Only an answer that certainly accepted nothing lets it be sent again.
    fn settle_reset(
        &self,
        ticket: &Ticket,
        verdict: Verdict,
        reply: Reply,
        again: i64,
    ) -> Result<WritebackFact, RunError> {
        let now = self.clock.millis();
        let given_up = matches!(ticket.what, What::Reset { troubles } if troubles + 1 >= TROUBLES_MAX);
        let retry = |trouble| Event::Again { not_before: again, maybe_written: false, trouble };
        let cause = match verdict {
            Verdict::Refused(cause) => Some(cause),
            Verdict::PasswordRefused => Some(Cause::Password),
            _ => None,
        };
        let event = match verdict {
            Verdict::Throttled(_) | Verdict::TokenRefused => retry(false),
            Verdict::Busy if !given_up => retry(true),
            Verdict::Busy | Verdict::Refused(_) => Event::Refused,
            Verdict::PasswordRefused => {
                self.replacement(ticket.row, &ticket.user_principal_name)?.map_or(Event::Refused, Event::Replaced)
            }
            Verdict::Done | Verdict::Unknown(_) => {
                let is_success = (200..300).contains(&reply.status) && reply.body != Body::Error;
                let is_certain = verdict == Verdict::Done || (is_success && reply.location.is_some());
                let operation = reply.location.clone().filter(|_| is_certain);
                let next = if operation.is_some() { now + WAITS[0] } else { Ledger::look_after_loss(now) };
                let said = match is_certain {
                    true => Said { request_id: reply.request_id, ..Said::default() },
                    false => Said::of(&reply),
                };
                return Ok(fact(ticket.row, WritebackEvent::Accepted { operation, is_certain }, next, said));
            }
        };
        let cause = cause.filter(|_| matches!(event, Event::Refused));
        let said = Said::of(&reply);
        Ok(WritebackFact { cause, ..fact(ticket.row, WritebackEvent::NotAccepted(event), now, said) })
    }

    /// What a look at an operation shows.
    fn settle_followed(
        &self,
        ticket: &Ticket,
        verdict: Verdict,
        reply: &Reply,
        (again, completion): (i64, Completion),
    ) -> WritebackFact {
        let row = ticket.row;
        let said = Said::of(reply);
        match (verdict, &reply.operation) {
            (Verdict::Done, Some(operation)) => match operation.status.as_str() {
                "succeeded" => {
                    let said = Said { request_id: said.request_id, ..Said::default() };
                    fact(row, WritebackEvent::Succeeded, 0, said)
                }
                "failed" => {
                    let told = if operation.detail.is_empty() { &operation.status } else { &operation.detail };
                    let said = Said { code: FAILED.into(), message: told.clone(), ..said };
                    let failed = fact(row, WritebackEvent::Failed, 0, said);
                    WritebackFact { cause: Some(Cause::Writeback), ..failed }
                }
                status => {
                    let detail = if operation.detail.is_empty() { "" } else { ": " };
                    let told = format!("the service says {status:?}{detail}{}", operation.detail);
                    self.unfinished(ticket, Said { message: told, ..said })
                }
            },
            (Verdict::Throttled(_) | Verdict::TokenRefused, _) => {
                fact(row, WritebackEvent::Later { counts: false }, again, Said::default())
            }
            (Verdict::Unknown(_) | Verdict::Busy, _) if !completion.was_connected => {
                fact(row, WritebackEvent::Later { counts: false }, again, Said::default())
            }
            (Verdict::Refused(_), _) if reply.code == NOT_AT_GRAPH => fact(row, WritebackEvent::Unknown, 0, said),
            (Verdict::Done, None) => {
                let message = "the answer about the operation is not understood".to_owned();
                self.unfinished(ticket, Said { message, ..said })
            }
            _ => self.unfinished(ticket, Said { message: sanitize::sentence(&reply.whole()), ..said }),
        }
    }

    /// The operation has not ended: it is looked at again, until there have been enough looks.
    fn unfinished(&self, ticket: &Ticket, said: Said) -> WritebackFact {
        let next = WAITS.get(ticket.polls as usize + 1);
        let Some(wait) = next else {
            let message =
                format!("the operation did not end in time, and the password may be set later ({})", said.message);
            let said = Said { code: UNFINISHED.into(), message, ..said };
            return fact(ticket.row, WritebackEvent::Unknown, 0, said);
        };
        fact(ticket.row, WritebackEvent::Later { counts: true }, self.clock.millis() + wait, Said::default())
    }

    /// What the account shows if its operation cannot be followed. A change does not prove that the operation succeeded:
    /// the person may have chosen a password, and the directory on premises reports such changes late. So it stays in doubt.
    fn settle_look(
        &self,
        ticket: &Ticket,
        (sent_at, changed_before): (i64, Option<i64>),
        (verdict, reply): (Verdict, &Reply),
        again: i64,
    ) -> WritebackFact {
        let row = ticket.row;
        let shown = match (verdict, &reply.user) {
            (Verdict::Throttled(_) | Verdict::TokenRefused | Verdict::Unknown(_) | Verdict::Busy, _) => {
                return fact(row, WritebackEvent::Later { counts: false }, again, Said::default());
            }
            (Verdict::Done, Some(user)) => {
                let changed = user.password_changed.map(Timestamp::as_millisecond);
                match changed.filter(|at| Some(*at) != changed_before && *at >= sent_at - SEEMS_BEFORE) {
                    Some(at) => {
                        let at = Timestamp::from_millisecond(at).unwrap_or_default();
                        format!("the directory shows that the password was changed at {at}, after it was sent")
                    }
                    None if ticket.polls + 1 < LOOKS_MAX => {
                        let next = Ledger::look_after_loss(self.clock.millis());
                        return fact(row, WritebackEvent::Later { counts: true }, next, Said::default());
                    }
                    None => "the directory shows no change since then".to_owned(),
                }
            }
            _ => "the account could not be read afterwards".to_owned(),
        };
        let (code, what) = match ticket.is_accepted {
            true => {
                (UNCONFIRMED, "the service accepted the password, and did not say where its operation can be followed")
            }
            false => (ANSWER_LOST, "no answer came, and the service may have accepted the password"),
        };
        let message = format!("{what}; {shown}; it was not sent again");
        let said = Said { code: code.into(), message, request_id: reply.request_id.clone() };
        fact(row, WritebackEvent::Unknown, 0, said)
    }
}

/// What the report says about a row.
#[derive(Default)]
struct Said {
    code: String,
    message: String,
    request_id: String,
}

impl Said {
    fn of(reply: &Reply) -> Self {
        let (message, request_id) = (reply.message.clone(), reply.request_id.clone());
        Self { code: code_of(reply), message, request_id }
    }
}

fn fact(row: u64, event: WritebackEvent, next: i64, said: Said) -> WritebackFact {
    let Said { code, message, request_id } = said;
    WritebackFact { row, event, next, cause: None, code, message, request_id }
}
