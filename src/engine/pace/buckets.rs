//! The buckets of a kind of call: a call is paid out of all of them, or of none.
//!
//! Invariant: no bucket is paid for a call that another one does not admit yet.

use super::{
    all_tenants::Share,
    bucket::{Bucket, PARTS},
    limits::{self, Call},
};
use crate::{
    graph::quota::Quota,
    ledger::{KeptPace, Ledger, LedgerError, SharedQuota},
};
use std::time::Duration;

/// A bucket with its limit.
struct Limited {
    name: &'static str,
    quota: Quota,
    /// The cost of a call, in units.
    cost: u32,
    bucket: Bucket,
    /// The time at which the bucket will be full, as last noted, in milliseconds since 1970.
    noted: i64,
}

/// The buckets of a kind of call; the first one binds first.
pub(super) struct Buckets {
    all: Vec<Limited>,
    /// The price that was noted last.
    noted: u32,
    /// The part in what all tenants have together, if other runs share it.
    share: Option<Share>,
    /// The part in the first limit, if processes on other machines share it.
    leased: Option<SharedQuota>,
}

impl Buckets {
    /// Full buckets for `call`, the first one for `first`.
    pub(super) fn new(call: Call, first: Quota) -> Self {
        let limited = |(name, quota, cost)| Limited { name, quota, cost, bucket: Bucket::new(quota), noted: 0 };
        Self { all: limits::of(call, first).map(limited).collect(), noted: PARTS, share: None, leased: None }
    }

    /// From now on, other runs share the limit for all tenants.
    pub(super) fn share(&mut self, share: Option<Share>) {
        self.share = share;
    }

    /// From now on, the first limit is shared with all processes that use the same server for their ledgers.
    pub(super) fn share_through(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        let Some(first) = self.all.first() else { return Ok(()) };
        self.leased = ledger.shared_quota(first.name, first.quota)?;
        Ok(())
    }

    /// Pays for `n` calls, or returns how long to wait. Each costs `price` parts of a unit of the first limit, and whole
    /// units of the others.
    pub(super) fn admit(&mut self, n: u32, price: u32) -> Result<(), Duration> {
        let cost = |at: usize, cost: u32| n.saturating_mul(cost).saturating_mul(if at == 0 { price } else { PARTS });
        // What is bought stays bought for the next try.
        for (at, limited) in self.all.iter_mut().enumerate().rev() {
            limited.bucket.buy(cost(at, limited.cost))?;
        }
        if let Some(share) = &self.share {
            share.admit(n)?;
        }
        self.leased.as_mut().map_or(Ok(()), |leased| leased.admit(n))?;
        for (at, limited) in self.all.iter_mut().enumerate() {
            limited.bucket.spend(cost(at, limited.cost));
        }
        Ok(())
    }

    /// Counts `n` calls as made just now, with full buckets before.
    pub(super) fn count_from_now(&mut self, n: u64) {
        for limited in &mut self.all {
            let parts = n.saturating_mul(u64::from(limited.cost)).saturating_mul(u64::from(PARTS));
            limited.bucket.count_from_now(parts);
        }
    }

    /// Empties the buckets until `wait` from now. Only the first one binds, so the others may be filled a little
    /// earlier.
    pub(super) fn hold(&mut self, wait: Duration) {
        for (at, limited) in self.all.iter_mut().enumerate() {
            let earlier = Duration::from_secs(u64::from(at > 0));
            limited.bucket.empty_until(wait.saturating_sub(earlier));
        }
        if let (Some(leased), Some(first)) = (&mut self.leased, self.all.first()) {
            leased.owe(wait.saturating_add(first.quota.per));
        }
    }

    /// Admits nothing in any tenant until `wait` from now, if other runs share the application's limit.
    pub(super) fn hold_all(&self, wait: Duration) {
        self.share.iter().for_each(|share| share.hold_all(wait));
    }

