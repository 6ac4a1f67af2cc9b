//! Whether batches come back with anything to be learnt from them, and how long that is waited for.

use std::time::Duration;
use tokio::time::Instant;

/// Whether batches come back with anything to be learnt from them.
pub(super) struct Weather {
    /// Since when they do not.
    away_since: Option<Instant>,
    /// Nothing is sent before.
    pub(super) paused_until: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    /// When Graph last ended a row.
    last_settled: Instant,
    /// Whether Graph has ended any.
    has_settled: bool,
    max_wait: Duration,
}

impl Weather {
    pub(super) fn new(max_wait: Duration) -> Self {
        Self {
            away_since: None,
            paused_until: None,
            failures: 0,
            last_settled: Instant::now(),
            has_settled: false,
            max_wait,
        }
    }

    pub(super) fn is_fair(&self) -> bool {
        self.away_since.is_none()
    }

    /// Whether an answer has ended a row, ever.
    pub(super) fn has_settled(&self) -> bool {
        self.has_settled
    }

    /// A batch came back with answers, which ended rows or not. Tells how long none has ended, where that is too long.
    pub(super) fn fruitful(&mut self, settled: bool) -> Option<Duration> {
        self.away_since = None;
        self.paused_until = None;
        self.failures = 0;
        if settled {
            self.last_settled = Instant::now();
            self.has_settled = true;
        }
        let idle = self.last_settled.elapsed();
        (idle > self.max_wait).then_some(idle)
    }

    /// A batch that was sent at `sent` came back with nothing. Returns how often that was so in a row, where it is news.
    pub(super) fn fruitless(&mut self, sent: Instant) -> Option<u32> {
        self.away_since.get_or_insert(sent);
        // What was sent before the pause began fails for the same reason as what began it.
        if self.failures > 0 && self.paused_until.is_some_and(|until| sent < until) {
            return None;
        }
        self.failures += 1;
        Some(self.failures)
    }

    /// Sends nothing for `pause`, or less where patience ends before. Tells how long it has been, where that is too long.
    pub(super) fn pause(&mut self, pause: Duration) -> Result<Duration, Duration> {
        let waited = self.away_since.map_or(Duration::ZERO, |since| since.elapsed());
        if waited >= self.max_wait {
            return Err(waited);
        }
        let pause = pause.min(self.max_wait.saturating_sub(waited)).max(Duration::from_millis(100));
        self.paused_until = Some(Instant::now() + pause);
        Ok(pause)
    }

    /// Waiting that Graph asked for is no idleness.
    pub(super) fn asked_to_wait(&mut self, wait: Duration) {
        self.last_settled += wait.min(self.max_wait / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn patience_ends_after_max_wait() {
        let mut weather = Weather::new(Duration::from_secs(10));
        let sent = Instant::now();
        assert_eq!(weather.fruitless(sent), Some(1));
        assert_eq!(weather.pause(Duration::from_secs(8)), Ok(Duration::from_secs(8)));
        assert_eq!(weather.fruitless(sent), None, "sent before the pause");
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(weather.fruitless(Instant::now()), Some(2));
        assert_eq!(weather.pause(Duration::from_secs(8)), Ok(Duration::from_secs(2)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(weather.pause(Duration::from_secs(8)), Err(Duration::from_secs(10)));
        assert_eq!(weather.fruitful(true), None);
        assert!(weather.is_fair());
    }
}
