//! `evidence.json`: what was done in a run, for auditors, without passwords.
//!
//! The first line says what the run was, and each row has a line of its own. Every line ends with a link of a hash
//! chain over itself and all lines before it, so a line that was changed, dropped or moved is found ([`check`]). A chain
//! alone proves nothing against somebody who writes a new one; a signature of the file does (feature `sign`).
//!
//! Invariant: no password is in it, and none is read to write it.

mod chain;
mod check;
mod content;
#[cfg(feature = "html")]
mod page;
#[cfg(feature = "sign")]
mod signature;
#[cfg(test)]
mod tests;

pub(crate) use chain::Chain;
#[cfg(feature = "html")]
pub(crate) use check::check_lines;
pub use check::{Checked, EvidenceFault, check};
#[cfg(feature = "sign")]
pub use signature::{
    KeyFault, KeyFile, LockedKey, NAMESPACE, SIGNATURE_ENDING, SignatureFault, SignedBy, SigningKey, signature_of,
    verify,
};

use super::{Fault, ReportError, files::Files};
use crate::ledger::ReadLedger;
use content::{Head, Row};
use std::{io::Write, path::PathBuf};

/// How the names of all files of the evidence begin.
pub(super) const STEM: &str = "evidence.";
/// The file's name in the run folder.
pub const EVIDENCE_NAME: &str = "evidence.json";
/// The name of the page beside it.
#[cfg(feature = "html")]
pub const EVIDENCE_PAGE_NAME: &str = "evidence.html";

/// What was written.
#[derive(Debug)]
pub struct Evidence {
    /// The file.
    pub file: PathBuf,
    /// The page for reading, if this program can write pages.
    pub page: Option<PathBuf>,
    /// The number of rows.
    pub rows: u64,
    /// The last link of the chain, in hexadecimal. Whoever has it from a safe place can tell whether the file is the
    /// same.
    pub final_chain: String,
}

/// Writes the evidence of a run into its folder.
///
/// # Errors
/// Fails if the ledger cannot be read or a file cannot be written; the previous file is then kept.
pub fn write(ledger: &ReadLedger) -> Result<Evidence, ReportError> {
    let (head, mut files) = (Head::of(ledger)?, Files::of(ledger));
    let (mut rows, mut final_chain) = (0, String::new());
    files.put(EVIDENCE_NAME, |file| {
        (rows, final_chain) = write_file(ledger, &head, file)?;
        Ok(())
    })?;
    #[cfg(feature = "html")]
    files.put(EVIDENCE_PAGE_NAME, |file| page::write(ledger, &head, rows, &final_chain, file))?;
    let file = files.path(EVIDENCE_NAME);
    let page: Option<PathBuf> = None;
    #[cfg(feature = "html")]
    let page = page.or_else(|| Some(files.path(EVIDENCE_PAGE_NAME)));
    files.end()?;
    Ok(Evidence { file, page, rows, final_chain })
}

/// Writes the file, and returns the number of rows and the last link.
fn write_file(ledger: &ReadLedger, head: &Head, out: &mut impl Write) -> Result<(u64, String), Fault> {
    let (line, mut chain) = Chain::begin(&serde_json::to_string(head)?);
    writeln!(out, "{line}")?;
    let (mut rows, is_audited) = (0, head.audit_read_at.is_some());
    ledger.for_each_standing(None, |standing| -> Result<(), Fault> {
        let audit = if is_audited { Some(ledger.audit_of(standing.row)?) } else { None };
        let text = serde_json::to_string(&Row::of(&standing, audit))?;
        // Every row but the last one ends with a comma.
        let comma = if rows > 0 { ",\n" } else { "" };
        write!(out, "{comma}{}", chain.add(&text))?;
        rows += 1;
        Ok(())
    })?;
    let gap = if rows > 0 { "\n" } else { "" };
    writeln!(out, "{gap}{}", chain.end(rows))?;
    Ok((rows, chain.link().to_owned()))
}
