//! How long the rest of a run will take, from what it did so far.

use crate::graph::quota::Quota;
use std::time::Duration;

/// From this share of the quota's pace on, a measured rate is the quota's pace, and not a slower one of its own.
const AT_PACE: f64 = 0.85;

/// What a process did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoFar {
    /// Accounts that ended.
    pub settled: u64,
    /// Answers with 429; each cost as much as an account.
    pub throttled: u64,
    /// The time since it began to send.
    pub elapsed: Duration,
    /// Accounts that ended per second of late.
    pub rate: f64,
}

impl SoFar {
    /// How long `pending` more accounts will take. What is left of the burst goes at the rate of late, and the rest at the
    /// pace at which `quota` is refilled, or slower if the rate is. Refusals cost as much as they did so far.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
    pub fn time_left(&self, quota: Quota, pending: u64) -> Duration {
        let (sent, pace) = ((self.settled + self.throttled) as f64, quota.per_second());
        let each = sent / (self.settled as f64).max(1.0);
        let refilled = self.elapsed.as_secs_f64() * pace;
        let level = (f64::from(quota.units.get()) - sent + refilled).clamp(0.0, f64::from(quota.units.get()));
        let by_rate = pending as f64 / self.rate;
        let by_quota = (pending as f64 * each.max(1.0) - level).max(0.0) / pace;
        let is_at_pace = self.rate * each.max(1.0) >= pace * AT_PACE;
        let seconds = if is_at_pace && by_quota > 0.0 { by_quota } else { by_rate.max(by_quota) };
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(settled: u64, throttled: u64, elapsed: u64, rate: f64, pending: u64) -> f64 {
        let so_far = SoFar { settled, throttled, elapsed: Duration::from_secs(elapsed), rate };
        so_far.time_left(Quota::DOCUMENTED_WRITES, pending).as_secs_f64()
    }

    #[test]
    fn rest_goes_at_the_pace_of_the_refill() {
        for (so_far, pending, seconds) in [
            // 1,100 are left of the burst, and 100 were refilled.
            ((1_900, 0, 5, 400.0), 2_100, 45.0),
            ((1_900, 0, 5, 400.0), 1_000, 2.5),
            // One batch more or less in the window of the rate changes nothing.
            ((3_400, 0, 20, 19.0), 2_000, 100.0),
            ((3_400, 0, 20, 21.0), 2_000, 100.0),
            // One of twenty is refused.
            ((3_800, 200, 50, 19.0), 1_900, 100.0),
            // Somebody else takes half of it.
            ((3_400, 0, 20, 10.0), 2_000, 200.0),
        ] {
            let (settled, throttled, elapsed, rate) = so_far;
            let found = left(settled, throttled, elapsed, rate, pending);
            assert!((found - seconds).abs() < 0.01, "{so_far:?}, {pending}: {found}");
        }
        assert_eq!(left(0, 0, 0, 0.0, 10), Duration::MAX.as_secs_f64());
    }
}
