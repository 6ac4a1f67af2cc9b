//! Tracks whether batches return usable answers, and how long to wait if they do not.

use std::time::Duration;
use tokio::time::Instant;

/// Whether batches return usable answers.
pub(super) struct Connectivity {
    /// Since when they have not.
    away_since: Option<Instant>,
    /// Nothing is sent before this time.
    pub(super) paused_until: Option<Instant>,
    /// Consecutive failures.
    failures: u32,
    /// When Graph last ended a row.
    last_settled: Instant,
    /// Whether Graph has ended any row.
    has_settled: bool,
    max_wait: Duration,
}

impl Connectivity {
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

    pub(super) fn is_connected(&self) -> bool {
        self.away_since.is_none()
    }

    /// Whether an answer has ever ended a row.
    pub(super) fn has_settled(&self) -> bool {
        self.has_settled
    }

    /// Notes a batch with answers, and whether they ended a row. Returns how long no row has ended, if that is too
    /// long.
    pub(super) fn record_answers(&mut self, settled: bool) -> Option<Duration> {
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

    /// Notes a batch, sent at `sent`, that brought no answers. Returns the number of such batches in a row if it has
    /// risen.
    pub(super) fn record_silence(&mut self, sent: Instant) -> Option<u32> {
        self.away_since.get_or_insert(sent);
        // A batch that was sent before the pause fails for the same reason as the one that started it.
        if self.failures > 0 && self.paused_until.is_some_and(|until| sent < until) {
            return None;
        }
        self.failures += 1;
        Some(self.failures)
    }

    /// Sends nothing for `pause`, or until the patience ends. Returns how long the outage has lasted, if that is too
    /// long.
    pub(super) fn pause(&mut self, pause: Duration) -> Result<Duration, Duration> {
        let waited = self.away_since.map_or(Duration::ZERO, |since| since.elapsed());
        if waited >= self.max_wait {
            return Err(waited);
        }
        let pause = pause.min(self.max_wait.saturating_sub(waited)).max(Duration::from_millis(100));
        self.paused_until = Some(Instant::now() + pause);
        Ok(pause)
    }

    /// A wait that Graph asked for does not count as idle time.
    pub(super) fn asked_to_wait(&mut self, wait: Duration) {
        self.last_settled += wait.min(self.max_wait / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn patience_ends_after_max_wait() {
        let mut connectivity = Connectivity::new(Duration::from_secs(10));
        let sent = Instant::now();
        assert_eq!(connectivity.record_silence(sent), Some(1));
        assert_eq!(connectivity.pause(Duration::from_secs(8)), Ok(Duration::from_secs(8)));
        assert_eq!(connectivity.record_silence(sent), None, "sent before the pause");
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(connectivity.record_silence(Instant::now()), Some(2));
        assert_eq!(connectivity.pause(Duration::from_secs(8)), Ok(Duration::from_secs(2)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(connectivity.pause(Duration::from_secs(8)), Err(Duration::from_secs(10)));
        assert_eq!(connectivity.record_answers(true), None);
        assert!(connectivity.is_connected());
    }
}
