//! What an application may send to all tenants together, shared among the runs of one process.
//!
//! Whoever has to wait gets a place in a queue, for one batch. So a tenant with many accounts gets no more than one batch
//! for each batch of the others, and small tenants do not wait behind it. If Graph says that the application has spent its
//! quota over all tenants, nothing is admitted in any of them before the time that it names.
//!
//! Invariant: no more is admitted than the quota allows, however many take part.

use super::limits::{self, Call};
use crate::graph::quota::Quota;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The shortest wait, so that a rounded wait never makes the caller ask again at once.
const WAIT_MIN: Duration = Duration::from_millis(1);
/// How the names of these limits end.
const NAME_END: &str = "_in_all_tenants";

/// The limits of one application for all tenants, shared by clones.
#[derive(Clone)]
pub struct AllTenants(Arc<Inner>);

struct Inner {
    queues: [(Call, Queue); 2],
    /// Nothing of any kind is admitted before this time.
    held: Mutex<Option<Instant>>,
}

impl Inner {
    fn held(&self) -> MutexGuard<'_, Option<Instant>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One limit, and who waits for it.
#[derive(Clone)]
struct Queue(Arc<Mutex<Line>>);

struct Line {
    name: &'static str,
    started: Instant,
    /// When the bucket is full again, in nanoseconds since the start; everything in the queue is paid.
    full_at: u64,
    /// The time in which a unit is refilled, and in which the whole bucket is.
    period: u64,
    burst: u64,
    /// Who waits: when it is their turn, and for how much.
    waiting: HashMap<u64, (u64, u32)>,
    next: u64,
}

impl AllTenants {
    /// Full buckets, for runs with the write quota `writes` in each tenant. A larger one takes the place of a smaller limit,
    /// because a person who knows of it knows of all.
    #[must_use]
    pub fn new(writes: Quota) -> Self {
        let methods = Quota::DOCUMENTED_AUTHENTICATION_METHODS;
        let queue = |call, first| (call, Queue(Arc::new(Mutex::new(Line::new(call, first)))));
        let queues = [queue(Call::Write, writes), queue(Call::AuthenticationMethod, methods)];
        Self(Arc::new(Inner { queues, held: Mutex::new(None) }))
    }

    /// The least time that the limit of writes allows for this many accounts over all tenants.
    #[must_use]
    pub fn least_time(&self, accounts: u64) -> Duration {
        let line = self.0.queues[0].1.line();
        Duration::from_nanos(line.period.saturating_mul(accounts).saturating_sub(line.burst))
    }

    /// The part of one run in what the application may do. A kind of call without a limit over all tenants can only be held.
    pub(super) fn share(&self, call: Call) -> Share {
        let queue = self.0.queues.iter().find(|(kind, _)| *kind == call).map(|(_, queue)| queue.clone());
        let (id, name) = queue.as_ref().map_or((0, ""), |queue| {
            let mut line = queue.line();
            line.next += 1;
            (line.next, line.name)
        });
        Share { all: self.clone(), queue, id, name }
    }

    /// Admits nothing for `wait`, and no burst after it.
    fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut held = self.0.held();
        *held = Some(held.map_or(until, |other| other.max(until)));
        self.0.queues.iter().for_each(|(_, queue)| queue.line().empty_until(wait));
    }

    /// How long nothing is admitted.
    fn hold_left(&self) -> Duration {
        self.0.held().map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

impl fmt::Debug for AllTenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AllTenants")
    }
}

impl Queue {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn new(call: Call, first: Quota) -> Self {
        let all = limits::of(call, first).find(|(name, ..)| name.ends_with(NAME_END));
        let (name, quota) = all.map_or(("", first), |(name, quota, _)| (name, quota));
        // Rounded up: a pace that is a nanosecond too slow is never refused.
        let period = quota.per.as_nanos().div_ceil(u128::from(quota.units.get())).max(1);
        let period = u64::try_from(period).unwrap_or(u64::MAX);
        let burst = period.saturating_mul(quota.units.get().into());
        Self { name, started: Instant::now(), full_at: 0, period, burst, waiting: HashMap::new(), next: 0 }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Empties the bucket until `wait` from now. Whoever has a place in the queue has to take another one.
    fn empty_until(&mut self, wait: Duration) {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.waiting.clear();
        self.full_at = self.full_at.max(self.now().saturating_add(wait).saturating_add(self.burst));
    }

