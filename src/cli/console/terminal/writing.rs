//! Progress of writing passwords: a bar on a terminal, otherwise a line now and then.

use super::{
    bar::{Bar, Word},
    lines::Lines,
    waits::Waits,
};
use crate::cli::console::stdio::Mark;
use passwave::{
    engine::{dispatch::Waiting, pace::SoFar, run::RunEvent},
    graph::quota::Quota,
    ledger::{Counts, ReadLedger},
    util::format::{counted, grouped, short},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Time between plain lines.
pub(super) const LINE_EVERY: Duration = Duration::from_secs(5);
/// The window over which the pace is measured.
const PACE_WINDOW: Duration = Duration::from_secs(10);
/// Below this rate, no remaining time is estimated: the run is waiting.
const RATE_SHOWN_MIN: f64 = 0.5;
/// How often the clock on the bar ticks.
const TICK: Duration = Duration::from_millis(250);

/// Shows the progress of a run.
pub(super) struct Writing {
    lines: Lines,
    bar: Option<Bar>,
    quota: Quota,
    /// `None` in a rehearsal: time is virtual, and a rate means nothing.
    pace: Option<Pace>,
    settled_before: u64,
    began: Instant,
    last_line: Instant,
    last_words: String,
    waits: Waits,
}

/// Settled accounts at some points of the last seconds.
struct Pace(VecDeque<(Instant, u64)>);

impl Pace {
    fn begin(settled: u64) -> Self {
        Self(VecDeque::from([(Instant::now(), settled)]))
    }

    /// Notes the number of settled accounts, and returns the rate over the window.
    fn note(&mut self, settled: u64) -> f64 {
        let now = Instant::now();
        while self.0.len() > 1 && self.0.front().is_some_and(|(then, _)| now - *then > PACE_WINDOW) {
            self.0.pop_front();
        }
        let (then, before) = self.0.front().copied().unwrap_or((now, settled));
        if self.0.back().is_none_or(|(last, _)| now - *last > TICK) {
            self.0.push_back((now, settled));
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
        let accounts = (settled - before) as f64;
        accounts / (now - then).as_secs_f64().max(0.001)
    }
}

impl Writing {
    /// Starts a bar if stderr is a terminal that can show one, otherwise lines.
    pub(super) fn begin(lines: Lines, ledger: &ReadLedger, quota: Quota) -> Self {
        let counts = ledger.counts();
        let bar = Bar::begin(lines, counts.settled(), counts.settled() + counts.pending());
        let pace = (!ledger.settings().rehearsal).then(|| Pace::begin(counts.settled()));
        let settled_before = counts.settled();
        let (began, last_words, waits) = (Instant::now(), String::new(), Waits::new(lines));
        Self { lines, bar, quota, pace, settled_before, began, last_line: began, last_words, waits }
    }

    /// The bar, if one can be shown.
    pub(super) const fn bar(&self) -> Option<&Bar> {
        self.bar.as_ref()
    }

    /// Shows the run's event.
    pub(super) fn show(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Progress { counts, throttled } => self.progress(*counts, *throttled),
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

    fn progress(&mut self, counts: Counts, throttled: u64) {
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
    fn words(&mut self, counts: Counts, throttled: u64) -> Vec<Word> {
        let numbers = [
            (counts.failed, "failed", Mark::Bad),
            (counts.in_doubt, "in doubt", Mark::Slow),
            (throttled, "throttled", Mark::Slow),
        ];
        let told = numbers.into_iter().filter(|(number, ..)| *number > 0);
        let told = told.map(|(number, what, mark)| Word { text: format!("{} {what}", grouped(number)), mark });
        told.chain(self.pace_words(counts, throttled)).collect()
    }

    fn pace_words(&mut self, counts: Counts, throttled: u64) -> Vec<Word> {
        let Some(pace) = &mut self.pace else { return Vec::new() };
        let rate = pace.note(counts.settled());
        let mut texts = vec![format!("{rate:.0}/s")];
        if counts.pending() > 0 && rate >= RATE_SHOWN_MIN {
            let settled = counts.settled() - self.settled_before;
            let so_far = SoFar { settled, throttled, elapsed: self.began.elapsed(), rate };
            texts.push(format!("about {} left", short(so_far.time_left(self.quota, counts.pending()))));
        }
        texts.into_iter().map(|text| Word { text, mark: Mark::Plain }).collect()
    }

    /// Says why nothing is sent, if the pause is long enough.
    fn waiting(&mut self, waiting: &Waiting) {
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
