//! The progress bar: one line that always fits the width of the terminal.
//!
//! Its words say everything that its colours say. If there is too little room, it drops the least important items
//! first.
//!
//! Invariant: a line is narrower than the terminal, so it never wraps.

use super::lines::Lines;
use crate::cli::console::stdio::{self, Mark};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use passwave::util::format::grouped;
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How often the clock on the bar ticks and the bar adapts to the terminal's width.
const TICK: Duration = Duration::from_millis(250);
/// The default width if the terminal's is not known.
const WIDTH_USUAL: usize = 80;
/// Possible widths of the bar: the largest that fits, so that it does not jump with every word.
const CELLS: [usize; 3] = [24, 16, 8];

/// A word beside the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Its meaning, for users who see colours.
    pub(super) mark: Mark,
}

/// A bar on the terminal.
pub(super) struct Bar {
    bar: ProgressBar,
    words: Arc<Mutex<Vec<Word>>>,
}

impl Bar {
    /// A bar at `done` of `total`; `None` if stderr cannot show one.
    pub(super) fn begin(lines: Lines, done: u64, total: u64) -> Option<Self> {
        can_draw(lines).then(|| Self::drawn(done, total))
    }

    fn drawn(done: u64, total: u64) -> Self {
        let words = Arc::new(Mutex::new(Vec::new()));
        let (said, takes_codes) = (Arc::clone(&words), stdio::takes_colour_codes());
        // What erases a broken line is an escape code, too, and a console of Windows may not take any.
        let cuts = cuts_lines() || (cfg!(windows) && !takes_codes);
        let drawn_at = Arc::new(AtomicUsize::new(0));
        let whole = move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let words = said.lock().unwrap_or_else(PoisonError::into_inner);
            let width = width();
            let before = drawn_at.swap(width, Ordering::Relaxed);
            let broken = if cuts { 0 } else { rows_above(before, width) };
            let line = line(width, state.elapsed(), (state.pos(), state.len().unwrap_or_default()), &words);
            // If a line cannot be formatted, it is left out.
            let _ = out.write_str(&(away(broken) + &if takes_codes { painted(&line) } else { plain(&line) }));
        };
        let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        bar.set_style(style.with_key("line", whole));
        bar.set_position(done);
        // The bar's clock needs its own thread, and would end the process if there is none.
        if std::thread::Builder::new().spawn(|| {}).is_ok() {
            bar.enable_steady_tick(TICK);
        }
        Self { bar, words }
    }

    /// Updates the bar.
    pub(super) fn set(&self, done: u64, words: Vec<Word>) {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
        self.bar.set_position(done);
    }

    /// The same, if the total has changed, too.
    pub(super) fn set_of(&self, done: u64, total: u64, words: Vec<Word>) {
        self.bar.set_length(total);
        self.set(done, words);
    }

    /// Prints a line above it.
    pub(super) fn say(&self, text: &str) {
        self.bar.println(text);
    }

    /// Calls `print` while the bar is hidden.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Removes it.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Whether lines can be redrawn: on a terminal with a movable cursor, but not in CI jobs, whose logs keep every line.
fn can_draw(lines: Lines) -> bool {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let dumb = variable("TERM") == "dumb" || (cfg!(unix) && variable("TERM").is_empty());
    let job = !matches!(variable("CI").as_str(), "" | "false" | "0");
    // Detailed output and a bar would overwrite each other.
    stdio::is_terminal() && !dumb && !job && !lines.is_detailed() && !lines.is_quiet()
}

fn width() -> usize {
    stdio::width().unwrap_or(WIDTH_USUAL)
}

/// If the terminal has become narrower, it wraps a full line; returns how many of the resulting rows are above the
/// cursor.
fn rows_above(before: usize, now: usize) -> usize {
    before.div_ceil(now.max(1)).saturating_sub(1)
}

/// Whether the terminal truncates lines instead, unless a program in it behaves differently.
fn cuts_lines() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some();
    (set("XTERM_VERSION") && !set("TMUX")) || set("STY")
}

/// Erases this many rows above the cursor, and moves to the first of them.
fn away(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!("\u{1b}[{rows}A\r\u{1b}[J") }
}

