//! From an answer to facts: each item of a batch is judged alone.
//!
//! It matches answers to rows, asks the verdict table, and says what to record; it neither waits nor writes.
//!
//! Invariant: every row of a batch leaves with exactly one verdict, whatever the answer holds.

use super::Ticket;
use crate::{
    graph::{BatchResponse, Reply},
    outcome::{Asked, Verdict},
};
use std::collections::HashMap;

/// What Graph said of one row, and what that means.
pub struct Judged<T> {
    /// What was kept of the row while its batch was away.
    pub ticket: T,
    /// What the answer means.
    pub verdict: Verdict,
    /// The answer.
    pub reply: Reply,
}

/// Judges the rows of a batch that Graph took apart.
pub(super) fn items<T: Ticket>(tickets: Vec<T>, response: BatchResponse) -> Vec<Judged<T>> {
    let mut answers: HashMap<u64, (Asked, Option<Answer>)> =
        tickets.iter().map(|ticket| (ticket.row(), (ticket.asked(), None))).collect();
    for reply in response.replies {
        // An answer to nothing that was asked tells nothing about what was.
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

/// Judges the rows of a batch that was answered as a whole, or not at all: one reply for all of them.
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
        // The report tells why a row is in doubt, also where Graph says nothing.
        if matches!(verdict, Verdict::Unknown(_)) && reply.message.is_empty() {
            reply.message = unexplained(reply.status);
        }
        Self { verdict, reply }
    }

    /// A second answer to the same row: where the two differ, neither is believed.
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

/// What to say of an answer that brings no words of its own and settles nothing.
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
    fn each_row_gets_its_own_answer_whatever_the_order() {
        let replies = vec![reply(Some(3), 404), reply(Some(99), 204), reply(None, 204), reply(Some(1), 204)];
        let judged = items(vec![1, 2, 3], BatchResponse { replies, ..Default::default() });
        let verdicts: Vec<_> = judged.iter().map(|judged| (judged.ticket, judged.verdict)).collect();
        assert_eq!(verdicts[0], (1, Verdict::Done));
        assert_eq!(verdicts[1], (2, Verdict::Unknown(None)), "no answer is no answer");
        assert_eq!(verdicts[2], (3, Verdict::Refused(crate::outcome::Cause::NotFound)));
    }

    #[test]
    fn an_undocumented_success_is_told() {
        let replies = vec![reply(Some(1), 200), reply(Some(2), 0), reply(Some(3), 503)];
        let judged = items(vec![1, 2, 3], BatchResponse { replies, ..Default::default() });
        assert!(judged.iter().all(|judged| judged.verdict == Verdict::Unknown(None)));
        assert!(judged[0].reply.message.contains("only 204 does"), "{}", judged[0].reply.message);
        assert_eq!(judged[1].reply.whole(), "the answer has no HTTP status");
        assert_eq!(judged[2].reply.whole(), "HTTP 503");
    }

    #[test]
    fn two_answers_that_differ_are_none() {
        let replies = vec![reply(Some(1), 204), reply(Some(1), 429), reply(Some(2), 204), reply(Some(2), 204)];
        let judged = items(vec![1, 2], BatchResponse { replies, ..Default::default() });
        assert_eq!(judged[0].verdict, Verdict::Unknown(None));
        assert_eq!(judged[1].verdict, Verdict::Done);
    }
}
