//! The reports: what the ledger knows, as files for people and for machines.
//!
//! `report.csv` opens right in a spreadsheet (UTF-8 with BOM, CRLF, formulas defused); `summary.json` is for pipelines.
//! They can be written at any time, also after a crash, and are swapped in whole. It never changes the ledger.
//!
//! Invariant: every roster row is in `report.csv` exactly once, in roster order.

mod summary;
mod table;

pub use summary::{Summary, SummaryCause};
pub use table::{COLUMNS, SESSIONS_COLUMN, VERIFIED_COLUMN, defused};

use crate::{
    ledger::{Ledger, LedgerError},
    private,
};
use jiff::Timestamp;
use std::{
    io::{self, Write},
    path::PathBuf,
};

/// The report's name in the run folder.
pub const CSV_NAME: &str = "report.csv";
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
    swap_in(ledger, CSV_NAME, |file| table::write(ledger, file))?;
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
    table::write(ledger, out).map_err(|fault| match fault {
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

/// A time in milliseconds since 1970, in RFC 3339.
fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map(|time| format!("{time:.3}")).unwrap_or_default()
}
