//! What a process knows of the pace, stored for the next one: how much of each quota is spent, and how much smaller the
//! quota seems to be.
//!
//! It is staged ([`Ledger::keep_pace`], [`Ledger::keep_hold`]) and written with the next rows, in their transaction. It is
//! not part of the plan, so its values are not trusted: a clock that was set or a stranger's value slows the next
//! process at most, and no longer than the longest wait that Graph may ask for.
//!
//! Invariant: what is read never exceeds [`DEBT_MAX`], and shrinks with the time that has passed.

use super::{
    Ledger, LedgerError, OnHold, ReadLedger, SignedInAs,
    holds::{MILLIS_MAX, covers},
    note::{self, NoteKey},
};
use crate::graph::quota::Quota;
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::BTreeMap, time::Duration};

/// The most that can be missing in a bucket that is on hold, beyond its own time to refill.
const DEBT_MAX: Duration = Duration::from_millis(MILLIS_MAX.unsigned_abs());
/// The same with the longest time in which a bucket refills, a day.
const MILLIS_KEPT: u64 = MILLIS_MAX.unsigned_abs() + 86_400_000;
/// How far ahead of our clock another run's note may be, in milliseconds.
const FUTURE_MAX: i64 = 2_000;
/// The longest note that is read, in bytes.
const BYTES_MAX: usize = 4_096;

/// The pace as a process left it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPace {
    /// When it was noted, in milliseconds since 1970.
    pub at: i64,
    /// The quota that it is about. A process with another one does not take it up.
    pub quota: String,
    /// For each limit by name: how long its bucket takes from then on until it is full, in milliseconds.
    pub until_full: BTreeMap<String, u64>,
    /// The price of a request in parts of a unit. It rises if the quota is smaller than expected.
    pub price: u32,
}

/// The same with the identity that spent the quota: another application or tenant has its own.
#[derive(Serialize, Deserialize)]
struct Noted {
    #[serde(flatten)]
    pace: KeptPace,
    tenant: Option<String>,
    application: Option<String>,
}

impl KeptPace {
    /// The same after the time that has passed until `now`. If the clock was set back, none has.
    fn passed_until(mut self, now: i64) -> Self {
        let passed = u64::try_from(now.saturating_sub(self.at)).unwrap_or(0);
        self.until_full.values_mut().for_each(|millis| *millis = (*millis).min(MILLIS_KEPT).saturating_sub(passed));
        self
    }

    /// The same for another run, if there is anything to know: not if all buckets are full by `now`, nor if it comes from
    /// the future.
    pub(super) fn of_another(self, now: i64) -> Option<Self> {
        let is_past = self.at <= now.saturating_add(FUTURE_MAX);
        Some(self.passed_until(now)).filter(|kept| is_past && kept.until_full.values().any(|millis| *millis > 0))
    }

    /// How many units the bucket of this limit has left, if it is `quota`; less than none while it is on hold. `None` if
    /// this is about another quota.
    #[must_use]
    pub fn left(&self, limit: &str, quota: Quota) -> Option<f64> {
        let missing = self.until_full(limit, quota.per).as_secs_f64() * quota.per_second();
        (self.quota == quota.to_string()).then(|| f64::from(quota.units.get()) - missing)
    }

    /// How long the bucket of this limit takes until it is full, if it fills in `per`.
    #[must_use]
    pub fn until_full(&self, limit: &str, per: Duration) -> Duration {
        let millis = self.until_full.get(limit).copied().unwrap_or_default();
        Duration::from_millis(millis).min(DEBT_MAX.saturating_add(per))
    }
}

