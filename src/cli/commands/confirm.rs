//! The question before accounts are reset. The answer is the number of accounts, so nobody agrees without reading.

use super::signals::stop_signal;
use crate::cli::{
    console::{End, Event, Reporter},
    context::Context,
    failure::{INTERRUPTED, USAGE},
};
use passwave::{
    ledger::ReadLedger,
    util::{
        format::{counted, grouped},
        sanitize,
    },
};

/// The situation if the user declines.
pub const KEPT: &str = "The plan is kept, and nothing was sent now.";
/// The situation if the user declines after a pilot.
pub const KEPT_AFTER: &str = "Nothing more was sent.";

/// The accounts of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// The first few.
    Pilot(u64),
    /// All that are left.
    All,
    /// All that are left after a pilot.
    AfterPilot,
}

/// Asks whether to reset these accounts.
///
/// # Errors
/// The exit code if the user declines.
pub async fn confirmed(context: &Context, ledger: &ReadLedger, share: Share) -> Result<(), u8> {
    let pending = ledger.counts().pending();
    let number = if let Share::Pilot(pilot) = share { pilot.min(pending) } else { pending };
    if number == 0 {
        return Ok(());
    }
    // A user who has just typed the account's name need not type it again.
    let user = match ledger.settings().users.as_slice() {
        [user] if pending == 1 => Some(user.as_str()),
        _ => None,
    };
    let asked = user.map_or_else(|| question(number, pending), question_about);
    let (why, code, end) = match answer(&context.reporter, &asked).await {
        Answer::Line(line) if is_number(&line, number) || user.is_some_and(|user| is_yes(&line, user)) => return Ok(()),
        Answer::Line(line) => (user.map_or_else(|| refused(&line, number), |_| no_yes(&line)), USAGE, End::Declined),
        Answer::Closed => ("There was no answer.".into(), USAGE, End::Declined),
        Answer::Interrupted => ("Interrupted.".into(), INTERRUPTED, End::Interrupted),
    };
    context.reporter.tell(&Event::Ends(end));
    let kept = if share == Share::AfterPilot { KEPT_AFTER } else { KEPT };
    context.go_on(&format!("{why} {kept}"), ledger);
    Err(code)
}

fn question(number: u64, pending: u64) -> String {
    let what = if number < pending {
        format!("Pilot: {} of {} accounts get a new password now.", grouped(number), grouped(pending))
    } else {
        format!("This gives {} a new password now.", counted(number, "account", "accounts"))
    };
    format!("{what} To continue, type the number of accounts ({}):", grouped(number))
}

fn question_about(user: &str) -> String {
    format!("This gives {} a new password now. To continue, type y:", sanitize::for_terminal(user))
}

/// The answer to the question whether to remove passwords.
pub enum RemovalAnswer {
    Yes,
    /// No, with the exit code.
    No(u8),
}

/// Asks whether to remove the passwords of these accounts.
pub async fn removal_confirmed(reporter: &Reporter, accounts: u64, places: &str) -> RemovalAnswer {
    let asked = removal_question(accounts, places);
    let (why, code, end) = match answer(reporter, &asked).await {
        Answer::Line(line) if is_number(&line, accounts) => return RemovalAnswer::Yes,
        Answer::Line(line) => (refused(&line, accounts), USAGE, End::Declined),
        Answer::Closed => ("There was no answer.".into(), USAGE, End::Declined),
        Answer::Interrupted => ("Interrupted.".into(), INTERRUPTED, End::Interrupted),
    };
    reporter.tell(&Event::Ends(end));
    reporter.tell(&Event::Required(&format!("{why} Nothing was removed.")));
    RemovalAnswer::No(code)
}

fn removal_question(accounts: u64, places: &str) -> String {
    format!(
        "This removes the passwords of {} from {places} for good; whoever needs one must have it by now. To continue, type \
         the number of accounts ({}):",
        counted(accounts, "account", "accounts"),
        grouped(accounts)
    )
}

/// Whether the line means yes, or names the account.
fn is_yes(line: &str, user: &str) -> bool {
    ["y", "yes", user].iter().any(|yes| line.trim().eq_ignore_ascii_case(yes))
}

fn no_yes(line: &str) -> String {
    match sanitize::for_terminal(line.trim()) {
        empty if empty.is_empty() => "Nothing was typed.".into(),
        typed => format!("{typed:?} is not y."),
    }
}

/// Whether the line is the number, with any grouping of digits.
pub fn is_number(line: &str, number: u64) -> bool {
    let plain: String = line.trim().chars().filter(|c| !matches!(c, ',' | '.' | ' ' | '\'')).collect();
    plain == number.to_string()
}

pub fn refused(line: &str, number: u64) -> String {
    match sanitize::for_terminal(line.trim()) {
        empty if empty.is_empty() => "No number was typed.".into(),
        typed => format!("{typed:?} is not the number of accounts ({}).", grouped(number)),
    }
}

pub enum Answer {
    Line(String),
    /// Standard input is closed.
    Closed,
    Interrupted,
}

/// Reads on a separate thread, so that it can be interrupted; the thread ends with the process.
pub async fn answer(reporter: &Reporter, question: &str) -> Answer {
    reporter.ask(question);
    let (send, read) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || send.send(Reporter::answer()));
    let answer = tokio::select! {
        line = read => line.ok().flatten().map_or(Answer::Closed, Answer::Line),
        () = stop_signal() => Answer::Interrupted,
    };
    if !matches!(answer, Answer::Line(_)) {
        // The cursor is still after the question.
        reporter.tell(&Event::Required(""));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pilot_question_has_its_own_number() {
        let pilot = question(5, 3_598);
        assert!(pilot.starts_with("Pilot: 5 of 3,598 accounts get") && pilot.ends_with("(5):"), "{pilot}");
        let all = question(3_598, 3_598);
        assert!(all.starts_with("This gives 3,598 accounts") && all.ends_with("(3,598):"), "{all}");
    }

    #[test]
    fn removal_question_names_the_accounts_and_the_place() {
        let asked = removal_question(3_598, "semester");
        assert!(asked.contains("passwords of 3,598 accounts from semester for good"), "{asked}");
        assert!(asked.ends_with("type the number of accounts (3,598):"), "{asked}");
    }

    #[test]
    fn one_account_takes_a_yes() {
        assert_eq!(
            question_about("ann@contoso.com"),
            "This gives ann@contoso.com a new password now. To continue, type y:"
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
