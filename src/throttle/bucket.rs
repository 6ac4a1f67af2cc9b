//! A token bucket: governor's, on tokio's clock, with its state within reach.
//!
//! governor cannot empty or hold a limiter, and sleeps on a clock of its own; both are mended here. It never sleeps itself:
//! it tells how long to.
//!
//! Invariant: what is pushed into the future is never taken back.

use crate::quota::Quota;
use governor::{
    NotUntil, RateLimiter,
    clock::{Clock as GovernorClock, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};
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
pub(super) const PARTS: u32 = 16;
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
pub(super) struct Bucket {
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
    pub(super) fn new(quota: Quota) -> Self {
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
    pub(super) fn buy(&mut self, cost: u32) -> Result<(), Duration> {
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
    pub(super) fn spend(&mut self, cost: u32) {
        self.bought = self.bought.saturating_sub(cost);
    }

    /// From `wait` on it fills from nothing, and until then there is nothing in it.
    pub(super) fn empty_until(&mut self, wait: Duration) {
        self.bought = 0;
        self.set_spent(wait + self.period.saturating_mul(self.burst.get()));
    }

    /// As if `parts` had been spent at this moment and none before; never gives anything back.
    pub(super) fn count_from_now(&self, parts: u64) {
        self.set_spent(Duration::from_nanos(
            u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX).saturating_mul(parts),
        ));
    }

    fn set_spent(&self, debt: Duration) {
        let now = self.clock.now().duration_since(Nanos::new(0)).as_u64();
        self.arrival.0.fetch_max(now.saturating_add(Nanos::from(debt).as_u64()), Relaxed);
    }
}
