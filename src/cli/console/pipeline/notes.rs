//! The annotations of a run: the worst rows first, and never more than a runner shows.

use super::{
    Stage,
    command::{Annotation, Severity},
};
use crate::cli::hints;
use passwave::{
    ledger::{LedgerError, ReadLedger, RowStatus, Verdict},
    outcome::Status,
    report::{CSV_NAME, Summary, SummaryCause},
    util::{
        format::{counted, grouped},
        sanitize,
    },
};

/// How many annotations of a kind GitHub shows per step; Azure Pipelines shows as many per task.
const SHOWN_MAX: usize = 10;

/// All annotations of the run; `file` is its roster.
pub(super) fn of(
    ledger: &ReadLedger,
    summary: &Summary,
    stage: Stage,
    file: Option<&str>,
) -> Result<Vec<Annotation>, LedgerError> {
    let (mut errors, mut warnings) = (Kind::new(Severity::Error), Kind::new(Severity::Warning));
    whole(summary, stage).into_iter().for_each(|note| warnings.add(|| note));
    ledger.for_each_standing(None, |account| {
        if let Some(severity) = severity(&account, &summary.accepted) {
            let kind = if severity == Severity::Error { &mut errors } else { &mut warnings };
            kind.add(|| row(&account, severity, file, &summary.accepted));
        }
        Ok::<_, LedgerError>(())
    })?;
    let mut all = errors.finish();
    all.extend(warnings.finish());
    all.push(Annotation::new(Severity::Notice, "passwave", result(summary, stage)));
    Ok(all)
}

/// The annotations of one kind: as many as are shown, and the total number.
struct Kind {
    severity: Severity,
    kept: Vec<Annotation>,
    number: u64,
}

impl Kind {
    const fn new(severity: Severity) -> Self {
        Self { severity, kept: Vec::new(), number: 0 }
    }

    fn add(&mut self, note: impl FnOnce() -> Annotation) {
        self.number += 1;
        if self.kept.len() < SHOWN_MAX {
            self.kept.push(note());
        }
    }

    /// If there are more than are shown, the last one says so.
    fn finish(mut self) -> Vec<Annotation> {
        if self.number > SHOWN_MAX as u64 {
            self.kept.truncate(SHOWN_MAX - 1);
            let more = grouped(self.number - self.kept.len() as u64);
            let text = format!("and {more} more: {CSV_NAME} in the run folder has them all");
            self.kept.push(Annotation::new(self.severity, "passwave", text));
        }
        self.kept
    }
}

/// How much a row matters; `None` if it needs no attention.
fn severity(account: &RowStatus, accepted: &[String]) -> Option<Severity> {
    match account.status {
        Status::Failed | Status::InDoubt => Some(Severity::Error),
        Status::Skipped if SummaryCause::of(account, accepted).needs_a_look() => Some(Severity::Warning),
        _ => None,
    }
}

fn row(account: &RowStatus, severity: Severity, file: Option<&str>, accepted: &[String]) -> Annotation {
    let cause = SummaryCause::of(account, accepted);
    let hint = hints::outcome::hint(&cause).map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let name = sanitize::for_terminal(&account.user_principal_name);
    let text = format!("row {}, {name}: {}{hint}", account.row, sanitize::sentence(&cause.error_message));
    let place = file.map(|file| (file.to_owned(), account.line));
    Annotation { place, ..Annotation::new(severity, &sanitize::for_terminal(&cause.title()), text) }
}

/// The annotations about the whole run.
fn whole(summary: &Summary, stage: Stage) -> Vec<Annotation> {
    let warning = |text: String| Annotation::new(Severity::Warning, "passwave", text);
    let mut notes = Vec::new();
    let pending = summary.counts.get(Status::Pending.as_str()).copied().unwrap_or_default();
    if stage == Stage::Ended && pending > 0 {
        let left = counted(pending, "account is", "accounts are");
        notes.push(warning(format!("{left} not finished: continue the run")));
    }
    let seen = |verdict: Verdict| summary.verified.get(verdict.as_str()).copied().unwrap_or_default();
    let unseen = seen(Verdict::NotYetVisible) + seen(Verdict::Unread);
    if unseen > 0 {
        let changes = counted(unseen, "change", "changes");
        notes.push(warning(format!("the directory did not show {changes}: see verified_at in the report")));
    }
    notes
}

/// The run in one line.
pub(super) fn result(summary: &Summary, stage: Stage) -> String {
    let counts: Vec<String> = Status::ALL
        .into_iter()
        .filter_map(|status| summary.counts.get(status.as_str()).filter(|rows| **rows > 0).map(|rows| (status, *rows)))
        .map(|(status, rows)| match (status, stage) {
            (Status::Pending, Stage::Planned) => format!("{} to reset", grouped(rows)),
            _ => format!("{} {}", grouped(rows), status.as_str().replace('_', " ")),
        })
        .collect();
    let roster = sanitize::for_terminal(&summary.roster);
    let mark = if summary.rehearsal { "REHEARSAL, no tenant was touched. " } else { "" };
    format!("{mark}{roster}: {}: {}", counted(summary.rows, "row", "rows"), counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use passwave::outcome::Cause;

    #[test]
    fn annotations_stop_at_the_limit() {
        for (number, kept, last) in
            [(3, 3, "2"), (10, 10, "9"), (11, 10, "and 2 more"), (30_000, 10, "and 29,991 more")]
        {
            let mut kind = Kind::new(Severity::Error);
            (0..number).for_each(|nth| kind.add(|| Annotation::new(Severity::Error, "t", nth.to_string())));
            let notes = kind.finish();
            assert_eq!(notes.len(), kept);
            assert!(notes[kept - 1].text.starts_with(last), "{:?}", notes[kept - 1]);
        }
    }

    #[test]
    fn rows_have_places_and_hints() {
        let account = RowStatus {
            row: 3,
            line: 4,
            user_principal_name: "::error::x@contoso.com".into(),
            status: Status::Failed,
            error_code: Some("Request_ResourceNotFound".into()),
            error_message: Some("Resource\n##[add-mask]x".into()),
            cause: Some(Cause::NotFound),
            ..RowStatus::default()
        };
        let note = row(&account, Severity::Error, Some("a.csv"), &[]);
        assert_eq!(
            (note.place.as_ref(), note.title.as_str()),
            (Some(&("a.csv".into(), 4)), "failed (Request_ResourceNotFound)")
        );
        assert_eq!(note.text.lines().count(), 2);
        assert!(note.text.starts_with("row 3, :\u{FFFD}error") && note.text.contains("##\u{FFFD}add"), "{}", note.text);
        let of = |status, code: &str| {
            severity(&RowStatus { status, error_code: Some(code.into()), ..account.clone() }, &["guest".into()])
        };
        assert_eq!(
            (of(Status::Reset, ""), of(Status::Pending, ""), of(Status::Skipped, "duplicate")),
            (None, None, None)
        );
        assert_eq!((of(Status::Skipped, "guest"), of(Status::Failed, "guest")), (None, Some(Severity::Error)));
        assert_eq!(
            (of(Status::Skipped, "synced"), of(Status::InDoubt, "")),
            (Some(Severity::Warning), Some(Severity::Error))
        );
    }
}
