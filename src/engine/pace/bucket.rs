//! A token bucket on tokio's clock. It uses GCRA, so its whole state is one time: the theoretical arrival time.
//!
//! The bucket is full if that time has passed. If not, the difference to now shows how much it lacks. To empty the
//! bucket, or to hold it, move that time forward. The bucket never sleeps; it returns how long to sleep.
//!
//! Invariant: the time never moves back.

use crate::graph::quota::Quota;
use std::{num::NonZeroU32, time::Duration};
use tokio::time::Instant;

/// The number of parts in a unit of the quota, so that the price of a write can have fractions.
pub(super) const PARTS: u32 = 16;
/// The shortest wait, so that a rounded wait never makes the caller ask again at once.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// A token bucket that can be emptied. It is paid in parts of a unit.
pub(super) struct Bucket {
    started: Instant,
    /// The theoretical arrival time, in nanoseconds since the bucket was created.
    arrival: u64,
    /// The number of parts in the full bucket.
    burst: NonZeroU32,
    /// The time in which one part is refilled, in nanoseconds.
    period: u64,
    /// Parts that are already bought for the next batch.
    bought: u32,
}

impl Bucket {
    pub(super) fn new(quota: Quota) -> Self {
        let burst = quota.units.saturating_mul(NonZeroU32::new(PARTS).unwrap_or(NonZeroU32::MIN));
        // Rounded up: a pace that is a nanosecond too slow is never refused.
        let period = quota.per.as_nanos().div_ceil(u128::from(burst.get())).max(1);
        let period = u64::try_from(period).unwrap_or(u64::MAX);
        Self { started: Instant::now(), arrival: 0, burst, period, bought: 0 }
    }

    /// Buys parts until there are `cost` of them, or returns how long to wait for more.
    pub(super) fn buy(&mut self, cost: u32) -> Result<(), Duration> {
        while self.bought < cost {
            let slice = (cost - self.bought).min(self.burst.get());
            self.take(slice)?;
            self.bought += slice;
        }
        Ok(())
    }

    /// Takes this many parts, at most those of the full bucket, or returns how long to wait for them.
    fn take(&mut self, parts: u32) -> Result<(), Duration> {
        let (now, price) = (self.now(), self.price(u64::from(parts)));
        let earliest = self.arrival.saturating_add(price).saturating_sub(self.price(self.burst.get().into()));
        if now < earliest {
            return Err(Duration::from_nanos(earliest - now).max(WAIT_MIN));
        }
        self.arrival = self.arrival.max(now).saturating_add(price);
        Ok(())
    }

    /// Uses the parts that were bought.
    pub(super) fn spend(&mut self, cost: u32) {
        self.bought = self.bought.saturating_sub(cost);
    }

    /// Empties the bucket: until `wait` from now nothing can be taken, and then it refills from empty.
    pub(super) fn empty_until(&mut self, wait: Duration) {
        self.bought = 0;
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.push(wait.saturating_add(self.price(self.burst.get().into())));
    }

    /// Counts `parts` as spent just now, with a full bucket before. Never gives parts back.
    pub(super) fn count_from_now(&mut self, parts: u64) {
        self.push(self.price(parts));
    }

    /// How long it takes until the bucket is full.
    pub(super) fn until_full(&self) -> Duration {
        Duration::from_nanos(self.arrival.saturating_sub(self.now()))
    }

    /// The parts that are left. While the bucket is on hold, this is less than none.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn left(&self) -> f64 {
        let missing = self.arrival.saturating_sub(self.now()) as f64 / self.period as f64;
        f64::from(self.burst.get()) - missing + f64::from(self.bought)
    }

    /// Counts what refills in `debt` as spent before now.
    pub(super) fn owe(&mut self, debt: Duration) {
        self.push(u64::try_from(debt.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The time in which this many parts are refilled, in nanoseconds.
    const fn price(&self, parts: u64) -> u64 {
        self.period.saturating_mul(parts)
    }

    fn push(&mut self, debt: u64) {
        self.arrival = self.arrival.max(self.now().saturating_add(debt));
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BURST: u32 = 10 * PARTS;

    /// Ten units in ten seconds.
    fn bucket() -> Bucket {
        Bucket::new("10/10s".parse().expect("a quota"))
    }

    fn on_paused_clock(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(test);
    }

    #[tokio::test(start_paused = true)]
    async fn full_bucket_gives_its_burst() {
        let mut bucket = bucket();
        assert_eq!(bucket.buy(BURST), Ok(()));
        bucket.spend(BURST);
        assert_eq!(bucket.buy(PARTS), Err(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(bucket.buy(PARTS), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn emptied_bucket_fills_from_nothing() {
        let mut bucket = bucket();
        bucket.empty_until(Duration::from_secs(5));
        assert_eq!(bucket.buy(PARTS), Err(Duration::from_secs(6)));
        bucket.empty_until(Duration::from_secs(1));
        assert_eq!(bucket.buy(PARTS), Err(Duration::from_secs(6)), "nothing is taken back");
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(bucket.buy(PARTS), Ok(()));
    }

    proptest! {
        #[test]
        fn burst_and_pace_are_the_limit(steps in prop::collection::vec((1..3 * BURST, 0_u64..4_000), 1..60)) {
            let mut given = 0_u64;
            on_paused_clock(async {
                let (mut bucket, start) = (bucket(), Instant::now());
                for (cost, pause) in steps {
                    match bucket.buy(cost) {
                        Ok(()) => {
                            bucket.spend(cost);
                            given += u64::from(cost);
                        }
                        Err(wait) => tokio::time::advance(wait).await,
                    }
                    let flown = start.elapsed().as_nanos() * u128::from(PARTS) / 1_000_000_000;
                    assert!(u128::from(given) <= u128::from(BURST) + flown);
                    tokio::time::advance(Duration::from_millis(pause)).await;
                }
            });
        }

        #[test]
        fn waits_are_long_enough(cost in 1..=BURST) {
            on_paused_clock(async {
                let mut bucket = bucket();
                assert_eq!(bucket.buy(BURST), Ok(()));
                bucket.spend(BURST);
                let wait = bucket.buy(cost).expect_err("nothing is left");
                tokio::time::advance(wait).await;
                assert_eq!(bucket.buy(cost), Ok(()));
            });
        }
    }
}
