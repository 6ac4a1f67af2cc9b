//! `report`: the files again, from the ledger.

use super::{sealing, telling};
use crate::{
    cli::{OpenArgs, ReportFormat},
    failure::Failure,
    terminal::{print, warn},
};
use passwave::{
    ledger::Ledger,
    report::{self, Summary},
};
use std::{io::Write, path::Path};

/// Writes the reports, or prints one.
pub fn report(folder: &Path, format: Option<ReportFormat>, open: &OpenArgs) -> Result<u8, Failure> {
    let mut ledger = Ledger::open_to_read(folder)?;
    sealing::unlock(&mut ledger, open)?;
    if ledger.lookup_has_ended()?
        && let Err(changed) = ledger.must_be_as_planned()
    {
        // Whoever needs the passwords needs them all the same.
        warn(&changed.to_string());
    }
    match format {
        None => telling::result(&ledger, &report::write(&ledger)?),
        Some(ReportFormat::Csv) => print(|out| Ok::<_, Failure>(report::print_csv(&ledger, out)?))?,
        Some(ReportFormat::Html) => print(|out| Ok::<_, Failure>(report::print_page(&ledger, out)?))?,
        Some(ReportFormat::Json) => {
            let summary = Summary::of(&ledger)?;
            let text = serde_json::to_string_pretty(&summary).map_err(Failure::away)?;
            print(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(0)
}
