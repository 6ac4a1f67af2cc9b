//! The offset between this machine's clock and the directory's, for each process of a run.
//!
//! A row notes by this machine's clock when it ended, but the directory reports by its own clock when a password
//! changed. To compare the two later, even after a clock was set, the offset at that time must be known. It is noted
//! with the rows, in the same transaction.
//!
//! Invariant: the noted bounds for a time contain the true offset at that time, as long as the directory's servers
//! agree.

use super::{
    Ledger, LedgerError, ReadLedger,
    note::{self, NoteKey},
};
use crate::util::clock::Offset;
use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};

/// How far ahead a period is noted, in milliseconds, so that a long run does not rewrite it with each turn.
const AHEAD: i64 = 10 * 60_000;
/// Bounds are rewritten only if they narrow by at least this much, in milliseconds.
const WORTH: i64 = 50;
/// Maximum number of periods: one for each process, and one more each time a clock was set.
const STRETCHES_MAX: usize = 200;

/// A period in which this machine's clock ran evenly with the directory's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    from: i64,
    until: i64,
    #[serde(flatten)]
    offset: Offset,
}

/// All periods of a run.
#[derive(Default)]
pub(super) struct Clocks {
    stretches: Vec<Stretch>,
    /// Whether the last period belongs to this process; true once an answer has shown the offset of its clock.
    is_own: bool,
    /// Its last noted state.
    noted: Option<Stretch>,
    /// How wrong the times of rows in flight are, because their batch was sent before the first answer.
    late: i64,
}

impl Clocks {
    /// Reads the notes of earlier processes. An unreadable note counts as none.
    pub(super) fn read(connection: &Connection) -> Self {
        let noted = note::read(connection, NoteKey::Clocks).ok().flatten();
        let stretches = noted.and_then(|noted| serde_json::from_str(&noted).ok()).unwrap_or_default();
        Self { stretches, ..Self::default() }
    }

    /// Learns from an answer at `now` that the directory's clock is ahead by `offset`.
    fn learn(&mut self, offset: Offset, now: i64, taken_for: i64) {
        let own = self.stretches.last_mut().filter(|_| self.is_own);
        if let Some(own) = own
            && let Some(narrower) = own.offset.and(offset)
        {
            own.offset = narrower;
            return;
        }
        if !self.is_own {
            self.late = offset.closest_to_zero() - taken_for;
        }
        self.is_own = true;
        self.stretches.push(Stretch { from: now, until: now, offset });
        if self.stretches.len() > STRETCHES_MAX {
            self.join_oldest();
        }
    }

    /// Merges two periods into one that contains both.
    fn join_oldest(&mut self) {
        let oldest = self.stretches.remove(0);
        let next = &mut self.stretches[0];
        next.from = next.from.min(oldest.from);
        next.until = next.until.max(oldest.until);
        next.offset = next.offset.or(oldest.offset);
    }

    /// Notes what was learnt, with rows that ended at `now`, and corrects the times of those in flight.
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
        note::write(transaction, NoteKey::Clocks, &noted)
    }

    fn at(&self, time: i64) -> Option<Offset> {
        let holds = |stretch: &&Stretch| (stretch.from..=stretch.until).contains(&time);
        self.stretches.iter().filter(holds).map(|stretch| stretch.offset).reduce(Offset::or)
    }
}

impl ReadLedger {
    /// How far the directory's clock was ahead when this machine's clock showed `time` and rows ended. `None` if it is
    /// not known, for example in a run of an older release.
    #[must_use]
    pub fn clock_at(&self, time: i64) -> Option<Offset> {
        self.clocks.at(time)
    }
}

impl Ledger {
    /// Learns from an answer at `now` (milliseconds since 1970) how far the directory's clock is ahead. From now on,
    /// sending times are noted by that clock.
    pub fn learn_clock(&mut self, offset: Offset, now: i64) {
        self.read.clocks.learn(offset, now, self.clock_ahead);
        self.clock_ahead = offset.closest_to_zero();
    }

    /// The time on the directory's clock when ours shows `now`, as far as known.
    #[must_use]
    pub fn directory_time(&self, now: i64) -> i64 {
        now + self.clock_ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(least: i64, most: i64) -> Offset {
        Offset { least, most }
    }

    /// A process that has learnt these offsets at these times.
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
    fn times_use_their_processs_offset() {
        let first = process(Clocks::default(), &[(1_000, offset(-5, 900)), (2_000, offset(100, 1_200))]);
        assert_eq!(first.at(1_500), Some(offset(100, 900)), "one clock, narrower with each answer");
        assert_eq!(first.at(999), None);
        let second = process(first, &[(5_000_000, offset(-90_500, -89_500))]);
        assert_eq!(second.at(1_500), Some(offset(100, 900)));
        assert_eq!(second.at(5_000_001), Some(offset(-90_500, -89_500)));
        assert_eq!(second.at(4_000_000), None);
        // The clock was set back, so either offset may explain the time.
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
