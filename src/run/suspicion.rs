//! Refusals that everybody gets: a cause that lies with the application, not with the rows.
//!
//! Invariant: one row that went otherwise ends the suspicion for good.

use crate::outcome::Cause;

/// Rows with one and the same refusal, and none that went otherwise, that stop a run.
const ROWS_ALIKE_MAX: usize = 60;
/// Batches of such rows that stop it where the cause is a permission: small ones, or it would be the rows. With the one
/// that a look before them costs, five find out that nothing is permitted.
const BATCHES_ALIKE_MAX: usize = 4;

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
        assert!(suspicion.open().iter().copied().eq(1..=60));
        suspicion.allay();
        assert!(suspicion.verdict(true).is_none() && suspicion.open().is_empty());
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
}
