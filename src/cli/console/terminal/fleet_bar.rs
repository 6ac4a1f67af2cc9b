//! One bar for all tenants, whatever is done to their accounts, with a line above it for each tenant that needs one.
//!
//! If no bar can be shown, there is a line now and then.

use super::{
    bar::{Bar, Word},
    lines::Lines,
    waits::Waits,
    writing::LINE_EVERY,
};
use crate::cli::console::{
    event::{Event, FleetWork},
    stdio::Mark,
    together::Together,
};
use passwave::{
    engine::{
        dispatch::{WaitReason, Waiting},
        reader::ReadEvent,
        run::RunEvent,
    },
    util::format::{counted, grouped, short},
};
use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

/// The progress over all tenants.
pub(super) struct FleetBar {
    lines: Lines,
    bar: Option<Bar>,
    together: Together,
    began: Instant,
    begun_with: u64,
    is_rehearsal: bool,
    last_line: Instant,
    waits: HashMap<String, Waits>,
    /// Tenants of which the user knows that changes are not visible yet.
    told: HashSet<String>,
}

impl FleetBar {
    pub(super) fn begin(lines: Lines, work: &FleetWork) -> Self {
        let together = Together::begin(work);
        let sum = together.sum();
        let bar = Self {
            lines,
            bar: Bar::begin(lines, sum.done, sum.total),
            together,
            began: Instant::now(),
            begun_with: sum.done,
            is_rehearsal: work.is_rehearsal,
            last_line: Instant::now(),
            waits: HashMap::new(),
            told: HashSet::new(),
        };
        bar.bar.iter().for_each(|shown| shown.set(sum.done, bar.words()));
        bar
    }

    /// The bar, if one can be shown.
    pub(super) const fn bar(&self) -> Option<&Bar> {
        self.bar.as_ref()
    }

    /// Shows an event of one tenant.
    pub(super) fn show(&mut self, tenant: &str, event: &Event<'_>) {
        let is_new = self.together.note(tenant, event);
        match *event {
            Event::Run(RunEvent::Waiting(waiting)) | Event::Read { event: ReadEvent::Waiting(waiting), .. } => {
                self.waiting(tenant, waiting);
            }
            Event::NotYetVisible { changes, wait } if self.told.insert(tenant.to_owned()) => {
                let changes = counted(changes, "change is", "changes are");
                self.tell(&format!("{tenant}: {changes} not visible yet; passwave asks again in {}", short(wait)));
            }
            _ => {}
        }
        self.draw(is_new);
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        self.bar.iter().for_each(Bar::end);
    }

    fn waiting(&mut self, tenant: &str, waiting: &Waiting) {
        let lines = self.lines;
        // A wait of the whole application is told once, whichever tenant met it.
        let whose = if waiting.reason == WaitReason::AskedOfApplication { "" } else { tenant };
        let waits = self.waits.entry(whose.to_owned()).or_insert_with(|| Waits::new(lines));
        match waits.note(waiting) {
            Some(text) if whose.is_empty() => self.tell(&text),
            Some(text) => self.tell(&format!("{whose}: {text}")),
            None => {}
        }
    }

    fn draw(&mut self, is_new: bool) {
        let sum = self.together.sum();
        match &self.bar {
            Some(bar) => bar.set_of(sum.done, sum.total, self.words()),
            None if is_new && self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                let words: String = self.words().iter().map(|word| format!(", {}", word.text)).collect();
                self.lines.say(&format!("{} of {} accounts{words}", grouped(sum.done), grouped(sum.total)));
            }
            None => {}
        }
    }

    /// The words beside the numbers, the most important first.
    fn words(&self) -> Vec<Word> {
        let plain = |text: String| Word { text, mark: Mark::Plain };
        let mut words = match self.together.task() {
            None => self.writing_words(),
            Some(task) => {
                let (ended, all) = self.together.ended();
                vec![
                    plain(format!("accounts {}", task.done())),
                    plain(format!("{} of {} tenants", grouped(ended as u64), grouped(all as u64))),
                ]
            }
        };
        let verifying = self.together.verifying() as u64;
        if verifying > 0 {
            let tenants = counted(verifying, "tenant", "tenants");
            // While accounts are read, they are those whose changes are not visible yet.
            words.push(plain(match self.together.task() {
                None => format!("verifying {tenants}"),
                Some(_) => format!("waiting for changes in {tenants}"),
            }));
        }
        words
    }

    fn writing_words(&self) -> Vec<Word> {
        let sum = self.together.sum();
        let numbers = [
            (sum.counts.failed, "failed", Mark::Bad),
            (sum.counts.in_doubt, "in doubt", Mark::Slow),
            (sum.throttled, "throttled", Mark::Slow),
        ];
        let told = numbers.into_iter().filter(|(number, ..)| *number > 0);
        let mut words: Vec<Word> =
            told.map(|(number, what, mark)| Word { text: format!("{} {what}", grouped(number)), mark }).collect();
        let seconds = self.began.elapsed().as_secs_f64();
        if !self.is_rehearsal && seconds >= 1.0 {
            #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
            let rate = sum.done.saturating_sub(self.begun_with) as f64 / seconds;
            words.push(Word { text: format!("{rate:.0}/s"), mark: Mark::Plain });
        }
        words
    }

    fn tell(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.say(text),
            None => self.lines.say(text),
        }
    }
}
