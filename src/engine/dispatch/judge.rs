//! Turns answers into verdicts: each item of a batch is judged by itself.
//!
//! It matches answers to rows, asks the verdict table, and says what to record. It does not wait or write.
//!
//! Invariant: every row of a batch gets exactly one verdict, whatever the answer contains.

use super::Ticket;
use crate::{
    graph::{BatchResponse, Reply},
    outcome::{Asked, Verdict},
};
use std::collections::HashMap;

/// Graph's answer for one row, and what it means.
pub struct Judged<T> {
    /// What was kept for the row while its batch was in flight.
    pub ticket: T,
    /// What the answer means.
    pub verdict: Verdict,
    /// The answer.
    pub reply: Reply,
}

/// Judges the rows of a batch that Graph answered row by row.
pub(super) fn items<T: Ticket>(tickets: Vec<T>, response: BatchResponse) -> Vec<Judged<T>> {
    let mut answers: HashMap<u64, (Asked, Option<Answer>)> =
        tickets.iter().map(|ticket| (ticket.row(), (ticket.asked(), None))).collect();
    for reply in response.replies {
        // An answer to a request that was never sent says nothing about the others.
        let Some((asked, answer)) = reply.row.and_then(|row| answers.get_mut(&row)) else { continue };
        match answer {
            Some(answer) => answer.again(*asked, &reply),
            None => *answer = Some(Answer::first(*asked, reply)),
        }
    }
    let judge = |ticket: T| {
        let answer = answers.remove(&ticket.row()).and_then(|(_, answer)| answer).unwrap_or_else(Answer::missing);
        let mut reply = answer.reply;
        if reply.request_id.is_empty() {
            reply.request_id.clone_from(&response.request_id);
        }
        Judged { ticket, verdict: answer.verdict, reply }
    };
    tickets.into_iter().map(judge).collect()
}

/// Judges the rows of a batch that was answered as a whole, or not at all: all get the same reply.
pub(super) fn whole<T>(tickets: Vec<T>, verdict: Verdict, reply: &Reply) -> Vec<Judged<T>> {
    tickets.into_iter().map(|ticket| Judged { ticket, verdict, reply: reply.clone() }).collect()
}

struct Answer {
    verdict: Verdict,
    reply: Reply,
}

impl Answer {
    fn first(asked: Asked, mut reply: Reply) -> Self {
        let verdict = reply.verdict(asked);
        // The report says why a row is in doubt, even if Graph gives no reason.
        if matches!(verdict, Verdict::Unknown(_)) && reply.message.is_empty() {
            reply.message = unexplained(reply.status);
        }
        Self { verdict, reply }
    }

    /// A second answer for the same row: if the two differ, neither is trusted.
    fn again(&mut self, asked: Asked, reply: &Reply) {
        if std::mem::discriminant(&reply.verdict(asked)) != std::mem::discriminant(&self.verdict) {
            *self = Self::unknown("answered_twice", "the batch holds two answers to this row, and they differ");
        }
    }

    fn missing() -> Self {
        Self::unknown("not_answered", "the batch holds no answer to this row")
    }

    fn unknown(code: &str, message: &str) -> Self {
        let reply = Reply { code: code.into(), message: message.into(), ..Reply::default() };
        Self { verdict: Verdict::Unknown(None), reply }
    }
}

/// The text for an answer that has no message of its own and settles nothing.
fn unexplained(status: u16) -> String {
    match status {
        200..=299 => format!("Graph answered {status}, which does not confirm the change (only 204 does)"),
        100..=599 => String::new(),
        _ => "the answer has no HTTP status".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Ticket for u64 {
        fn row(&self) -> u64 {
            *self
        }

        fn asked(&self) -> Asked {
            Asked::Password
        }
    }

    fn reply(row: Option<u64>, status: u16) -> Reply {
        Reply { row, status, ..Reply::default() }
    }

    #[test]
    fn matches_answers_in_any_order() {
        let replies = vec![reply(Some(3), 404), reply(Some(99), 204), reply(None, 204), reply(Some(1), 204)];
        let judged = items(vec![1, 2, 3], BatchResponse { replies, ..Default::default() });
        let verdicts: Vec<_> = judged.iter().map(|judged| (judged.ticket, judged.verdict)).collect();
        assert_eq!(verdicts[0], (1, Verdict::Done));
        assert_eq!(verdicts[1], (2, Verdict::Unknown(None)), "no answer is no answer");
        assert_eq!(verdicts[2], (3, Verdict::Refused(crate::outcome::Cause::NotFound)));
    }

    #[test]
    fn undocumented_success_is_reported() {
        let replies = vec![reply(Some(1), 200), reply(Some(2), 0), reply(Some(3), 503)];
        let judged = items(vec![1, 2, 3], BatchResponse { replies, ..Default::default() });
        assert!(judged.iter().all(|judged| judged.verdict == Verdict::Unknown(None)));
        assert!(judged[0].reply.message.contains("only 204 does"), "{}", judged[0].reply.message);
        assert_eq!(judged[1].reply.whole(), "the answer has no HTTP status");
        assert_eq!(judged[2].reply.whole(), "HTTP 503");
    }

    #[test]
    fn contradicting_answers_are_lost() {
        let replies = vec![reply(Some(1), 204), reply(Some(1), 429), reply(Some(2), 204), reply(Some(2), 204)];
        let judged = items(vec![1, 2], BatchResponse { replies, ..Default::default() });
        assert_eq!(judged[0].verdict, Verdict::Unknown(None));
        assert_eq!(judged[1].verdict, Verdict::Done);
    }
}
