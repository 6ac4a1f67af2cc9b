//! The reports: what the ledger knows, as files for people and for machines.
//!
//! `report.html` shows the run and its rows in a browser; `report.csv` opens right in a spreadsheet (UTF-8 with BOM, CRLF,
//! formulas defused); `summary.json` is for pipelines.
//! They can be written at any time, also after a crash, and are swapped in whole. It changes nothing that is in the ledger.
//! In a sealed run the first two hold no password, and `report.csv.age` beside them is the whole, for the recipients.
//!
//! Invariant: every roster row is in `report.csv` exactly once, in roster order.

mod columns;
mod earlier;
mod escape;
mod junit;
mod page;
mod sealed;
mod summary;
mod table;
mod work;
#[cfg(feature = "xlsx")]
mod workbook;
#[cfg(not(feature = "xlsx"))]
#[path = "without_workbooks.rs"]
mod workbook;

pub use crate::clean::defused;
pub use columns::{COLUMNS, EARLIER_COLUMN, SESSIONS_COLUMN, VERIFIED_COLUMN};
pub use earlier::{TakeOver, as_roster};
pub use page::ROWS_MAX as PAGE_ROWS_MAX;
pub use sealed::{IDENTITY_NAME, SEALED_NAME};
pub use summary::{Summary, SummaryCause};

use crate::{
    ledger::{Ledger, LedgerError},
    private,
    roster::RosterError,
};
use columns::Passwords;
use jiff::Timestamp;
use std::{
    io::{self, Write},
    path::PathBuf,
};

/// The report's name in the run folder.
pub const CSV_NAME: &str = "report.csv";
/// The page's name in the run folder.
pub const PAGE_NAME: &str = "report.html";
/// The workbook's name in the run folder.
pub const WORKBOOK_NAME: &str = "report.xlsx";
/// The summary's name in the run folder.
pub const SUMMARY_NAME: &str = "summary.json";

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
    #[error(
        "a row's cells in the ledger cannot be read: {0}\nhint: the ledger is damaged; restore the folder from a copy"
    )]
    Cells(#[from] serde_json::Error),
    /// The run has more rows than a roster may have.
    #[error(transparent)]
    Roster(Box<RosterError>),
    /// The report does not fit into a workbook, or this program cannot write one.
    #[error("{0}\nhint: --format csv has no such limit, and spreadsheets open it as well")]
    Workbook(String),
}

enum Fault {
    Io(io::Error),
    Other(ReportError),
}

impl Fault {
    /// As an error about this file.
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
        if error.is_io() { Self::Io(error.into()) } else { Self::Other(error.into()) }
    }
}

/// Writes `report.csv`, `report.html` and `summary.json` into the run folder, and returns the summary; in a sealed run
/// `report.csv.age` too, as far as this process can read the passwords.
///
/// # Errors
/// Where the ledger cannot be read or a file cannot be written; what stood there before stands then.
pub fn write(ledger: &Ledger) -> Result<Summary, ReportError> {
    let mut summary = Summary::of(ledger)?;
    let passwords = match ledger.sealed_to() {
        None => {
            swap_in(ledger, CSV_NAME, |file| table::write(ledger, file, Passwords::Shown))?;
            Passwords::Shown
        }
        Some(recipients) => {
            summary.passwords_not_in_report = sealed::write(ledger, recipients)?;
            Passwords::Withheld
        }
    };
    swap_in(ledger, PAGE_NAME, |file| page::write(ledger, &summary, passwords, file))?;
    swap_in(ledger, SUMMARY_NAME, |file| {
        serde_json::to_writer_pretty(&mut *file, &summary)?;
        Ok(file.write_all(b"\n")?)
    })?;
    Ok(summary)
}

/// Writes the report to `out`, with all passwords that can be read here.
///
/// # Errors
/// Where the ledger cannot be read, or `out` not written.
pub fn print_csv(ledger: &Ledger, out: &mut impl Write) -> Result<(), ReportError> {
    table::write(ledger, out, Passwords::Shown).map(drop).map_err(|fault| fault.about(CSV_NAME.into()))
}

/// Writes what `report.html` holds to `out`, with the passwords that can be read here.
///
/// # Errors
/// Where the ledger cannot be read, or `out` not written.
pub fn print_page(ledger: &Ledger, out: &mut impl Write) -> Result<(), ReportError> {
    let summary = Summary::of(ledger)?;
    page::write(ledger, &summary, Passwords::Shown, out).map_err(|fault| fault.about(PAGE_NAME.into()))
}

/// Writes the report to `out` as a workbook, with all passwords that can be read here.
///
/// # Errors
/// Where the ledger cannot be read, the report is too large for a workbook, or `out` not written.
pub fn print_workbook(ledger: &Ledger, out: &mut impl Write) -> Result<(), ReportError> {
    workbook::write(ledger, out, Passwords::Shown).map_err(|fault| fault.about(WORKBOOK_NAME.into()))
}

/// Writes the workbook into the run folder, and returns where it is; in a sealed run without passwords, as `report.csv`.
///
/// # Errors
/// As [`print_workbook`]; what stood there before stands then.
pub fn write_workbook(ledger: &Ledger) -> Result<PathBuf, ReportError> {
    let passwords = if ledger.sealed_to().is_some() { Passwords::Withheld } else { Passwords::Shown };
    swap_in(ledger, WORKBOOK_NAME, |file| workbook::write(ledger, file, passwords))?;
    Ok(ledger.folder().join(WORKBOOK_NAME))
}

/// Writes the run to `out` as JUnit XML, an account a case, without passwords.
///
/// # Errors
/// Where the ledger cannot be read, or `out` not written.
pub fn print_junit(ledger: &Ledger, out: &mut impl Write) -> Result<(), ReportError> {
    let summary = Summary::of(ledger)?;
    junit::write(ledger, &summary, out).map_err(|fault| fault.about("the report".into()))
}

fn swap_in<T>(
    ledger: &Ledger,
    name: &str,
    write: impl FnOnce(&mut io::BufWriter<std::fs::File>) -> Result<T, Fault>,
) -> Result<T, ReportError> {
    let file = ledger.folder().join(name);
    let mut written = None;
    private::replace(&file, |out| {
        written = Some(write(out)?);
        Ok(())
    })
    .map_err(|fault: Fault| fault.about(file))?;
    Ok(written.expect("what replaces the file was written"))
}

/// A time in milliseconds since 1970, in RFC 3339.
fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map(|time| format!("{time:.3}")).unwrap_or_default()
}
