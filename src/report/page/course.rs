//! The course of a run: what was done when, what the quota allowed by then, and what held it up.
//!
//! Nights and crashes lie between the processes of a run, so its time is cut into legs in which something was done, one for
//! each process, those that were cut off included. Times in the ledger may be anything, as others can change it: whatever
//! they are, a course comes out.
//!
//! Invariant: legs follow each other and do not overlap, and what is done never grows less.

use crate::{
    ledger::{Ledger, LedgerError, Moment, Process, Session, is_time},
    quota::Quota,
};

/// A time in which one process worked.
pub(super) struct Leg {
    /// When it began, in milliseconds since 1970.
    pub from: i64,
    /// When it ended, always after it began.
    pub to: i64,
    /// Accounts that had ended before.
    pub before: u64,
    /// How many had ended at which time; in order, and within the leg.
    pub points: Vec<(i64, u64)>,
    /// What it could have done; none if the quota of its process is not known.
    pub pace: Option<Pace>,
}

/// Accounts that the quota allows: some at once, then some a second.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub burst: f64,
    pub rate: f64,
}

/// A run over time.
pub(super) struct Course {
    pub legs: Vec<Leg>,
    pub moments: Vec<Moment>,
    /// Accounts that are to be reset.
    pub accounts: u64,
    /// Whether time was virtual.
    pub rehearsal: bool,
    /// Processes that were cut off: what held them up is not known.
    pub cut_off: u64,
}

impl Course {
    /// The course as the ledger knows it.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        let counts = ledger.counts();
        let accounts = counts.rows().saturating_sub(counts.skipped);
        Ok(Self::from_parts(&ledger.processes()?, &ledger.endings()?, ledger.moments()?, accounts)
            .for_rehearsal(ledger.settings().rehearsal))
    }

    fn from_parts(processes: &[Process], endings: &[(i64, u64)], moments: Vec<Moment>, accounts: u64) -> Self {
        let endings: Vec<_> = endings.iter().copied().filter(|(at, _)| is_time(*at)).collect();
        let cut_off = processes.iter().filter(|process| process.is_cut_off).count() as u64;
        let mut legs = legs_of(processes);
        legs.sort_by_key(|leg| leg.from);
        part(&mut legs);
        fill(&mut legs, &endings);
        let moments = moments.into_iter().filter(|moment| is_time(moment.at)).collect();
        Self { legs, moments, accounts, rehearsal: false, cut_off }
    }

    fn for_rehearsal(self, rehearsal: bool) -> Self {
        Self { rehearsal, ..self }
    }

    /// Milliseconds in which a process worked.
    pub fn active(&self) -> i64 {
        self.legs.iter().map(Leg::millis).sum()
    }

    /// Accounts that had ended after so many milliseconds of work.
    pub fn done_at(&self, active: i64) -> u64 {
        self.leg_at(active).map_or(0, |(leg, at)| {
            let reached = leg.points.partition_point(|(time, _)| *time <= at);
            reached.checked_sub(1).map_or(leg.before, |last| leg.points[last].1)
        })
    }

    /// Accounts that the quota allowed by then, where that is known.
    pub fn possible_at(&self, active: i64) -> Option<f64> {
        let (leg, at) = self.leg_at(active)?;
        Some(leg.possible(leg.pace?, at, self.accounts))
    }

    fn leg_at(&self, active: i64) -> Option<(&Leg, i64)> {
        let mut left = active;
        for leg in &self.legs {
            if left <= leg.millis() {
                return Some((leg, leg.from + left));
            }
            left -= leg.millis();
        }
        self.legs.last().map(|leg| (leg, leg.to))
    }

    /// Milliseconds of work up to a time; a time between two legs is the end of the first.
    pub fn active_at(&self, time: i64) -> i64 {
        self.legs.iter().map(|leg| time.clamp(leg.from, leg.to) - leg.from).sum()
    }
}

impl Leg {
    pub fn millis(&self) -> i64 {
        self.to - self.from
    }

    /// Accounts that the quota allows up to `at`.
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts and milliseconds stay far below 2^52")]
    pub fn possible(&self, pace: Pace, at: i64, accounts: u64) -> f64 {
        let seconds = (at - self.from) as f64 / 1_000.0;
        (self.before as f64 + pace.burst + pace.rate * seconds).min(accounts as f64)
    }
}

