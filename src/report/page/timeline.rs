//! The timeline of a run: what was done when, what the quota allowed by then, and what caused waits.
//!
//! There may be nights and crashes between the processes of a run, so its time is split into segments of work, one per
//! process, including killed ones. Others can change the times in the ledger, so any values give a timeline.
//!
//! Invariant: segments are in order and do not overlap, and the number of accounts done never decreases.

use crate::{
    graph::quota::Quota,
    ledger::{LedgerError, Pause, Process, ReadLedger, Times, is_time},
};

/// A period in which one process worked.
pub(super) struct Segment {
    /// When it began, in milliseconds since 1970.
    pub from: i64,
    /// When it ended, always after it began.
    pub to: i64,
    /// Accounts that had ended before it.
    pub before: u64,
    /// How many had ended at each time, in order and within the segment.
    pub points: Vec<(i64, u64)>,
    /// What it could have done; `None` if the quota of its process is not known.
    pub pace: Option<Pace>,
}

/// Accounts that the quota allows: a number at once, then a number per second.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub burst: f64,
    pub rate: f64,
}

/// A run over time.
pub(super) struct Timeline {
    pub segments: Vec<Segment>,
    pub pauses: Vec<Pause>,
    /// Accounts to be reset.
    pub accounts: u64,
    /// Whether time was virtual.
    pub rehearsal: bool,
    /// Killed processes, whose waits are not known.
    pub cut_off: u64,
}

impl Timeline {
    /// The timeline from the ledger.
    pub fn of(ledger: &ReadLedger, times: &Times) -> Result<Self, LedgerError> {
        let counts = ledger.counts();
        let accounts = counts.rows().saturating_sub(counts.skipped);
        Ok(Self::from_parts(&times.processes, &times.endings, ledger.pauses()?, accounts)
            .for_rehearsal(ledger.settings().rehearsal))
    }

    fn from_parts(processes: &[Process], endings: &[(i64, u64)], pauses: Vec<Pause>, accounts: u64) -> Self {
        let endings: Vec<_> = endings.iter().copied().filter(|(at, _)| is_time(*at)).collect();
        let cut_off = processes.iter().filter(|process| process.is_cut_off).count() as u64;
        let mut segments = segments_of(processes);
        segments.sort_by_key(|segment| segment.from);
        part(&mut segments);
        fill(&mut segments, &endings);
        let pauses = pauses.into_iter().filter(|moment| is_time(moment.at)).collect();
        Self { segments, pauses, accounts, rehearsal: false, cut_off }
    }

    fn for_rehearsal(self, rehearsal: bool) -> Self {
        Self { rehearsal, ..self }
    }

    /// Milliseconds in which a process worked.
    pub fn active(&self) -> i64 {
        self.segments.iter().map(Segment::millis).sum()
    }

    /// Accounts that had ended after this many milliseconds of work.
    pub fn done_at(&self, active: i64) -> u64 {
        self.segment_at(active).map_or(0, |(segment, at)| {
            let reached = segment.points.partition_point(|(time, _)| *time <= at);
            reached.checked_sub(1).map_or(segment.before, |last| segment.points[last].1)
        })
    }

    /// Accounts that the quota allowed by then, if known.
    pub fn possible_at(&self, active: i64) -> Option<f64> {
        let (segment, at) = self.segment_at(active)?;
        Some(segment.possible(segment.pace?, at, self.accounts))
    }

    fn segment_at(&self, active: i64) -> Option<(&Segment, i64)> {
        let mut left = active;
        for segment in &self.segments {
            if left <= segment.millis() {
                return Some((segment, segment.from + left));
            }
            left -= segment.millis();
        }
        self.segments.last().map(|segment| (segment, segment.to))
    }

    /// Milliseconds of work up to a time; a time between two segments counts as the end of the first.
    pub fn active_at(&self, time: i64) -> i64 {
        self.segments.iter().map(|segment| time.clamp(segment.from, segment.to) - segment.from).sum()
    }
}

impl Segment {
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
    /// Revoking sessions is a separate write, so each account costs more if that was done.
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
    fn of(Process { session, left, .. }: &Process) -> Option<Self> {
        let quota: Quota = session.write_quota.parse().ok()?;
        let settled = session.settled.max(1) as f64;
        let price = 1.0 + session.revoked as f64 / settled;
        let burst = left.map_or(f64::from(quota.units.get()), |left| left as f64);
        Some(Self { burst: burst / price, rate: quota.per_second() / price })
    }
}

