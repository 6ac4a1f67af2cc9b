//! How long Graph asked to be left alone, kept so that the next process waits, too.
//!
//! Each answer that asks for a wait is noted at once, for writes and for reads, with the time at which it came and the time
//! at which the wait is over, by this machine's clock. A note that makes no sense, or a clock that was set since, never
//! makes a process wait longer than was asked for, nor longer than the longest wait that is believed.

use super::{Ledger, LedgerError};
use crate::retry_after::WAIT_SECONDS_MAX;
use std::time::Duration;

/// What Graph asked to be left alone with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnHold {
    /// Everything that changes an account.
    Writes,
    /// Reads of accounts.
    Reads,
}

/// A little more than the longest wait that is believed, as some is added to each.
#[expect(clippy::cast_possible_truncation, reason = "an hour of milliseconds")]
const MILLIS_MAX: i64 = WAIT_SECONDS_MAX as i64 * 1_000 + 10_000;

impl OnHold {
    const fn note(self) -> &'static str {
        match self {
            Self::Writes => "held_writes",
            Self::Reads => "held_reads",
        }
    }
}

impl Ledger {
    /// Notes a wait that was asked for at `from` and is over at `until` (milliseconds since 1970), durably.
    ///
    /// # Errors
    /// Returns an error if the ledger cannot be written.
    pub fn note_hold(&self, what: OnHold, (from, until): (i64, i64)) -> Result<(), LedgerError> {
        let is_noted = read(self.note(what.note())?.as_deref())
            .is_some_and(|(_, noted)| noted >= until && noted - from <= MILLIS_MAX);
        if is_noted { Ok(()) } else { self.set_note(what.note(), &format!("{from} {until}")) }
    }

    /// How much of a wait that was asked for is left at `now` (milliseconds since 1970).
    ///
    /// # Errors
    /// Returns an error if the ledger cannot be read.
    pub fn hold_left(&self, what: OnHold, now: i64) -> Result<Duration, LedgerError> {
        Ok(left(self.note(what.note())?.as_deref(), now))
    }
}

fn read(noted: Option<&str>) -> Option<(i64, i64)> {
    let (from, until) = noted?.split_once(' ')?;
    Some((from.parse().ok()?, until.parse().ok()?))
}

fn left(noted: Option<&str>, now: i64) -> Duration {
    let Some((from, until)) = read(noted) else { return Duration::ZERO };
    let asked = until.saturating_sub(from).clamp(0, MILLIS_MAX);
    // Before it was asked for, the clock was set back: then no more is left than was asked for.
    let left = until.saturating_sub(now).clamp(0, asked);
    Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_wait_is_never_more_than_was_asked() {
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
