//! The pace: token buckets for the quotas that Graph publishes, and what its answers teach beyond that.
//!
//! The buckets follow GCRA, on tokio's clock. Nothing guarantees that the tenant's bucket is full, so the number of
//! accounts in flight grows with the good answers (slow start). A 429 of a spent quota empties our bucket, too, and holds
//! everything for as long as Graph asks. If such 429s continue, the price of a write rises until the shared quota
//! suffices. Any other 429 concerns only its own request ([`Refusals`]).
//!
//! Invariant: nothing is admitted before a wait that Graph asked for because of the quota is over.

mod all_tenants;
mod bucket;
mod buckets;
mod cause;
mod forecast;
mod limits;
mod pages;
#[cfg(test)]
mod tests;

pub use all_tenants::AllTenants;
pub use cause::Refusals;
pub use forecast::Forecast;
pub use limits::{Call, writes_left};
pub use pages::PagePace;

use crate::{
    graph::quota::Quota,
    ledger::{KeptPace, Ledger, LedgerError},
};
use bucket::PARTS;
use buckets::Buckets;
use cause::Cause;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;

/// The highest price of a write: a sixteenth of the documented pace, still more than one write per second.
const PRICE_MAX: u32 = PARTS * 16;
/// The accounts in flight are at most this share of those that succeeded since the last trouble, so if the bucket is
/// unexpectedly empty, at most this share of it is refused.
const SLOW_START_SHARE: f64 = 0.25;
/// And they are at most this many batches, as many as Microsoft's own bulk writers have in flight.
const SLOW_START_BATCHES: usize = 16;
/// Where a refusal is cheap, eight times as many may be in flight as succeeded: from one batch to 64 in two round trips. A
/// refused read harms nobody.
const QUICK_GROWTH: f64 = 8.0;
/// Writes are cheap as long as the quota refills what is in flight in this many seconds, because their refusal costs no
/// more time than that. At the documented quota, this is two batches. After the first refusal, nobody trusts the quota so
/// far.
const CHEAP_SECONDS: f64 = 2.0;
/// At this latency in seconds, as many may be in flight as have succeeded, and the number doubles with every answer:
/// slow start should last about ten seconds, before the refill has caught up with it.
const SLOW_START_LATENCY: f64 = 1.6;
/// From this share of the quota in use, slow start stops growing.
const PERCENTAGE_EARLY: f64 = 0.8;
/// Minimum wait after a 429: Graph has named fractions of a second that were too short.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// Wait after the first 429 that names no time; it doubles from there.
const WAIT_UNNAMED: Duration = Duration::from_secs(10);
/// Longest wait that we choose ourselves: the window of the documented write quota.
const WAIT_OWN_MAX: Duration = Duration::from_secs(150);
/// Each wait after a 429 is longer by a random time between these two, so that not all clients come back at once.
const JITTER_MIN: Duration = Duration::from_millis(250);
const JITTER_MAX: Duration = Duration::from_millis(750);
/// After this many good answers, the price falls by an eighth.
const GOOD_PER_CUT: u32 = 100;
/// And after this many, if it falls to one that was too low last time: what is left of the quota seldom changes, and each
/// try costs refusals.
const GOOD_PER_BOLD_CUT: u32 = 500;

/// How the number of accounts in flight grows with those that succeeded since the last trouble.
struct Growth {
    /// How many may be in flight for each that succeeded, depending on the latency.
    least: f64,
    most: f64,
    /// The greatest number of full batches.
    batches: usize,
}

impl Growth {
    const SLOW: Self = Self { least: SLOW_START_SHARE, most: 1.0, batches: SLOW_START_BATCHES };
    const QUICK: Self = Self { least: QUICK_GROWTH, most: QUICK_GROWTH, batches: usize::MAX };
}

/// Admits requests at the pace that the quota and the answers allow.
pub struct Throttle {
    buckets: Buckets,
    growth: Growth,
    /// The price of one request in parts: [`PARTS`] at full pace.
    price: u32,
    /// The price that was too low last time.
    too_low: u32,
    /// Good answers since the last trouble.
    good: u64,
    /// Good answers since the last cut of the price.
    towards_cut: u64,
    /// Accounts admitted before the first good answer; from then on the bucket is counted.
    probed: Option<u64>,
    /// How often a 429 has changed the pace: batches sent before a change teach nothing more.
    epoch: u32,
    /// 429s in a row without a good answer in between.
    streak: u32,
    /// Whether Graph said last that most of the quota is in use.
    is_near_limit: bool,
    /// Tells spent quotas from single 429s.
    cause: Cause,
    /// Smoothed time from sending a batch to its answer, in seconds.
    latency: f64,
    quota: Quota,
    rng: StdRng,
}

