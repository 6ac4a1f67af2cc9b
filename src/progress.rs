//! What a person sees while it runs: a bar on a terminal, a plain line now and then elsewhere.

use crate::{
    bar::{Bar, Word},
    events,
    terminal::{Mark, counted, grouped, is_detailed, say, short, warn},
};
use passwave::{
    clean,
    ledger::Counts,
    quota::Quota,
    reader::ReadEvent,
    run::RunEvent,
    traffic::{WaitReason, Waiting},
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Time between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Time between two lines about waits that Graph asks for.
const WAITS_TOLD_EVERY: Duration = Duration::from_secs(60);
/// Waits below this are not worth a word.
const WAIT_TOLD_MIN: Duration = Duration::from_secs(2);
/// How far back the pace looks.
const PACE_WINDOW: Duration = Duration::from_secs(10);
/// Accounts a second below which no time left is foretold: the run is waiting.
const RATE_TOLD_MIN: f64 = 0.5;
/// How fast the clock on the bar ticks.
const TICK: Duration = Duration::from_millis(250);

/// Listens to a run.
pub struct Progress {
    bar: Option<Bar>,
    quota: Quota,
    /// Nothing where time is virtual: a rate of it means nothing to anybody.
    pace: Option<Pace>,
    settled_before: u64,
    last_line: Instant,
    last_words: String,
    waits: Waits,
}

/// Waits that Graph asked for: the first is told at once, the others now and then, and all of them at the end.
#[derive(Default)]
struct Waits {
    asked: u64,
    told: Option<Instant>,
}

impl Waits {
    /// What is to be said of a wait now, if anything is.
    fn note(&mut self, waiting: &Waiting) -> Option<String> {
        let text = waiting_text(waiting)?;
        if !matches!(waiting.reason, WaitReason::Asked) {
            return Some(text);
        }
        self.asked += 1;
        let is_due = self.told.is_none_or(|told| told.elapsed() >= WAITS_TOLD_EVERY);
        (is_due || is_detailed()).then(|| {
            self.told = Some(Instant::now());
            if self.asked > 1 { format!("{text} (so far {} times)", grouped(self.asked)) } else { text }
        })
    }

    /// All of them, if they were not told one by one.
    fn sum(&self) -> Option<String> {
        (self.asked > 1 && !is_detailed()).then(|| format!("Graph asked to wait {} times.", grouped(self.asked)))
    }
}

/// Accounts settled at some moments of the last seconds.
struct Pace(VecDeque<(Instant, u64)>);

impl Pace {
    fn begin(settled: u64) -> Self {
        Self(VecDeque::from([(Instant::now(), settled)]))
    }

    /// Notes how many are settled now, and returns the accounts a second over the window.
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

impl Progress {
    /// A bar where stderr is a terminal that can show one, lines elsewhere.
    pub fn new(counts: Counts, quota: Quota, virtual_time: bool) -> Self {
        let bar = Bar::begin(counts.settled(), counts.settled() + counts.pending());
        let pace = (!virtual_time).then(|| Pace::begin(counts.settled()));
        let settled_before = counts.settled();
        let (last_line, last_words, waits) = (Instant::now(), String::new(), Waits::default());
        Self { bar, quota, pace, settled_before, last_line, last_words, waits }
    }

    /// Shows what the run tells.
    pub fn show(&mut self, event: &RunEvent) {
        events::of_run(event);
        match event {
            RunEvent::Progress { counts, throttled } => self.progress(*counts, *throttled),
            RunEvent::Account(_) => {}
            RunEvent::Waiting(waiting) => self.waiting(waiting),
            RunEvent::DoubtsLookedAt { rows, settled } => self.tell(&format!(
                "{} in doubt from before: the directory shows that {} changed, and {} sent again.",
                counted(*rows, "account was", "accounts were"),
                counted(*settled, "password was", "passwords were"),
                counted(rows - settled, "is", "are"),
            )),
            RunEvent::Renewed { rows, in_doubt } => self.renewed(*rows, *in_doubt),
            RunEvent::SessionsDenied(code) => self.warn(&format!(
                "sessions are not revoked: Graph answers {}\nhint: grant the application User.RevokeSessions.All with admin consent; the line after the report has the command",
                clean::for_terminal(code)
            )),
            RunEvent::Stopping { in_flight: 0 } => self.tell("Stopping: nothing more is sent."),
            RunEvent::Stopping { in_flight } => self.tell(&format!(
                "Stopping: nothing more is sent, and {} awaited. Once more leaves at once.",
                counted(*in_flight as u64, "answer is", "answers are")
            )),
        }
    }

    fn renewed(&mut self, rows: u64, in_doubt: u64) {
        let mut words = format!(
            "{} sealed by an earlier process and no key was given (--identity), so {} new.",
            counted(rows, "password was", "passwords were"),
            if rows == 1 { "it was made" } else { "they were made" },
        );
        if in_doubt > 0 {
            words +=
                &format!(" Of {} the old one may be in force: it is kept.", counted(in_doubt, "account", "accounts"));
        }
        self.tell(&words);
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.end();
        }
        self.waits.sum().iter().for_each(|text| say(text));
    }

    fn progress(&mut self, counts: Counts, throttled: u64) {
        let words = self.words(counts, throttled);
        match &self.bar {
            Some(bar) => bar.set(counts.settled(), words),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                let total = counts.settled() + counts.pending();
                let words: String = words.iter().map(|word| format!(", {}", word.text)).collect();
                say(&format!("{} of {} accounts{words}", grouped(counts.settled()), grouped(total)));
            }
            None => {}
        }
    }

    /// What is to be said beside the numbers, what matters most first.
    fn words(&mut self, counts: Counts, throttled: u64) -> Vec<Word> {
        let numbers = [
            (counts.failed, "failed", Mark::Bad),
            (counts.in_doubt, "in doubt", Mark::Slow),
            (throttled, "throttled", Mark::Slow),
        ];
        let told = numbers.into_iter().filter(|(number, ..)| *number > 0);
        let told = told.map(|(number, what, mark)| Word { text: format!("{} {what}", grouped(number)), mark });
        told.chain(self.pace_words(counts)).collect()
    }

    fn pace_words(&mut self, counts: Counts) -> Vec<Word> {
        let Some(pace) = &mut self.pace else { return Vec::new() };
        let rate = pace.note(counts.settled());
        let mut texts = vec![format!("{rate:.0}/s")];
        if counts.pending() > 0 && rate >= RATE_TOLD_MIN {
            texts.push(format!("about {} left", short(self.left(counts, rate))));
        }
        texts.into_iter().map(|text| Word { text, mark: Mark::Plain }).collect()
    }

    /// The pace so far may be the burst's; what is left goes no faster than the quota refills.
    fn left(&self, counts: Counts, rate: f64) -> Duration {
        let burst = u64::from(self.quota.units.get()).saturating_sub(counts.settled() - self.settled_before);
        let pace = if counts.pending() <= burst { rate } else { rate.min(self.quota.per_second()) };
        #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
        Duration::try_from_secs_f64(counts.pending() as f64 / pace).unwrap_or(Duration::MAX)
    }

    /// Says why nothing is sent, where it is worth a word.
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
            None => say(text),
        }
    }

    fn warn(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.aside(|| warn(text)),
            None => warn(text),
        }
    }
}