/// Notes that wait for the next transaction.
#[derive(Default)]
pub(super) struct Staged(RefCell<BTreeMap<&'static str, (NoteKey, String)>>);

impl Staged {
    fn add(&self, key: NoteKey, text: String) {
        self.0.borrow_mut().insert(key.as_str(), (key, text));
    }

    fn get(&self, key: NoteKey) -> Option<String> {
        self.0.borrow().get(key.as_str()).map(|(_, text)| text.clone())
    }

    /// Writes them. They stay if the transaction is not committed, because then the run stops.
    pub(super) fn write(&self, transaction: &Transaction<'_>) -> Result<(), LedgerError> {
        let staged = std::mem::take(&mut *self.0.borrow_mut());
        staged.into_values().try_for_each(|(key, text)| note::write(transaction, key, &text))
    }
}

/// Reads of the tenant are few, so only reads of accounts are counted.
const fn key_of(what: OnHold) -> NoteKey {
    match what {
        OnHold::Writes => NoteKey::PaceOfWrites,
        OnHold::Reads | OnHold::TenantReads => NoteKey::PaceOfReads,
        OnHold::Methods => NoteKey::PaceOfMethods,
    }
}

impl ReadLedger {
    /// The pace as the last process of this run left it, after the time until `now` (milliseconds since 1970). `None` if
    /// there is none, if it cannot be read, or if another application or tenant spent that quota.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn kept_pace(&self, what: OnHold, now: i64) -> Result<Option<KeptPace>, LedgerError> {
        let Some(text) = note::read(&self.connection, key_of(what))? else { return Ok(None) };
        let noted = serde_json::from_str::<Noted>(&text).ok().filter(|_| text.len() <= BYTES_MAX);
        let signed_in = self.signed_in()?;
        let is_own = |noted: &Noted| noted.tenant == signed_in.tenant_id && noted.application == signed_in.client_id;
        Ok(noted.filter(is_own).map(|noted| noted.pace.passed_until(now)))
    }

    /// The pace of writes at `now` for another run that is signed in as `other`, if both have the same tenant and
    /// application.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn pace_for_another(&self, other: &SignedInAs, now: i64) -> Result<Option<KeptPace>, LedgerError> {
        let own = self.signed_in()?;
        if own.tenant_id != other.tenant_id || own.client_id != other.client_id {
            return Ok(None);
        }
        Ok(self.kept_pace(OnHold::Writes, now)?.and_then(|kept| kept.of_another(now)))
    }
}

impl Ledger {
    /// Notes the pace with the next rows.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn keep_pace(&self, what: OnHold, pace: KeptPace) -> Result<(), LedgerError> {
        let signed_in = self.signed_in()?;
        let noted = Noted { pace, tenant: signed_in.tenant_id, application: signed_in.client_id };
        self.staged.add(key_of(what), serde_json::to_string(&noted)?);
        Ok(())
    }

    /// Notes a wait from `from` until `until` (milliseconds since 1970) with the next rows, unless a longer one is noted.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn keep_hold(&self, what: OnHold, (from, until): (i64, i64)) -> Result<(), LedgerError> {
        let noted = note::read(&self.connection, what.key())?;
        if [self.staged.get(what.key()), noted].iter().all(|noted| !covers(noted.as_deref(), (from, until))) {
            self.staged.add(what.key(), format!("{from} {until}"));
        }
        Ok(())
    }

    /// How much of the wait for writes is left at `now`. The rows that a cut left in flight may have been refused, too,
    /// and each refusal costs a unit: the wait is longer by `each` for every one of them.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn hold_left_after_cut(&self, now: i64, each: Duration) -> Result<Duration, LedgerError> {
        let longer = each.saturating_mul(self.left_in_flight).min(DEBT_MAX);
        let millis = i64::try_from(longer.as_millis()).unwrap_or(0);
        let left = self.hold_left(OnHold::Writes, now)?;
        // If it has just ended, what is longer may not have.
        if left.is_zero() { self.hold_left(OnHold::Writes, now.saturating_sub(millis)) } else { Ok(left + longer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(at: i64, millis: u64) -> KeptPace {
        KeptPace { at, until_full: [("writes".to_owned(), millis)].into(), ..KeptPace::default() }
    }

    #[test]
    fn time_passes_and_odd_values_are_bounded() {
        let per = Duration::from_secs(150);
        for (at, millis, now, left) in [
            (1_000, 20_000, 1_000, 20_000),
            (1_000, 20_000, 5_000, 16_000),
            (1_000, 20_000, 21_000, 0),
            (1_000, 20_000, i64::MAX, 0),
            (i64::MIN, 20_000, i64::MAX, 0),
            (90_000, 20_000, 5_000, 20_000),
            (i64::MAX, u64::MAX, 5, 3_610_000 + 150_000),
        ] {
            let kept = noted(at, millis).passed_until(now);
            assert_eq!(kept.until_full("writes", per), Duration::from_millis(left), "{millis} ms at {at}, now {now}");
            assert_eq!(kept.until_full("reads", per), Duration::ZERO, "another limit");
        }
    }
}