impl Throttle {
    /// A throttle for the write quota `writes` and the limits beside it; `seed` only affects the jitter.
    #[must_use]
    pub fn new(writes: Quota, seed: u64) -> Self {
        Self::of(Call::Write, writes, seed)
    }

    /// A throttle for reads that cost one of `units` each.
    #[must_use]
    pub fn for_reads(units: Quota, seed: u64) -> Self {
        Self::of(Call::Read, units, seed)
    }

    /// A throttle for a kind of call whose first limit is `quota`.
    #[must_use]
    pub fn of(call: Call, quota: Quota, seed: u64) -> Self {
        let growth = if call == Call::Read { Growth::QUICK } else { Growth::SLOW };
        Self {
            buckets: Buckets::new(call, quota),
            growth,
            price: PARTS,
            too_low: 0,
            good: 0,
            towards_cut: 0,
            probed: Some(0),
            epoch: 0,
            streak: 0,
            is_near_limit: false,
            cause: Cause::default(),
            latency: 0.0,
            quota,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// The same throttle under a limit that other runs share.
    #[must_use]
    pub fn among(mut self, call: Call, all: Option<&AllTenants>) -> Self {
        self.buckets.share(all.map(|all| all.share(call)));
        self
    }

    /// How many accounts may be in flight now: one batch of `batch_size` until the first answer, and at least two
    /// batches after that, so that a hanging one does not block the others.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number above zero; a cast saturates"
    )]
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
    pub fn in_flight_max(&self, batch_size: usize) -> usize {
        let (least, good) = (if self.probed.is_some() { batch_size } else { batch_size * 2 }, self.good as f64);
        let slow = ((good * self.share_in_flight()) as usize).min(self.growth.batches.saturating_mul(batch_size));
        let is_open = self.epoch == 0 && !self.is_near_limit;
        let cheap = if is_open { CHEAP_SECONDS / self.each().as_secs_f64() } else { 0.0 };
        slow.max((good * QUICK_GROWTH).min(cheap) as usize).max(least)
    }

    /// Lets a slow start reach this many full batches in flight, instead of sixteen.
    pub fn set_batches_in_flight(&mut self, most: usize) {
        self.growth.batches = most;
    }

    /// Maximum number of requests in a batch: no more than the full bucket.
    #[must_use]
    pub fn batch_max(&self) -> usize {
        usize::try_from(self.quota.units.get()).unwrap_or(usize::MAX)
    }

    fn share_in_flight(&self) -> f64 {
        (self.latency / SLOW_START_LATENCY).clamp(self.growth.least, self.growth.most)
    }

