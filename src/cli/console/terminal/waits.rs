//! Explains pauses. Waits that Graph asks for are reported once, and summed up at the end.

use super::lines::Lines;
use passwave::{
    engine::dispatch::{WaitReason, Waiting},
    util::format::{grouped, short},
};
use std::time::{Duration, Instant};

/// Minimum time between two lines about waits that Graph asks for.
const REPORT_EVERY: Duration = Duration::from_secs(60);
/// Shorter waits are not reported.
const REPORT_MIN: Duration = Duration::from_secs(2);

/// Waits that Graph asked for: the first is reported at once, others now and then, and all of them at the end.
pub(super) struct Waits {
    is_detailed: bool,
    asked: u64,
    told: Option<Instant>,
}

impl Waits {
    pub(super) const fn new(lines: Lines) -> Self {
        Self { is_detailed: lines.is_detailed(), asked: 0, told: None }
    }

    /// How often Graph asked for a wait that is long enough to report.
    pub(super) const fn asked(&self) -> u64 {
        self.asked
    }

    /// The line about a wait, if it is reported now.
    pub(super) fn note(&mut self, waiting: &Waiting) -> Option<String> {
        let text = self.text(waiting)?;
        if !matches!(waiting.reason, WaitReason::Asked | WaitReason::AskedOfApplication) {
            return Some(text);
        }
        self.asked += 1;
        let is_due = self.told.is_none_or(|told| told.elapsed() >= REPORT_EVERY);
        (is_due || self.is_detailed).then(|| {
            self.told = Some(Instant::now());
            if self.asked > 1 { format!("{text} (so far {} times)", grouped(self.asked)) } else { text }
        })
    }

    /// The sum of all waits, if they were not reported one by one.
    pub(super) fn sum(&self) -> Option<String> {
        (self.asked > 1 && !self.is_detailed).then(|| format!("Graph asked to wait {} times.", grouped(self.asked)))
    }

    fn text(&self, Waiting { reason, wait, named }: &Waiting) -> Option<String> {
        (*wait >= REPORT_MIN || self.is_detailed).then(|| match reason {
            WaitReason::AskedOfApplication => {
                format!("Graph asks the application to wait {} in all tenants", short(*wait))
            }
            WaitReason::Asked => match named {
                Some(named) => format!("Graph asks to wait {}; trying again after {}", short(*named), short(*wait)),
                None => format!("Graph asks to wait {}", short(*wait)),
            },
            WaitReason::Away(said) => format!("no usable answer ({said}); trying again in {}", short(*wait)),
            _ => format!("trying again in {}", short(*wait)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::console::verbosity::Verbosity;

    #[test]
    fn waits_are_reported_once_and_summed() {
        let mut waits = Waits::new(Lines(Verbosity::default()));
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
