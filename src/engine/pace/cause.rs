//! Whether 429s mean that the quota is spent, or only that Graph was busy at that moment.
//!
//! Graph throttles below its quotas, too. Such a 429 concerns one request: it says nothing about the next one. A spent
//! quota refuses every request until it is refilled. So the two are told apart by what Graph says and by what follows.
//!
//! - A refusal of a whole batch, a refusal that names its quota, or a share in use above the limit: the quota.
//! - If Graph names nothing, the share of refused requests decides. A cumulative sum test (CUSUM) compares two
//!   hypotheses, request by request: it is refused at random, as often as in the recent past, or one of four is refused
//!   because of the quota.
//!
//! Invariant: if all requests are refused, at most ten of them are taken for single ones.

/// The share that is refused if a quota is spent; if it is more, that shows even sooner.
const OF_QUOTA: f64 = 0.25;
/// From this score on, the quota is the cause: a random series of refusals reaches it about once in e^16 requests.
/// `examples/pace_grid` shows what other values would cost.
const CERTAIN: f64 = 16.0;
/// The least and the greatest share that is taken for random.
const RANDOM: (f64, f64) = (0.005, 0.05);
/// The first guess of that share, and the number of requests that it counts for.
const GUESS: (f64, f64) = (0.01, 200.0);
/// How many requests the recent past has.
const PAST: f64 = 2_000.0;

/// What the answer to a batch shows about its 429s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Refusals {
    /// Requests answered with 429.
    pub refused: usize,
    /// Of these, those that name a quota.
    pub named: usize,
    /// Requests that succeeded or failed for a reason of their own.
    pub answered: usize,
    /// Whether the batch was refused as a whole.
    pub is_whole: bool,
    /// The share of the quota in use, if Graph says it.
    pub percentage: Option<f64>,
}

/// Tells the cause of 429s.
pub(super) struct Cause {
    score: f64,
    /// Single refusals in the recent past, and requests.
    past: (f64, f64),
}

impl Default for Cause {
    fn default() -> Self {
        Self { score: 0.0, past: (GUESS.0 * GUESS.1, GUESS.1) }
    }
}

impl Cause {
    /// Takes the answer to a batch; returns whether its 429s mean that the quota is spent. `is_late` is a batch that
    /// was sent before the last time this was so: it decides for itself, and teaches nothing.
    pub(super) fn is_quota(&mut self, seen: Refusals, is_late: bool) -> bool {
        let is_told = seen.is_whole || seen.named > 0 || seen.percentage.is_some_and(|share| share > 1.0);
        let is_told = is_told && seen.refused > 0;
        if is_late {
            return is_told || (seen.refused > 1 && seen.refused > seen.answered);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most a batch")]
        let (refused, good) = (seen.refused as f64, seen.answered as f64);
        let random = (self.past.0 / self.past.1).clamp(RANDOM.0, RANDOM.1);
        // The order within a batch is not known: the refusals come last.
        let score = (self.score + good * ((1.0 - OF_QUOTA) / (1.0 - random)).ln()).max(0.0);
        self.score = score + refused * (OF_QUOTA / random).ln();
        if is_told || (self.score >= CERTAIN && seen.refused > 0) {
            self.score = 0.0;
            return true;
        }
        let kept = 1.0 - ((refused + good) / PAST).min(1.0);
        self.past = (self.past.0 * kept + refused, self.past.1 * kept + refused + good);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    fn unnamed(refused: usize, answered: usize) -> Refusals {
        Refusals { refused, answered, ..Refusals::default() }
    }

    #[test]
    fn named_quota_is_believed_at_once() {
        let one = unnamed(1, 19);
        for told in [
            Refusals { named: 1, ..one },
            Refusals { percentage: Some(1.01), ..one },
            Refusals { is_whole: true, ..unnamed(20, 0) },
        ] {
            assert!(Cause::default().is_quota(told, false), "{told:?}");
            assert!(Cause::default().is_quota(told, true), "{told:?}, late");
        }
        for single in
            [one, Refusals { percentage: Some(1.0), ..one }, Refusals { percentage: Some(1.2), ..unnamed(0, 20) }]
        {
            assert!(!Cause::default().is_quota(single, false), "{single:?}");
        }
    }

    #[test]
    fn refused_batches_are_the_quota() {
        assert!(Cause::default().is_quota(unnamed(20, 0), false));
        assert!(Cause::default().is_quota(unnamed(11, 9), true), "most of a late batch");
        assert!(!Cause::default().is_quota(unnamed(10, 10), true));
        let mut cause = Cause::default();
        let singles = (1..).take_while(|_| !cause.is_quota(unnamed(1, 0), false)).count();
        assert!(singles < 8, "{singles}");
        let mut used_to = Cause { past: (100.0, 2_000.0), ..Cause::default() };
        let singles = (1..).take_while(|_| !used_to.is_quota(unnamed(1, 0), false)).count();
        assert!(singles < 10, "{singles}");
    }

    #[test]
    fn half_a_quota_is_soon_noticed() {
        let mut cause = Cause::default();
        let batches = (1..).take_while(|_| !cause.is_quota(unnamed(10, 10), false)).count();
        assert_eq!(batches, 0, "ten of twenty at once");
        let mut cause = Cause::default();
        let batches = (1..).take_while(|_| !cause.is_quota(unnamed(5, 15), false)).count();
        assert!(batches < 5, "a quarter, after {batches}");
    }

    #[test]
    fn one_in_twenty_is_hardly_ever_the_quota() {
        let (mut rng, mut cause, mut wrong) = (StdRng::seed_from_u64(7), Cause::default(), 0);
        for _ in 0..50_000 {
            let refused = (0..20).filter(|_| rng.random::<f64>() < 0.05).count();
            wrong += u32::from(cause.is_quota(unnamed(refused, 20 - refused), false));
        }
        assert!(wrong <= 5, "{wrong} of a million requests");
    }
}
