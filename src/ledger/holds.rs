//! How long Graph asked us to wait, stored so that the next process waits, too.
//!
//! Each requested wait is noted at once, separately for writes, reads of accounts and reads of the tenant. The note has
//! the time at which the answer came and the time at which the wait is over, by this machine's clock.
//!
//! Invariant: an invalid note, or a clock that was set since, never makes a process wait longer than Graph asked, nor
//! longer than the longest accepted wait.

use super::{
    Ledger, LedgerError, ReadLedger,
    note::{self, NoteKey},
};
use crate::graph::retry_after::WAIT_SECONDS_MAX;
use std::time::Duration;

/// The requests that Graph asked us to pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnHold {
    /// Everything that changes an account.
    Writes,
    /// Reads of accounts.
    Reads,
    /// Reads of the tenant as a whole: its roles and domains.
    TenantReads,
    /// Everything about authentication methods: resets on premises, and looks at them.
    Methods,
}

/// Slightly more than the longest accepted wait, because some jitter is added to each.
pub(super) const MILLIS_MAX: i64 = WAIT_MILLIS_MAX + 10_000;

/// Longest wait of a row: the longest accepted `Retry-After`.
#[expect(clippy::cast_possible_truncation, reason = "an hour of milliseconds")]
pub(crate) const WAIT_MILLIS_MAX: i64 = WAIT_SECONDS_MAX as i64 * 1_000;

impl OnHold {
    pub(super) const fn key(self) -> NoteKey {
        match self {
            Self::Writes => NoteKey::HeldWrites,
            Self::Reads => NoteKey::HeldReads,
            Self::TenantReads => NoteKey::HeldTenantReads,
            Self::Methods => NoteKey::HeldMethods,
        }
    }
}

impl ReadLedger {
    /// How much of a wait is left at `now` (milliseconds since 1970).
    pub fn hold_left(&self, what: OnHold, now: i64) -> Result<Duration, LedgerError> {
        Ok(left(note::read(&self.connection, what.key())?.as_deref(), now))
    }
}

impl Ledger {
    /// Notes a wait from `from` until `until` (milliseconds since 1970), durably.
    pub fn note_hold(&self, what: OnHold, (from, until): (i64, i64)) -> Result<(), LedgerError> {
        let noted = note::read(&self.connection, what.key())?;
        if covers(noted.as_deref(), (from, until)) {
            Ok(())
        } else {
            self.connection.note(what.key(), &format!("{from} {until}"))
        }
    }

    /// Ends waits of single rows that are longer than any noted one: a clock was set back, or someone changed the ledger.
    pub fn bound_waits(&self, now: i64) -> Result<(), LedgerError> {
        let latest = now.saturating_add(WAIT_MILLIS_MAX);
        self.read.connection.change("UPDATE account SET not_before = 0 WHERE not_before > ?1", [latest])?;
        Ok(())
    }
}

/// Whether a noted wait ends no earlier than the one from `from` until `until`, and is no odd value.
pub(super) fn covers(noted: Option<&str>, (from, until): (i64, i64)) -> bool {
    read(noted).is_some_and(|(_, noted)| noted >= until && noted.saturating_sub(from) <= MILLIS_MAX)
}

/// The start and the end of a noted wait.
fn read(noted: Option<&str>) -> Option<(i64, i64)> {
    let (from, until) = noted?.split_once(' ')?;
    Some((from.parse().ok()?, until.parse().ok()?))
}

fn left(noted: Option<&str>, now: i64) -> Duration {
    let Some((from, until)) = read(noted) else { return Duration::ZERO };
    let asked = until.saturating_sub(from).clamp(0, MILLIS_MAX);
    // If the clock was set back to before the request, the full wait is left, but no more.
    let left = until.saturating_sub(now).clamp(0, asked);
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_wait_never_exceeds_request() {
        for (noted, now, millis) in [
            (Some("1000 21000"), 1_000, 20_000),
            (Some("1000 21000"), 4_000, 17_000),
            (Some("1000 21000"), 20_999, 1),
            (Some("1000 21000"), 21_000, 0),
            (Some("1000 21000"), 90_000, 0),
            (Some("1000 21000"), -500_000, 20_000),
            (Some("0 9223372036854775807"), 5, 3_610_000),
            (Some("-9223372036854775808 9223372036854775807"), 5, 3_610_000),
            (Some("21000 1000"), 5, 0),
            (Some("1000"), 5, 0),
            (Some("soon later"), 5, 0),
            (Some(""), 5, 0),
            (None, 5, 0),
        ] {
            assert_eq!(left(noted, now), Duration::from_millis(millis), "{noted:?} at {now}");
        }
    }
}
