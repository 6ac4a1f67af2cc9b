//! Detects refusals that affect every account: the cause is the application, not the rows.
//!
//! Invariant: one row with another result ends the suspicion for good.

use crate::outcome::Cause;

/// Stop a run after this many rows with the same refusal and no other result.
const ROWS_ALIKE_MAX: usize = 60;
/// Stop it after this many batches if the cause is a permission: with fewer, the rows could be the cause. Together with
/// the check before them, five batches find out that nothing is permitted.
const BATCHES_ALIKE_MAX: usize = 4;

/// The refusals so far, if every row had the same one. One row with another result ends the suspicion for good.
pub(super) struct SystemicFailures {
    rows: Vec<u64>,
    batches: usize,
    first: Option<(Cause, String)>,
    ruled_out: bool,
}

/// Whether more rows can show the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// More rows will be judged.
    Follow,
    /// There are no more rows.
    None,
}

impl SystemicFailures {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), batches: 0, first: None, ruled_out: false }
    }

    /// A row succeeded, or was refused for a cause of its own.
    pub(super) fn rule_out(&mut self) {
        self.ruled_out = true;
    }

    /// A row was refused.
    pub(super) fn refused(&mut self, row: u64, cause: Cause, said: impl FnOnce() -> String) {
        let shared = matches!(cause, Cause::Permission | Cause::NotFound);
        if self.ruled_out || !shared || self.first.as_ref().is_some_and(|(first, _)| *first != cause) {
            return self.rule_out();
        }
        self.first.get_or_insert_with(|| (cause, said()));
        self.rows.push(row);
    }

    /// A batch was judged.
    pub(super) fn end_of_batch(&mut self) {
        self.batches += usize::from(!self.rows.is_empty());
    }

    /// The rows about which nothing is known yet.
    pub(super) fn open(&self) -> &[u64] {
        if self.ruled_out { &[] } else { &self.rows }
    }

    /// The rows and their cause, if there are enough, or if there are no others and the application is the cause.
    pub(super) fn verdict(&self, others: Others) -> Option<(&[u64], Cause, &str)> {
        let (cause, said) = self.first.as_ref().filter(|_| !self.ruled_out)?;
        let enough = self.rows.len() >= ROWS_ALIKE_MAX;
        // Accounts may be missing for reasons of their own. If a few batches may not be written, the application is the
        // cause.
        let not_theirs = *cause == Cause::Permission && (others == Others::None || self.batches >= BATCHES_ALIKE_MAX);
        (enough || not_theirs).then_some((&self.rows, *cause, said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_all_share_are_suspicious() {
        let mut systemic = SystemicFailures::new();
        for row in 1..=59 {
            systemic.refused(row, Cause::Permission, || "no".into());
        }
        assert!(systemic.verdict(Others::Follow).is_none());
        assert!(systemic.verdict(Others::None).is_some());
        systemic.refused(60, Cause::Permission, || "no".into());
        assert_eq!(systemic.verdict(Others::Follow).expect("enough").0.len(), 60);
        assert!(systemic.open().iter().copied().eq(1..=60));
        systemic.rule_out();
        assert!(systemic.verdict(Others::None).is_none() && systemic.open().is_empty());
    }

    #[test]
    fn missing_or_mixed_accounts_are_fine() {
        let mut missing = SystemicFailures::new();
        missing.refused(1, Cause::NotFound, String::new);
        assert!(missing.verdict(Others::None).is_none());
        let mut mixed = SystemicFailures::new();
        mixed.refused(1, Cause::NotFound, String::new);
        mixed.refused(2, Cause::Permission, String::new);
        assert!(mixed.verdict(Others::None).is_none());
    }
}
