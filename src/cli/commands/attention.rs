//! Why a run ends with exit code 1, and the commands to deal with it.
//!
//! It never changes anything. Invariant: every command that it prints works as printed.

use crate::cli::{context::Context, next_step::NextStep};
use passwave::{
    ledger::ReadLedger,
    outcome::{Skip, Status},
    report::{Summary, SummaryCause},
    util::{
        format::{counted, grouped},
        sanitize,
    },
};

/// Exit code of a finished run with rows that need attention.
const ATTENTION: u8 = 1;

/// Says which rows need attention and what to do; nothing if no row does, or the run has not finished.
pub fn tell(context: &Context, ledger: &ReadLedger, summary: &Summary) {
    if summary.exit_code != ATTENTION {
        return;
    }
    let groups = groups(summary.causes.iter().filter(|cause| cause.needs_a_look()));
    let rows: u64 = groups.iter().map(|(_, rows)| rows).sum();
    let parts: Vec<String> = groups.iter().map(|(word, rows)| format!("{} {word}", grouped(*rows))).collect();
    let verb = if rows == 1 { "needs" } else { "need" };
    // `verify` has an exit code of its own.
    let code = if context.call.verb == "verify" { "" } else { "Exit code 1: " };
    let why = format!("{code}{} {verb} attention ({}).", counted(rows, "row", "rows"), parts.join(", "));
    match again(context, ledger, summary) {
        Some((rows, step)) => {
            let them = if rows == 1 { "the failed one" } else { "the failed ones" };
            context.retry(&format!("{why} Try {them} again:"), &step);
        }
        None => context.reporter.notice(why),
    }
    included(context, ledger, &groups);
    accepted(context, ledger, &groups);
}

/// The number of rows of each kind, in the order of the causes.
fn groups<'s>(causes: impl Iterator<Item = &'s SummaryCause>) -> Vec<(String, u64)> {
    let mut groups: Vec<(String, u64)> = Vec::new();
    for cause in causes {
        let is_skipped = cause.status == Status::Skipped;
        let word = if is_skipped { cause.error_code.clone() } else { cause.status.title().to_owned() };
        let word = sanitize::for_terminal(&word);
        match groups.iter_mut().find(|(known, _)| *known == word) {
            Some((_, rows)) => *rows += cause.rows,
            None => groups.push((word, cause.rows)),
        }
    }
    groups
}

/// The command that resets the rows again that failed or are in doubt.
fn again(context: &Context, ledger: &ReadLedger, summary: &Summary) -> Option<(u64, NextStep)> {
    let of = |status: Status| summary.counts.get(status.as_str()).copied().unwrap_or_default();
    let again: Vec<Status> = [Status::Failed, Status::InDoubt].into_iter().filter(|status| of(*status) > 0).collect();
    let words: Vec<&str> = again.iter().map(|status| status.as_str()).collect();
    let rows = again.iter().map(|status| of(*status)).sum();
    let step = || match ledger.settings().users.as_slice() {
        // A single account needs no condition.
        [_] => NextStep::again(&context.call, ledger),
        _ => NextStep::again(&context.call, ledger).with("where", format!("status={}", words.join(","))),
    };
    (rows > 0).then(|| (rows, step()))
}

/// How to include rows that were skipped because of their account's kind.
fn included(context: &Context, ledger: &ReadLedger, groups: &[(String, u64)]) {
    for (skip, flag) in [(Skip::Synced, "writeback"), (Skip::Admin, "include-admins")] {
        let Some((_, rows)) = groups.iter().find(|(word, _)| word == skip.code()) else { continue };
        let step = match ledger.settings().users.as_slice() {
            [_] => NextStep::again(&context.call, ledger),
            _ => NextStep::again(&context.call, ledger).with("where", format!("error_code={}", skip.code())),
        };
        let step = step.switch(flag);
        let them = if *rows == 1 {
            format!("the {} one", skip.code())
        } else {
            format!("the {} {} ones", grouped(*rows), skip.code())
        };
        context.reporter.notice(format!("To reset {them} as well:  {step}"));
    }
}

/// How to get exit code 0 if the skips are intended.
fn accepted(context: &Context, ledger: &ReadLedger, groups: &[(String, u64)]) {
    let codes: Vec<&str> = groups.iter().filter_map(|(word, _)| Skip::from_code(word)).map(Skip::code).collect();
    if codes.is_empty() || ledger.settings().rehearsal {
        return;
    }
    let all = ledger.settings().wanted.accept.iter().map(String::as_str).chain(codes).collect::<Vec<_>>().join(",");
    context
        .reporter
        .notice(format!("If these skips are as they should be:  {}", context.run_again(ledger).with("accept", all)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_kind() {
        let cause = |status, code: &str, rows| SummaryCause {
            status,
            error_code: code.into(),
            error_message: String::new(),
            cause: None,
            rows,
            accepted: false,
        };
        let causes = [
            cause(Status::Failed, "Request_BadRequest", 2),
            cause(Status::Skipped, "upn_invalid", 1),
            cause(Status::Failed, "http_404", 3),
            cause(Status::InDoubt, "", 1),
        ];
        let found = groups(causes.iter());
        let expected = [("failed", 5), ("upn_invalid", 1), ("in doubt", 1)];
        assert_eq!(found, expected.map(|(word, rows)| (word.to_owned(), rows)));
    }
}
