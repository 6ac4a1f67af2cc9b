//! How long the rest of a run will take, from what it did so far and from what is left of the quota.

use crate::graph::quota::Quota;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// From this share of the quota's pace on, a measured rate is the quota's pace, and not a slower one of its own.
const AT_PACE: f64 = 0.85;
/// The window over which the rate is measured.
const WINDOW: Duration = Duration::from_secs(10);
/// The window has a point for each of these times.
const TICK: Duration = Duration::from_millis(250);

/// The rate of a run, and the time that is left.
pub struct Forecast {
    quota: Quota,
    /// Accounts that had ended before this process.
    before: u64,
    /// Ended accounts at some points of the last seconds.
    window: VecDeque<(Instant, u64)>,
    /// Answers with 429 so far; each costs as much as an account.
    throttled: u64,
    covered: f64,
    /// The last answers come this long after their requests, in seconds.
    latency: f64,
}

impl Forecast {
    /// A forecast for a process that begins to send, after `settled` accounts have ended.
    #[must_use]
    pub fn begin(quota: Quota, settled: u64) -> Self {
        let window = VecDeque::from([(Instant::now(), settled)]);
        Self { quota, before: settled, window, throttled: 0, covered: 0.0, latency: 0.0 }
    }

    /// Notes that nothing is sent for `wait`. If no account has ended yet, the rate counts from the end of the wait.
    pub fn waits(&mut self, wait: Duration) {
        if self.settled() == self.before {
            self.window = VecDeque::from([(Instant::now() + wait, self.before)]);
        }
    }

    /// Notes that `settled` accounts have ended, and what [`RunEvent::Progress`](crate::engine::run::RunEvent) says
    /// beside that.
    pub fn note(&mut self, settled: u64, throttled: u64, covered: f64, latency: Duration) {
        (self.throttled, self.covered, self.latency) = (throttled, covered, latency.as_secs_f64());
        let now = Instant::now();
        let is_in_window = |then: Instant| now.saturating_duration_since(then) <= WINDOW;
        // Always a point before the window, so that a pause counts in full.
        while self.window.get(1).is_some_and(|(then, _)| !is_in_window(*then)) {
            self.window.pop_front();
        }
        // The last point moves until its time is over.
        let is_new =
            self.window.len() < 2 || self.window.iter().nth_back(1).is_some_and(|(then, _)| now - *then > TICK);
        if !is_new {
            self.window.pop_back();
        }
        self.window.push_back((now, settled));
    }

    fn settled(&self) -> u64 {
        self.window.back().map_or(self.before, |(_, settled)| *settled)
    }

    /// Accounts that ended per second of late.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
    pub fn rate(&self) -> f64 {
        let (Some((from, before)), Some((to, settled))) = (self.window.front(), self.window.back()) else { return 0.0 };
        (settled - before) as f64 / to.saturating_duration_since(*from).as_secs_f64().max(0.001)
    }

    /// How long `pending` more accounts will take. Those that the quota covers go at the rate of late, and the rest at
    /// the pace of its refill, or slower if the rate is. Refusals cost as much as they did so far.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
    pub fn time_left(&self, pending: u64) -> Duration {
        let (settled, pace) = ((self.settled() - self.before) as f64, self.quota.per_second());
        let each = (settled + self.throttled as f64) / settled.max(1.0);
        let by_rate = pending as f64 / self.rate();
        let by_quota = (pending as f64 * each.max(1.0) - self.covered).max(0.0) / pace;
        let is_at_pace = self.rate() * each.max(1.0) >= pace * AT_PACE;
        let by_quota = if by_quota > 0.0 { by_quota + self.latency } else { 0.0 };
        let seconds = if is_at_pace && by_quota > 0.0 { by_quota } else { by_rate.max(by_quota) };
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    /// A process that settled `settled` accounts, the last ones of them at `rate` for as long as the window lasts.
    async fn forecast(settled: u64, throttled: u64, covered: f64, rate: u64) -> Forecast {
        let mut forecast = Forecast::begin(Quota::DOCUMENTED_WRITES, 0);
        forecast.note(settled - rate * 10, throttled, covered, Duration::ZERO);
        advance(Duration::from_secs(10)).await;
        forecast.note(settled, throttled, covered, Duration::ZERO);
        forecast.window.pop_front();
        forecast
    }

    #[tokio::test(start_paused = true)]
    async fn rest_goes_at_the_pace_of_the_refill() {
        for ((settled, throttled, covered, rate), pending, seconds) in [
            ((4_000, 0, 1_200.0, 400), 2_100, 45.0),
            ((4_000, 0, 1_200.0, 400), 1_000, 2.5),
            // One batch more or less in the window of the rate changes nothing.
            ((3_400, 0, 0.0, 19), 2_000, 100.0),
            ((3_400, 0, 0.0, 21), 2_000, 100.0),
            // One of twenty is refused.
            ((3_800, 200, 0.0, 19), 1_900, 100.0),
            // Somebody else takes half of it.
            ((3_400, 0, 0.0, 10), 2_000, 200.0),
            // On hold for five seconds.
            ((3_400, 0, -100.0, 20), 2_000, 105.0),
        ] {
            let found = forecast(settled, throttled, covered, rate).await.time_left(pending).as_secs_f64();
            assert!((found - seconds).abs() < 0.01, "{settled}, {rate}/s, {pending}: {found}");
        }
        assert_eq!(Forecast::begin(Quota::DOCUMENTED_WRITES, 7).time_left(10), Duration::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn rate_counts_from_the_end_of_the_first_wait() {
        let mut forecast = Forecast::begin(Quota::DOCUMENTED_WRITES, 2_000);
        forecast.waits(Duration::from_secs(9));
        advance(Duration::from_secs(10)).await;
        forecast.note(2_020, 0, 0.0, Duration::ZERO);
        assert!((forecast.rate() - 20.0).abs() < 0.1, "{}", forecast.rate());
        assert_eq!(forecast.time_left(80), Duration::from_secs(4));
        // A later wait is part of the rate.
        forecast.waits(Duration::from_secs(5));
        advance(Duration::from_secs(6)).await;
        forecast.note(2_040, 0, 0.0, Duration::ZERO);
        assert!((forecast.rate() - 40.0 / 7.0).abs() < 0.1, "{}", forecast.rate());
    }

    #[tokio::test(start_paused = true)]
    async fn window_stays_small() {
        let mut forecast = Forecast::begin(Quota::DOCUMENTED_WRITES, 0);
        for settled in 1..=20_000 {
            advance(Duration::from_millis(10)).await;
            forecast.note(settled, 0, 0.0, Duration::ZERO);
        }
        assert!(forecast.window.len() <= 45, "{}", forecast.window.len());
        assert!((forecast.rate() - 100.0).abs() < 1.0, "{}", forecast.rate());
    }
}
