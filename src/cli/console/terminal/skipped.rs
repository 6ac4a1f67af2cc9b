//! Lists the rows that will not be sent.

use super::lines::Lines;
use crate::cli::{
    console::stdio::{Mark, paint},
    hints,
};
use passwave::{
    ledger::Created,
    outcome::Skip,
    report::CSV_NAME,
    util::format::{counted, grouped},
};

/// How many skipped rows are listed; the report has all.
const LINES_MAX: usize = 100;

/// Lists the rows of a new plan that will not be sent, if any.
pub(super) fn created(lines: Lines, created: &Created) {
    let total = created.ledger.counts().skipped;
    if total == 0 {
        return;
    }
    lines.say(&format!("{} not be sent:", counted(total, "row will", "rows will")));
    for row in created.skipped.iter().take(LINES_MAX) {
        lines.say(&format!("  {}  [{}]", row.message, row.skip.code()));
    }
    let told = created.skipped.len().min(LINES_MAX) as u64;
    if told < total {
        lines.say(&format!("  … and {} more: {CSV_NAME} in the run folder has them all", grouped(total - told)));
    }
    // The other messages say by themselves what to correct in the row.
    if created.skipped.iter().any(|row| row.skip == Skip::ProfileUnknown) {
        lines.say(&format!("  {} {}", paint(Mark::Way, "hint:"), hints::outcome::of_skip(Skip::ProfileUnknown)));
    }
}
