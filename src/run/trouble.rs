//! What is wrong with more than one row: a network that is away, and refusals that everybody gets.

use crate::outcome::Cause;
use std::time::Duration;
use tokio::time::Instant;

/// Rows with one and the same refusal, and none that went otherwise, that stop a run.
const ROWS_ALIKE_MAX: usize = 60;
/// Batches of such rows that stop it where the cause is a permission: small ones, or it would be the rows.
const BATCHES_ALIKE_MAX: usize = 5;

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
    max_wait: Duration,
}

impl Weather {
    pub(super) fn new(max_wait: Duration) -> Self {
        Self { away_since: None, paused_until: None, failures: 0, last_settled: Instant::now(), max_wait }
    }

    pub(super) fn is_fair(&self) -> bool {
        self.away_since.is_none()
    }

    /// A batch came back with answers, which ended rows or not. Tells how long none has ended, where that is too long.
    pub(super) fn fruitful(&mut self, settled: bool) -> Option<Duration> {
        self.away_since = None;
        self.paused_until = None;
        self.failures = 0;
        if settled {
            self.last_settled = Instant::now();
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

/// Refusals that every row has got so far. One row that goes otherwise ends the suspicion for good.
pub(super) struct Suspicion {
    rows: Vec<u64>,
    batches: usize,
    first: Option<(Cause, String)>,
    allayed: bool,
}

impl Suspicion {
    pub(super) fn new(allayed: bool) -> Self {
        Self { rows: Vec::new(), batches: 0, first: None, allayed }
    }

    /// A row went well, or was refused for a cause of its own.
    pub(super) fn allay(&mut self) {
        self.allayed = true;
    }

    /// A row was refused.
    pub(super) fn refused(&mut self, row: u64, cause: Cause, said: impl FnOnce() -> String) {
        let shared = matches!(cause, Cause::Permission | Cause::NotFound);
        if self.allayed || !shared || self.first.as_ref().is_some_and(|(first, _)| *first != cause) {
            return self.allay();
        }
        self.first.get_or_insert_with(|| (cause, said()));
        self.rows.push(row);
    }

    /// A batch has been judged.
    pub(super) fn end_of_batch(&mut self) {
        self.batches += usize::from(!self.rows.is_empty());
    }

    /// The rows about which nothing has been found out yet.
    pub(super) fn open(&self) -> &[u64] {
        if self.allayed { &[] } else { &self.rows }
    }

    /// The rows and their cause, where they are enough, or where there are no others and the cause is the application's.
    pub(super) fn verdict(&self, no_others: bool) -> Option<(&[u64], Cause, &str)> {
        let (cause, said) = self.first.as_ref().filter(|_| !self.allayed)?;
        let enough = self.rows.len() >= ROWS_ALIKE_MAX;
        // Accounts go missing by themselves; that a few batches of them may not be written lies with the application.
        let not_theirs = *cause == Cause::Permission && (no_others || self.batches >= BATCHES_ALIKE_MAX);
        (enough || not_theirs).then_some((&self.rows, *cause, said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_all_share_are_suspicious() {
        let mut suspicion = Suspicion::new(false);
        for row in 1..=59 {
            suspicion.refused(row, Cause::Permission, || "no".into());
        }
        assert!(suspicion.verdict(false).is_none());
        assert!(suspicion.verdict(true).is_some());
        suspicion.refused(60, Cause::Permission, || "no".into());
        assert_eq!(suspicion.verdict(false).expect("enough").0.len(), 60);
        suspicion.allay();
        assert!(suspicion.verdict(true).is_none());
    }

    #[test]
    fn a_missing_account_or_a_mixture_is_not() {
        let mut missing = Suspicion::new(false);
        missing.refused(1, Cause::NotFound, String::new);
        assert!(missing.verdict(true).is_none());
        let mut mixed = Suspicion::new(false);
        mixed.refused(1, Cause::NotFound, String::new);
        mixed.refused(2, Cause::Permission, String::new);
        assert!(mixed.verdict(true).is_none());
    }

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
