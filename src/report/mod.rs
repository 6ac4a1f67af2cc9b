//! The reports: the content of the ledger as files for people and programs.
//!
//! `report.html` shows the run and its rows in a browser. `report.csv` opens correctly in a spreadsheet (UTF-8 with
//! BOM, CRLF, no formulas). `summary.json` is for pipelines. They can be written at any time, even after a crash, and
//! each file is replaced as a whole, or written beside the old one if another program holds that open. The ledger is
//! not changed. In a sealed run the first two contain no password;
//! `report.csv.age` has the full report for the recipients.
//!
//! Invariant: every roster row is in `report.csv` exactly once, in roster order.

mod columns;
mod earlier;
mod escape;
pub mod evidence;
mod files;
mod junit;
#[cfg(feature = "html")]
mod page;
mod removal;
mod runs;
mod sealed;
mod sink;
mod summary;
mod table;
mod together;
mod work;
#[cfg(feature = "xlsx")]
mod workbook;
#[cfg(not(feature = "xlsx"))]
#[path = "without_workbooks.rs"]
mod workbook;

pub use crate::util::sanitize::defused;
pub use columns::{
    CLAIMED_COLUMNS, COLUMNS, EARLIER_COLUMN, METHOD_COLUMN, SESSIONS_COLUMN, TENANT_COLUMN, VERIFIED_COLUMN,
};
pub use earlier::{TakeOver, as_roster};
pub use files::NotReplaced;
#[cfg(feature = "html")]
pub use page::ROWS_MAX as PAGE_ROWS_MAX;
pub use removal::{
    HANDOUTS_COLUMNS, HANDOUTS_INDEX, HANDOUTS_NAME, RemovalError, RemovalStep, Removed, delete_copies,
    remove_passwords,
};
pub use runs::Runs;
pub use sealed::{IDENTITY_NAME, SEALED_NAME};
pub use summary::{Remedy, Summary, SummaryCause};
#[cfg(feature = "handouts")]
pub(crate) use summary::{accepted, is_accepted};
pub use together::{print_csv_together, print_junit_together, print_workbook_together};

use crate::{
    JsonError,
    ledger::{LedgerError, ReadLedger},
    roster::RosterError,
};
use columns::Passwords;
use files::Files;
use jiff::Timestamp;
#[cfg(feature = "html")]
use page::Page;
use sink::{RowSink, feed};
use std::{
    io::{self, Write},
    path::PathBuf,
};
use table::Table;

/// The report's name in the run folder.
pub const CSV_NAME: &str = "report.csv";
/// Says in a folder of reports to which run they belong, if the ledger is not there.
pub const RUN_ID_NAME: &str = "run-id.txt";
/// The page's name in the run folder.
pub const PAGE_NAME: &str = "report.html";
/// The workbook's name in the run folder.
pub const WORKBOOK_NAME: &str = "report.xlsx";
/// Measured bytes of memory for each cell of a workbook, and for each byte of the roster in it. For 100,000 to a million
/// rows with 12 to 20 columns they were right to within 15 %.
const CELL_MEMORY: u64 = 165;
const TEXT_MEMORY: u64 = 7;

/// The summary's name in the run folder.
pub const SUMMARY_NAME: &str = "summary.json";

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file cannot be written.
    #[error("{}: {}", .file.display(), .source)]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A row's cells in the ledger are not a JSON array.
    #[error("a row's cells in the ledger cannot be read: {0}")]
    Cells(#[from] JsonError),
    /// The run has more rows than a roster may have.
    #[error(transparent)]
    Roster(Box<RosterError>),
    /// The report does not fit into a workbook, or this program cannot write one.
    #[error("{0}")]
    Workbook(String),
}

enum Fault {
    Io(io::Error),
    Other(ReportError),
}

impl Fault {
    /// Turns it into an error about this file.
    fn about(self, file: PathBuf) -> ReportError {
        match self {
            Self::Io(source) => ReportError::File { file, source },
            Self::Other(error) => error,
        }
    }
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
        if error.is_io() { Self::Io(error.into()) } else { Self::Other(JsonError(error).into()) }
    }
}

impl From<JsonError> for Fault {
    fn from(error: JsonError) -> Self {
        Self::Other(error.into())
    }
}

