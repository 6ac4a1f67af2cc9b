//! The standard streams: the only place that writes to them.

use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::AnsiColor;
#[cfg(any(feature = "seal", feature = "sign"))]
use secrecy::SecretString;
use std::{
    env,
    io::{self, BufRead, IsTerminal, Write},
};

/// The meaning of a word. Colours only repeat what the word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Plain,
    /// Something went wrong.
    Bad,
    /// Something waits, or is uncertain.
    Slow,
    /// Something succeeded.
    Good,
    /// The next step.
    Way,
}

/// The text in the colour of its mark. [`line`] removes the colour again if it does not belong: in a file, on a dumb
/// terminal, or if `NO_COLOR` is set.
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

/// Whether escape codes for colours can be written to stderr as they are.
///
/// They do not belong into a file, and a console of Windows without support for them would show them as text. [`line`]
/// sets the colours of such a console through the console's own functions.
pub fn takes_colour_codes() -> bool {
    AutoStream::auto(io::stderr()).current_choice() == ColorChoice::AlwaysAnsi
}

/// Whether stderr is a terminal.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// The width of the terminal on stderr, if known.
pub fn width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0.into())
}

/// What this process knows about its terminal, in words. Values of variables are as they are: sanitize them.
pub fn terminal_facts() -> String {
    let is_on = |is_terminal: bool, name: &'static str| is_terminal.then_some(name);
    let streams = [
        is_on(io::stdin().is_terminal(), "stdin"),
        is_on(io::stdout().is_terminal(), "stdout"),
        is_on(io::stderr().is_terminal(), "stderr"),
    ];
    let streams: Vec<&str> = streams.into_iter().flatten().collect();
    let mut facts = match streams.is_empty() {
        true => vec!["no terminal".to_owned()],
        false => vec![format!("a terminal on {}", streams.join(", "))],
    };
    facts.extend(width().map(|columns| format!("{columns} columns")));
    facts.push(
        match AutoStream::auto(io::stderr()).current_choice() {
            ColorChoice::AlwaysAnsi => "colours by escape codes",
            ColorChoice::Never => "no colours",
            ColorChoice::Auto | ColorChoice::Always => "colours by the console's functions",
        }
        .to_owned(),
    );
    for name in ["TERM", "TERM_PROGRAM", "COLORTERM"] {
        facts.extend(env::var(name).ok().filter(|value| !value.is_empty()).map(|value| format!("{name}={value}")));
    }
    facts.extend(env::var_os("WT_SESSION").map(|_| "Windows Terminal".to_owned()));
    facts.join(", ")
}

/// A line on stderr. A failed write is no reason to stop working.
pub fn line(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Prints requested text on stdout.
///
/// # Errors
/// Fails if `write` fails, or stdout cannot be written. A closed pipe ends the printing and is not an error.
pub fn print<E: From<io::Error>>(write: impl FnOnce(&mut Stdout) -> Result<(), E>) -> Result<(), E> {
    let mut stdout = Stdout { buffer: io::BufWriter::new(io::stdout().lock()), reader_gone: false };
    let written = write(&mut stdout).and_then(|()| Ok(stdout.flush()?));
    if stdout.reader_gone { Ok(()) } else { written }
}

/// Standard output. It remembers that its reader is gone, even if a caller wraps that error.
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

/// Whether a user sees what is printed on stdout.
pub fn is_seen() -> bool {
    io::stdout().is_terminal()
}

/// Whether a question can be asked and answered.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && is_terminal()
}

/// A question on stderr; the answer is typed after it.
pub fn prompt(question: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{question} ").and_then(|()| stderr.flush());
}

/// Asks a question on stderr, and reads the answer without echo.
///
/// # Errors
/// Fails if there is no terminal.
#[cfg(any(feature = "seal", feature = "sign"))]
pub fn secret(question: &str) -> io::Result<SecretString> {
    rpassword::prompt_password(format!("{question}: ")).map(SecretString::from)
}

/// A line from stdin; `None` at its end, or if it cannot be read.
pub fn read_line() -> Option<String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}
