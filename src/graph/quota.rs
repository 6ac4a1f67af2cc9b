//! A quota as Graph publishes it: a number of units in a number of seconds, in a token bucket.
//!
//! It is only a pair of numbers and counts nothing itself; the throttle and the simulator do.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

/// The size of a token bucket: it holds `units`, and refills from empty to full in `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Units the full bucket holds.
    pub units: NonZeroU32,
    /// Time in which an empty bucket fills.
    pub per: Duration,
}

/// Highest number of units in a quota, far above anything Graph grants.
const UNITS_MAX: u32 = 100_000_000;
/// Longest refill time of a quota, in seconds (a day).
const SECONDS_MAX: u64 = 86_400;

impl Quota {
    /// Writes of one app in one tenant: 3,000 in 150 seconds (Graph's throttling limits, identity and access).
    pub const DOCUMENTED_WRITES: Self = Self::of(3_000, 150);
    /// Resource units of one app in a tenant of more than 500 users: 8,000 in 10 seconds (same source).
    pub const DOCUMENTED_RESOURCE_UNITS: Self = Self::of(8_000, 10);
    /// The documented quota of an application's writes in all tenants.
    pub const DOCUMENTED_APPLICATION_WRITES: Self = Self::of(35_000, 300);

    /// Authentication methods of one app in one tenant: 5 requests in 10 seconds (same source).
    pub const DOCUMENTED_AUTHENTICATION_METHODS: Self = Self::of(5, 10);

    /// Requests to the audit log of one app in one tenant: 5 in 10 seconds (same source, identity and access reports).
    pub const DOCUMENTED_AUDIT_LOG: Self = Self::of(5, 10);

    /// Requests for `signInActivity` of one app in one tenant: 10 in a minute (the documentation of the resource).
    pub const DOCUMENTED_SIGN_IN_ACTIVITY: Self = Self::of(10, 60);

    pub(crate) const fn of(units: u32, seconds: u64) -> Self {
        let units = match NonZeroU32::new(units) {
            Some(units) => units,
            None => NonZeroU32::MIN,
        };
        Self { units, per: Duration::from_secs(seconds) }
    }

    /// Units that are refilled each second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        f64::from(self.units.get()) / self.per.as_secs_f64()
    }

    /// The shortest time in which `n` units can be spent, starting with a full bucket.
    #[must_use]
    pub fn least_time(self, n: u64) -> Duration {
        self.least_time_from(n, f64::from(self.units.get()))
    }

    /// The shortest time in which `n` units can be spent, starting with `left` of them in the bucket; less than none is a
    /// debt.
    #[must_use]
    pub fn least_time_from(self, n: u64, left: f64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
        let beyond = if n == 0 { 0.0 } else { (n as f64 - left).max(0.0) };
        Duration::try_from_secs_f64(beyond / self.per_second()).unwrap_or(Duration::MAX)
    }

    /// The quota of an application's writes in all tenants, to go with `writes` in each.
    #[must_use]
    pub fn application_writes_for(writes: Self) -> Self {
        let documented = Self::DOCUMENTED_APPLICATION_WRITES;
        let room = writes.units >= documented.units || writes.per_second() > documented.per_second();
        if room { writes } else { documented }
    }

    /// The resource units to go with `writes`. A write costs one of each, so a quota of more writes than the documented
    /// resource units needs as many units.
    #[must_use]
    pub fn resource_units_for(writes: Self) -> Self {
        let documented = Self::DOCUMENTED_RESOURCE_UNITS;
        let room = writes.units >= documented.units || writes.per_second() > documented.per_second();
        if room { writes } else { documented }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.units, self.per.as_secs())
    }
}

/// A quota that cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a quota as N/SECONDSs, such as 3000/150s, with N and the seconds above zero")]
pub struct QuotaError;

impl FromStr for Quota {
    type Err = QuotaError;

    fn from_str(text: &str) -> Result<Self, QuotaError> {
        let (units, seconds) = text.split_once('/').ok_or(QuotaError)?;
        let seconds = seconds.trim().trim_end_matches('s').parse::<u64>().map_err(|_| QuotaError)?;
        let units = units.trim().parse::<NonZeroU32>().map_err(|_| QuotaError)?;
        let possible = units.get() <= UNITS_MAX && (1..=SECONDS_MAX).contains(&seconds);
        if possible { Ok(Self { units, per: Duration::from_secs(seconds) }) } else { Err(QuotaError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_parse_as_documented() {
        assert_eq!("3000/150s".parse(), Ok(Quota::DOCUMENTED_WRITES));
        assert_eq!(Quota::DOCUMENTED_WRITES.to_string(), "3000/150s");
        assert_eq!("8000/10".parse(), Ok(Quota::DOCUMENTED_RESOURCE_UNITS));
        for bad in ["", "3000", "0/1s", "1/0s", "x/1s", "1/xs", "-1/1s", "4000000000/1s", "1/100000s"] {
            assert_eq!(bad.parse::<Quota>(), Err(QuotaError), "{bad}");
        }
    }

    #[test]
    fn minimum_time_excludes_the_burst() {
        let quota = Quota::DOCUMENTED_WRITES;
        assert_eq!(quota.least_time(3_000), Duration::ZERO);
        assert_eq!(quota.least_time(3_600), Duration::from_secs(30));
        assert_eq!(quota.least_time(100_000), Duration::from_secs(4_850));
        assert_eq!(quota.least_time_from(600, 100.0), Duration::from_secs(25));
        assert_eq!(quota.least_time_from(20, -100.0), Duration::from_secs(6), "a debt");
        assert_eq!(quota.least_time_from(0, -100.0), Duration::ZERO, "nothing to spend");
    }

    #[test]
    fn larger_write_quota_brings_units() {
        let large: Quota = "1000000/1s".parse().expect("a quota");
        assert_eq!(Quota::resource_units_for(large), large);
        assert_eq!(Quota::resource_units_for(Quota::DOCUMENTED_WRITES), Quota::DOCUMENTED_RESOURCE_UNITS);
    }
}
