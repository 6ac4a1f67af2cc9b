//! The result, as users read it when a command ends.

use super::{lines::Lines, plan::sealed_to};
use crate::cli::{
    console::{
        event::{RunResult, SealedReport},
        speed::speed,
        stdio::{Mark, paint},
    },
    hints,
};
use passwave::{
    ledger::{FILE_NAME, ReadLedger},
    outcome::Status,
    plan::wanted::Wanted,
    report::{CSV_NAME, PAGE_NAME, SEALED_NAME, SESSIONS_COLUMN, SUMMARY_NAME, Summary, SummaryCause},
    util::{
        format::{counted, grouped},
        sanitize,
    },
};
use std::path::Path;

/// Shows what was done, and where to find it.
pub(super) fn all(lines: Lines, has_listed_skipped: bool, result: &RunResult<'_>) {
    let RunResult { ledger, summary, wanted, .. } = result;
    outcome(lines, ledger, summary);
    speed(summary).into_iter().for_each(|words| lines.say(&words));
    causes(lines, has_listed_skipped, &summary.causes);
    afterwards(lines, summary, wanted);
    if result.has_reports {
        reports(lines, result);
    }
}

/// Where the reports are.
fn reports(lines: Lines, RunResult { ledger, summary, sealed, .. }: &RunResult<'_>) {
    let folder = ledger.folder();
    let path = |name| folder.join(summary.place_of(name));
    match sealed {
        None => lines.say(&format!("Report:  {}", path(CSV_NAME).display())),
        Some(sealed) => sealed_report(lines, folder, summary, sealed),
    }
    sealed_to(ledger).iter().for_each(|names| lines.say(&format!("Kept:    {names}")));
    lines.say(&format!("Page:    {}", path(PAGE_NAME).display()));
    let place = match ledger.is_on_server() {
        true => format!("{}, in the database", ledger.operand().display()),
        false => folder.join(FILE_NAME).display().to_string(),
    };
    lines.say(&format!("Summary: {}   Ledger: {place}", path(SUMMARY_NAME).display()));
    let has_passwords = summary.counts["reset"] + summary.counts["in_doubt"] > 0 && !summary.rehearsal;
    if let Some(at) = &summary.passwords_removed_at {
        lines.say(&format!("The passwords were removed ({at})."));
    } else if has_passwords && summary.sealed_to.is_empty() {
        lines.say("The report and the page contain passwords in clear text: keep them private.");
    }
}

/// Shows the result of a pilot, before the question about the other accounts.
pub(super) fn pilot(lines: Lines, has_listed_skipped: bool, ledger: &ReadLedger, summary: &Summary) {
    outcome(lines, ledger, summary);
    causes(lines, has_listed_skipped, &summary.causes);
    afterwards(lines, summary, &Wanted::default());
    lines.say(&format!("Report:  {}", ledger.folder().join(summary.place_of(CSV_NAME)).display()));
}

/// The number of rows with each status.
fn outcome(lines: Lines, ledger: &ReadLedger, summary: &Summary) {
    let mark = if summary.rehearsal { "REHEARSAL, no tenant was touched. " } else { "" };
    let counts: Vec<String> = Status::ALL
        .into_iter()
        .filter(|status| ledger.counts().of(*status) > 0)
        .map(|status| {
            let text = format!("{} {}", grouped(ledger.counts().of(status)), status.as_str().replace('_', " "));
            paint(mark_of(status), &text)
        })
        .collect();
    lines.say(&format!("{mark}{}: {}.", counted(summary.rows, "row", "rows"), counts.join(", ")));
}

const fn mark_of(status: Status) -> Mark {
    match status {
        Status::Reset => Mark::Good,
        Status::Failed => Mark::Bad,
        Status::InDoubt | Status::Pending => Mark::Slow,
        Status::Skipped => Mark::Plain,
    }
}

/// Where the passwords are, and how to read them.
fn sealed_report(lines: Lines, folder: &Path, summary: &Summary, sealed: &SealedReport) {
    let SealedReport { read_with, add_with } = sealed;
    let path = |name| folder.join(summary.place_of(name));
    lines.say(&format!("Report:  {} (without passwords)", path(CSV_NAME).display()));
    lines.say(&format!("Sealed:  {}   Read it with:  {read_with}", path(SEALED_NAME).display()));
    if summary.passwords_not_in_report > 0 {
        let lacking = counted(summary.passwords_not_in_report, "password that was", "passwords that were");
        lines.say(&format!("It lacks {lacking} sealed earlier. Add them with:  {add_with}"));
    }
}

/// What was done and verified after the resets.
fn afterwards(lines: Lines, summary: &Summary, wanted: &Wanted) {
    let mut verified: Vec<String> = summary
        .verified
        .iter()
        .map(|(verdict, number)| format!("{} {}", grouped(*number), verdict.replace('_', " ")))
        .collect();
    let is_asked = wanted.verify || !verified.is_empty();
    if is_asked && not_verified(summary) > 0 {
        verified.push(format!("{} not verified", grouped(not_verified(summary))));
    }
    if !verified.is_empty() {
        lines.say(&format!("Verified: {}.", verified.join(", ")));
    }
    if summary.sessions_revoked + summary.sessions_failed > 0 {
        let failed = match summary.sessions_failed {
            0 => String::new(),
            failed => {
                format!("; not possible for {} (column {SESSIONS_COLUMN})", counted(failed, "account", "accounts"))
            }
        };
        lines.say(&format!(
            "Sessions: revoked for {}{failed}.",
            counted(summary.sessions_revoked, "account", "accounts")
        ));
    }
}

/// Rows without a reset by cause; the hint follows the causes that share it.
fn causes(lines: Lines, has_listed_skipped: bool, causes: &[SummaryCause]) {
    let is_told = |cause: &SummaryCause| cause.status == Status::Skipped && has_listed_skipped;
    let is_worth = |cause: &&SummaryCause| !is_told(cause) || cause.needs_a_look() || cause.accepted;
    let causes: Vec<&SummaryCause> = causes.iter().filter(is_worth).collect();
    for (at, cause) in causes.iter().enumerate() {
        let what = if is_told(cause) { "see above".into() } else { sanitize::sentence(&cause.error_message) };
        lines.say(&format!("  {} {}: {what}", grouped(cause.rows), sanitize::for_terminal(&cause.title())));
        let hint = hints::outcome::hint(cause);
        let next = causes.get(at + 1).and_then(|next| hints::outcome::hint(next));
        if let Some(hint) = hint.filter(|hint| next.as_ref() != Some(hint)) {
            lines.say(&format!("      {} {hint}", paint(Mark::Way, "hint:")));
        }
    }
}

/// Reset accounts that were not verified.
pub fn not_verified(summary: &Summary) -> u64 {
    summary.counts["reset"].saturating_sub(summary.verified.values().sum())
}
