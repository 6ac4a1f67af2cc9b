//! The bar: one line that fits the terminal, however wide that is at the moment.
//!
//! It says in words what its colours say, and drops what there is no room for, the least needed first.
//!
//! Invariant: a line is narrower than the terminal, so that none is ever broken in two.

use crate::terminal::{self, Mark, grouped};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::{
    fmt, io,
    io::IsTerminal,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How fast the clock on the bar ticks, and how soon it follows the terminal's width.
const TICK: Duration = Duration::from_millis(250);
/// Where the terminal does not tell its width.
const WIDTH_USUAL: usize = 80;
/// Cells between the bar's brackets: as many of these as there is room for, so that it does not jump with every word.
const CELLS: [usize; 3] = [24, 16, 8];

/// A word beside the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// What it means, for those who see colours.
    pub mark: Mark,
}

/// A bar on the terminal.
pub struct Bar {
    bar: ProgressBar,
    words: Arc<Mutex<Vec<Word>>>,
}

impl Bar {
    /// A bar at `done` of `total`; none where stderr is nothing that can show one.
    pub fn begin(done: u64, total: u64) -> Option<Self> {
        can_draw().then(|| Self::drawn(done, total))
    }

    fn drawn(done: u64, total: u64) -> Self {
        let words = Arc::new(Mutex::new(Vec::new()));
        let (said, colours, cuts) = (Arc::clone(&words), terminal::has_colours(), cuts_lines());
        let drawn_at = Arc::new(AtomicUsize::new(0));
        let whole = move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let words = said.lock().unwrap_or_else(PoisonError::into_inner);
            let width = width();
            let before = drawn_at.swap(width, Ordering::Relaxed);
            let broken = if cuts { 0 } else { rows_above(before, width) };
            let line = line(width, state.elapsed(), (state.pos(), state.len().unwrap_or_default()), &words);
            // A line that cannot be formatted is a line less.
            let _ = out.write_str(&(away(broken) + &if colours { painted(&line) } else { plain(&line) }));
        };
        let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        bar.set_style(style.with_key("line", whole));
        bar.set_position(done);
        // The bar's clock has a thread of its own, and would end the process where there is none to be had.
        if std::thread::Builder::new().spawn(|| {}).is_ok() {
            bar.enable_steady_tick(TICK);
        }
        Self { bar, words }
    }

    /// Moves it.
    pub fn set(&self, done: u64, words: Vec<Word>) {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
        self.bar.set_position(done);
    }

    /// A line above it.
    pub fn say(&self, text: &str) {
        self.bar.println(text);
    }

    /// Does something that prints, while the bar is away.
    pub fn aside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Takes it away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Whether lines can be drawn over: on a terminal that moves its cursor, outside jobs, whose logs keep every line.
fn can_draw() -> bool {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let dumb = variable("TERM") == "dumb" || (cfg!(unix) && variable("TERM").is_empty());
    let job = !matches!(variable("CI").as_str(), "" | "false" | "0");
    // Lines of detail and a bar would write over each other.
    io::stderr().is_terminal() && !dumb && !job && !terminal::is_detailed() && !terminal::is_quiet()
}

fn width() -> usize {
    terminal_size::terminal_size_of(io::stderr()).map_or(WIDTH_USUAL, |(width, _)| width.0.into())
}

/// A terminal that has become narrower breaks what fills a line in two or more; how many of the rows it makes of it
/// stand above the cursor.
fn rows_above(before: usize, now: usize) -> usize {
    before.div_ceil(now.max(1)).saturating_sub(1)
}

/// Whether the terminal cuts lines off instead, unless something in it does it otherwise.
fn cuts_lines() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some();
    (set("XTERM_VERSION") && !set("TMUX")) || set("STY")
}

/// Takes away so many rows above the cursor, and stays where the first of them was.
fn away(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!("\u{1b}[{rows}A\r\u{1b}[J") }
}

/// The line, as words with what they mean.
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

/// Takes the room that a text needs, if there is so much.
fn fits(text: &str, room: &mut usize) -> bool {
    let left = room.checked_sub(text.chars().count());
    *room = left.unwrap_or(*room);
    left.is_some()
}

/// `[====>     ] `, or nothing where there is too little room.
fn bar(room: usize, done: u64, total: u64) -> String {
    let around = "[] ".len();
    let Some(cells) = CELLS.into_iter().find(|cells| cells + around <= room) else { return String::new() };
    let full = (done.min(total) * cells as u64).checked_div(total).unwrap_or(cells as u64);
    let full = usize::try_from(full).unwrap_or(cells);
    let head = if full < cells { ">" } else { "" };
    format!("[{:<cells$}] ", "=".repeat(full) + head)
}

fn painted(line: &[Word]) -> String {
    line.iter().map(|word| terminal::paint(word.mark, &word.text)).collect()
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
    fn what_is_needed_least_goes_first() {
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
    fn a_line_that_is_broken_by_a_narrower_terminal_is_taken_away_whole() {
        for (before, now, rows) in [(0, 80, 0), (80, 80, 0), (80, 120, 0), (100, 60, 1), (120, 60, 1), (121, 60, 2)] {
            assert_eq!(rows_above(before, now), rows, "{before} to {now}");
        }
        assert_eq!((away(0), away(2)), (String::new(), "\u{1b}[2A\r\u{1b}[J".to_owned()));
    }

    #[test]
    fn colours_only_repeat_what_the_words_say() {
        let line = line(120, Duration::ZERO, (1, 2), &words());
        let painted = painted(&line);
        assert!(
            painted.contains("\u{1b}[31m, 3 failed") && painted.contains("\u{1b}[33m, 12 throttled"),
            "{painted:?}"
        );
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), plain(&line));
    }
}