    /// The mark of a batch when it is sent; pass it back to [`Throttle::answered`].
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Pays for `n` requests, or returns how long to wait before asking again. A write also costs one resource unit.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&mut self, n: usize) -> Result<(), Duration> {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        self.buckets.admit(n, self.price)?;
        if let Some(probed) = &mut self.probed {
            *probed += u64::from(n);
        }
        Ok(())
    }

    /// Notes `good` accounts answered well after `latency`.
    ///
    /// The tenant's bucket began to refill no later than at the first answer, so counting from there keeps ours below
    /// it.
    pub fn record_success(&mut self, good: usize, latency: Duration) {
        let good = good as u64;
        if good == 0 {
            return;
        }
        if let Some(probed) = self.probed.take() {
            self.buckets.count_from_now(probed);
        }
        let latency = latency.as_secs_f64();
        self.latency = if self.latency == 0.0 { latency } else { self.latency * 0.8 + latency * 0.2 };
        self.streak = 0;
        self.good = self.good.saturating_add(good);
        self.cut_price(good);
    }

    fn cut_price(&mut self, good: u64) {
        self.towards_cut += good;
        loop {
            let next = (self.price - self.price / 8).max(PARTS);
            let is_bold = next <= self.too_low;
            let needed = u64::from(if is_bold { GOOD_PER_BOLD_CUT } else { GOOD_PER_CUT });
            if self.price == PARTS || self.towards_cut < needed {
                break;
            }
            self.towards_cut -= needed;
            self.price = next;
            if is_bold {
                // It was not too low, after all, or is no longer.
                self.too_low = 0;
            }
        }
    }

    /// Notes the share of the quota in use, if Graph says it in an answer: near the limit, no more is in flight than the
    /// latency needs.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above zero")]
    pub fn in_use(&mut self, percentage: Option<f64>) {
        self.is_near_limit = percentage.is_some_and(|share| share >= PERCENTAGE_EARLY);
        if self.is_near_limit {
            let needed = (self.quota.per_second() * self.latency * 2.0).clamp(40.0, 1e6);
            self.good = self.good.min((needed / self.share_in_flight()).round() as u64);
        }
    }

    /// Takes the 429s in the answer to a batch sent in `epoch`, also if there are none. If they mean that the quota is
    /// spent, returns how long everything waits: `asked` is the longest wait that Graph named for it. Otherwise each
    /// request waits for itself ([`Throttle::alone`]).
    pub fn answered(&mut self, epoch: u32, seen: Refusals, asked: Option<Duration>) -> Option<Duration> {
        if !self.cause.is_quota(seen, epoch != self.epoch) {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "at most a batch")]
        let share = seen.refused as f64 / (seen.refused + seen.answered) as f64;
        Some(self.refused(epoch, share, asked))
    }

    /// How long a single refused request waits if Graph `asked` for this.
    pub fn alone(&mut self, asked: Option<Duration>) -> Duration {
        let least = asked.map_or(WAIT_UNNAMED, |asked| asked.max(WAIT_MIN));
        least + self.jitter(JITTER_MIN, JITTER_MAX)
    }

    /// Notes that the quota is spent, and this share of the writes of a batch sent in `epoch` was refused for it.
    /// Returns how long everything waits.
    ///
    /// The first time, the bucket was emptier than expected. Later, at the pace of the refill, other clients use the
    /// quota, and the share shows how much.
    fn refused(&mut self, epoch: u32, share: f64, asked: Option<Duration>) -> Duration {
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

    /// Raises the price by half if all were refused, and by less if fewer were.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number above zero")]
    fn raise_price(&mut self, share: f64) {
        self.too_low = self.price;
        let dearer = f64::from(self.price) * (1.0 + share.clamp(0.0, 1.0) / 2.0);
        self.price = (dearer.round() as u32).min(PRICE_MAX);
    }

    fn wait_after_refusal(&mut self, epoch: u32, asked: Option<Duration>) -> Duration {
        let doublings = if epoch == self.epoch { self.streak.min(8) } else { 0 };
        let own = |first: Duration| first.saturating_mul(1 << doublings).min(WAIT_OWN_MAX);
        let least = asked.map_or_else(|| own(WAIT_UNNAMED), |asked| asked.max(own(WAIT_MIN)));
        least + self.jitter(JITTER_MIN, JITTER_MAX)
    }

    /// From now on, the quota is shared with all processes that use the same server for their ledgers, if `ledger` is on one.
    ///
    /// # Errors
    /// Fails if the server does not answer.
    pub fn share_through(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        self.buckets.share_through(ledger)
    }

    /// Empties the buckets until `wait` from now: nothing is admitted before, and no burst follows.
    pub fn hold(&mut self, wait: Duration) {
        self.buckets.hold(wait);
    }

    /// The same in all tenants, for the other runs that share the application's limit.
    pub fn hold_all(&mut self, wait: Duration) {
        self.buckets.hold_all(wait);
    }

    /// The time in which one request at the current price is refilled.
    #[must_use]
    pub fn each(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.price) / f64::from(PARTS) / self.quota.per_second())
    }

    /// How many requests can be sent before the next one has to wait for the refill. While everything is on hold, this
    /// is less than none.
    #[must_use]
    pub fn left(&self) -> f64 {
        self.buckets.left(self.price)
    }

    /// The time from sending a batch to its answer of late.
    #[must_use]
    pub fn latency(&self) -> Duration {
        Duration::try_from_secs_f64(self.latency).unwrap_or_default()
    }

    /// Takes up the pace that another process left for this quota. What that process learnt of a smaller quota fades
    /// with the time that has passed until `now` (milliseconds since 1970).
    pub fn recall(&mut self, kept: &KeptPace, now: i64) {
        if kept.quota != self.quota.to_string() {
            return;
        }
        self.buckets.recall(kept);
        let before = self.price;
        self.price = kept.price.clamp(PARTS, PRICE_MAX);
        let mut passed = Duration::from_millis(u64::try_from(now.saturating_sub(kept.at)).unwrap_or(0));
        while self.price > PARTS {
            let Some(left) = passed.checked_sub(self.each().saturating_mul(GOOD_PER_CUT)) else { break };
            passed = left;
            self.cut_price(u64::from(GOOD_PER_CUT));
        }
        self.price = self.price.max(before);
    }

    /// What the next process has to know at `now` (milliseconds since 1970), if there is news.
    pub fn news(&mut self, now: i64) -> Option<KeptPace> {
        self.buckets.news(now, self.price)
    }

    /// Notes that the service has trouble (5xx, conflicts): halves the accounts in flight.
    pub fn record_trouble(&mut self) {
        self.good /= 2;
    }

    /// The wait before the `nth` attempt (1 for the second) after a failure: doubles from one second to half a minute,
    /// with half of it random.
    pub fn back_off(&mut self, nth: u32) -> Duration {
        let full = Duration::from_secs(1 << nth.min(5)).min(Duration::from_secs(30));
        self.jitter(full / 2, full)
    }

    fn jitter(&mut self, least: Duration, most: Duration) -> Duration {
        least + (most - least).mul_f64(self.rng.random::<f64>())
    }
}
