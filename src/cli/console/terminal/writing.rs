//! Progress of writing passwords: a bar on a terminal, otherwise a line now and then.

use super::{
    bar::{Bar, Word},
    lines::Lines,
    waits::Waits,
};
use crate::cli::console::stdio::Mark;
use passwave::{
    engine::{dispatch::Waiting, pace::Forecast, run::RunEvent},
    graph::quota::Quota,
    ledger::{Counts, ReadLedger},
    util::format::{counted, grouped, short},
};
use std::time::{Duration, Instant};

/// Time between plain lines.
pub(super) const LINE_EVERY: Duration = Duration::from_secs(5);
/// Below this rate, no remaining time is estimated: the run is waiting.
const RATE_SHOWN_MIN: f64 = 0.5;

/// Shows the progress of a run.
pub(super) struct Writing {
    lines: Lines,
    bar: Option<Bar>,
    /// `None` in a rehearsal: time is virtual, and a rate means nothing.
    forecast: Option<Forecast>,
    last_line: Instant,
    last_words: String,
    waits: Waits,
}

impl Writing {
    /// Starts a bar if stderr is a terminal that can show one, otherwise lines.
    pub(super) fn begin(lines: Lines, ledger: &ReadLedger, quota: Quota) -> Self {
        let counts = ledger.counts();
        let bar = Bar::begin(lines, counts.settled(), counts.settled() + counts.pending());
        let forecast = (!ledger.settings().rehearsal).then(|| Forecast::begin(quota, counts.settled()));
        Self { lines, bar, forecast, last_line: Instant::now(), last_words: String::new(), waits: Waits::new(lines) }
    }

    /// The bar, if one can be shown.
    pub(super) const fn bar(&self) -> Option<&Bar> {
        self.bar.as_ref()
    }

    /// Shows the run's event.
    pub(super) fn show(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Progress { counts, throttled, covered, latency } => {
                self.progress(*counts, *throttled, *covered, *latency)
            }
            // The first is for programs, and the second has its own warning.
            RunEvent::Account(_) | RunEvent::SessionsDenied(_) => {}
            RunEvent::Waiting(waiting) => self.waiting(waiting),
            RunEvent::DoubtsLookedAt { rows, settled } => self.tell(&format!(
                "{} in doubt from before: the directory shows that {} changed, and {} sent again.",
                counted(*rows, "account was", "accounts were"),
                counted(*settled, "password was", "passwords were"),
                counted(rows - settled, "is", "are"),
            )),
            RunEvent::Reissued { rows, in_doubt } => self.renewed(*rows, *in_doubt),
            RunEvent::Stopping { in_flight: 0 } => self.tell("Stopping: nothing more is sent."),
            RunEvent::Stopping { in_flight } => self.tell(&format!(
                "Stopping: nothing more is sent, and {} awaited. Press Ctrl-C again to exit at once.",
                counted(*in_flight as u64, "answer is", "answers are")
            )),
            _ => {}
        }
    }

    fn renewed(&mut self, rows: u64, in_doubt: u64) {
        let mut words = format!(
            "{} sealed by an earlier process and no key was given (--identity), so {} new.",
            counted(rows, "password was", "passwords were"),
            if rows == 1 { "it was made" } else { "they were made" },
        );
        if in_doubt > 0 {
            words += &format!(
                " The old one of {} may be in force, so it is kept.",
                counted(in_doubt, "account", "accounts")
            );
        }
        self.tell(&words);
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.end();
        }
        self.waits.sum().iter().for_each(|text| self.lines.say(text));
    }

    fn progress(&mut self, counts: Counts, throttled: u64, covered: f64, latency: Duration) {
        if let Some(forecast) = &mut self.forecast {
            forecast.note(counts.settled(), throttled, covered, latency);
        }
        let words = self.words(counts, throttled);
        match &self.bar {
            Some(bar) => bar.set(counts.settled(), words),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                let total = counts.settled() + counts.pending();
                let words: String = words.iter().map(|word| format!(", {}", word.text)).collect();
                self.lines.say(&format!("{} of {} accounts{words}", grouped(counts.settled()), grouped(total)));
            }
            None => {}
        }
    }

    /// The words beside the numbers, the most important first.
    fn words(&self, counts: Counts, throttled: u64) -> Vec<Word> {
        let numbers = [
            (counts.failed, "failed", Mark::Bad),
            (counts.in_doubt, "in doubt", Mark::Slow),
            (throttled, "throttled", Mark::Slow),
        ];
        let told = numbers.into_iter().filter(|(number, ..)| *number > 0);
        let told = told.map(|(number, what, mark)| Word { text: format!("{} {what}", grouped(number)), mark });
        told.chain(self.pace_words(counts)).collect()
    }

    fn pace_words(&self, counts: Counts) -> Vec<Word> {
        let Some(forecast) = &self.forecast else { return Vec::new() };
        let rate = forecast.rate();
        let mut texts = vec![format!("{rate:.0}/s")];
        if counts.pending() > 0 && rate >= RATE_SHOWN_MIN {
            texts.push(format!("about {} left", short(forecast.time_left(counts.pending()))));
        }
        texts.into_iter().map(|text| Word { text, mark: Mark::Plain }).collect()
    }

    /// Says why nothing is sent, if the pause is long enough.
    fn waiting(&mut self, waiting: &Waiting) {
        if let Some(forecast) = &mut self.forecast {
            forecast.waits(waiting.wait);
        }
        let Some(text) = self.waits.note(waiting) else { return };
        if self.bar.is_none() && text == self.last_words {
            return;
        }
        self.tell(&text);
        self.last_words = text;
    }

    fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.say(text),
            None => self.lines.say(text),
        }
    }
}
