//! The report of a sealed run: one without passwords for everybody, and the whole for the recipients.
//!
//! A process that was given no key cannot read what earlier ones sealed. Invariant: it never does away with a sealed report
//! that holds passwords which its own lacks.

use super::{CSV_NAME, ReportError, columns::Passwords, swap_in, table};
use crate::{ledger::Ledger, seal::Recipients};
use std::{fs, io, io::Write, path::Path};

/// The sealed report's name in the run folder: what `age -d` opens.
pub const SEALED_NAME: &str = "report.csv.age";
/// The name of the key file that the passphrase of `--seal-passphrase` locks.
pub const IDENTITY_NAME: &str = "identity.age";
/// Under which it is noted which data key the sealed report was written with.
const WRITTEN_WITH: &str = "sealed_report";

/// Writes the files, and tells how many passwords the sealed report lacks.
pub(super) fn write(ledger: &Ledger, recipients: &Recipients) -> Result<u64, ReportError> {
    if let Some(identity) = ledger.settings().sealing.as_ref().and_then(|sealing| sealing.identity.as_ref()) {
        swap_in(ledger, IDENTITY_NAME, |file| Ok(file.write_all(identity.as_bytes())?))?;
    }
    let tally = swap_in(ledger, CSV_NAME, |file| table::write(ledger, file, Passwords::Withheld))?;
    let sealed = ledger.folder().join(SEALED_NAME);
    let there = sealed.try_exists().map_err(|source| ReportError::File { file: sealed.clone(), source })?;
    if there && tally.readable == 0 && tally.unreadable > 0 {
        return Ok(0);
    }
    if there && tally.unreadable > 0 {
        keep_earlier(ledger, &sealed)?;
    }
    swap_in(ledger, SEALED_NAME, |file| {
        recipients.stream(file, |mut out| table::write(ledger, &mut out, Passwords::Shown).map(drop))
    })?;
    Ok(tally.unreadable)
}

/// Puts the sealed report aside that an earlier process has written: it holds what this one cannot read.
fn keep_earlier(ledger: &Ledger, sealed: &Path) -> Result<(), ReportError> {
    let own = ledger.own_data_key().unwrap_or_default().to_string();
    if ledger.note(WRITTEN_WITH)?.is_some_and(|written_with| written_with == own) {
        return Ok(());
    }
    let aside = (1..).map(|nth| ledger.folder().join(format!("report-{nth}.csv.age")));
    let aside = aside.into_iter().find(|aside| !aside.exists());
    let kept = aside.map_or_else(|| Err(io::ErrorKind::AlreadyExists.into()), |aside| fs::rename(sealed, aside));
    kept.map_err(|source| ReportError::File { file: sealed.to_owned(), source })?;
    Ok(ledger.set_note(WRITTEN_WITH, &own)?)
}
