//! Progress of reading accounts: a bar on a terminal, otherwise a line now and then.

use super::{
    bar::{Bar, Word},
    lines::Lines,
    waits::Waits,
    writing::LINE_EVERY,
};
use crate::cli::console::{event::ReadTask, stdio::Mark};
use passwave::{
    engine::reader::ReadEvent,
    util::format::{counted, grouped},
};
use std::time::Instant;

/// Shows the progress of reading.
pub(super) struct Reading {
    lines: Lines,
    task: ReadTask,
    bar: Option<Bar>,
    read: u64,
    total: u64,
    last_line: Instant,
    waits: Waits,
}

impl Reading {
    /// Starts before the number of accounts is known.
    pub(super) fn begin(lines: Lines, task: ReadTask) -> Self {
        Self { lines, task, bar: None, read: 0, total: 0, last_line: Instant::now(), waits: Waits::new(lines) }
    }

    /// This many are to be read.
    pub(super) fn of(&mut self, total: u64) {
        self.total = total;
        self.bar = Bar::begin(self.lines, 0, total);
    }

    /// The bar, if one can be shown.
    pub(super) const fn bar(&self) -> Option<&Bar> {
        self.bar.as_ref()
    }

    /// Shows the reader's event; `read` accounts are done.
    pub(super) fn show(&mut self, event: &ReadEvent, read: u64) {
        self.read = read;
        match event {
            ReadEvent::Waiting(waiting) => self.waits.note(waiting).into_iter().for_each(|text| self.tell(&text)),
            // The bar and the lines show how many.
            ReadEvent::Read(_) => {}
            _ => {}
        }
        self.draw();
    }

    fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.say(text),
            None => self.lines.say(text),
        }
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.end();
        }
        self.waits.sum().iter().for_each(|text| self.lines.say(text));
    }

    fn draw(&mut self) {
        match &self.bar {
            Some(bar) => {
                let mut words = vec![Word { text: format!("accounts {}", self.task.done()), mark: Mark::Plain }];
                if self.waits.asked() > 0 {
                    let times = counted(self.waits.asked(), "time", "times");
                    words.push(Word { text: format!("asked to wait {times}"), mark: Mark::Slow });
                }
                bar.set(self.read, words);
            }
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                self.lines.say(&format!(
                    "{} of {} accounts {}",
                    grouped(self.read),
                    grouped(self.total),
                    self.task.done()
                ));
            }
            None => {}
        }
    }
}
