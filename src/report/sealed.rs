//! The report of a sealed run: one without passwords for everyone, and the full one for the recipients.
//!
//! A process without a key cannot read what earlier ones sealed. Invariant: it never deletes a sealed report with
//! passwords that its own lacks.

use super::{
    Fault, ReportError,
    columns::Passwords,
    files::{Files, InFolder},
    sink::Tally,
    table::Table,
};
use crate::{
    ledger::ReadLedger,
    seal::SealedWriter,
    util::replace::{Draft, numbered, rename},
};
use std::{
    io::{self, Write},
    path::Path,
};

/// The sealed report's name in the run folder; `age -d` opens it.
pub const SEALED_NAME: &str = "report.csv.age";
/// The name of the key file that is locked with a passphrase.
pub const IDENTITY_NAME: &str = "identity.age";

/// The full report while it is written.
pub(super) type SealedReport = InFolder<Table<SealedWriter<Draft>>>;

/// Begins the full report, and writes the key file if there is one; `None` if the run is not sealed.
pub(super) fn begin(files: &mut Files<'_>, ledger: &ReadLedger) -> Result<Option<SealedReport>, ReportError> {
    if let Some(identity) = ledger.settings().sealing.as_ref().and_then(|sealing| sealing.identity.as_ref()) {
        files.put(IDENTITY_NAME, |file| Ok(file.write_all(identity.as_bytes())?))?;
    }
    let Some(recipients) = ledger.sealed_to() else { return Ok(None) };
    files.begin(SEALED_NAME, |draft| Table::begin(ledger, Passwords::Shown, recipients.writer(draft)?)).map(Some)
}

/// Puts the full report in its place, and returns how many passwords it lacks. It is dropped if the one that is there
/// has passwords and this one would have none.
pub(super) fn place(
    files: &mut Files<'_>,
    ledger: &ReadLedger,
    report: SealedReport,
    tally: Tally,
) -> Result<u64, ReportError> {
    let sealed = ledger.folder().join(SEALED_NAME);
    let there = match sealed.try_exists() {
        Ok(there) => there,
        Err(error) => {
            files.fail(SEALED_NAME, error);
            return Ok(0);
        }
    };
    if there && tally.readable == 0 && tally.unreadable > 0 {
        return Ok(0);
    }
    let end = |table: Table<SealedWriter<Draft>>| -> Result<Draft, Fault> { Ok(table.end()?.finish()?) };
    let kept = if there && tally.unreadable > 0 { keep_earlier(ledger, &sealed)? } else { Ok(()) };
    match kept {
        Ok(()) => files.place(report, end)?,
        Err(refused) => files.place_beside(report, refused, end)?,
    }
    Ok(tally.unreadable)
}

/// Renames the sealed report of an earlier process: this process cannot read its content. The inner error says that
/// the system refuses that, so the old report must stay where it is.
fn keep_earlier(ledger: &ReadLedger, sealed: &Path) -> Result<io::Result<()>, ReportError> {
    let own = ledger.own_data_key().unwrap_or_default();
    if ledger.sealed_report_is_of(own)? {
        return Ok(Ok(()));
    }
    let aside = (1..).map(|number| numbered(sealed, number)).find(|aside| !aside.exists());
    let kept = aside.map_or_else(|| Err(io::ErrorKind::AlreadyExists.into()), |aside| rename(sealed, &aside));
    if kept.is_ok() {
        ledger.note_sealed_report(own)?;
    }
    Ok(kept)
}
