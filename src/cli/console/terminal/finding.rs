//! One finding of `doctor`: a line of its page, and what to do on the line below.
//!
//! The page is what the user asked for, so it goes to stdout; if JSON lines are there, it goes to stderr. It has no
//! colours, because it is pasted elsewhere.

use crate::cli::console::{event::Finding, stdio, verbosity::EventLines};
use passwave::util::sanitize;
use std::{fmt::Write as _, io, io::Write as _};

/// Prints a finding.
pub(super) fn show(finding: &Finding, events: EventLines) {
    let text = lines(finding);
    match events {
        EventLines::Json => stdio::line(&text),
        // A page that cannot be written is no reason to stop: the exit code says the same.
        EventLines::Off => drop(stdio::print::<io::Error>(|out| writeln!(out, "{text}"))),
    }
}

fn lines(Finding { check, severity, text, hint }: &Finding) -> String {
    let mut lines = format!("{:<8}  {check:<16}  {}", severity.word(), sanitize::line(text));
    if let Some(hint) = hint {
        let _ = write!(lines, "\n{:28}-> {}", "", sanitize::line(hint));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::console::event::Severity;

    #[test]
    fn findings_are_aligned_and_one_line_each() {
        let text = "no\u{1b}[2J\nway".to_owned();
        let hint = Some("try".to_owned());
        let found = lines(&Finding { check: "clock", severity: Severity::Problem, text, hint });
        assert_eq!(found, "problem   clock             no\u{fffd}[2J way\n                            -> try");
    }
}
