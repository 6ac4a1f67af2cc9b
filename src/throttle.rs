//! The pace: two token buckets for what Graph publishes, and what its answers teach beyond that.
//!
//! The buckets are governor's, on tokio's clock. Nobody promises that the tenant's bucket is full, so the accounts in
//! flight grow with the answers that were good (slow start); a 429 empties our bucket too, holds everything for as long
//! as Graph asks, and, where it keeps coming, raises the price of a write until the shared quota suffices.
//!
//! Invariant: nothing is admitted before a wait that Graph asked for is over.

use crate::quota::Quota;
use governor::{
    NotUntil, RateLimiter,
    clock::{Clock as GovernorClock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Parts a unit of a quota is cut into, so that a write can be priced in between.
const PARTS: u32 = 16;
/// The dearest a write becomes: a sixteenth of the documented pace, still above one write a second.
const PRICE_MAX: u32 = PARTS * 16;
/// The accounts in flight are at most this part of those that went well since the last trouble, so that a bucket that
/// turns out empty costs at most this part of it in refusals.
const SLOW_START_DIVISOR: u64 = 4;
/// Share of the quota in use from which slow start goes no further.
const PERCENTAGE_EARLY: f64 = 0.8;
/// Least wait after a 429: Graph has named fractions of a second that were too short.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// Wait after the first 429 that names none; it doubles from there.
const WAIT_UNNAMED: Duration = Duration::from_secs(10);
/// Longest wait of our own making: the window of the documented write quota.
const WAIT_OWN_MAX: Duration = Duration::from_secs(150);
/// Good answers for which the price goes down by an eighth.
const GOOD_PER_CUT: u64 = 100;

/// governor's clock over tokio's, so that it stands still where a test or a rehearsal pauses time.
#[derive(Clone)]
struct TokioClock(Instant);

impl GovernorClock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

/// The bucket's state, the theoretical arrival time of GCRA in nanoseconds, shared with the limiter so that it can be
/// pushed forward: a limiter of governor's cannot be emptied or held otherwise.
#[derive(Clone, Default)]
struct ArrivalTime(Arc<AtomicU64>);

impl StateStore for ArrivalTime {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // One task owns the throttle, so nothing can come in between.
        let (decision, next) = decide(Some(self.0.load(Relaxed).into()))?;
        self.0.store(next.into(), Relaxed);
        Ok(decision)
    }
}

/// A token bucket that can be emptied, and that is paid in parts of a unit.
struct Bucket {
    limiter: RateLimiter<NotKeyed, ArrivalTime, TokioClock, NoOpMiddleware<Nanos>>,
    arrival: ArrivalTime,
    clock: TokioClock,
    /// Parts that the full bucket holds.
    burst: NonZeroU32,
    /// Time in which one part flows in.
    period: Duration,
    /// Parts already bought towards the next batch.
    bought: u32,
}

impl Bucket {
    fn new(quota: Quota) -> Self {
        let burst = quota.units.saturating_mul(NonZeroU32::new(PARTS).unwrap_or(NonZeroU32::MIN));
        // Rounded up: a pace that is a nanosecond too slow is never refused.
        let nanos = quota.per.as_nanos().div_ceil(u128::from(burst.get())).max(1);
        let period = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let limit = governor::Quota::with_period(period).expect("a period is above zero").allow_burst(burst);
        let (arrival, clock) = (ArrivalTime::default(), TokioClock(Instant::now()));
        let limiter = RateLimiter::new(limit, arrival.clone(), clock.clone());
        Self { limiter, arrival, clock, burst, period, bought: 0 }
    }

    /// Buys until `cost` parts are at hand, or tells how long to wait for more.
    fn buy(&mut self, cost: u32) -> Result<(), Duration> {
        while let Some(missing) = NonZeroU32::new(cost.saturating_sub(self.bought)) {
            let slice = missing.min(self.burst);
            match self.limiter.check_n(slice) {
                Ok(Ok(())) => self.bought += slice.get(),
                Ok(Err(refusal)) => return Err(self.wait(&refusal)),
                Err(_) => unreachable!("a slice is never above the burst"),
            }
        }
        Ok(())
    }

    fn wait(&self, refusal: &NotUntil<Nanos>) -> Duration {
        refusal.wait_time_from(self.clock.now()).max(Duration::from_millis(1))
    }

    /// Uses what was bought.
    fn spend(&mut self, cost: u32) {
        self.bought = self.bought.saturating_sub(cost);
    }

    /// From `wait` on it fills from nothing, and until then there is nothing in it.
    fn empty_until(&mut self, wait: Duration) {
        self.bought = 0;
        self.set_spent(wait + self.period.saturating_mul(self.burst.get()));
    }

    /// As if `parts` had been spent at this moment and none before; never gives anything back.
    fn count_from_now(&self, parts: u64) {
        self.set_spent(Duration::from_nanos(
            u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX).saturating_mul(parts),
        ));
    }

    fn set_spent(&self, debt: Duration) {
        let now = self.clock.now().duration_since(Nanos::new(0)).as_u64();
        self.arrival.0.fetch_max(now.saturating_add(Nanos::from(debt).as_u64()), Relaxed);
    }
}