impl Pace {
    /// Revoking sessions is a write of its own, so accounts cost more where that was done.
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
    fn of(session: &Session) -> Option<Self> {
        let quota: Quota = session.write_quota.parse().ok()?;
        let settled = session.settled.max(1) as f64;
        let price = 1.0 + session.revoked as f64 / settled;
        Some(Self { burst: f64::from(quota.units.get()) / price, rate: quota.per_second() / price })
    }
}

/// The time in which each process wrote.
fn legs_of(processes: &[Process]) -> Vec<Leg> {
    let leg = |Process { session, .. }: &Process| {
        let (from, to) = (session.first_write?, session.last_write?);
        let sound = is_time(from) && is_time(to) && from <= to;
        sound.then(|| Leg { from, to: to.max(from + 1), before: 0, points: Vec::new(), pace: Pace::of(session) })
    };
    processes.iter().filter_map(leg).collect()
}

/// A leg that begins before the one before it has ended, as clocks may be set back, begins with its end.
fn part(legs: &mut [Leg]) {
    let mut end = 0;
    for leg in legs.iter_mut() {
        leg.from = leg.from.max(end);
        leg.to = leg.to.max(leg.from + 1);
        end = leg.to;
    }
}

/// Puts what ended into the legs, in order of time.
fn fill(legs: &mut [Leg], endings: &[(i64, u64)]) {
    let (mut done, mut endings) = (0_u64, endings.iter().copied().peekable());
    let starts: Vec<i64> = legs.iter().skip(1).map(|leg| leg.from).chain([i64::MAX]).collect();
    for (leg, next) in legs.iter_mut().zip(starts) {
        leg.before = done;
        while let Some((at, number)) = endings.next_if(|(at, _)| *at < next) {
            done = done.saturating_add(number);
            leg.points.push((at.clamp(leg.from, leg.to), done));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn process(first: i64, last: i64, settled: u64, revoked: u64) -> Process {
        let session = Session {
            first_write: Some(first),
            last_write: Some(last),
            settled,
            revoked,
            write_quota: "100/10s".into(),
            ..Session::default()
        };
        Process { session, is_cut_off: false }
    }

    #[test]
    fn nights_are_left_out_and_crashes_are_shown() {
        let mut killed = process(40_000_000, 40_001_000, 10, 0);
        (killed.is_cut_off, killed.session.write_quota) = (true, String::new());
        let processes = [process(10_000, 20_000, 150, 0), killed, process(90_000_000, 90_010_000, 50, 50)];
        let endings = [(10_100, 100), (20_010, 50), (40_000_000, 7), (40_001_000, 3), (90_005_000, 50)];
        let course = Course::from_parts(&processes, &endings, Vec::new(), 300);
        let legs: Vec<_> = course.legs.iter().map(|leg| (leg.millis(), leg.before, leg.points.len())).collect();
        assert_eq!(legs, [(10_000, 0, 2), (1_000, 150, 2), (10_000, 160, 1)]);
        assert_eq!((course.active(), course.active_at(50_000), course.active_at(90_000_500)), (21_000, 10_000, 11_500));
        assert_eq!((course.done_at(50), course.done_at(100), course.done_at(21_000)), (0, 100, 210));
        assert_eq!(course.possible_at(1_000), Some(110.0));
        assert_eq!(course.possible_at(10_500), None, "a process whose quota is not known");
        assert_eq!(course.possible_at(21_000), Some(260.0), "half as many where sessions are revoked too");
        assert_eq!(course.cut_off, 1);
    }

    proptest! {
        #[test]
        fn whatever_the_ledger_holds_there_is_a_course(
            sessions in prop::collection::vec((any::<i64>(), any::<i64>(), any::<u64>(), any::<u64>()), 0..6),
            near in prop::collection::vec((0..100_000_i64, 0..100_000_i64, 0..9_u64, 0..9_u64), 0..6),
            mut endings in prop::collection::vec((prop_oneof![any::<i64>(), 0..100_000_i64], any::<u64>()), 0..30),
        ) {
            endings.sort_unstable();
            let processes: Vec<_> = sessions.into_iter().chain(near).map(|(a, b, c, d)| process(a, b, c, d)).collect();
            let course = Course::from_parts(&processes, &endings, Vec::new(), 1_000);
            let (mut end, mut done) = (0, 0);
            for leg in &course.legs {
                prop_assert!(leg.from >= end && leg.to > leg.from && leg.before >= done);
                end = leg.to;
                for (at, number) in &leg.points {
                    prop_assert!((leg.from..=leg.to).contains(at) && *number >= done);
                    done = *number;
                }
            }
        }
    }
}
