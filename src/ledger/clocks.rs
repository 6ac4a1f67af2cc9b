//! How the clock of each process that worked on a run stood to the directory's.
//!
//! A row notes when it was settled by this machine's clock, and the directory tells by its own when a password was
//! changed. To compare the two later, also after a clock was set, it must be known how they stood to each other at that
//! time. It is noted with the rows, in the same transaction.
//!
//! Invariant: what is noted for a time holds the true offset at that time, as long as the directory's servers agree.

use super::{Ledger, LedgerError, read};
use crate::clock::Offset;
use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};

/// The name of the note.
const NAME: &str = "clocks";
/// How far ahead a stretch is noted, in milliseconds, so that a long run does not write it again with each turn.
const AHEAD: i64 = 10 * 60_000;
/// Bounds that narrow by less than this, in milliseconds, are not worth writing.
const WORTH: i64 = 50;
/// Stretches that are kept: one for each process, and one more each time that a clock was set.
const STRETCHES_MAX: usize = 200;

/// A stretch of this machine's clock in which it ran evenly beside the directory's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    from: i64,
    until: i64,
    #[serde(flatten)]
    offset: Offset,
}

/// All stretches of a run.
#[derive(Default)]
pub(super) struct Clocks {
    stretches: Vec<Stretch>,
    /// The one of this process, the last, once an answer has told how its clock stands.
    is_own: bool,
    /// What was noted last of it.
    noted: Option<Stretch>,
    /// By how much rows in flight were given a wrong time, since their batch left before any answer had come.
    late: i64,
}

impl Clocks {
    /// What earlier processes noted. A note that cannot be read is as good as none.
    pub(super) fn read(connection: &Connection) -> Self {
        let noted = read::note(connection, NAME).ok().flatten();
        let stretches = noted.and_then(|noted| serde_json::from_str(&noted).ok()).unwrap_or_default();
        Self { stretches, ..Self::default() }
    }

    /// An answer that came at `now` has told that the directory's clock is ahead by `offset`.
    fn learn(&mut self, offset: Offset, now: i64, taken_for: i64) {
        let own = self.stretches.last_mut().filter(|_| self.is_own);
        if let Some(own) = own
            && let Some(narrower) = own.offset.and(offset)
        {
            own.offset = narrower;
            return;
        }
        if !self.is_own {
            self.late = offset.nearest_to_none() - taken_for;
        }
        self.is_own = true;
        self.stretches.push(Stretch { from: now, until: now, offset });
        if self.stretches.len() > STRETCHES_MAX {
            self.join_oldest();
        }
    }

    /// Two stretches become one that holds both.
    fn join_oldest(&mut self) {
        let oldest = self.stretches.remove(0);
        let next = &mut self.stretches[0];
        next.from = next.from.min(oldest.from);
        next.until = next.until.max(oldest.until);
        next.offset = next.offset.or(oldest.offset);
    }

    /// Notes what has been learnt, with rows that are settled at `now`, and corrects the times of those in flight.
    pub(super) fn note(&mut self, transaction: &Transaction<'_>, now: i64) -> Result<(), LedgerError> {
        let Some(own) = self.stretches.last_mut().filter(|_| self.is_own) else { return Ok(()) };
        if self.late != 0 {
            transaction.execute("UPDATE account SET sent_at = sent_at + ?1 WHERE state = 'in_flight'", [self.late])?;
            self.late = 0;
        }
        let width = |stretch: &Stretch| stretch.offset.most - stretch.offset.least;
        let is_noted = self
            .noted
            .is_some_and(|noted| noted.from == own.from && now <= noted.until && width(&noted) - width(own) < WORTH);
        if is_noted {
            return Ok(());
        }
        own.until = now + AHEAD;
        self.noted = Some(*own);
        let noted = serde_json::to_string(&self.stretches)?;
        transaction.prepare_cached("INSERT OR REPLACE INTO run VALUES (?1, ?2)")?.execute((NAME, noted))?;
        Ok(())
    }

    fn at(&self, time: i64) -> Option<Offset> {
        let holds = |stretch: &&Stretch| (stretch.from..=stretch.until).contains(&time);
        self.stretches.iter().filter(holds).map(|stretch| stretch.offset).reduce(Offset::or)
    }
}

impl Ledger {
    /// An answer that came at `now` (milliseconds since 1970) has told how far the directory's clock is ahead: times of
    /// sending are noted by it from now on.
    pub fn learn_clock(&mut self, offset: Offset, now: i64) {
        self.clocks.learn(offset, now, self.clock_ahead);
        self.clock_ahead = offset.nearest_to_none();
    }

    /// What the directory's clock shows at `now` by ours, as far as that is known.
    #[must_use]
    pub fn directory_time(&self, now: i64) -> i64 {
        now + self.clock_ahead
    }

    /// How far the directory's clock was ahead at a time by this machine's clock at which rows were settled. `None` if it
    /// is not known: the run may be of an older release.
    #[must_use]
    pub fn clock_at(&self, time: i64) -> Option<Offset> {
        self.clocks.at(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(least: i64, most: i64) -> Offset {
        Offset { least, most }
    }

    /// A process that has learnt this, by time and offset.
    fn process(mut clocks: Clocks, learnt: &[(i64, Offset)]) -> Clocks {
        (clocks.is_own, clocks.noted) = (false, None);
        for (now, offset) in learnt {
            clocks.learn(*offset, *now, 0);
            let own = clocks.stretches.last_mut().expect("a stretch");
            own.until = own.until.max(now + AHEAD);
        }
        clocks
    }

    #[test]
    fn each_time_has_the_offset_of_its_process() {
        let first = process(Clocks::default(), &[(1_000, offset(-5, 900)), (2_000, offset(100, 1_200))]);
        assert_eq!(first.at(1_500), Some(offset(100, 900)), "one clock, narrower with each answer");
        assert_eq!(first.at(999), None);
        let second = process(first, &[(5_000_000, offset(-90_500, -89_500))]);
        assert_eq!(second.at(1_500), Some(offset(100, 900)));
        assert_eq!(second.at(5_000_001), Some(offset(-90_500, -89_500)));
        assert_eq!(second.at(4_000_000), None);
        // A clock that was set back: either may explain the time.
        let third = process(second, &[(1_200, offset(40_000, 41_000))]);
        assert_eq!(third.at(1_500), Some(offset(100, 41_000)));
    }

    #[test]
    fn stretches_stay_few() {
        let jumps: Vec<_> = (0..1_000).map(|nth| (nth, offset(nth * 10_000, nth * 10_000 + 900))).collect();
        let clocks = process(Clocks::default(), &jumps);
        assert_eq!(clocks.stretches.len(), STRETCHES_MAX);
        assert!(clocks.at(0).is_some_and(|offset| offset.least == 0), "the oldest are still known, less exactly");
    }
}
