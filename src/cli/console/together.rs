//! The progress of several tenants, added up: the terminal and programs show the same numbers.
//!
//! Invariant: each tenant counts once, whatever it reports.

use super::event::{Event, FleetWork, ReadTask};
use passwave::{
    engine::{reader::ReadEvent, run::RunEvent},
    ledger::Counts,
};
use std::collections::HashMap;

/// How far one tenant is, or all together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Accounts that are done.
    pub done: u64,
    /// Accounts to be done.
    pub total: u64,
    /// The rows in each state.
    pub counts: Counts,
    /// How many answers were 429 so far.
    pub throttled: u64,
}

#[derive(Default)]
struct Part {
    progress: Progress,
    has_ended: bool,
    /// Whether it verifies its accounts, or waits until changes are visible.
    verifies: bool,
}

/// The progress of several tenants.
pub struct Together {
    /// What is done to the accounts; `None` if their passwords are written.
    task: Option<ReadTask>,
    tenants: HashMap<String, Part>,
    last: Progress,
}

impl Together {
    /// Begins the work on these tenants.
    pub fn begin(work: &FleetWork) -> Self {
        let part = |counts: &Counts| Part { progress: progress(work.task, *counts), ..Part::default() };
        let tenants = work.tenants.iter().map(|(name, counts)| (name.clone(), part(counts))).collect();
        let mut together = Self { task: work.task, tenants, last: Progress::default() };
        together.last = together.sum();
        together
    }

    /// What is done to the accounts; `None` if their passwords are written.
    pub const fn task(&self) -> Option<ReadTask> {
        self.task
    }

    /// Takes an event of one tenant. Returns whether the progress of all has changed.
    pub fn note(&mut self, tenant: &str, event: &Event<'_>) -> bool {
        let reads = self.task.is_some();
        let part = self.tenants.entry(tenant.to_owned()).or_default();
        match *event {
            Event::ReadingTotal(total) if reads => part.progress.total = total,
            Event::Read { event: ReadEvent::Read(_), done, .. } if reads => {
                part.progress.done = done;
                part.verifies = false;
            }
            Event::ProgressEnds | Event::Failed(_) if reads => {
                // What was not read never will be.
                part.progress.total = part.progress.done;
                part.has_ended = true;
                part.verifies = false;
            }
            Event::NotYetVisible { .. } => part.verifies = true,
            Event::ReadingBegins(ReadTask::Verify) if !reads => part.verifies = true,
            Event::ProgressEnds => part.verifies = false,
            Event::WritingBegins { ledger, .. } => part.progress = progress(None, ledger.counts()),
            Event::Run(RunEvent::Progress { counts, throttled, .. }) => {
                part.progress = Progress { throttled: *throttled, ..progress(None, *counts) };
            }
            _ => return false,
        }
        let now = self.sum();
        let before = std::mem::replace(&mut self.last, now);
        before != self.last
    }

    /// The progress of all.
    pub fn sum(&self) -> Progress {
        self.tenants.values().fold(Progress::default(), |sum, part| Progress {
            done: sum.done + part.progress.done,
            total: sum.total + part.progress.total,
            counts: sum.counts.and(&part.progress.counts),
            throttled: sum.throttled + part.progress.throttled,
        })
    }

    /// How many tenants have ended, of how many.
    pub fn ended(&self) -> (usize, usize) {
        (self.tenants.values().filter(|part| part.has_ended).count(), self.tenants.len())
    }

    /// How many tenants verify their accounts, or wait until changes are visible.
    pub fn verifying(&self) -> usize {
        self.tenants.values().filter(|part| part.verifies).count()
    }
}

fn progress(task: Option<ReadTask>, counts: Counts) -> Progress {
    let (done, total) = match task {
        None => (counts.settled(), counts.settled() + counts.pending()),
        Some(ReadTask::LookUp) => (0, counts.pending()),
        Some(ReadTask::Verify | ReadTask::Sweep) => (0, counts.reset),
    };
    Progress { done, total, counts, throttled: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Failure;

    fn work(task: Option<ReadTask>) -> FleetWork {
        let counts = |planned, reset| Counts { planned, reset, ..Counts::default() };
        let tenants = vec![("a.com".into(), counts(30, 10)), ("b.com".into(), counts(50, 0))];
        FleetWork { task, tenants, is_rehearsal: false }
    }

    fn shown(together: &Together) -> (u64, u64) {
        let sum = together.sum();
        (sum.done, sum.total)
    }

    #[test]
    fn reading_ends_where_a_tenant_cannot_be_read() {
        let mut together = Together::begin(&work(Some(ReadTask::LookUp)));
        assert_eq!(shown(&together), (0, 80));
        let read = ReadEvent::Read(20);
        let event = Event::Read { event: &read, task: ReadTask::LookUp, done: 20, total: 30 };
        assert!(together.note("a.com", &event));
        assert!(!together.note("a.com", &event), "nothing new");
        assert!(together.note("b.com", &Event::Failed(&Failure::away("no sign-in"))));
        assert_eq!((shown(&together), together.ended()), ((20, 30), (1, 2)));
    }

    #[test]
    fn writing_counts_what_was_done_before() {
        let mut together = Together::begin(&work(None));
        assert_eq!(shown(&together), (10, 90));
        let counts = Counts { planned: 20, reset: 20, ..Counts::default() };
        let progress =
            RunEvent::Progress { counts, throttled: 3, covered: 0.0, latency: std::time::Duration::default() };
        assert!(together.note("a.com", &Event::Run(&progress)));
        assert_eq!((shown(&together), together.sum().throttled, together.sum().counts.planned), ((20, 90), 3, 70));
        together.note("a.com", &Event::ReadingBegins(ReadTask::Verify));
        assert_eq!(together.verifying(), 1);
        together.note("a.com", &Event::ProgressEnds);
        assert_eq!(together.verifying(), 0);
    }
}
