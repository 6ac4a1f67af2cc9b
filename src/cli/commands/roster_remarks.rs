//! What the user should know about a roster before its rows are used.

use crate::cli::{console::Reporter, failure::Failure, hints};
use passwave::{
    ledger::Ledger,
    roster::{Lines, Remark, Roster, RosterError},
    util::{format::counted, sanitize},
};

/// Reports remarks about the roster itself.
pub fn remarks(reporter: &Reporter, roster: &Roster) {
    for remark in roster.remarks() {
        match hints::roster::of_remark(&remark.kind).filter(|_| remark.kind.is_warning()) {
            Some(hint) => reporter.warn_with(remark.to_string(), hint),
            None if remark.kind.is_warning() => reporter.warn(remark.to_string()),
            None => reporter.notice(told(remark)),
        }
    }
}

/// A remark and what to do about it, in one sentence.
fn told(remark: &Remark) -> String {
    let hint = hints::roster::of_remark(&remark.kind);
    hint.map_or_else(|| remark.to_string(), |hint| format!("{remark}; {hint}"))
}

/// Notes the remarks, for the plan as JSON.
pub fn note(ledger: &Ledger, roster: &Roster) -> Result<(), Failure> {
    let remarks: Vec<String> =
        roster.remarks().iter().map(|remark| sanitize::line(&told(remark)).into_owned()).collect();
    Ok(ledger.set_remarks(&remarks)?)
}

/// Reports what was noticed in the rows.
pub fn notes(reporter: &Reporter, roster: &Roster) {
    let Some(notes) = roster.notes() else { return };
    let at = |lines: &Lines| match (roster.sheet(), lines.number) {
        (None, 1) => format!("line {lines}"),
        (None, _) => format!("lines {lines}"),
        (Some(_), 1) => format!("row {lines}"),
        (Some(_), _) => format!("rows {lines}"),
    };
    let others = &notes.other_languages;
    if others.number > 0 {
        let rows = counted(others.number, "row names", "rows name");
        reporter.warn(format!(
            "{rows} a language without a word list ({}, --language-column): passwave uses the list of --language",
            at(others)
        ));
    }
    let lost = &notes.lost_letters;
    if lost.number > 0 {
        let rows = counted(lost.number, "row has", "rows have");
        reporter.warn(format!(
            "{rows} a question mark in place of a letter in a name ({}): the program that wrote the roster lost it. Windows \
             PowerShell keeps letters with Export-Csv -Encoding UTF8, and in a pipe with $OutputEncoding = \
             [Text.Encoding]::UTF8",
            at(lost)
        ));
    }
}

/// Warns that a whole report as roster resets the rows again that it has already reset.
pub fn reset_rows(reporter: &Reporter, roster: &Roster) -> Result<(), RosterError> {
    let number = roster.reset_before()?.unwrap_or_default();
    if number > 0 {
        reporter.warn(format!(
            "{} is a passwave report, and {} status reset: they get another password now; --where status=failed takes \
             only those that failed",
            sanitize::for_terminal(roster.name()),
            counted(number, "of its rows has", "of its rows have")
        ));
    }
    Ok(())
}
