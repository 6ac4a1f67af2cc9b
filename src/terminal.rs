//! Words for people: the only place that prints.

pub use passwave::figures::{counted, grouped, short};

use crate::events::{self, Event};
use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::AnsiColor;
use std::{
    io::{self, BufRead, IsTerminal, Write},
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

/// What a word means. Colours only repeat what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Plain,
    /// Something went wrong.
    Bad,
    /// Something waits, or is not certain.
    Slow,
    /// Something went well.
    Good,
    /// The way on.
    Way,
}

/// The text in the colour of its mark. What is printed here loses it where it does not belong: in a file, on a dumb
/// terminal, or where `NO_COLOR` is set.
pub fn paint(mark: Mark, text: &str) -> String {
    let colour = match mark {
        Mark::Plain => return text.to_owned(),
        Mark::Bad => AnsiColor::Red,
        Mark::Slow => AnsiColor::Yellow,
        Mark::Good => AnsiColor::Green,
        Mark::Way => AnsiColor::Cyan,
    };
    let style = colour.on_default();
    format!("{style}{text}{style:#}")
}

/// Whether colours belong on stderr.
pub fn has_colours() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// An error on stderr.
pub fn fail(error: impl std::fmt::Display) {
    let text = error.to_string().replace("\nhint:", &format!("\n{}", paint(Mark::Way, "hint:")));
    insist(&format!("{} {text}", paint(Mark::Bad, "error:")));
}

/// What is likely to be a mistake, on stderr, and for whoever follows the run.
pub fn warn(text: &str) {
    events::tell(&Event::Warning { message: text.to_owned() });
    insist(&format!("{} {text}", paint(Mark::Slow, "warning:")));
}

/// A line on stderr, unless it is to be quiet.
pub fn say(text: &str) {
    if !is_quiet() {
        insist(text);
    }
}

/// A line on stderr, however quiet it is to be. That it cannot be written is no reason to stop working.
pub fn insist(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// How much is told beside what has to be.
static DETAIL: AtomicU8 = AtomicU8::new(0);
/// Whether only what goes wrong is told, and what is asked.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Sets how much is told: only what goes wrong where it is to be `quiet`, else from 0 for what has to be to 3 for
/// everything.
pub fn tell(detail: u8, quiet: bool) {
    DETAIL.store(detail, Ordering::Relaxed);
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether anything is told beside what has to be.
pub fn is_detailed() -> bool {
    DETAIL.load(Ordering::Relaxed) > 0
}

/// Whether only what goes wrong is told.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// A line on stderr where that much is to be told, with the time.
pub fn detail(level: u8, text: impl FnOnce() -> String) {
    if DETAIL.load(Ordering::Relaxed) >= level {
        say(&format!("{}  {}", jiff::Zoned::now().strftime("%H:%M:%S%.3f"), text()));
    }
}

/// Text on stdout, for whoever asked for it.
///
/// # Errors
/// Where `write` fails or stdout cannot be written; that its reader has gone away ends the printing and is no error.
pub fn print<E: From<io::Error>>(write: impl FnOnce(&mut Stdout) -> Result<(), E>) -> Result<(), E> {
    let mut stdout = Stdout { buffer: io::BufWriter::new(io::stdout().lock()), reader_gone: false };
    let written = write(&mut stdout).and_then(|()| Ok(stdout.flush()?));
    if stdout.reader_gone { Ok(()) } else { written }
}

/// Standard output, which remembers that its reader has gone away however the error is dressed up on its way.
pub struct Stdout {
    buffer: io::BufWriter<io::StdoutLock<'static>>,
    reader_gone: bool,
}

impl Stdout {
    fn noting<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        self.reader_gone |= written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        written
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.buffer.write(bytes);
        self.noting(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.buffer.flush();
        self.noting(flushed)
    }
}

/// Whether a person would see what is printed.
pub fn is_seen() -> bool {
    io::stdout().is_terminal()
}

/// Whether a question can be asked and answered.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A question on stderr, behind which the answer is typed.
pub fn prompt(question: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{question} ").and_then(|()| stderr.flush());
}

/// A line from stdin; none at its end, or if it cannot be read.
pub fn read_line() -> Option<String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}
