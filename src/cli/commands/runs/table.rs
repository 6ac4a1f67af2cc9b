//! The list as a table for people.

use super::entry::Entry;
use jiff::{Timestamp, tz::TimeZone};
use passwave::{ledger::ClaimCounts, outcome::Status, util::format::grouped};
use std::io::{self, Write};

/// Columns of text come first; the others are numbers.
const HEADERS: [&str; 11] = [
    "run",
    "planned",
    "tenant",
    "state",
    "passwords",
    "reset",
    "failed",
    "in doubt",
    "pending",
    "skipped",
    "unclaimed",
];
const TEXTS: usize = 5;

/// Writes a line for each run, below a header.
pub fn write(out: &mut impl Write, runs: &[Entry]) -> io::Result<()> {
    let header = HEADERS.map(str::to_owned);
    let lines: Vec<[String; HEADERS.len()]> = std::iter::once(header).chain(runs.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; HEADERS.len()] = std::array::from_fn(width);
    for line in &lines {
        let padded = line.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            0..TEXTS => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn cells(run: &Entry) -> [String; HEADERS.len()] {
    let planned = run.planned_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
    let planned = planned.map(|at| at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string());
    let number = |status: Status| grouped(run.counts.get(status.as_str()).copied().unwrap_or_default());
    let tenant = if run.rehearsal { "(rehearsal)" } else { run.tenant_id.as_deref().unwrap_or_default() };
    [
        run.run_dir.clone(),
        planned.unwrap_or_default(),
        tenant.to_owned(),
        run.state.word().to_owned(),
        run.passwords.word().to_owned(),
        number(Status::Reset),
        number(Status::Failed),
        number(Status::InDoubt),
        number(Status::Pending),
        number(Status::Skipped),
        run.claimed.map(|claims| unclaimed(&claims)).unwrap_or_default(),
    ]
}

/// How many users have not chosen a password of their own, or are not known to, and their share: `18 (4 %)`.
fn unclaimed(claims: &ClaimCounts) -> String {
    let open = claims.no + claims.unread;
    // A few must not look like none.
    let percent = (open * 100).div_ceil(claims.all().max(1));
    format!("{} ({percent} %)", grouped(open))
}