    /// How many calls the first bucket has left at `price`. While it is on hold, this is less than none.
    pub(super) fn left(&self, price: u32) -> f64 {
        let of = |limited: &Limited| limited.bucket.left() / f64::from(price.max(1).saturating_mul(limited.cost));
        self.all.first().map_or(0.0, of)
    }

    /// What an earlier process spent is missing.
    pub(super) fn recall(&mut self, kept: &KeptPace) {
        for limited in &mut self.all {
            let debt = kept.until_full(limited.name, limited.quota.per);
            limited.bucket.owe(debt);
            self.share.iter().filter(|share| share.name == limited.name).for_each(|share| share.owe(debt));
        }
    }

    /// What the next process has to know at `now` (milliseconds since 1970), if that is more than was noted. It is
    /// noted a hundredth of the bucket ahead, so that not every batch makes a note.
    pub(super) fn news(&mut self, now: i64, price: u32) -> Option<KeptPace> {
        let share = self.share.as_ref();
        let is_news = |limited: &Limited| full_at(until_full(limited, share), now) > limited.noted;
        if price == self.noted && !self.all.iter().any(is_news) {
            return None;
        }
        self.noted = price;
        let mut kept = KeptPace { at: now, price, quota: self.all.first()?.quota.to_string(), ..KeptPace::default() };
        for limited in &mut self.all {
            let ahead = millis(limited.quota.per / 100);
            limited.noted = full_at(until_full(limited, share), now).saturating_add(ahead);
            let until_full = limited.noted.saturating_sub(now);
            kept.until_full.insert(limited.name.to_owned(), u64::try_from(until_full).unwrap_or(0));
        }
        Some(kept)
    }
}

/// How long it takes until the bucket is full; for a limit that is shared, with what the others have spent.
fn until_full(limited: &Limited, share: Option<&Share>) -> Duration {
    let shared = share.filter(|share| share.name == limited.name).map(Share::until_full);
    limited.bucket.until_full().max(shared.unwrap_or_default())
}

fn full_at(until_full: Duration, now: i64) -> i64 {
    // A full bucket is no news.
    if until_full.is_zero() { 0 } else { now.saturating_add(millis(until_full)) }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn quota(text: &str) -> Quota {
        text.parse().expect("a quota")
    }

    #[tokio::test(start_paused = true)]
    async fn all_buckets_must_have_enough() {
        let mut buckets = Buckets::new(Call::AuthenticationMethod, quota("5/10s"));
        assert_eq!(buckets.admit(5, PARTS), Ok(()));
        assert_eq!(buckets.admit(1, PARTS), Err(Duration::from_secs(2)));
        advance(Duration::from_secs(2)).await;
        assert_eq!(buckets.admit(1, PARTS), Ok(()));
        let mut lifted = Buckets::new(Call::AuthenticationMethod, quota("100/1s"));
        assert_eq!(lifted.admit(100, PARTS), Ok(()), "122 in all tenants hold them");
        advance(Duration::from_secs(1)).await;
        assert_eq!(lifted.admit(100, PARTS), Ok(()), "who knows of a larger quota knows of all");
    }

    #[tokio::test(start_paused = true)]
    async fn next_process_takes_up_the_level() {
        let mut buckets = Buckets::new(Call::Write, quota("3000/150s"));
        assert_eq!(buckets.news(1_000, PARTS), None, "a full bucket is no news");
        buckets.admit(2_000, PARTS).expect("a full bucket");
        let kept = buckets.news(1_000, PARTS).expect("news");
        // 2,000 at 20 a second, and a hundredth of 150 s.
        assert_eq!(kept.until_full["writes"], 100_000 + 1_500);
        buckets.admit(29, PARTS).expect("enough");
        assert_eq!(buckets.news(1_000, PARTS), None, "less than a hundredth");
        assert!(buckets.news(1_000, PARTS + 1).is_some(), "another price");
        let mut next = Buckets::new(Call::Write, quota("3000/150s"));
        next.recall(&kept);
        assert_eq!(next.admit(970, PARTS), Ok(()));
        assert_eq!(next.admit(1, PARTS), Err(Duration::from_millis(50)));
    }
}
