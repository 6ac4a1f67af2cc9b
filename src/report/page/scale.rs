//! Maps time and accounts to positions in the chart.
//!
//! Invariant: for any timeline, every position is inside the chart, and a later time is never left of an earlier one.

use super::timeline::{Segment, Timeline};

/// The maximum share of the width for all gaps between segments together, in percent, and for a single one.
const GAPS_MAX: f64 = 15.0;
const GAP_MAX: f64 = 1.5;
/// Round times in milliseconds.
const TIMES: [i64; 24] = [
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
    2_592_000_000,
    31_536_000_000,
];
/// Maximum number of marks on an axis.
const MARKS_MAX: i64 = 5;

/// Positions in the chart.
pub(super) struct Scale<'a> {
    timeline: &'a Timeline,
    height: f64,
    active: f64,
    gap: f64,
}

impl<'a> Scale<'a> {
    /// A scale for a plot of this height in pixels.
    pub fn new(timeline: &'a Timeline, height: f64) -> Self {
        let gaps = as_float(timeline.segments.len().saturating_sub(1));
        let gap = if gaps > 0.0 { GAP_MAX.min(GAPS_MAX / gaps) } else { 0.0 };
        Self { timeline, height, active: millis(timeline.active()).max(1.0), gap }
    }

    /// The percentage of the width after this many milliseconds of work.
    pub fn x(&self, active: i64) -> f64 {
        let mut ends = 0;
        let before = self.timeline.segments.iter().take_while(|segment| {
            ends += segment.millis();
            ends < active
        });
        self.place(active, before.count())
    }

    /// The start and end of a segment, in thousandths of the width; `active` milliseconds of work come before it.
    pub fn segment(&self, segment: &Segment, active: i64) -> (f64, f64) {
        let nth = self.timeline.segments.iter().position(|other| other.from == segment.from).unwrap_or(0);
        (10.0 * self.place(active, nth), 10.0 * self.place(active + segment.millis(), nth))
    }

    /// The centres of the gaps, in percent of the width.
    pub fn gaps(&self) -> Vec<f64> {
        let mut active = 0;
        let last = self.timeline.segments.len().saturating_sub(1);
        let middle = |(nth, segment): (usize, &Segment)| {
            active += segment.millis();
            self.place(active, nth) + self.gap / 2.0
        };
        self.timeline.segments.iter().take(last).enumerate().map(middle).collect()
    }

    /// Pixels from the top for this many accounts.
    pub fn y(&self, accounts: f64) -> f64 {
        let most = as_float(usize::try_from(self.timeline.accounts).unwrap_or(usize::MAX)).max(1.0);
        self.height * (1.0 - (accounts / most).clamp(0.0, 1.0))
    }

    fn place(&self, active: i64, gaps: usize) -> f64 {
        let room = 100.0 - self.gap * as_float(self.timeline.segments.len().saturating_sub(1));
        (millis(active) / self.active * room + self.gap * as_float(gaps)).clamp(0.0, 100.0)
    }
}

/// Round times up to `active`, for the axis.
pub(super) fn times(active: i64) -> Vec<i64> {
    let step = TIMES.into_iter().find(|step| active / step <= MARKS_MAX).unwrap_or((active / MARKS_MAX).max(1));
    (0..=active / step).map(|nth| nth * step).collect()
}

/// Round numbers up to `accounts`, for the axis; the last is `accounts` itself.
pub(super) fn counts(accounts: u64) -> Vec<u64> {
    let mut steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let step = steps.find(|step| accounts / step <= 4).unwrap_or(u64::MAX);
    let room = (step / 3).max(1);
    (0..=accounts / step)
        .map(|nth| nth * step)
        .filter(|number| number.saturating_add(room) <= accounts)
        .chain([accounts])
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
const fn millis(millis: i64) -> f64 {
    millis as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
const fn as_float(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_few_round_marks() {
        assert_eq!(times(31_000), [0, 10_000, 20_000, 30_000]);
        assert_eq!(times(300), [0, 100, 200, 300]);
        assert_eq!(times(4_850_000), [0, 900_000, 1_800_000, 2_700_000, 3_600_000, 4_500_000]);
        assert_eq!(counts(3_600), [0, 1_000, 2_000, 3_000, 3_600]);
        assert_eq!(counts(100_000), [0, 50_000, 100_000]);
        assert_eq!((counts(1), counts(0)), (vec![0, 1], vec![0]));
        assert!(times(i64::MAX).len() <= 6 && counts(u64::MAX / 2).len() <= 6);
    }
}
