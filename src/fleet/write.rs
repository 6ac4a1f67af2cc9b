//! The reports over all tenants of a fleet: `report.csv`, `report.html` and `summary.json`, in the fleet's folder.
//!
//! Each tenant's own reports are in its run folder. Invariant: nobody ever sees half a file.

use super::{Fleet, FleetError, FleetSummary, Trouble, page};
use crate::{
    ledger::{Ledger, LedgerError, ReadLedger},
    report::{self, CSV_NAME, NotReplaced, PAGE_NAME, ReportError, Runs, SUMMARY_NAME, WORKBOOK_NAME},
    util::replace::{self, OwnFiles},
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

/// Why a file is not written.
pub(super) enum Fault {
    Io(std::io::Error),
    Report(ReportError),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ReportError> for Fault {
    fn from(error: ReportError) -> Self {
        Self::Report(error)
    }
}

impl Fleet {
    /// Opens the ledger of one of its runs for reading, by its position.
    ///
    /// # Errors
    /// Fails if it cannot be read.
    pub fn read(&self, at: usize) -> Result<ReadLedger, LedgerError> {
        Ledger::open_to_read(&self.folder_of(&self.manifest().tenants[at]))
    }

    /// The names of its tenants.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.manifest().tenants.iter().map(|member| member.name.clone()).collect()
    }

    /// What an earlier process noted about tenants that could not begin or go on.
    fn earlier_trouble(&self) -> BTreeMap<usize, Trouble> {
        let parse = || {
            let text = std::fs::read(self.folder().join(SUMMARY_NAME)).ok()?;
            serde_json::from_slice::<serde_json::Value>(&text).ok()
        };
        let Some(summary) = parse() else { return BTreeMap::new() };
        let tenants = summary["tenants"].as_array().into_iter().flatten().enumerate();
        tenants.filter_map(|(at, tenant)| Some((at, serde_json::from_value(tenant["trouble"].clone()).ok()?))).collect()
    }

    pub(super) fn put(
        &self,
        name: &'static str,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Fault>,
    ) -> Result<Option<NotReplaced>, FleetError> {
        let file = self.folder().join(name);
        match replace::or_beside(&file, &OwnFiles::default(), write) {
            Ok(placed) => Ok(placed.refused.map(|why| NotReplaced {
                file: name,
                written_as: placed.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                why: why.to_string(),
            })),
            Err(Fault::Io(source)) => Err(FleetError::File { file, source }),
            Err(Fault::Report(error)) => Err(error.into()),
        }
    }
}

/// Writes the reports over all tenants. `trouble` has what went wrong in this process, by position; without it, what an
/// earlier process noted stays for tenants that have not finished.
///
/// # Errors
/// Fails if a ledger cannot be read or a file cannot be written; the previous file is then kept.
pub fn write(
    fleet: &Fleet,
    trouble: Option<&BTreeMap<usize, Trouble>>,
) -> Result<(FleetSummary, Vec<NotReplaced>), FleetError> {
    let earlier = if trouble.is_none() { fleet.earlier_trouble() } else { BTreeMap::new() };
    let mut open = |at| fleet.read(at);
    let mut summary = FleetSummary::of(fleet, &mut open, trouble.unwrap_or(&earlier))?;
    if trouble.is_none() {
        let finished = summary.tenants.iter_mut().filter(|tenant| tenant.finished);
        finished.for_each(|tenant| tenant.trouble = None);
    }
    let names = fleet.names();
    let mut runs = Runs { names: &names, open: &mut open, shows_passwords: false };
    let mut not_replaced = Vec::new();
    not_replaced.extend(fleet.put(CSV_NAME, |out| Ok(report::print_csv_together(&mut runs, out)?))?);
    not_replaced.extend(fleet.put(PAGE_NAME, |out| Ok(page::write(&summary, out)?))?);
    not_replaced.extend(fleet.put(SUMMARY_NAME, |out| {
        serde_json::to_writer_pretty(&mut *out, &summary).map_err(std::io::Error::from)?;
        Ok(out.write_all(b"\n")?)
    })?);
    Ok((summary, not_replaced))
}

/// Writes the workbook over all tenants into the fleet's folder, and returns its path.
///
/// # Errors
/// Fails if a ledger cannot be read, the report is too large for a workbook, or the file cannot be written.
pub fn write_workbook(fleet: &Fleet) -> Result<PathBuf, FleetError> {
    let names = fleet.names();
    let mut open = |at| fleet.read(at);
    let mut runs = Runs { names: &names, open: &mut open, shows_passwords: false };
    let beside = fleet.put(WORKBOOK_NAME, |out| Ok(report::print_workbook_together(&mut runs, out)?))?;
    let name = beside.map_or_else(|| WORKBOOK_NAME.to_owned(), |file| file.written_as);
    Ok(fleet.folder().join(name))
}
