//! What held the run up, kept small however long it lasts.
//!
//! Invariant: no more than [`MOMENTS_MAX`] are kept; what comes too close together to be told apart is one.

use crate::{
    ledger::{Hold, Moment},
    traffic::{WaitReason, Waiting},
};

/// Far more than a picture can show apart.
const MOMENTS_MAX: usize = 1_000;
/// How close together two are one, in milliseconds, until there are too many.
const CLOSE_MILLIS: i64 = 200;

/// The waits of one process.
pub(super) struct Moments {
    kept: Vec<Moment>,
    close: i64,
    /// Answers 429 that are noted already.
    throttled: u64,
}

impl Moments {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), close: CLOSE_MILLIS, throttled: 0 }
    }

    /// Notes a wait that begins at `at`; up to now, there were `throttled` answers 429.
    pub(super) fn note(&mut self, at: i64, waiting: &Waiting, throttled: u64) {
        let hold = match waiting.reason {
            WaitReason::Asked => Hold::Asked,
            WaitReason::Away(_) => Hold::Away,
        };
        let millis = i64::try_from(waiting.wait.as_millis()).unwrap_or(i64::MAX);
        let new = throttled.saturating_sub(self.throttled);
        self.throttled = throttled;
        self.add(Moment { at, hold, millis, throttled: new });
        while self.kept.len() > MOMENTS_MAX {
            self.close *= 2;
            std::mem::take(&mut self.kept).into_iter().for_each(|moment| self.add(moment));
        }
    }

    pub(super) fn kept(&self) -> &[Moment] {
        &self.kept
    }

    fn add(&mut self, moment: Moment) {
        match self.kept.last_mut() {
            Some(last) if last.hold == moment.hold && moment.at - last.at <= self.close => join(last, &moment),
            _ => self.kept.push(moment),
        }
    }
}

/// Of waits that overlap, the time is counted once.
fn join(first: &mut Moment, second: &Moment) {
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
    fn what_comes_together_is_one_and_no_429_is_lost() {
        let mut moments = Moments::new();
        moments.note(1_000, &asked(10), 20);
        moments.note(1_100, &asked(10), 25);
        moments.note(1_150, &Waiting { reason: WaitReason::Away("gone".into()), ..asked(2) }, 25);
        moments.note(9_000, &asked(1), 26);
        let seen: Vec<_> = moments.kept().iter().map(|moment| (moment.at, moment.millis, moment.throttled)).collect();
        assert_eq!(seen, [(1_000, 10_100, 25), (1_150, 2_000, 0), (9_000, 1_000, 1)]);
    }

    #[test]
    fn waits_one_after_the_other_add_up() {
        let mut moments = Moments::new();
        let short = |millis| Waiting { wait: Duration::from_millis(millis), ..asked(0) };
        moments.note(1_000, &short(50), 1);
        moments.note(1_100, &short(30), 3);
        assert_eq!(moments.kept(), [Moment { at: 1_000, hold: Hold::Asked, millis: 80, throttled: 3 }]);
    }

    #[test]
    fn as_many_as_there_is_room_for_are_kept_apart() {
        let mut moments = Moments::new();
        let at = |nth: i64| 1_790_000_000_000 + nth * (CLOSE_MILLIS + 1);
        (0..1_000).for_each(|nth| moments.note(at(nth), &asked(0), 0));
        assert_eq!(moments.kept().len(), MOMENTS_MAX);
        moments.note(at(1_000), &asked(0), 0);
        assert_eq!(moments.kept().len(), 501, "two by two");
    }

    #[test]
    fn a_week_of_waits_stays_small() {
        let mut moments = Moments::new();
        (1..=600_000_u32).for_each(|nth| moments.note(1_000 * i64::from(nth), &asked(1), nth.into()));
        assert!(moments.kept().len() <= MOMENTS_MAX);
        assert_eq!(moments.kept().iter().map(|moment| moment.throttled).sum::<u64>(), 600_000);
        let waited: i64 = moments.kept().iter().map(|moment| moment.millis).sum();
        assert!((590_000_000..=610_000_000).contains(&waited), "{waited}");
    }
}
