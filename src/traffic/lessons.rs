//! What a batch that came back says about the pace, the patience and the token of all.

use super::{Judged, Landed, Landing, Sent, TOKEN_REFUSALS_MAX, Ticket, Traffic, TrafficError, WaitReason, Waiting};
use crate::{clean, graph::Graph, outcome::Verdict};
use std::time::Duration;
use tokio::time::Instant;

impl<'a, G: Graph, T: Ticket + 'a> Traffic<'a, G, T> {
    /// Draws from the verdicts of one batch what they say about all.
    pub(super) fn judged(&mut self, batch: Vec<Judged<T>>, sent: Sent) -> Landed<T> {
        let was_fair = self.weather.is_fair();
        let has_fruit = batch.iter().any(|judged| self.is_fruit(judged));
        if !has_fruit {
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
        if has_fruit && let Some(idle) = self.weather.fruitful(settled > 0) {
            self.break_off(TrafficError::Stalled(idle));
        }
        self.must_not_wait_too_long(&batch);
        let hold = self.hold(&batch, sent.epoch);
        self.count_token_refusals(&batch, sent.token_refusals);
        Landed::Judged(batch, Landing { hold, was_fair })
    }

    /// Whether an answer shows that Graph is there. An undocumented success does once others were understood: then it is
    /// its row's own trouble.
    fn is_fruit(&self, judged: &Judged<T>) -> bool {
        let is_success = (200..300).contains(&judged.reply.status);
        !matches!(judged.verdict, Verdict::Unknown(_)) || (is_success && self.weather.has_settled())
    }

    /// Breaks off where Graph asks for a longer wait than is allowed: to ask again before would be refused, and counts.
    fn must_not_wait_too_long(&mut self, batch: &[Judged<T>]) {
        let allowed = self.pace.max_asked;
        let waits = batch.iter().filter(|judged| judged.verdict.wait().is_some_and(|wait| wait > allowed));
        if let Some(named) = waits.filter_map(|judged| judged.reply.named().or(judged.verdict.wait())).max() {
            self.break_off(TrafficError::Asked { named, allowed });
        }
    }

    /// Holds the pace for as long as the throttled rows of a batch ask for.
    fn hold(&mut self, batch: &[Judged<T>], epoch: u32) -> Duration {
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
        self.tally.throttled += throttled;
        #[expect(clippy::cast_precision_loss, reason = "at most a batch")]
        let share = throttled as f64 / batch.len() as f64;
        let hold = self.throttle.refused(epoch, share, asked);
        self.weather.asked_to_wait(hold);
        self.note_asked(hold);
        let named = batch.iter().filter_map(|judged| judged.reply.named()).max();
        self.waits.push(Waiting { reason: WaitReason::Asked, wait: hold, named });
        hold
    }

    /// Counts tokens, not batches: several are in flight with one. Any other answer shows that the token was accepted.
    fn count_token_refusals(&mut self, batch: &[Judged<T>], when_sent: u32) {
        let accepted = |judged: &Judged<T>| !matches!(judged.verdict, Verdict::TokenRefused | Verdict::Unknown(_));
        let refused = batch.iter().find(|judged| judged.verdict == Verdict::TokenRefused);
        match refused {
            _ if batch.iter().any(accepted) => self.token_refusals = 0,
            Some(judged) if when_sent == self.token_refusals => {
                self.token_refusals += 1;
                if self.token_refusals >= TOKEN_REFUSALS_MAX {
                    let said = clean::sentence(&judged.reply.whole());
                    self.break_off(TrafficError::TokenRefused(said));
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
            Ok(wait) => {
                if asked.is_some() {
                    self.note_asked(wait);
                }
                self.waits.push(Waiting { reason: WaitReason::Away(said), wait, named: None });
            }
            Err(waited) => self.break_off(TrafficError::Away { waited, said }),
        }
    }

    /// How long to wait before asking again after `verdict`, the `troubles`th of its row but one; none where asking again
    /// would not help.
    pub fn wait_after(&mut self, verdict: &Verdict, troubles: u32, landing: Landing) -> Option<Duration> {
        match verdict {
            Verdict::Done | Verdict::Refused(_) | Verdict::PasswordRefused => None,
            Verdict::Throttled(_) => Some(landing.hold),
            Verdict::TokenRefused => Some(Duration::from_secs(u64::from(self.token_refusals / 2))),
            Verdict::Busy => Some(self.throttle.back_off(troubles)),
            // While all answers are lost, the pause comes from elsewhere.
            Verdict::Unknown(wait) if !landing.was_fair => Some(wait.unwrap_or_default()),
            Verdict::Unknown(wait) => Some(self.throttle.back_off(troubles).max(wait.unwrap_or_default())),
        }
    }
}
