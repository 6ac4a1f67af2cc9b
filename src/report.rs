//! The reports: what the ledger knows, as files for people and for machines.
//!
//! `report.csv` opens right in a spreadsheet (UTF-8 with BOM, CRLF, formulas defused); `summary.json` is for pipelines.
//! They can be written at any time, also after a crash, and are swapped in whole. It never changes the ledger.
//!
//! Invariant: every roster row is in `report.csv` exactly once, in roster order.

use crate::{
    ledger::{Group, Ledger, LedgerError, ReportRow},
    outcome::{Skip, Status},
    private, run,
};
use jiff::Timestamp;
use serde::Serialize;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
};

/// The report's name in the run folder.
pub const CSV_NAME: &str = "report.csv";
/// The summary's name in the run folder.
pub const SUMMARY_NAME: &str = "summary.json";

/// The columns that come before the roster's own.
pub const COLUMNS: [&str; 9] = [
    "row",
    "user_principal_name",
    "status",
    "password",
    "error_code",
    "error_message",
    "attempts",
    "request_id",
    "changed_at",
];

/// Without it, a spreadsheet takes UTF-8 for the system's old code page.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file cannot be written.
    #[error("{}: {}\nhint: close the file if a program holds it open, check free space, then write it with `passwave report`", .file.display(), .source)]
    File {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A row's cells in the ledger are no JSON array.
    #[error("a row's cells in the ledger cannot be read: {0}")]
    Cells(#[from] serde_json::Error),
}

enum Fault {
    Io(io::Error),
    Other(ReportError),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<csv::Error> for Fault {
    fn from(error: csv::Error) -> Self {
        Self::Io(error.into())
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Other(error.into())
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(error.into())
    }
}

/// Writes `report.csv` and `summary.json` into the run folder, and returns the summary.
///
/// # Errors
/// Where the ledger cannot be read or a file cannot be written; what stood there before stands then.
pub fn write(ledger: &Ledger) -> Result<Summary, ReportError> {
    let summary = Summary::of(ledger)?;
    swap_in(ledger, CSV_NAME, |file| write_csv(ledger, file))?;
    swap_in(ledger, SUMMARY_NAME, |file| {
        serde_json::to_writer_pretty(&mut *file, &summary)?;
        Ok(file.write_all(b"\n")?)
    })?;
    Ok(summary)
}

/// Writes what `report.csv` holds to `out`.
///
/// # Errors
/// Where the ledger cannot be read, or `out` not written.
pub fn print_csv(ledger: &Ledger, out: &mut impl Write) -> Result<(), ReportError> {
    write_csv(ledger, out).map_err(|fault| match fault {
        Fault::Io(source) => ReportError::File { file: CSV_NAME.into(), source },
        Fault::Other(error) => error,
    })
}

fn swap_in(
    ledger: &Ledger,
    name: &str,
    write: impl FnOnce(&mut io::BufWriter<std::fs::File>) -> Result<(), Fault>,
) -> Result<(), ReportError> {
    let file = ledger.folder().join(name);
    private::replace(&file, write).map_err(|fault| match fault {
        Fault::Io(source) => ReportError::File { file, source },
        Fault::Other(error) => error,
    })
}

fn write_csv(ledger: &Ledger, file: &mut impl Write) -> Result<(), Fault> {
    file.write_all(BYTE_ORDER_MARK)?;
    let mut writer = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(file);
    let header = &ledger.settings().header;
    let width = ledger.widest_row()?.max(header.len());
    for column in COLUMNS {
        writer.write_field(column)?;
    }
    for at in 0..width {
        writer.write_field(&*defused(header.get(at).map_or("", String::as_str)))?;
    }
    writer.write_record(None::<&[u8]>)?;
    ledger.for_each_row(|row| write_row(&mut writer, &row, width))?;
    Ok(writer.flush()?)
}

fn write_row<W: Write>(writer: &mut csv::Writer<W>, row: &ReportRow, width: usize) -> Result<(), Fault> {
    writer.write_field(row.row.to_string())?;
    writer.write_field(&*defused(&row.user_principal_name))?;
    writer.write_field(&row.status)?;
    // Never defused: it must be what was sent, and passwords that begin like a formula are not accepted.
    writer.write_field(row.password.as_ref().map_or("", |password| password.expose()))?;
    writer.write_field(&*defused(row.error_code.as_deref().unwrap_or_default()))?;
    writer.write_field(&*defused(&message(row)))?;
    writer.write_field(row.attempts.to_string())?;
    writer.write_field(&*defused(row.request_id.as_deref().unwrap_or_default()))?;
    writer.write_field(row.changed_at.map(time).unwrap_or_default())?;
    let cells: Vec<Cow<'_, str>> = serde_json::from_str(&row.cells)?;
    for at in 0..width {
        writer.write_field(&*defused(cells.get(at).map_or("", |cell| cell)))?;
    }
    Ok(writer.write_record(None::<&[u8]>)?)
}

fn message(row: &ReportRow) -> Cow<'_, str> {
    let message = row.error_message.as_deref().unwrap_or_default();
    if row.ambiguous {
        return format!("{message} (an earlier password may be in force instead: see table `replaced` in ledger.db)")
            .into();
    }
    message.into()
}

/// A time in milliseconds since 1970, in RFC 3339.
fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it, as spreadsheets mark text; a plain
/// number, with its sign, is none.
#[must_use]
pub fn defused(cell: &str) -> Cow<'_, str> {
    let harmless = match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => false,
        Some('+' | '-') => {
            cell.len() > 1 && cell[1..].bytes().all(|byte| byte.is_ascii_digit() || b" .,".contains(&byte))
        }
        _ => true,
    };
    if harmless { cell.into() } else { format!("'{cell}").into() }
}

