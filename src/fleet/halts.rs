//! Stops all runs of a fleet when too much goes wrong over all of them together.
//!
//! Each run watches its own counts by the same rules. Invariant: counts of a tenant from before this process do not count.

use crate::{engine::run::Halt, ledger::Counts};
use std::collections::HashMap;

/// The counts of all runs, and the rules.
#[derive(Debug, Default)]
pub struct HaltsTogether {
    rules: Vec<Halt>,
    /// The counts of each run at its beginning, and now.
    runs: HashMap<usize, (Counts, Counts)>,
}

impl HaltsTogether {
    /// Watches by these rules.
    #[must_use]
    pub fn new(rules: Vec<Halt>) -> Self {
        Self { rules, runs: HashMap::new() }
    }

    /// A run begins with these counts.
    pub fn begin(&mut self, run: usize, counts: Counts) {
        self.runs.insert(run, (counts, counts));
    }

    /// A run has these counts now. Returns the rule that is reached over all runs, if one is.
    pub fn note(&mut self, run: usize, counts: Counts) -> Option<Halt> {
        self.runs.entry(run).or_insert((counts, counts)).1 = counts;
        if self.rules.is_empty() {
            return None;
        }
        let (mut before, mut now) = (Counts::default(), Counts::default());
        for (begun, counts) in self.runs.values() {
            before = before.and(begun);
            now = now.and(counts);
        }
        self.rules.iter().find(|rule| now.pending() > 0 && rule.is_reached(&before, &now)).copied()
    }

    /// The counts of all runs now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.runs.values().fold(Counts::default(), |sum, (_, counts)| sum.and(counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(reset: u64, failed: u64, planned: u64) -> Counts {
        Counts { reset, failed, planned, ..Counts::default() }
    }

    #[test]
    fn shares_are_of_all_tenants() {
        let mut halts = HaltsTogether::new(vec!["failed=10%".parse().expect("a rule")]);
        halts.begin(0, counts(0, 50, 100));
        halts.begin(1, counts(0, 0, 100));
        assert_eq!(halts.note(0, counts(60, 59, 31)), None, "nine of 69, too few to tell");
        assert_eq!(halts.note(1, counts(40, 0, 60)), None, "nine of 109");
        assert!(halts.note(1, counts(40, 3, 57)).is_some(), "twelve of 112");
    }
}