/// Why nothing is sent for a while, where it is worth a word.
fn waiting_text(Waiting { reason, wait, named }: &Waiting) -> Option<String> {
    (*wait >= WAIT_TOLD_MIN || is_detailed()).then(|| match reason {
        WaitReason::Asked => match named {
            Some(named) => format!("Graph asks to wait {}; trying again after {}", short(*named), short(*wait)),
            None => format!("Graph asks to wait {}", short(*wait)),
        },
        WaitReason::Away(said) => format!("no usable answer ({said}); trying again in {}", short(*wait)),
    })
}

/// Listens to a look at accounts.
pub struct ReadProgress {
    /// What is done to them.
    done: &'static str,
    bar: Option<Bar>,
    read: u64,
    total: u64,
    last_line: Instant,
    waits: Waits,
}

impl ReadProgress {
    /// Of accounts that are `done` so.
    pub fn new(done: &'static str) -> Self {
        Self { done, bar: None, read: 0, total: 0, last_line: Instant::now(), waits: Waits::default() }
    }

    /// So many are to be read.
    pub fn begin(&mut self, total: u64) {
        self.total = total;
        self.bar = Bar::begin(0, total);
    }

    /// Shows what the reader tells.
    pub fn show(&mut self, event: &ReadEvent) {
        if let ReadEvent::Read(more) = event {
            self.read = (self.read + more).min(self.total);
        }
        events::of_reading(event, &self.done.replace(' ', "_"), self.read, self.total);
        match event {
            ReadEvent::Read(_) => self.draw(),
            ReadEvent::Waiting(waiting) => {
                self.waits.note(waiting).into_iter().for_each(|text| self.tell(&text));
                self.draw();
            }
        }
    }

    /// A line beside the bar.
    pub fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.say(text),
            None => say(text),
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.end();
        }
        self.waits.sum().iter().for_each(|text| say(text));
    }

    fn draw(&mut self) {
        match &self.bar {
            Some(bar) => {
                let mut words = vec![Word { text: format!("accounts {}", self.done), mark: Mark::Plain }];
                if self.waits.asked > 0 {
                    let times = counted(self.waits.asked, "time", "times");
                    words.push(Word { text: format!("asked to wait {times}"), mark: Mark::Slow });
                }
                bar.set(self.read, words);
            }
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                say(&format!("{} of {} accounts {}", grouped(self.read), grouped(self.total), self.done));
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_once_and_summed_up() {
        let mut waits = Waits::default();
        let asked = |seconds| Waiting { reason: WaitReason::Asked, wait: Duration::from_secs(seconds), named: None };
        assert_eq!((waits.note(&asked(1)), waits.sum()), (None, None), "a second is not worth a word");
        assert_eq!(waits.note(&asked(11)).as_deref(), Some("Graph asks to wait 11 s"));
        assert_eq!(waits.sum(), None, "the only one was told");
        assert!((0..30).all(|_| waits.note(&asked(11)).is_none()));
        assert_eq!(waits.sum().as_deref(), Some("Graph asked to wait 31 times."));
        let away = Waiting { reason: WaitReason::Away("gone".into()), wait: Duration::from_secs(4), named: None };
        assert!(waits.note(&away).is_some(), "a service that is away is told each time");
    }
}
