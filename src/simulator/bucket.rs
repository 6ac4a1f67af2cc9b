//! A token bucket that Graph fills and empties.
//!
//! Every request is charged, even a refused one: a client that keeps calling an empty bucket goes into debt, which has
//! to be refilled first. It reads no clock; the caller passes the time since the simulator started.
//!
//! Invariant: in any period, it grants at most its initial level plus the refill since then.

use super::faults::Competing;
use crate::graph::quota::Quota;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// The largest debt in buckets: an empty bucket owes at most one full one.
const DEBT_BUCKETS_MAX: f64 = 1.0;
/// How far sums of doubles may be off, in units.
const ROUNDING: f64 = 1e-6;

/// A bucket that several tenants use.
pub(super) type SharedBucket = Arc<Mutex<Bucket>>;

/// A quota and how much of it is left.
pub(super) struct Bucket {
    capacity: f64,
    per_second: f64,
    level: f64,
    /// When `level` was measured, in seconds since the simulator started.
    at: f64,
    competing: Competing,
}

impl Bucket {
    /// A bucket filled to the share `full`, which `competing` uses as well.
    pub(super) fn new(quota: Quota, full: f64, competing: &Competing) -> Self {
        let capacity = f64::from(quota.units.get());
        let level = capacity * full.clamp(0.0, 1.0);
        Self { capacity, per_second: quota.per_second(), level, at: 0.0, competing: competing.clone() }
    }

    /// Charges `cost` at the time `elapsed`. If the bucket is too empty, returns how long until it is not.
    pub(super) fn charge(&mut self, elapsed: Duration, cost: f64) -> Option<Duration> {
        self.fill_until(elapsed.as_secs_f64());
        // A client that waits as long as it was told must succeed, whatever the last bit of a double says.
        let granted = self.level >= cost - ROUNDING;
        self.level = (self.level - cost).max(-self.capacity * DEBT_BUCKETS_MAX);
        (!granted).then(|| Duration::from_secs_f64((cost - self.level).max(0.0) / self.per_second))
    }

    /// The share in use, like `x-ms-throttle-limit-percentage`: 1.0 is the limit, and more means debt.
    pub(super) fn used(&self) -> f64 {
        1.0 - self.level / self.capacity
    }

    /// The other application comes and goes, so the interval is split where its window begins and ends.
    fn fill_until(&mut self, now: f64) {
        let from = self.competing.from_seconds;
        let until = self.competing.seconds.map_or(f64::INFINITY, |seconds| from + seconds);
        for edge in [from.min(now), until.min(now), now] {
            if edge > self.at {
                let competes = self.at >= from && self.at < until;
                let drunk = if competes { self.competing.units_per_second } else { 0.0 };
                self.flow(edge - self.at, self.per_second - drunk);
                self.at = edge;
            }
        }
    }

    /// The other application can empty the bucket, but it causes no debt for us.
    fn flow(&mut self, seconds: f64, per_second: f64) {
        let least = if per_second < 0.0 { self.level.min(0.0) } else { f64::NEG_INFINITY };
        self.level = (self.level + seconds * per_second).max(least).min(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quota(text: &str) -> Quota {
        text.parse().expect("a quota")
    }

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn grants_burst_then_rate() {
        let mut bucket = Bucket::new(quota("30/10s"), 1.0, &Competing::default());
        assert!((0..30).all(|_| bucket.charge(at(0.0), 1.0).is_none()));
        assert_eq!(bucket.charge(at(1.0), 1.0), None);
        assert_eq!(bucket.charge(at(1.0), 1.0), None);
        assert_eq!(bucket.charge(at(1.0), 1.0), None);
        assert!((bucket.used() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn charges_refusals_up_to_limit() {
        let mut bucket = Bucket::new(quota("10/10s"), 0.0, &Competing::default());
        assert_eq!(bucket.charge(at(0.0), 1.0), Some(at(2.0)));
        assert_eq!(bucket.charge(at(0.0), 1.0), Some(at(3.0)));
        for _ in 0..100 {
            bucket.charge(at(0.0), 1.0);
        }
        assert_eq!(bucket.charge(at(0.0), 1.0), Some(at(11.0)));
        assert_eq!(bucket.charge(at(11.0), 1.0), None);
    }

    #[test]
    fn competitor_drains_only_while_active() {
        let competing = Competing { units_per_second: 5.0, from_seconds: 10.0, seconds: Some(10.0) };
        let mut bucket = Bucket::new(quota("20/10s"), 1.0, &competing);
        bucket.fill_until(10.0);
        assert!((bucket.level - 20.0).abs() < 1e-9);
        bucket.fill_until(16.0);
        assert!((bucket.level - 2.0).abs() < 1e-9);
        bucket.fill_until(20.0);
        assert!(bucket.level.abs() < 1e-9);
        bucket.fill_until(23.0);
        assert!((bucket.level - 6.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn never_exceeds_burst_plus_refill(
            units in 1_u32..200, seconds in 1_u64..60, full in 0.0..=1.0_f64, drunk in 0.0..50.0_f64,
            steps in proptest::collection::vec((0.0..5.0_f64, 1_u32..4), 1..200),
        ) {
            let quota = quota(&format!("{units}/{seconds}s"));
            let competing = Competing { units_per_second: drunk, ..Competing::default() };
            let mut bucket = Bucket::new(quota, full, &competing);
            let (mut now, mut granted) = (0.0, 0.0);
            for (pause, cost) in steps {
                now += pause;
                if bucket.charge(at(now), f64::from(cost)).is_none() {
                    granted += f64::from(cost);
                }
                prop_assert!(granted <= f64::from(units) * full + quota.per_second() * now + 2.0 * ROUNDING);
                prop_assert!(bucket.level >= -f64::from(units) && bucket.level <= f64::from(units));
            }
        }

        #[test]
        fn full_waits_are_granted(level in 0.0..1.0_f64, hits in 1_usize..40, cost in 1_u32..3) {
            let mut bucket = Bucket::new(quota("20/5s"), level, &Competing::default());
            let waits: Vec<_> = (0..hits).filter_map(|_| bucket.charge(at(0.0), f64::from(cost))).collect();
            if let Some(longest) = waits.into_iter().max() {
                prop_assert!(bucket.charge(longest + Duration::from_micros(1), f64::from(cost)).is_none());
            }
        }
    }
}
