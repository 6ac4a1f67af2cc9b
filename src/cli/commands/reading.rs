//! Counts the accounts read so far, and reports the progress.

use crate::cli::console::{Event, ReadTask, Reporter};
use passwave::engine::reader::ReadEvent;

/// The progress of reading accounts.
pub struct Reading<'a> {
    reporter: &'a Reporter,
    task: ReadTask,
    done: u64,
    total: u64,
}

impl<'a> Reading<'a> {
    /// Starts before the number of accounts is known.
    pub fn begin(reporter: &'a Reporter, task: ReadTask) -> Self {
        reporter.tell(&Event::ReadingBegins(task));
        Self { reporter, task, done: 0, total: 0 }
    }

    /// This many will be read.
    pub fn of(&mut self, total: u64) {
        self.total = total;
        self.reporter.tell(&Event::ReadingTotal(total));
    }

    /// Passes on the reader's events.
    pub fn tell(&mut self, event: &ReadEvent) {
        if let ReadEvent::Read(more) = event {
            self.done = (self.done + more).min(self.total);
        }
        self.reporter.tell(&Event::Read { event, task: self.task, done: self.done, total: self.total });
    }

    /// Reading has ended.
    pub fn end(self) {
        self.reporter.tell(&Event::ProgressEnds);
    }
}
