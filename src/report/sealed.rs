//! The report of a sealed run: one without passwords for everyone, and the full one for the recipients.
//!
//! A process without a key cannot read what earlier ones sealed. Invariant: it never deletes a sealed report with
//! passwords that its own lacks.

use super::{CSV_NAME, Fault, ReportError, columns::Passwords, files::Files, table};
use crate::{
    ledger::ReadLedger,
    seal::Recipients,
    util::replace::{numbered, rename},
};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// The sealed report's name in the run folder; `age -d` opens it.
pub const SEALED_NAME: &str = "report.csv.age";
/// The name of the key file that is locked with a passphrase.
pub const IDENTITY_NAME: &str = "identity.age";

/// Writes the files, and returns how many passwords the sealed report lacks.
pub(super) fn write(files: &mut Files<'_>, ledger: &ReadLedger, recipients: &Recipients) -> Result<u64, ReportError> {
    if let Some(identity) = ledger.settings().sealing.as_ref().and_then(|sealing| sealing.identity.as_ref()) {
        files.put(IDENTITY_NAME, |file| Ok(file.write_all(identity.as_bytes())?))?;
    }
    let tally = files.put(CSV_NAME, |file| table::write(ledger, file, Passwords::Withheld))?;
    let sealed = ledger.folder().join(SEALED_NAME);
    let (tally, there) = match (tally, sealed.try_exists()) {
        (None, _) => return Ok(0),
        (_, Err(error)) => {
            files.fail(SEALED_NAME, error);
            return Ok(0);
        }
        (Some(tally), Ok(there)) => (tally, there),
    };
    if there && tally.readable == 0 && tally.unreadable > 0 {
        return Ok(0);
    }
    let kept = if there && tally.unreadable > 0 { keep_earlier(ledger, &sealed)? } else { Ok(()) };
    let stream = |file: &mut BufWriter<File>| -> Result<(), Fault> {
        recipients.stream(file, |mut out| table::write(ledger, &mut out, Passwords::Shown).map(drop))
    };
    match kept {
        Ok(()) => files.put(SEALED_NAME, stream).map(drop)?,
        Err(refused) => files.put_beside(SEALED_NAME, refused, stream)?,
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