/// The period in which each process wrote.
fn segments_of(processes: &[Process]) -> Vec<Segment> {
    let segment = |process: &Process| {
        let session = &process.session;
        let (from, to) = (session.first_write?, session.last_write?);
        let sound = is_time(from) && is_time(to) && from <= to;
        sound.then(|| Segment { from, to: to.max(from + 1), before: 0, points: Vec::new(), pace: Pace::of(process) })
    };
    processes.iter().filter_map(segment).collect()
}

/// Clocks may be set back, so a segment that begins before the end of the previous one begins at that end instead.
fn part(segments: &mut [Segment]) {
    let mut end = 0;
    for segment in segments.iter_mut() {
        segment.from = segment.from.max(end);
        segment.to = segment.to.max(segment.from + 1);
        end = segment.to;
    }
}

/// Assigns what ended to the segments, in order of time.
fn fill(segments: &mut [Segment], endings: &[(i64, u64)]) {
    let (mut done, mut endings) = (0_u64, endings.iter().copied().peekable());
    let starts: Vec<i64> = segments.iter().skip(1).map(|segment| segment.from).chain([i64::MAX]).collect();
    for (segment, next) in segments.iter_mut().zip(starts) {
        segment.before = done;
        while let Some((at, number)) = endings.next_if(|(at, _)| *at < next) {
            done = done.saturating_add(number);
            segment.points.push((at.clamp(segment.from, segment.to), done));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Session;
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
        Process { session, ..Process::default() }
    }

    #[test]
    fn omits_nights_and_shows_crashes() {
        let mut killed = process(40_000_000, 40_001_000, 10, 0);
        (killed.is_cut_off, killed.session.write_quota) = (true, String::new());
        let processes = [process(10_000, 20_000, 150, 0), killed, process(90_000_000, 90_010_000, 50, 50)];
        let endings = [(10_100, 100), (20_010, 50), (40_000_000, 7), (40_001_000, 3), (90_005_000, 50)];
        let timeline = Timeline::from_parts(&processes, &endings, Vec::new(), 300);
        let segments: Vec<_> =
            timeline.segments.iter().map(|segment| (segment.millis(), segment.before, segment.points.len())).collect();
        assert_eq!(segments, [(10_000, 0, 2), (1_000, 150, 2), (10_000, 160, 1)]);
        assert_eq!(
            (timeline.active(), timeline.active_at(50_000), timeline.active_at(90_000_500)),
            (21_000, 10_000, 11_500)
        );
        assert_eq!((timeline.done_at(50), timeline.done_at(100), timeline.done_at(21_000)), (0, 100, 210));
        assert_eq!(timeline.possible_at(1_000), Some(110.0));
        assert_eq!(timeline.possible_at(10_500), None, "a process whose quota is not known");
        assert_eq!(timeline.possible_at(21_000), Some(260.0), "half as many where sessions are revoked too");
        assert_eq!(timeline.cut_off, 1);
    }

    proptest! {
        #[test]
        fn any_ledger_gives_a_timeline(
            sessions in prop::collection::vec((any::<i64>(), any::<i64>(), any::<u64>(), any::<u64>()), 0..6),
            near in prop::collection::vec((0..100_000_i64, 0..100_000_i64, 0..9_u64, 0..9_u64), 0..6),
            mut endings in prop::collection::vec((prop_oneof![any::<i64>(), 0..100_000_i64], any::<u64>()), 0..30),
        ) {
            endings.sort_unstable();
            let processes: Vec<_> = sessions.into_iter().chain(near).map(|(a, b, c, d)| process(a, b, c, d)).collect();
            let timeline = Timeline::from_parts(&processes, &endings, Vec::new(), 1_000);
            let (mut end, mut done) = (0, 0);
            for segment in &timeline.segments {
                prop_assert!(segment.from >= end && segment.to > segment.from && segment.before >= done);
                end = segment.to;
                for (at, number) in &segment.points {
                    prop_assert!((segment.from..=segment.to).contains(at) && *number >= done);
                    done = *number;
                }
            }
        }
    }
}