/// The line as words with their meanings.
fn line(width: usize, elapsed: Duration, (done, total): (u64, u64), words: &[Word]) -> Vec<Word> {
    let mut room = width.saturating_sub(1);
    let numbers = format!("{}/{}", grouped(done), grouped(total));
    let short = format!("{} %", (done * 100).checked_div(total).unwrap_or(100));
    let Some(numbers) = [numbers, short].into_iter().find(|text| fits(text, &mut room)) else { return Vec::new() };
    let mut said = Vec::new();
    for word in words {
        let text = format!(", {}", word.text);
        if !fits(&text, &mut room) {
            break;
        }
        said.push(Word { text, mark: word.mark });
    }
    let bar = bar(room, done, total);
    room -= bar.chars().count();
    let seconds = elapsed.as_secs();
    let clock = format!("{:02}:{:02}:{:02} ", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let clock = if fits(&clock, &mut room) { clock } else { String::new() };
    let mut line = vec![Word { text: clock + &bar + &numbers, mark: Mark::Plain }];
    line.extend(said);
    line
}

/// Takes the room for a text, if there is enough.
fn fits(text: &str, room: &mut usize) -> bool {
    let left = room.checked_sub(text.chars().count());
    *room = left.unwrap_or(*room);
    left.is_some()
}

/// `[====>     ] `, or nothing if there is too little room.
fn bar(room: usize, done: u64, total: u64) -> String {
    let around = "[] ".len();
    let Some(cells) = CELLS.into_iter().find(|cells| cells + around <= room) else { return String::new() };
    let full = (done.min(total) * cells as u64).checked_div(total).unwrap_or(cells as u64);
    let full = usize::try_from(full).unwrap_or(cells);
    let head = if full < cells { ">" } else { "" };
    format!("[{:<cells$}] ", "=".repeat(full) + head)
}

fn painted(line: &[Word]) -> String {
    line.iter().map(|word| stdio::paint(word.mark, &word.text)).collect()
}

fn plain(line: &[Word]) -> String {
    line.iter().map(|word| word.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<Word> {
        [("3 failed", Mark::Bad), ("12 throttled", Mark::Slow), ("20/s", Mark::Plain), ("about 25m left", Mark::Plain)]
            .map(|(text, mark)| Word { text: text.into(), mark })
            .into()
    }

    fn at(width: usize) -> String {
        plain(&line(width, Duration::from_secs(3_725), (12_000, 36_000), &words()))
    }

    #[test]
    fn it_is_narrower_than_any_terminal() {
        for width in 0..=250 {
            for (done, total) in [(0, 0), (0, 1), (7, 7), (12_000, 36_000), (u64::from(u32::MAX), u64::from(u32::MAX))]
            {
                let line = plain(&line(width, Duration::from_secs(360_000), (done, total), &words()));
                assert!(line.chars().count() < width.max(1), "{width}: {line:?}");
            }
        }
    }

    #[test]
    fn least_important_items_go_first() {
        assert_eq!(
            at(120),
            "01:02:05 [========>               ] 12,000/36,000, 3 failed, 12 throttled, 20/s, about 25m left"
        );
        assert_eq!(at(80), "[=====>          ] 12,000/36,000, 3 failed, 12 throttled, 20/s, about 25m left");
        assert_eq!(at(59), "[==>     ] 12,000/36,000, 3 failed, 12 throttled, 20/s");
        assert_eq!(at(30), "12,000/36,000, 3 failed");
        assert_eq!(at(14), "12,000/36,000");
        assert_eq!(at(10), "33 %");
        assert_eq!(at(4), "");
    }

    #[test]
    fn clears_lines_after_narrowing() {
        for (before, now, rows) in [(0, 80, 0), (80, 80, 0), (80, 120, 0), (100, 60, 1), (120, 60, 1), (121, 60, 2)] {
            assert_eq!(rows_above(before, now), rows, "{before} to {now}");
        }
        assert_eq!((away(0), away(2)), (String::new(), "\u{1b}[2A\r\u{1b}[J".to_owned()));
    }

    #[test]
    fn colours_add_no_information() {
        let line = line(120, Duration::ZERO, (1, 2), &words());
        let painted = painted(&line);
        assert!(
            painted.contains("\u{1b}[31m, 3 failed") && painted.contains("\u{1b}[33m, 12 throttled"),
            "{painted:?}"
        );
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), plain(&line));
    }
}
