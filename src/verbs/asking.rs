//! The question before accounts are reset: its answer is the number of accounts, so that nobody agrees unread.

use super::{next_step, process::stop_signal};
use crate::{
    events,
    failure::{INTERRUPTED, USAGE},
    terminal::{self, counted, grouped, insist},
};
use passwave::{clean, ledger::Ledger};

/// How things stand if it does not begin.
pub const KEPT: &str = "The plan is kept, and nothing was sent now.";
/// The same after a pilot.
const KEPT_AFTER: &str = "Nothing more was sent.";

/// Asks whether `pilot` accounts, or all that are left, are to be reset; the exit code if not.
pub async fn agreed(ledger: &Ledger, pilot: Option<u64>, is_after_a_pilot: bool) -> Result<(), u8> {
    let pending = ledger.counts().pending();
    let number = pilot.map_or(pending, |pilot| pilot.min(pending));
    if number == 0 {
        return Ok(());
    }
    // Whoever has just typed the one account's name need not type it again.
    let user = match ledger.settings().users.as_slice() {
        [user] if pending == 1 => Some(user.as_str()),
        _ => None,
    };
    let asked = user.map_or_else(|| question(number, pending), question_about);
    let (why, code, end) = match answer(&asked).await {
        Answer::Line(line) if is_number(&line, number) || user.is_some_and(|user| is_yes(&line, user)) => return Ok(()),
        Answer::Line(line) => (user.map_or_else(|| refused(&line, number), |_| no_yes(&line)), USAGE, "declined"),
        Answer::Closed => ("There was no answer.".into(), USAGE, "declined"),
        Answer::Interrupted => ("Interrupted.".into(), INTERRUPTED, "interrupted"),
    };
    events::note_end(end);
    let kept = if is_after_a_pilot { KEPT_AFTER } else { KEPT };
    next_step::go_on(&format!("{why} {kept}"), ledger);
    Err(code)
}

fn question(number: u64, pending: u64) -> String {
    let what = if number < pending {
        format!("Pilot: {} of {} accounts get a new password, now.", grouped(number), grouped(pending))
    } else {
        format!("This gives {} a new password, now.", counted(number, "account", "accounts"))
    };
    format!("{what} To go on, type the number of accounts ({}):", grouped(number))
}

fn question_about(user: &str) -> String {
    format!("This gives {} a new password, now. To go on, type y:", clean::for_terminal(user))
}

/// Whether the line says yes, or names the account.
fn is_yes(line: &str, user: &str) -> bool {
    ["y", "yes", user].iter().any(|yes| line.trim().eq_ignore_ascii_case(yes))
}

fn no_yes(line: &str) -> String {
    match clean::for_terminal(line.trim()) {
        empty if empty.is_empty() => "Nothing was typed.".into(),
        typed => format!("{typed:?} is not y."),
    }
}

/// Whether the line is the number, however people group its digits.
fn is_number(line: &str, number: u64) -> bool {
    let plain: String = line.trim().chars().filter(|c| !matches!(c, ',' | '.' | ' ' | '\'')).collect();
    plain == number.to_string()
}

fn refused(line: &str, number: u64) -> String {
    match clean::for_terminal(line.trim()) {
        empty if empty.is_empty() => "No number was typed.".into(),
        typed => format!("{typed:?} is not the number of accounts ({}).", grouped(number)),
    }
}

enum Answer {
    Line(String),
    /// Nobody types any more.
    Closed,
    Interrupted,
}

/// Reads on a thread of its own, so that it can be interrupted; the thread ends with the process.
async fn answer(question: &str) -> Answer {
    terminal::prompt(question);
    let (send, read) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || send.send(terminal::read_line()));
    let answer = tokio::select! {
        line = read => line.ok().flatten().map_or(Answer::Closed, Answer::Line),
        () = stop_signal() => Answer::Interrupted,
    };
    if !matches!(answer, Answer::Line(_)) {
        // The cursor still stands behind the question.
        insist("");
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pilot_asks_for_its_own_number() {
        let pilot = question(5, 3_598);
        assert!(pilot.starts_with("Pilot: 5 of 3,598 accounts get") && pilot.ends_with("(5):"), "{pilot}");
        let all = question(3_598, 3_598);
        assert!(all.starts_with("This gives 3,598 accounts") && all.ends_with("(3,598):"), "{all}");
    }

    #[test]
    fn one_account_takes_a_yes() {
        assert_eq!(
            question_about("ann@contoso.com"),
            "This gives ann@contoso.com a new password, now. To go on, type y:"
        );
        for line in ["y\n", " YES", "Ann@Contoso.com\r\n"] {
            assert!(is_yes(line, "ann@contoso.com"), "{line}");
        }
        for line in ["", "\n", "n", "no", "bob@contoso.com", "yy"] {
            assert!(!is_yes(line, "ann@contoso.com"), "{line}");
        }
        assert_eq!((no_yes("\n").as_str(), no_yes("n\n").as_str()), ("Nothing was typed.", "\"n\" is not y."));
    }

    #[test]
    fn a_wrong_number_is_named() {
        assert!(is_number(" 3,598\n", 3_598) && is_number("3'598", 3_598) && !is_number("5", 3_598));
        assert_eq!(refused("5\n", 3_598), "\"5\" is not the number of accounts (3,598).");
        assert_eq!(refused("\n", 3_598), "No number was typed.");
        assert!(!refused("\u{1b}[2J", 1).contains('\u{1b}'));
    }
}
