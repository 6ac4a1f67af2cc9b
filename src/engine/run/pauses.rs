//! The pauses of a run, kept small however long it lasts.
//!
//! Invariant: at most [`PAUSES_MAX`] are kept; pauses that are too close to tell apart are merged.

use crate::{
    engine::dispatch::{WaitReason, Waiting},
    ledger::{Pause, PauseReason},
};

/// Far more than a chart can show.
const PAUSES_MAX: usize = 1_000;
/// Pauses this close together are merged, in milliseconds. The distance grows if there are too many.
const CLOSE_MILLIS: i64 = 200;

/// The pauses of one process.
pub(super) struct Pauses {
    kept: Vec<Pause>,
    close: i64,
    /// How many 429 answers are noted already.
    throttled: u64,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), close: CLOSE_MILLIS, throttled: 0 }
    }

    /// Notes a pause that begins at `at`, after `throttled` 429 answers in total.
    pub(super) fn note(&mut self, at: i64, waiting: &Waiting, throttled: u64) {
        let hold = match waiting.reason {
            WaitReason::Asked | WaitReason::AskedOfApplication => PauseReason::Asked,
            WaitReason::Away(_) => PauseReason::Away,
        };
        let millis = i64::try_from(waiting.wait.as_millis()).unwrap_or(i64::MAX);
        let new = throttled.saturating_sub(self.throttled);
        self.throttled = throttled;
        self.add(Pause { at, hold, millis, throttled: new });
        while self.kept.len() > PAUSES_MAX {
            self.close *= 2;
            std::mem::take(&mut self.kept).into_iter().for_each(|moment| self.add(moment));
        }
    }

    pub(super) fn kept(&self) -> &[Pause] {
        &self.kept
    }

    fn add(&mut self, moment: Pause) {
        match self.kept.last_mut() {
            Some(last) if last.hold == moment.hold && moment.at - last.at <= self.close => join(last, &moment),
            _ => self.kept.push(moment),
        }
    }
}

/// The time of overlapping pauses is counted once.
fn join(first: &mut Pause, second: &Pause) {
    let apart = second.at - first.at;
    first.millis =
        if apart <= first.millis { first.millis.max(apart + second.millis) } else { first.millis + second.millis };
    first.throttled += second.throttled;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn asked(seconds: u64) -> Waiting {
        Waiting { reason: WaitReason::Asked, wait: Duration::from_secs(seconds), named: None }
    }

    #[test]
    fn merges_close_pauses_and_keeps_429s() {
        let mut pauses = Pauses::new();
        pauses.note(1_000, &asked(10), 20);
        pauses.note(1_100, &asked(10), 25);
        pauses.note(1_150, &Waiting { reason: WaitReason::Away("gone".into()), ..asked(2) }, 25);
        pauses.note(9_000, &asked(1), 26);
        let seen: Vec<_> = pauses.kept().iter().map(|moment| (moment.at, moment.millis, moment.throttled)).collect();
        assert_eq!(seen, [(1_000, 10_100, 25), (1_150, 2_000, 0), (9_000, 1_000, 1)]);
    }

    #[test]
    fn consecutive_waits_add_up() {
        let mut pauses = Pauses::new();
        let short = |millis| Waiting { wait: Duration::from_millis(millis), ..asked(0) };
        pauses.note(1_000, &short(50), 1);
        pauses.note(1_100, &short(30), 3);
        assert_eq!(pauses.kept(), [Pause { at: 1_000, hold: PauseReason::Asked, millis: 80, throttled: 3 }]);
    }

    #[test]
    fn keeps_pauses_up_to_the_limit() {
        let mut pauses = Pauses::new();
        let at = |nth: i64| 1_790_000_000_000 + nth * (CLOSE_MILLIS + 1);
        (0..1_000).for_each(|nth| pauses.note(at(nth), &asked(0), 0));
        assert_eq!(pauses.kept().len(), PAUSES_MAX);
        pauses.note(at(1_000), &asked(0), 0);
        assert_eq!(pauses.kept().len(), 501, "two by two");
    }

    #[test]
    fn week_of_waits_stays_small() {
        let mut pauses = Pauses::new();
        (1..=600_000_u32).for_each(|nth| pauses.note(1_000 * i64::from(nth), &asked(1), nth.into()));
        assert!(pauses.kept().len() <= PAUSES_MAX);
        assert_eq!(pauses.kept().iter().map(|moment| moment.throttled).sum::<u64>(), 600_000);
        let waited: i64 = pauses.kept().iter().map(|moment| moment.millis).sum();
        assert!((590_000_000..=610_000_000).contains(&waited), "{waited}");
    }
}
