//! The run's clock: wall time for the records, tokio's clock for the pace.
//!
//! It reads the wall clock once and then counts on tokio's clock. So times never run backwards within a process, and a
//! rehearsal can pass hours in seconds.
//!
//! [`Offset`] is how far another machine's clock is ahead, within known bounds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// One second in milliseconds: a `Date` header and the time of a change count whole seconds.
pub const SECOND: i64 = 1_000;
/// How far the clocks of one directory's servers may differ, in milliseconds. They are synchronized over the network,
/// which keeps machines of one data centre within a few hundredths of a second; a quarter leaves room.
pub const SERVERS_APART: i64 = 250;

/// The clock of a run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    origin: Instant,
}

impl Clock {
    /// Reads the wall clock, and counts from there.
    #[must_use]
    pub fn start() -> Self {
        Self::at(Timestamp::now())
    }

    /// Starts at `wall` without reading a clock, as on another machine or at another time, and counts from there.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        Self { wall, origin: Instant::now() }
    }

    /// The current wall time, counted on tokio's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.wall.saturating_add(self.origin.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// [`Clock::now`] in milliseconds since 1970, as the ledger keeps it.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.now().as_millisecond()
    }
}

/// How far another clock is ahead of ours, in milliseconds: between two inclusive bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offset {
    /// The lower bound.
    pub least: i64,
    /// The upper bound.
    pub most: i64,
}

impl Offset {
    /// The bounds that one answer proves. The request left at `sent` and its answer arrived at `received`, both by our
    /// clock. In between, the other clock showed `date`, truncated to whole seconds.
    #[must_use]
    pub const fn of_answer(sent: i64, received: i64, date: i64) -> Self {
        // Our own times are truncated to whole milliseconds.
        Self { least: date - received - 1, most: date + SECOND - sent }
    }

    /// The bounds that two answers prove together, or `None` if one of the clocks was set between them. Answers from
    /// several servers may contradict each other a little: then the truth lies between their bounds.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let (least, most) = (self.least.max(other.least), self.most.min(other.most));
        if least <= most {
            return Some(Self { least, most });
        }
        (least - most <= SERVERS_APART).then_some(Self { least: most, most: least })
    }

    /// The narrowest bounds that include both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// The smallest offset within the bounds: clocks count as equal unless an answer proves otherwise.
    #[must_use]
    pub fn closest_to_zero(self) -> i64 {
        0.clamp(self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bounds that answers to requests at these times prove. Each takes `took`, and the other clock is `ahead`.
    fn told(ahead: i64, took: i64, requests: &[i64]) -> Option<Offset> {
        let answer = |sent: &i64| {
            let shown = sent + took / 2 + ahead;
            Offset::of_answer(*sent, sent + took, shown - shown.rem_euclid(SECOND))
        };
        requests.iter().map(answer).map(Some).reduce(|one, other| one?.and(other?)).flatten()
    }

    #[test]
    fn offsets_are_within_bounds() {
        for ahead in [-90_000, -1_234, -1, 0, 400, 90_000] {
            for took in [0, 80, 3_000] {
                let one = told(ahead, took, &[1_700]).expect("one answer");
                assert!((one.least..=one.most).contains(&ahead), "{ahead} {took} {one:?}");
                assert!(one.most - one.least <= SECOND + took + 1, "{one:?}");
                let many: Vec<i64> = (0..40).map(|nth| 1_700 + nth * 130).collect();
                let many = told(ahead, took, &many).expect("one clock");
                assert!((many.least..=many.most).contains(&ahead), "{ahead} {took} {many:?}");
                assert!(many.most - many.least <= took + 131, "{many:?}");
            }
        }
    }

    #[test]
    fn set_clocks_are_detected() {
        let (before, after) = (Offset { least: -10, most: 200 }, Offset { least: 2_000, most: 2_900 });
        assert_eq!(before.and(after), None);
        assert_eq!(before.or(after), Offset { least: -10, most: 2_900 });
        let another_server = Offset { least: 260, most: 900 };
        assert_eq!(before.and(another_server), Some(Offset { least: 200, most: 260 }));
    }

    #[test]
    fn clocks_count_as_equal_by_default() {
        for (least, most, nearest) in [(-10, 700, 0), (40, 700, 40), (-700, -40, -40)] {
            assert_eq!(Offset { least, most }.closest_to_zero(), nearest);
        }
    }
}
