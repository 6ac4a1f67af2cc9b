//! The pace: token buckets for what Graph publishes, and what its answers teach beyond that.
//!
//! The buckets are governor's, on tokio's clock. Nobody promises that the tenant's bucket is full, so the accounts in
//! flight grow with the answers that were good (slow start); a 429 empties our bucket too, holds everything for as long
//! as Graph asks, and, where it keeps coming, raises the price of a write until the shared quota suffices.
//!
//! Invariant: nothing is admitted before a wait that Graph asked for is over.

mod bucket;

use crate::quota::Quota;
use bucket::{Bucket, PARTS};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;

/// The dearest a write becomes: a sixteenth of the documented pace, still above one write a second.
const PRICE_MAX: u32 = PARTS * 16;
/// The accounts in flight are at most this part of those that went well since the last trouble, so that a bucket that
/// turns out empty costs at most this part of it in refusals.
const SLOW_START_SHARE: f64 = 0.25;
/// Latency in seconds at which they may be as many as went well, and double with every answer: the start is to be over in
/// some ten seconds, before the refill has caught up with it.
const SLOW_START_LATENCY: f64 = 1.6;
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

/// Admits requests at the pace that the quota and the answers allow.
pub struct Throttle {
    /// What limits: writes, or resource units where it is reads that are sent.
    limit: Bucket,
    /// Resource units of writes.
    units: Option<Bucket>,
    /// Parts that one request costs: [`PARTS`] at the full pace.
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
        Self::with(writes, Some(Quota::resource_units_for(writes)), seed)
    }

    /// A throttle for reads of one resource unit each, of which there are `units`.
    #[must_use]
    pub fn for_reads(units: Quota, seed: u64) -> Self {
        Self::with(units, None, seed)
    }

    fn with(quota: Quota, units: Option<Quota>, seed: u64) -> Self {
        Self {
            limit: Bucket::new(quota),
            units: units.map(Bucket::new),
            price: PARTS,
            good: 0,
            towards_cut: 0,
            probed: Some(0),
            epoch: 0,
            streak: 0,
            latency: 0.0,
            quota,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Accounts that may be in flight now: one batch of `batch_size` until a first answer came, and never less than two
    /// after that, so that one which hangs does not stop the others.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number above zero; a cast saturates"
    )]
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
    pub fn in_flight_max(&self, batch_size: usize) -> usize {
        let least = if self.probed.is_some() { batch_size } else { batch_size * 2 };
        ((self.good as f64 * self.slow_start_share()) as usize).max(least)
    }

    /// Requests that a batch may hold at most: no more than the full bucket does.
    #[must_use]
    pub fn batch_max(&self) -> usize {
        usize::try_from(self.quota.units.get()).unwrap_or(usize::MAX)
    }

    fn slow_start_share(&self) -> f64 {
        (self.latency / SLOW_START_LATENCY).clamp(SLOW_START_SHARE, 1.0)
    }

    /// The mark under which a batch is sent; it comes back with [`Throttle::refused`].
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Pays for `n` requests, or tells how long to wait before asking again. A write costs one resource unit besides.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&mut self, n: usize) -> Result<(), Duration> {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let (units, limited) = (n.saturating_mul(PARTS), n.saturating_mul(self.price));
        if let Some(bucket) = &mut self.units {
            bucket.buy(units)?;
        }
        self.limit.buy(limited)?;
        self.limit.spend(limited);
        if let Some(bucket) = &mut self.units {
            bucket.spend(units);
        }
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
            self.buckets().for_each(|bucket| bucket.count_from_now(parts));
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
            let needed = (self.quota.per_second() * self.latency * 2.0).clamp(40.0, 1e6);
            self.good = self.good.min((needed / self.slow_start_share()).round() as u64);
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
        let least = asked.map_or_else(|| own(WAIT_UNNAMED), |asked| asked.max(own(WAIT_MIN)));
        least + self.jitter(Duration::from_millis(250), Duration::from_millis(750))
    }

    /// Empties the buckets until `wait` from now: nothing is admitted before, and no burst after.
    pub fn hold(&mut self, wait: Duration) {
        self.limit.empty_until(wait);
        if let Some(units) = &mut self.units {
            units.empty_until(wait.saturating_sub(Duration::from_secs(1)));
        }
    }

    fn buckets(&self) -> impl Iterator<Item = &Bucket> {
        std::iter::once(&self.limit).chain(&self.units)
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
    use tokio::time::{Instant, advance, sleep};

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
        throttle.went_well(99, Duration::ZERO);
        assert_eq!(throttle.price, PARTS * 3 / 2);
        throttle.went_well(1, Duration::ZERO);
        assert_eq!(throttle.price, 21, "an eighth of 24 less");
        throttle.went_well(2_000, Duration::ZERO);
        assert_eq!(throttle.price, PARTS);
        for _ in 0..20 {
            throttle.refused(throttle.epoch(), 1.0, None);
        }
        assert_eq!(throttle.price, 256, "never more than sixteen times the documented price");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_spent_until_the_first_answer_counts_from_there() {
        let mut throttle = Throttle::new("100/100s".parse().expect("a quota"), 1);
        (0..3).for_each(|_| throttle.admit(20).expect("a full bucket"));
        advance(Duration::from_secs(50)).await;
        throttle.went_well(20, Duration::from_secs(50));
        assert!(throttle.admit(41).is_err(), "the tenant's bucket may have begun to fill only now");
        throttle.admit(40).expect("what was left of the full bucket");
    }

    #[test]
    fn near_the_limit_no_more_is_in_flight_than_twice_what_the_latency_needs() {
        let mut throttle = Throttle::new("300/10s".parse().expect("a quota"), 1);
        throttle.went_well(1_000, Duration::from_millis(800));
        assert_eq!(throttle.in_flight_max(20), 500, "half as many as went well, at half the latency");
        throttle.in_use(0.79);
        assert_eq!(throttle.in_flight_max(20), 500);
        throttle.in_use(0.8);
        assert_eq!(throttle.in_flight_max(20), 48, "thirty a second, for 0.8 s, twice");
    }

    #[test]
    fn a_batch_is_never_larger_than_the_full_bucket() {
        assert_eq!(Throttle::new("7/10s".parse().expect("a quota"), 1).batch_max(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_that_name_no_wait_are_waited_out_longer_each_time() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        let waits: Vec<u64> = (0..6).map(|_| throttle.refused(throttle.epoch(), 1.0, None).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 150, 150]);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_that_were_too_short_are_doubled_until_something_goes_well() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        let mut wait = |epoch_ago: u32, asked| {
            throttle.refused(throttle.epoch() - epoch_ago, 1.0, Some(Duration::from_millis(asked))).as_secs()
        };
        assert_eq!([(); 6].map(|()| wait(0, 300)), [1, 2, 4, 8, 16, 32]);
        assert_eq!(wait(1, 300), 1, "what was sent before the last one");
        assert_eq!(wait(0, 100_000), 100, "what Graph asks for, where it is more");
        throttle.went_well(1, Duration::ZERO);
        assert_eq!(throttle.refused(throttle.epoch(), 1.0, Some(Duration::ZERO)).as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_before_another_attempt_doubles_up_to_half_a_minute() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        for (nth, full) in [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (5, 30.0), (40, 30.0)] {
            let waits = [(); 200].map(|()| throttle.back_off(nth).as_secs_f64());
            let (least, most) = waits.iter().fold((full, 0.0_f64), |(l, m), wait| (wait.min(l), wait.max(m)));
            assert!(least >= full / 2.0 && least < full * 0.6 && most <= full && most > full * 0.9, "{least}-{most}");
        }
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

    #[test]
    fn the_latency_follows_the_answers_a_fifth_at_a_time() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        let seconds = [(100, 0.1), (1_100, 0.3), (300, 0.3), (0, 0.24)];
        for (millis, latency) in seconds {
            throttle.went_well(1, Duration::from_millis(millis));
            assert!((throttle.latency - latency).abs() < 1e-9, "{millis} ms: {}", throttle.latency);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_in_flight_grow_with_what_went_well() {
        let mut throttle = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        assert_eq!(throttle.in_flight_max(20), 20);
        throttle.went_well(400, Duration::from_millis(100));
        assert_eq!(throttle.in_flight_max(20), 100);
        throttle.eased();
        assert_eq!(throttle.in_flight_max(20), 50);
        throttle.in_use(0.9);
        assert_eq!(throttle.in_flight_max(20), 40);
        throttle.refused(0, 1.0, None);
        assert_eq!(throttle.in_flight_max(20), 40, "one that hangs does not stop the other");
        let mut slow = Throttle::new(Quota::DOCUMENTED_WRITES, 1);
        slow.went_well(400, Duration::from_secs(2));
        assert_eq!(slow.in_flight_max(20), 400, "the slower the answers, the steeper the start");
    }
}
