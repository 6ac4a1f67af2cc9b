//! The Markdown summary that a pipeline shows on its page.
//!
//! Foreign text is sanitized, and its punctuation is escaped so that neither Markdown nor HTML can interpret it.
//! Invariant: it contains no password, and is far below GitHub's limit of one mebibyte per step.

use super::{Stage, notes};
use crate::cli::{console::speed::speed, hints};
use passwave::{
    ledger::ReadLedger,
    outcome::Status,
    report::{CSV_NAME, PAGE_NAME, SEALED_NAME, Summary, SummaryCause},
    util::{
        format::{counted, grouped},
        sanitize,
    },
};
use std::fmt::Write;

/// How many causes are listed; the report has all.
const CAUSES_MAX: usize = 50;

/// The state of the run.
pub(super) fn of(ledger: &ReadLedger, summary: &Summary, stage: Stage, go_on: &str) -> String {
    let mut text = summary_of(summary, stage);
    let folder = ledger.folder();
    let pending = summary.counts.get(Status::Pending.as_str()).copied().unwrap_or_default();
    if !summary.rehearsal && (stage == Stage::Planned || pending > 0) {
        let _ = write!(text, "Continue with:\n\n    {go_on}\n\n");
    }
    let holds = match (summary.rehearsal, summary.sealed_to.is_empty()) {
        (true, _) => String::new(),
        (false, true) => ". They contain passwords in clear text".into(),
        (false, false) => {
            format!(". They contain no passwords; `{}` does, for the holders of a key", summary.place_of(SEALED_NAME))
        }
    };
    let folder = escaped(&folder.display().to_string());
    let (csv, page) = (summary.place_of(CSV_NAME), summary.place_of(PAGE_NAME));
    let _ = write!(text, "Reports: `{csv}` and `{page}` in {folder}{holds}.\n\n");
    text
}

/// Why there is no run, or why it stopped, and the command that continues.
pub(super) fn failed(failure: &str, next: Option<&str>) -> String {
    let lines: Vec<String> = failure.lines().map(|line| escaped(&sanitize::sentence(line))).collect();
    let next = next.map(|command| format!("Continue with:\n\n    {command}\n\n")).unwrap_or_default();
    format!("## passwave could not continue\n\n{}\n\n{next}", lines.join("<br>"))
}

fn summary_of(summary: &Summary, stage: Stage) -> String {
    let mut text = format!("## passwave: {}\n\n", escaped(&summary.roster));
    let _ = write!(text, "{}\n\n| Status | Rows |\n|---|---:|\n", escaped(&notes::result(summary, stage)));
    for (status, rows) in Status::ALL.into_iter().filter_map(|status| summary.counts.get_key_value(status.as_str())) {
        let _ = writeln!(text, "| {} | {} |", status.replace('_', " "), grouped(*rows));
    }
    text.push('\n');
    if let Some(speed) = speed(summary) {
        let _ = write!(text, "{speed}\n\n");
    }
    for (name, value) in
        [("Tenant", summary.tenant_id.as_deref()), ("Fingerprint of the plan", Some(&summary.fingerprint))]
    {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = write!(text, "{name}: {}\n\n", escaped(value));
        }
    }
    causes(&mut text, summary);
    text
}

fn causes(text: &mut String, summary: &Summary) {
    let urgent: Vec<&SummaryCause> = summary.causes.iter().filter(|cause| cause.needs_a_look()).collect();
    if urgent.is_empty() {
        return;
    }
    text.push_str("### What needs attention\n\n| Rows | What | Example message | What to do |\n|---:|---|---|---|\n");
    for cause in urgent.iter().take(CAUSES_MAX) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            grouped(cause.rows),
            escaped(&cause.title()),
            escaped(&sanitize::sentence(&cause.error_message)),
            escaped(&hints::outcome::hint(cause).unwrap_or_default()),
        );
    }
    text.push('\n');
    if urgent.len() > CAUSES_MAX {
        let more = counted((urgent.len() - CAUSES_MAX) as u64, "cause is", "causes are");
        let _ = write!(text, "{more} only in the report.\n\n");
    }
}

/// Foreign text as literal Markdown: letters, digits and spaces stay, and all other ASCII characters become HTML
/// character references, which never mark anything up (CommonMark, "Entity and numeric character references").
fn escaped(text: &str) -> String {
    let mut result = String::new();
    for c in sanitize::line(text).chars() {
        if c.is_ascii_punctuation() {
            let _ = write!(result, "&#{};", u32::from(c));
        } else {
            result.push(c);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use passwave::{
        ledger::Ledger,
        password::{Generator, PasswordPolicy},
        plan::{Plan, Settings},
        roster::{Roster, RosterOptions},
    };

    /// The summary of a run with these causes.
    fn summary(causes: Vec<SummaryCause>) -> Summary {
        let home = tempfile::tempdir().expect("a folder");
        let roster = Roster::from_bytes("<b>|pupils.csv", b"ann@contoso.com\n".to_vec(), &RosterOptions::default());
        let (roster, policy) = (roster.expect("a roster"), PasswordPolicy::default());
        let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
        let settings = Settings::new(&roster, policy.clone());
        let ledger = Ledger::create(&home.path().join("run"), settings, plan).expect("a ledger").ledger;
        Summary { causes, ..Summary::of(&ledger).expect("a summary") }
    }

    fn cause(code: &str, message: &str) -> SummaryCause {
        SummaryCause {
            status: Status::Failed,
            error_code: code.into(),
            error_message: message.into(),
            cause: None,
            rows: 2_000,
            accepted: false,
        }
    }

    #[test]
    fn foreign_text_marks_nothing_up() {
        let hostile = "a|b\n# x\n<script>![x](http://y)</script> **b** `c` @d ~~e~~ \\";
        let text = summary_of(&summary(vec![cause("X|Y", hostile)]), Stage::Ended);
        let row = text.lines().find(|line| line.starts_with("| 2,000 | failed &#40;X&#124;")).expect("its row");
        assert_eq!(row.matches('|').count(), 5);
        let foreign = ["<b>", "<script", "![", "**", "`c", "@d", "~~", "http:", "\\"];
        foreign.into_iter().for_each(|part| assert!(!text.contains(part), "{part}"));
        assert!(text.starts_with("## passwave: &#60;b&#62;&#124;pupils&#46;csv\n"), "{text}");
    }

    #[test]
    fn summary_stays_below_the_limit() {
        let causes = (0..10_000).map(|nth| cause(&format!("Code{nth}"), &"|".repeat(10_000))).collect();
        let text = summary_of(&summary(causes), Stage::Ended);
        assert!(text.len() < 1 << 18, "{}", text.len());
        assert!(text.contains("9,950 causes are only in the report"));
    }

    #[test]
    fn failures_are_escaped_line_by_line() {
        let text = failed("the roster | is bad\nhint: correct it", Some("passwave run run"));
        let told = "## passwave could not continue\n\nthe roster &#124; is bad<br>hint&#58; correct it\n\n";
        assert_eq!(text, format!("{told}Continue with:\n\n    passwave run run\n\n"));
    }
}