/// Admits writes at the pace that the quota and the answers allow.
pub struct Throttle {
    writes: Bucket,
    units: Bucket,
    /// Parts that one write costs: [`PARTS`] at the full pace.
    price: u32,
    /// Accounts answered well since the last trouble.
    good: u64,
    /// Good answers towards the next cut of the price.
    towards_cut: u64,
    /// Accounts admitted until the first good answer; from then on the bucket is counted.
    probed: Option<u64>,
    /// How often the pace has been changed by a 429: what was sent before a change teaches nothing more.
    epoch: u32,
    /// 429s in a row with nothing good in between.
    streak: u32,
    /// Smoothed time from sending a batch to its answer, in seconds.
    latency: f64,
    quota: Quota,
    rng: StdRng,
}

impl Throttle {
    /// A throttle for the write quota `writes` and the resource units that go with it; `seed` is for its jitter alone.
    #[must_use]
    pub fn new(writes: Quota, seed: u64) -> Self {
        Self {
            writes: Bucket::new(writes),
            units: Bucket::new(Quota::resource_units_for(writes)),
            price: PARTS,
            good: 0,
            towards_cut: 0,
            probed: Some(0),
            epoch: 0,
            streak: 0,
            latency: 0.0,
            quota: writes,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Accounts that may be in flight now, at least one batch of `batch_size`.
    #[must_use]
    pub fn in_flight_max(&self, batch_size: usize) -> usize {
        usize::try_from(self.good / SLOW_START_DIVISOR).unwrap_or(usize::MAX).max(batch_size)
    }

    /// The mark under which a batch is sent; it comes back with [`Throttle::refused`].
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Pays for `n` writes, or tells how long to wait before asking again. A write costs one resource unit besides.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&mut self, n: usize) -> Result<(), Duration> {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let (units, writes) = (n.saturating_mul(PARTS), n.saturating_mul(self.price));
        self.units.buy(units)?;
        self.writes.buy(writes)?;
        self.units.spend(units);
        self.writes.spend(writes);
        if let Some(probed) = &mut self.probed {
            *probed += u64::from(n);
        }
        Ok(())
    }

    /// Notes `good` accounts answered well after `latency`.
    ///
    /// The tenant's bucket began to refill no later than at the first answer: counting from there keeps ours below it.
    pub fn went_well(&mut self, good: usize, latency: Duration) {
        let good = good as u64;
        if good == 0 {
            return;
        }
        if let Some(probed) = self.probed.take() {
            let parts = probed.saturating_mul(u64::from(PARTS));
            self.units.count_from_now(parts);
            self.writes.count_from_now(parts);
        }
        let latency = latency.as_secs_f64();
        self.latency = if self.latency == 0.0 { latency } else { self.latency * 0.8 + latency * 0.2 };
        self.streak = 0;
        self.good = self.good.saturating_add(good);
        self.cut_price(good);
    }

    fn cut_price(&mut self, good: u64) {
        self.towards_cut += good;
        while self.towards_cut >= GOOD_PER_CUT {
            self.towards_cut -= GOOD_PER_CUT;
            self.price = (self.price - self.price / 8).max(PARTS);
        }
    }

    /// Notes the share of the quota in use that Graph told: near the limit, no more than the latency needs is in flight.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above zero")]
    pub fn in_use(&mut self, percentage: f64) {
        if percentage >= PERCENTAGE_EARLY {
            let needed = (self.quota.per_second() * self.latency * 2.0).min(1e6) as u64;
            self.good = self.good.min(needed.max(40) * SLOW_START_DIVISOR);
        }
    }

    /// Notes that this share of the writes of a batch sent in `epoch` was answered 429, and returns how long everything
    /// waits for it.
    ///
    /// The first one says that the bucket was emptier than thought; those after it, at the pace of the refill, that
    /// somebody else drinks from it, and how much. A single one among many that went well says little: Graph throttles
    /// below the limit too, under load.
    pub fn refused(&mut self, epoch: u32, share: f64, asked: Option<Duration>) -> Duration {
        let wait = self.wait_after_refusal(epoch, asked);
        if epoch == self.epoch {
            if self.epoch > 0 {
                self.raise_price(share);
            }
            self.epoch += 1;
            self.streak += 1;
        }
        self.good = 0;
        self.towards_cut = 0;
        self.hold(wait);
        wait
    }

    /// By half where all was refused, by less where less was.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above zero")]
    fn raise_price(&mut self, share: f64) {
        let dearer = f64::from(self.price) * (1.0 + share.clamp(0.0, 1.0) / 2.0);
        self.price = (dearer.round() as u32).min(PRICE_MAX);
    }

    fn wait_after_refusal(&mut self, epoch: u32, asked: Option<Duration>) -> Duration {
        let doublings = if epoch == self.epoch { self.streak.min(8) } else { 0 };
        let own = |first: Duration| first.saturating_mul(1 << doublings).min(WAIT_OWN_MAX);
        let least = match asked {
            Some(asked) if doublings > 0 => asked.max(own(WAIT_MIN)),
            Some(asked) => asked.max(WAIT_MIN),
            None => own(WAIT_UNNAMED),
        };
        least + self.jitter(Duration::from_millis(250), Duration::from_millis(750))
    }

    /// Empties the buckets until `wait` from now: nothing is admitted before, and no burst after.
    pub fn hold(&mut self, wait: Duration) {
        self.writes.empty_until(wait);
        self.units.empty_until(wait.saturating_sub(Duration::from_secs(1)));
    }

    /// Notes that the service is in trouble (5xx, conflicts): half as many accounts in flight.
    pub fn eased(&mut self) {
        self.good /= 2;
    }

    /// The wait before the `nth` attempt (1 for the second) at something that failed: doubling from a second to half a
    /// minute, spread by half.
    pub fn back_off(&mut self, nth: u32) -> Duration {
        let full = Duration::from_secs(1 << nth.min(5)).min(Duration::from_secs(30));
        self.jitter(full / 2, full)
    }

    fn jitter(&mut self, least: Duration, most: Duration) -> Duration {
        least + (most - least).mul_f64(self.rng.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, sleep};

    /// Admits `n` batches of 20 as fast as it may, and returns the seconds that took.
    async fn admit_all(throttle: &mut Throttle, batches: usize) -> f64 {
        let began = Instant::now();
        for _ in 0..batches {
            while let Err(wait) = throttle.admit(20) {
                sleep(wait).await;
            }
            throttle.went_well(20, Duration::from_millis(60));
        }
        began.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn the_documented_quota_is_a_burst_and_then_twenty_a_second() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        let seconds = admit_all(&mut throttle, 180).await;
        assert!((30.0..30.2).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_graph_asks_for_is_kept_and_no_burst_follows() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        throttle.admit(20).expect("a full bucket");
        let hold = throttle.refused(0, 1.0, Some(Duration::from_secs(12)));
        assert!(hold >= Duration::from_secs(12) && hold < Duration::from_secs(13));
        assert!(throttle.admit(1).is_err(), "nothing before the time");
        advance(hold).await;
        assert!(throttle.admit(20).is_err(), "twenty writes take a second to flow in");
        let seconds = admit_all(&mut throttle, 10).await;
        assert!((9.9..10.2).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_at_the_refill_pace_raises_the_price_and_good_answers_lower_it() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        let first = throttle.epoch();
        throttle.refused(first, 1.0, Some(Duration::from_secs(1)));
        assert_eq!(throttle.price, PARTS, "an empty bucket is no smaller one");
        throttle.refused(first, 1.0, Some(Duration::from_secs(1)));
        assert_eq!(throttle.price, PARTS, "what was sent before tells nothing new");
        throttle.went_well(1, Duration::ZERO);
        throttle.refused(throttle.epoch(), 0.05, Some(Duration::from_secs(1)));
        assert_eq!(throttle.price, PARTS, "one of twenty says little");
        throttle.refused(throttle.epoch(), 1.0, Some(Duration::from_secs(1)));
        assert_eq!(throttle.price, PARTS * 3 / 2);
        throttle.went_well(2_000, Duration::ZERO);
        assert_eq!(throttle.price, PARTS);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_that_name_no_wait_are_waited_out_longer_each_time() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        let waits: Vec<u64> = (0..6).map(|_| throttle.refused(throttle.epoch(), 1.0, None).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 150, 150]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_larger_than_the_bucket_is_paid_in_slices() {
        let mut throttle = Throttle::new("10/10s".parse().expect("a quota"), 1);
        let mut waited = Duration::ZERO;
        while let Err(wait) = throttle.admit(20) {
            waited += wait;
            sleep(wait).await;
        }
        assert!((9.9..10.1).contains(&waited.as_secs_f64()), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_in_flight_grow_with_what_went_well() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        assert_eq!(throttle.in_flight_max(20), 20);
        throttle.went_well(400, Duration::from_millis(500));
        assert_eq!(throttle.in_flight_max(20), 100);
        throttle.eased();
        assert_eq!(throttle.in_flight_max(20), 50);
        throttle.in_use(0.9);
        assert_eq!(throttle.in_flight_max(20), 40);
        throttle.refused(0, 1.0, None);
        assert_eq!(throttle.in_flight_max(20), 20);
    }
}
