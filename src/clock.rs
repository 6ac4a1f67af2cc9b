//! The run's clock: wall time for the records, tokio's clock for the pace.
//!
//! It reads the wall once and counts from there on tokio's clock, so times never run backwards within a process and a
//! rehearsal can live through hours of them in seconds.
//!
//! [`Offset`] says how far another machine's clock is ahead of it, within known bounds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// A `Date` header counts whole seconds, in milliseconds here.
const SECOND: i64 = 1_000;
/// How far the clocks of one directory's servers may differ, in milliseconds. They take their time from the network,
/// which keeps machines of one data centre within a few hundredths of a second; a quarter leaves room.
pub const SERVERS_APART: i64 = 250;

/// Tells the time of a run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    origin: Instant,
}

impl Clock {
    /// Reads the wall clock, and counts from now on.
    #[must_use]
    pub fn start() -> Self {
        Self::at(Timestamp::now())
    }

    /// Reads no clock: it is `wall` now, as another machine has it or another time had it, and counts from now on.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        Self { wall, origin: Instant::now() }
    }

    /// The wall time, as tokio's clock counts it.
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

/// How far another clock is ahead of ours, in milliseconds: somewhere between two bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offset {
    /// The lower bound.
    pub least: i64,
    /// The upper bound.
    pub most: i64,
}

impl Offset {
    /// What one answer tells. The request left at `sent` and its answer was here at `received`, both by our clock; the
    /// other clock showed `date` in between, cut off to whole seconds.
    #[must_use]
    pub const fn of_answer(sent: i64, received: i64, date: i64) -> Self {
        // Our own times are cut off to whole milliseconds.
        Self { least: date - received - 1, most: date + SECOND - sent }
    }

    /// What two answers tell together, or `None` if one of the clocks was set between them. Answers of several servers
    /// may contradict each other a little: then the truth lies between what they say.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let (least, most) = (self.least.max(other.least), self.most.min(other.most));
        if least <= most {
            return Some(Self { least, most });
        }
        (least - most <= SERVERS_APART).then_some(Self { least: most, most: least })
    }

    /// The narrowest bounds that hold both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// The smallest offset within the bounds: clocks are taken for equal as long as nothing shows that they are not.
    #[must_use]
    pub fn nearest_to_none(self) -> i64 {
        0.clamp(self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What answers to requests at these times tell, each of which takes `took`, of a clock that is `ahead`.
    fn told(ahead: i64, took: i64, requests: &[i64]) -> Option<Offset> {
        let answer = |sent: &i64| {
            let shown = sent + took / 2 + ahead;
            Offset::of_answer(*sent, sent + took, shown - shown.rem_euclid(SECOND))
        };
        requests.iter().map(answer).map(Some).reduce(|one, other| one?.and(other?)).flatten()
    }

    #[test]
    fn an_offset_lies_within_its_bounds() {
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
    fn a_clock_that_was_set_shows() {
        let (before, after) = (Offset { least: -10, most: 200 }, Offset { least: 2_000, most: 2_900 });
        assert_eq!(before.and(after), None);
        assert_eq!(before.or(after), Offset { least: -10, most: 2_900 });
        let another_server = Offset { least: 260, most: 900 };
        assert_eq!(before.and(another_server), Some(Offset { least: 200, most: 260 }));
    }

    #[test]
    fn clocks_are_equal_until_they_are_not() {
        for (least, most, nearest) in [(-10, 700, 0), (40, 700, 40), (-700, -40, -40)] {
            assert_eq!(Offset { least, most }.nearest_to_none(), nearest);
        }
    }
}