    fn admit(&mut self, who: u64, n: u32) -> Result<(), Duration> {
        let (now, mut missing) = (self.now(), n);
        if let Some((turn, bought)) = self.waiting.get(&who).copied() {
            if now < turn {
                return Err(wait(turn - now));
            }
            self.waiting.remove(&who);
            missing = n.saturating_sub(bought);
        }
        self.full_at = self.full_at.max(now).saturating_add(self.period.saturating_mul(missing.into()));
        let turn = self.full_at.saturating_sub(self.burst);
        if missing == 0 || turn <= now {
            return Ok(());
        }
        self.waiting.insert(who, (turn, n));
        Err(wait(turn - now))
    }
}

fn wait(nanos: u64) -> Duration {
    Duration::from_nanos(nanos).max(WAIT_MIN)
}

/// The part of one run in what the application may do in all tenants. Its place in the queue is free again when it is
/// dropped.
pub(super) struct Share {
    all: AllTenants,
    /// The limit of its kind of call, if there is one.
    queue: Option<Queue>,
    id: u64,
    /// The limit's name.
    pub(super) name: &'static str,
}

impl Share {
    /// Pays for `n` calls, or returns how long to wait; the place in the queue is kept meanwhile.
    pub(super) fn admit(&self, n: u32) -> Result<(), Duration> {
        let hold = self.all.hold_left();
        if !hold.is_zero() {
            return Err(hold.max(WAIT_MIN));
        }
        self.queue.as_ref().map_or(Ok(()), |queue| queue.line().admit(self.id, n))
    }

    /// Admits nothing in any tenant for `wait`.
    pub(super) fn hold_all(&self, wait: Duration) {
        self.all.hold(wait);
    }

    /// Counts what refills in `debt` as spent before now.
    pub(super) fn owe(&self, debt: Duration) {
        let Some(queue) = &self.queue else { return };
        let mut line = queue.line();
        let until = line.now().saturating_add(u64::try_from(debt.as_nanos()).unwrap_or(u64::MAX));
        line.full_at = line.full_at.max(until);
    }

    /// How long it takes until the bucket is full.
    pub(super) fn until_full(&self) -> Duration {
        let Some(queue) = &self.queue else { return Duration::ZERO };
        let line = queue.line();
        Duration::from_nanos(line.full_at.saturating_sub(line.now()))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.line().waiting.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, sleep};

    fn shares(number: usize) -> Vec<Share> {
        let all = AllTenants::new(Quota::DOCUMENTED_WRITES);
        (0..number).map(|_| all.share(Call::Write)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn all_together_keep_the_limit() {
        let shares = shares(20);
        let (start, mut given) = (Instant::now(), 0_u32);
        while start.elapsed() < Duration::from_secs(60) {
            let mut shortest = Duration::from_secs(1);
            for share in &shares {
                match share.admit(20) {
                    Ok(()) => given += 20,
                    Err(wait) => shortest = shortest.min(wait),
                }
            }
            if given >= 35_000 {
                sleep(shortest).await;
            }
        }
        // 35,000 at once, and 116.67 a second.
        assert!((41_900..=42_001).contains(&given), "{given}");
    }

    #[tokio::test(start_paused = true)]
    async fn small_ones_do_not_wait_behind_a_large_one() {
        let shares = shares(2);
        while shares[0].admit(20).is_ok() {}
        let wait = shares[1].admit(20).expect_err("nothing is left");
        assert!(wait < Duration::from_millis(400), "after one batch of the other: {wait:?}");
        assert!(shares[0].admit(20).is_err(), "its turn has not come");
        advance(wait).await;
        assert_eq!(shares[1].admit(20), Ok(()));
        assert_eq!(shares[0].admit(20), Ok(()), "its turn came first");
    }

    #[tokio::test(start_paused = true)]
    async fn debts_count_once() {
        let shares = shares(2);
        shares[0].owe(Duration::from_secs(300));
        shares[1].owe(Duration::from_secs(300));
        assert_eq!(shares[1].until_full(), Duration::from_secs(300));
        assert!(shares[0].admit(20).is_err());
        advance(Duration::from_millis(200)).await;
        assert_eq!(shares[0].admit(20), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn hold_is_for_all_and_for_every_kind_of_call() {
        let all = AllTenants::new(Quota::DOCUMENTED_WRITES);
        let (one, other, reads) = (all.share(Call::Write), all.share(Call::Write), all.share(Call::Read));
        assert_eq!((one.admit(20), reads.admit(20)), (Ok(()), Ok(())));
        one.hold_all(Duration::from_secs(12));
        one.hold_all(Duration::from_secs(5));
        assert_eq!(other.admit(20), Err(Duration::from_secs(12)));
        assert_eq!(reads.admit(20), Err(Duration::from_secs(12)));
        advance(Duration::from_secs(12)).await;
        assert_eq!(reads.admit(20), Ok(()), "reads have no limit over all tenants");
        let wait = other.admit(20).expect_err("no burst follows");
        assert!(wait > Duration::from_millis(165) && wait < Duration::from_millis(175), "20 at 116.67/s: {wait:?}");
        assert!(one.admit(20).expect_err("its turn is later") > wait);
    }
}
