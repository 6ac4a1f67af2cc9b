//! Why a run ends with exit code 1, and the commands that deal with it.
//!
//! It never changes anything. Invariant: a command that it prints works as it stands.

use super::next_step::{self, NextStep};
use crate::terminal::{counted, grouped, say};
use passwave::{
    clean,
    ledger::Ledger,
    outcome::{Skip, Status},
    report::{Summary, SummaryCause},
};

/// Exit code of a run that has finished, of which some rows need attention.
const ATTENTION: u8 = 1;

/// Says which rows need attention and how to deal with them; nothing if none do, or the run has not finished.
pub fn tell(ledger: &Ledger, summary: &Summary) {
    if summary.exit_code != ATTENTION {
        return;
    }
    let groups = groups(summary.causes.iter().filter(|cause| cause.needs_a_look()));
    let rows: u64 = groups.iter().map(|(_, rows)| rows).sum();
    let parts: Vec<String> = groups.iter().map(|(word, rows)| format!("{} {word}", grouped(*rows))).collect();
    let verb = if rows == 1 { "needs" } else { "need" };
    let why = format!("Exit code 1: {} {verb} attention ({}).", counted(rows, "row", "rows"), parts.join(", "));
    match again(ledger, summary) {
        Some((rows, step)) => {
            let them = if rows == 1 { "the failed one" } else { "the failed ones" };
            next_step::retry(&format!("{why} Try {them} again:"), &step);
        }
        None => say(&why),
    }
    included(ledger, &groups);
    accepted(ledger, &groups);
}

/// How many rows there are of each kind, in the order of the causes.
fn groups<'s>(causes: impl Iterator<Item = &'s SummaryCause>) -> Vec<(String, u64)> {
    let mut groups: Vec<(String, u64)> = Vec::new();
    for cause in causes {
        let is_skipped = cause.status == Status::Skipped.as_str();
        let word = if is_skipped { cause.error_code.clone() } else { cause.status.replace('_', " ") };
        let word = clean::for_terminal(&word);
        match groups.iter_mut().find(|(known, _)| *known == word) {
            Some((_, rows)) => *rows += cause.rows,
            None => groups.push((word, cause.rows)),
        }
    }
    groups
}

/// The command that resets those again that Graph refused, or whose answer was lost.
fn again(ledger: &Ledger, summary: &Summary) -> Option<(u64, NextStep)> {
    let of = |status: Status| summary.counts.get(status.as_str()).copied().unwrap_or_default();
    let again: Vec<Status> = [Status::Failed, Status::InDoubt].into_iter().filter(|status| of(*status) > 0).collect();
    let words: Vec<&str> = again.iter().map(|status| status.as_str()).collect();
    let rows = again.iter().map(|status| of(*status)).sum();
    let step = || match ledger.settings().users.as_slice() {
        // The account itself says which one.
        [_] => NextStep::again(ledger),
        _ => NextStep::again(ledger).with("where", format!("status={}", words.join(","))),
    };
    (rows > 0).then(|| (rows, step()))
}

/// How rows are reset that were left alone for what their accounts are.
fn included(ledger: &Ledger, groups: &[(String, u64)]) {
    for (skip, flag) in [(Skip::Synced, "include-synced"), (Skip::Admin, "include-admins")] {
        let Some((_, rows)) = groups.iter().find(|(word, _)| word == skip.code()) else { continue };
        let step = match ledger.settings().users.as_slice() {
            [_] => NextStep::again(ledger),
            _ => NextStep::again(ledger).with("where", format!("error_code={}", skip.code())),
        };
        let step = step.switch(flag);
        let them = if *rows == 1 {
            format!("the {} one", skip.code())
        } else {
            format!("the {} {} ones", grouped(*rows), skip.code())
        };
        say(&format!("To reset {them} as well:  {step}"));
    }
}

/// How a run ends with 0 although it skips rows, if that is as it should be.
fn accepted(ledger: &Ledger, groups: &[(String, u64)]) {
    let codes: Vec<&str> = groups.iter().filter_map(|(word, _)| Skip::from_code(word)).map(Skip::code).collect();
    if codes.is_empty() || ledger.settings().rehearsal {
        return;
    }
    let all = ledger.settings().wanted.accept.iter().map(String::as_str).chain(codes).collect::<Vec<_>>().join(",");
    say(&format!("If these skips are as they should be:  {}", NextStep::run(ledger).with("accept", all)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_what_they_are() {
        let cause = |status: &str, code: &str, rows| SummaryCause {
            status: status.into(),
            error_code: code.into(),
            error_message: String::new(),
            rows,
            accepted: false,
        };
        let causes = [
            cause("failed", "Request_BadRequest", 2),
            cause("skipped", "upn_invalid", 1),
            cause("failed", "http_404", 3),
            cause("in_doubt", "", 1),
        ];
        let found = groups(causes.iter());
        let expected = [("failed", 5), ("upn_invalid", 1), ("in doubt", 1)];
        assert_eq!(found, expected.map(|(word, rows)| (word.to_owned(), rows)));
    }
}