/// What `summary.json` holds.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Version of passwave that planned the run.
    pub passwave: String,
    /// Whether no tenant was involved.
    pub rehearsal: bool,
    /// Whether every row has ended.
    pub finished: bool,
    /// Name of the roster.
    pub roster: String,
    /// Fingerprint of the plan; it holds no secret.
    pub fingerprint: String,
    /// The tenant, once the run has begun.
    pub tenant_id: Option<String>,
    /// The application, once the run has begun.
    pub client_id: Option<String>,
    /// When the plan was made.
    pub planned_at: String,
    /// When the first process began.
    pub began_at: Option<String>,
    /// When the last process ended in order.
    pub ended_at: Option<String>,
    /// Rows of the roster.
    pub rows: u64,
    /// Rows by status; they add up to `rows`.
    pub counts: BTreeMap<&'static str, u64>,
    /// Rows without a reset, by status and error code.
    pub causes: Vec<SummaryCause>,
    /// Batches sent.
    pub batches: u64,
    /// Accounts sent, each time counted.
    pub writes: u64,
    /// Of these, answered 429.
    pub throttled: u64,
    /// Seconds from the first write to the last answer, over all processes.
    pub seconds: f64,
    /// The least that the quota allows for these accounts, in seconds; none where the full bucket held them.
    pub possible_seconds: Option<f64>,
    /// `possible_seconds` by what was needed; none likewise.
    pub share_of_possible_speed: Option<f64>,
    /// The write quota.
    pub write_quota: Option<String>,
    /// How `passwave run` ends with the ledger as it is.
    pub exit_code: u8,
}

/// Rows that ended alike.
#[derive(Debug, Serialize)]
pub struct SummaryCause {
    /// Their status.
    pub status: String,
    /// Their error code.
    pub error_code: String,
    /// The message of one of them.
    pub error_message: String,
    /// How many.
    pub rows: u64,
}

impl From<Group> for SummaryCause {
    fn from(group: Group) -> Self {
        Self { status: group.status, error_code: group.code, error_message: group.message, rows: group.number }
    }
}

impl Summary {
    /// The summary of a run as its ledger stands.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        let counts = ledger.counts();
        let settings = ledger.settings();
        let sessions = ledger.sessions()?;
        let note = |name| Ok::<_, LedgerError>(ledger.note(name)?.unwrap_or_default());
        let groups = ledger.groups()?;
        let shares: Vec<_> = sessions.iter().filter_map(run::share_of_possible).collect();
        let possible: f64 = shares.iter().map(|(least, _)| least).sum();
        let took: f64 = shares.iter().map(|(least, share)| least / share).sum();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
        let seconds = |(first, last)| (last - first) as f64 / 1_000.0;
        Ok(Self {
            passwave: note("passwave")?,
            rehearsal: settings.rehearsal,
            finished: counts.pending() == 0,
            roster: settings.roster.clone(),
            fingerprint: ledger.fingerprint()?,
            tenant_id: ledger.note("tenant_id")?,
            client_id: ledger.note("client_id")?,
            planned_at: note("planned_at")?,
            began_at: sessions.first().map(|session| time(session.began_at)),
            ended_at: sessions.last().map(|session| time(session.ended_at)),
            rows: counts.rows(),
            counts: Status::ALL.into_iter().map(|status| (status.as_str(), counts.of(status))).collect(),
            exit_code: exit_code(&groups, counts.pending()),
            causes: groups.into_iter().map(SummaryCause::from).collect(),
            batches: sessions.iter().map(|session| session.batches).sum(),
            writes: sessions.iter().map(|session| session.writes).sum(),
            throttled: sessions.iter().map(|session| session.throttled).sum(),
            seconds: sessions
                .iter()
                .filter_map(|session| session.first_write.zip(session.last_write))
                .map(seconds)
                .sum(),
            possible_seconds: (possible > 0.0).then_some(possible),
            share_of_possible_speed: (took > 0.0).then(|| possible / took),
            write_quota: sessions.last().map(|session| session.write_quota.clone()),
        })
    }
}

/// 0 where every account has its password, duplicates aside; 1 where somebody must look at a row; 3 where rows are left.
fn exit_code(groups: &[Group], pending: u64) -> u8 {
    let well = |group: &Group| Skip::from_code(&group.code).is_some_and(|skip| !skip.needs_a_look());
    match pending {
        0 => u8::from(!groups.iter().all(well)),
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_nothing_else_is_touched() {
        for formula in
            ["=1+3", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "+", "-", "＝1", "=", "-x@y.zz"]
        {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for text in ["", "Ann", "1=1", "-5", "+44 20 7946 0958", "-1,5", "a@b.cc", " =1", "'x"] {
            assert_eq!(defused(text), text);
        }
    }
}
