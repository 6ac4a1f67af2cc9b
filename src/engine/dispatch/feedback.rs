//! What the answers to one batch mean for the pace, the patience and the token of all batches.

use super::{
    Completed, Completion, DispatchError, Dispatcher, Judged, Sent, Signs, TOKEN_REFUSALS_MAX, Ticket, WaitReason,
    Waiting,
};
use crate::{
    engine::pace::Refusals,
    graph::Graph,
    outcome::Verdict,
    util::{clock::Offset, sanitize},
};
use std::time::Duration;
use tokio::time::Instant;

impl<'a, G: Graph, T: Ticket + 'a> Dispatcher<'a, G, T> {
    /// How many of the open requests need no refill of the quota: those in flight, and those that it has room for. While
    /// everything is on hold, this is less than none.
    #[expect(clippy::cast_precision_loss, reason = "few are in flight")]
    pub fn covered(&self) -> f64 {
        self.requests_in_flight as f64 + self.throttle.left()
    }

    /// The time from sending a batch to its answer of late.
    pub fn latency(&self) -> Duration {
        self.throttle.latency()
    }

    /// Learns from the verdicts of one batch what concerns all of them.
    pub(super) fn judged(&mut self, batch: Vec<Judged<T>>, sent: Sent, signs: Signs) -> Completed<T> {
        let was_connected = self.connectivity.is_connected();
        let has_fruit = batch.iter().any(|judged| self.shows_availability(judged));
        if !has_fruit {
            let said = batch.first().map(|judged| judged.reply.whole()).unwrap_or_default();
            self.record_silence(sent.at, &said, batch.iter().filter_map(|judged| judged.verdict.wait()).max());
        }
        let count = |wanted: fn(&Verdict) -> bool| batch.iter().filter(|judged| wanted(&judged.verdict)).count();
        let good = count(|verdict| matches!(verdict, Verdict::Done));
        let settled = good + count(|verdict| matches!(verdict, Verdict::Refused(_)));
        let uneasy = count(|verdict| matches!(verdict, Verdict::Unknown(_) | Verdict::Busy));
        self.throttle.record_success(good, sent.at.elapsed());
        if uneasy > 0 {
            self.throttle.record_trouble();
        }
        if has_fruit && let Some(idle) = self.connectivity.record_answers(settled > 0) {
            self.break_off(DispatchError::Stalled(idle));
        }
        self.must_not_wait_too_long(&batch);
        let hold = self.hold(&batch, sent.epoch, signs.of(settled));
        self.count_token_refusals(&batch, sent.token_refusals);
        Completed::Judged(batch, Completion { hold, was_connected })
    }

    /// Compares our clock with the time in an answer.
    pub(super) fn compare_clocks(&mut self, sent: Sent, date: jiff::Timestamp) {
        let told = Offset::of_answer(sent.wall, self.clock.millis(), date.as_millisecond());
        // If a clock was set in between, only the last answer counts.
        self.offset = Some(self.offset.and_then(|known| known.and(told)).unwrap_or(told));
    }

    /// Whether an answer shows that Graph is available. An undocumented success counts only after another answer was
    /// understood: then only its own row has a problem.
    fn shows_availability(&self, judged: &Judged<T>) -> bool {
        let is_success = (200..300).contains(&judged.reply.status);
        !matches!(judged.verdict, Verdict::Unknown(_)) || (is_success && self.connectivity.has_settled())
    }

    /// Stops if Graph asks for a longer wait than allowed: an earlier retry would be refused, and would count.
    fn must_not_wait_too_long(&mut self, batch: &[Judged<T>]) {
        let allowed = self.pace.max_asked;
        let waits = batch.iter().filter(|judged| judged.verdict.wait().is_some_and(|wait| wait > allowed));
        if let Some(named) = waits.filter_map(|judged| judged.reply.named().or(judged.verdict.wait())).max() {
            self.break_off(DispatchError::Asked { named, allowed });
        }
    }

    /// Holds the pace if the throttled rows of a batch mean that the quota is spent. If not, each of them waits for
    /// itself.
    fn hold(&mut self, batch: &[Judged<T>], epoch: u32, signs: Refusals) -> Duration {
        let throttled = || batch.iter().filter(|judged| matches!(judged.verdict, Verdict::Throttled(_)));
        let (refused, named) = (throttled().count(), throttled().filter(|judged| judged.reply.is_over_quota).count());
        self.tally.throttled += refused as u64;
        // If some name the quota, the others are not about it. If none does, one of them may still be about something else:
        // the middle counts, and each row also waits for itself.
        let of_quota = throttled().filter(|judged| named == 0 || judged.reply.is_over_quota);
        let mut asked: Vec<Duration> = of_quota.filter_map(|judged| judged.verdict.wait()).collect();
        asked.sort_unstable();
        let asked = if named == 0 { asked.get(asked.len() / 2).copied() } else { asked.last().copied() };
        let hold = self.throttle.answered(epoch, Refusals { refused, named, ..signs }, asked).unwrap_or_default();
        if hold.is_zero() {
            self.connectivity.asked_to_wait(asked.unwrap_or_default());
        } else {
            self.connectivity.asked_to_wait(hold);
            self.note_asked(hold);
            let named = throttled().filter_map(|judged| judged.reply.named()).max();
            let reason = match throttled().any(|judged| judged.reply.is_of_application) {
                true => {
                    self.throttle.hold_all(hold);
                    WaitReason::AskedOfApplication
                }
                false => WaitReason::Asked,
            };
            self.waits.push(Waiting { reason, wait: hold, named });
        }
        hold
    }

    /// Counts tokens, not batches: several batches in flight share one. Any other answer proves that the token was
    /// accepted.
    fn count_token_refusals(&mut self, batch: &[Judged<T>], when_sent: u32) {
        let accepted = |judged: &Judged<T>| !matches!(judged.verdict, Verdict::TokenRefused | Verdict::Unknown(_));
        let refused = batch.iter().find(|judged| judged.verdict == Verdict::TokenRefused);
        match refused {
            _ if batch.iter().any(accepted) => self.token_refusals = 0,
            Some(judged) if when_sent == self.token_refusals => {
                self.token_refusals += 1;
                if self.token_refusals >= TOKEN_REFUSALS_MAX {
                    let said = sanitize::sentence(&judged.reply.whole());
                    self.break_off(DispatchError::TokenRefused(said));
                }
            }
            _ => {}
        }
    }

    /// Pauses after a batch without answers, at least for as long as was `asked`.
    pub(super) fn record_silence(&mut self, sent: Instant, said: &str, asked: Option<Duration>) {
        let Some(nth) = self.connectivity.record_silence(sent) else { return };
        let said = sanitize::sentence(said);
        let pause = self.throttle.back_off(nth - 1).max(asked.unwrap_or_default());
        match self.connectivity.pause(pause) {
            Ok(wait) => {
                if asked.is_some() {
                    self.note_asked(wait);
                }
                self.waits.push(Waiting { reason: WaitReason::Away(said), wait, named: None });
            }
            Err(waited) => self.break_off(DispatchError::Away { waited, said }),
        }
    }

    /// How long to wait before retrying after `verdict`. The row has had `troubles` failed attempts before. `None` if a
    /// retry would not help.
    pub fn wait_after(&mut self, verdict: &Verdict, troubles: u32, completion: Completion) -> Option<Duration> {
        match verdict {
            Verdict::Done | Verdict::Refused(_) | Verdict::PasswordRefused => None,
            Verdict::Throttled(asked) => Some(self.wait_of_one(*asked, completion)),
            Verdict::TokenRefused => Some(Duration::from_secs(u64::from(self.token_refusals / 2))),
            Verdict::Busy => Some(self.throttle.back_off(troubles)),
            // While all answers are lost, the pause is set elsewhere.
            Verdict::Unknown(wait) if !completion.was_connected => Some(wait.unwrap_or_default()),
            Verdict::Unknown(wait) => Some(self.throttle.back_off(troubles).max(wait.unwrap_or_default())),
        }
    }

    /// How long a throttled row waits: for the hold, and never less than Graph asked for it.
    fn wait_of_one(&mut self, asked: Option<Duration>, completion: Completion) -> Duration {
        if !completion.hold.is_zero() && asked.unwrap_or_default() <= completion.hold {
            return completion.hold;
        }
        self.throttle.alone(asked)
    }
}