/// Writes `report.csv`, `report.html` (with the feature `html`) and `summary.json` into the run folder, and returns the
/// summary. In a sealed run it also writes `report.csv.age`, with the passwords that this process can read.
///
/// # Errors
/// Fails if the ledger cannot be read or a file cannot be written; the previous file is then kept, and the other files
/// are written. A file that only cannot be replaced is no error: [`Summary::not_replaced`] names the new one beside it.
pub fn write(ledger: &ReadLedger) -> Result<Summary, ReportError> {
    let times = ledger.times()?;
    let (mut summary, mut files) = (Summary::with_times(ledger, &times)?, Files::of(ledger));
    let mut sealed = sealed::begin(&mut files, ledger)?;
    let mut csv = files.begin(CSV_NAME, |draft| Table::begin(ledger, in_plain_files(ledger), draft))?;
    #[cfg(feature = "html")]
    let mut page =
        files.begin(PAGE_NAME, |draft| Page::begin(ledger, (&summary, &times), in_plain_files(ledger), draft))?;
    let mut sinks: Vec<&mut dyn RowSink> = vec![&mut csv];
    #[cfg(feature = "html")]
    sinks.push(&mut page);
    sinks.extend(sealed.as_mut().map(|sealed| sealed as &mut dyn RowSink));
    let tally = feed(ledger, &mut sinks).map_err(|fault| fault.about(CSV_NAME.into()))?;
    files.place(csv, Table::end)?;
    let lacking = sealed.map_or(Ok(0), |sealed| sealed::place(&mut files, ledger, sealed, tally))?;
    #[cfg(feature = "html")]
    files.place(page, Page::end)?;
    summary.passwords_not_in_report = lacking;
    summary.not_replaced = files.not_replaced().to_vec();
    files.put(SUMMARY_NAME, |file| {
        serde_json::to_writer_pretty(&mut *file, &summary)?;
        Ok(file.write_all(b"\n")?)
    })?;
    summary.not_replaced = files.end()?;
    Ok(summary)
}

/// Writes the report to `out`, with all passwords that can be read here.
///
/// # Errors
/// Fails if the ledger cannot be read or `out` cannot be written.
pub fn print_csv(ledger: &ReadLedger, out: &mut impl Write) -> Result<(), ReportError> {
    let print = || {
        let mut table = Table::begin(ledger, Passwords::Shown, out)?;
        feed(ledger, &mut [&mut table])?;
        table.end()
    };
    print().map(drop).map_err(|fault| fault.about(CSV_NAME.into()))
}

/// Writes the HTML page to `out`, with all passwords that can be read here.
///
/// # Errors
/// Fails if the ledger cannot be read or `out` cannot be written.
#[cfg(feature = "html")]
pub fn print_page(ledger: &ReadLedger, out: &mut impl Write) -> Result<(), ReportError> {
    let times = ledger.times()?;
    let summary = Summary::with_times(ledger, &times)?;
    let print = || {
        let mut page = Page::begin(ledger, (&summary, &times), Passwords::Shown, out)?;
        feed(ledger, &mut [&mut page])?;
        page.end()
    };
    print().map(drop).map_err(|fault| fault.about(PAGE_NAME.into()))
}

/// Writes the report to `out` as a workbook, with all passwords that can be read here.
///
/// # Errors
/// Fails if the ledger cannot be read, if the report is too large for a workbook, or if `out` cannot be written.
pub fn print_workbook(ledger: &ReadLedger, out: &mut impl Write) -> Result<(), ReportError> {
    workbook::write(ledger, out, Passwords::Shown).map_err(|fault| fault.about(WORKBOOK_NAME.into()))
}

/// About how many bytes of memory a workbook takes while it is written: see [`print_workbook`].
///
/// # Errors
/// Fails if the ledger cannot be read.
pub fn workbook_memory(ledger: &ReadLedger) -> Result<u64, ReportError> {
    // Most rows have no error.
    let columns = COLUMNS.len() - 2 + ledger.widest_row()?.max(ledger.settings().header.len());
    let cells = ledger.counts().rows().saturating_mul(columns as u64);
    let text = ledger.cells_length()?.saturating_mul(TEXT_MEMORY);
    Ok(cells.saturating_mul(CELL_MEMORY).saturating_add(text))
}

/// Writes the workbook into the run folder, and returns its path: `report-1.xlsx` if the previous one cannot be
/// replaced. In a sealed run it contains no passwords, like `report.csv`.
///
/// # Errors
/// Fails like [`print_workbook`]; the previous file is then kept.
pub fn write_workbook(ledger: &ReadLedger) -> Result<PathBuf, ReportError> {
    let mut files = Files::of(ledger);
    files.put(WORKBOOK_NAME, |file| workbook::write(ledger, file, in_plain_files(ledger)))?;
    let path = files.path(WORKBOOK_NAME);
    files.end().map(|_| path)
}

/// Writes the run to `out` as JUnit XML, one case per account, without passwords.
///
/// # Errors
/// Fails if the ledger cannot be read or `out` cannot be written.
pub fn print_junit(ledger: &ReadLedger, out: &mut impl Write) -> Result<(), ReportError> {
    let summary = Summary::of(ledger)?;
    junit::write(ledger, &summary, out).map_err(|fault| fault.about("the report".into()))
}

/// Whether files that are not sealed show the passwords.
fn in_plain_files(ledger: &ReadLedger) -> Passwords {
    if ledger.sealed_to().is_some() { Passwords::Withheld } else { Passwords::Shown }
}

/// A time in milliseconds since 1970, in RFC 3339.
fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map(|time| format!("{time:.3}")).unwrap_or_default()
}
