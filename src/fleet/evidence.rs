//! `evidence.json` of a fleet: which tenants there are, and the hash of each tenant's own evidence.
//!
//! Its lines are chained like those of a run's evidence, with a line for each tenant. So whoever trusts this one file, by its
//! signature or its last link, can trust those of all tenants.
//!
//! Invariant: it holds only if the evidence of every tenant that it names holds, byte for byte.

use super::{Fleet, FleetError, FleetSummary, TenantEvidence, manifest::is_plain};
use crate::{
    ledger::ReadLedger,
    outcome::Status,
    report::{
        NotReplaced,
        evidence::{self, Chain, Checked, EVIDENCE_NAME, EvidenceFault},
    },
    util::sanitize,
};
use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
};

/// Every file begins so.
const BEGINS: &str = "{\"schema\":\"passwave.fleet-evidence.v1\",";
/// How much of a file is hashed at once, in bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// The name of the format.
const SCHEMA: &str = "passwave.fleet-evidence.v1";

/// The object of the first line.
#[derive(Serialize)]
struct Head<'a> {
    schema: &'static str,
    passwave: &'a str,
    rehearsal: bool,
    roster: &'a str,
    tenant_column: &'a str,
    fingerprint: &'a str,
    written_at: &'a str,
    row_total: u64,
    counts: &'a BTreeMap<&'static str, u64>,
}

/// What was written over all tenants.
#[derive(Debug)]
pub struct FleetEvidence {
    /// The file.
    pub file: PathBuf,
    /// The tenants' own evidence.
    pub tenants: Vec<TenantEvidence>,
    /// Their files.
    pub tenant_files: Vec<PathBuf>,
    /// The last link of the chain.
    pub final_chain: String,
    /// Files that are not in their usual place.
    pub not_replaced: Vec<NotReplaced>,
}

/// Why the evidence of a fleet does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetEvidenceFault {
    /// The file over all tenants does not hold.
    #[error(transparent)]
    Own(#[from] EvidenceFault),
    /// A line cannot be understood, or names a file elsewhere.
    #[error("line {0} names no evidence of a tenant")]
    Line(u64),
    /// The evidence of a tenant does not hold.
    #[error("{file}: {fault}")]
    Tenant {
        /// The file.
        file: String,
        /// What is wrong with it.
        fault: EvidenceFault,
    },
    /// The evidence of a tenant holds by itself, but it is another one.
    #[error("{0} holds by itself, but it is not the file that was written then")]
    Another(String),
}

/// Writes the evidence of each tenant, and the file that has their hashes.
///
/// # Errors
/// Fails if a ledger cannot be read or a file cannot be written.
pub fn write_evidence(fleet: &Fleet) -> Result<FleetEvidence, FleetError> {
    let (mut tenants, mut tenant_files) = (Vec::new(), Vec::new());
    for (at, member) in fleet.manifest().tenants.iter().enumerate() {
        let ledger = fleet.read(at)?;
        let written = evidence::write(&ledger)?;
        let name = written.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let failed = |source| FleetError::File { file: written.file.clone(), source };
        tenants.push(TenantEvidence {
            tenant: sanitize::line(&member.name).into_owned(),
            tenant_id: member.tenant_id.as_deref().map(|id| sanitize::line(id).into_owned()),
            file: format!("{}/{name}", member.folder),
            sha256: hash_of_file(&written.file).map_err(failed)?,
            final_chain: written.final_chain,
            rows: written.rows,
            counts: by_status(&ledger),
        });
        tenant_files.push(written.file);
    }
    let summary = FleetSummary::of(fleet, &mut |at| fleet.read(at), &BTreeMap::new())?;
    let mut final_chain = String::new();
    let mut not_replaced = Vec::new();
    not_replaced.extend(fleet.put(EVIDENCE_NAME, |out| {
        final_chain = write_file(&summary, &tenants, out)?;
        Ok(())
    })?);
    let placed = not_replaced.first().map_or(EVIDENCE_NAME, |file| file.written_as.as_str());
    let file = fleet.folder().join(placed);
    #[cfg(feature = "html")]
    not_replaced.extend(fleet.put(evidence::EVIDENCE_PAGE_NAME, |out| {
        Ok(super::evidence_page::write(&summary, &tenants, &final_chain, out)?)
    })?);
    Ok(FleetEvidence { file, tenants, tenant_files, final_chain, not_replaced })
}

fn by_status(ledger: &ReadLedger) -> BTreeMap<String, u64> {
    let counts = ledger.counts();
    let number = |status| match status {
        Status::Reset => counts.reset,
        Status::Failed => counts.failed,
        Status::InDoubt => counts.in_doubt,
        Status::Pending => counts.pending(),
        Status::Skipped => counts.skipped,
    };
    Status::ALL.into_iter().map(|status| (status.as_str().to_owned(), number(status))).collect()
}

/// Writes the file, and returns the last link.
fn write_file(summary: &FleetSummary, tenants: &[TenantEvidence], out: &mut impl Write) -> io::Result<String> {
    let head = Head {
        schema: SCHEMA,
        passwave: env!("CARGO_PKG_VERSION"),
        rehearsal: summary.rehearsal,
        roster: &sanitize::line(&summary.roster),
        tenant_column: &sanitize::line(&summary.tenant_column),
        fingerprint: &summary.fingerprint,
        written_at: &summary.written_at,
        row_total: summary.rows,
        counts: &summary.counts,
    };
    let (line, mut chain) = Chain::begin(&serde_json::to_string(&head)?);
    writeln!(out, "{line}")?;
    let lines = tenants.iter().map(|tenant| Ok(chain.add(&serde_json::to_string(tenant)?)));
    let lines = lines.collect::<Result<Vec<String>, serde_json::Error>>()?;
    writeln!(out, "{}\n{}", lines.join(",\n"), chain.end(tenants.len() as u64))?;
    Ok(chain.link().to_owned())
}

/// Whether a file begins like the evidence of a fleet.
///
/// # Errors
/// Fails if it cannot be read.
pub fn is_fleet_evidence(file: &Path) -> io::Result<bool> {
    let mut begins = Vec::new();
    File::open(file)?.take(BEGINS.len() as u64).read_to_end(&mut begins)?;
    Ok(begins == BEGINS.as_bytes())
}

/// Checks the evidence of a fleet, and that of all its tenants. Returns the tenants, and the last link of the chain.
///
/// # Errors
/// Names the first line or file that is not what was written.
pub fn check_evidence(file: &Path) -> Result<(Vec<TenantEvidence>, Checked), FleetEvidenceFault> {
    let (mut tenants, mut strange, mut line) = (Vec::new(), None, 1);
    let source = BufReader::new(File::open(file).map_err(EvidenceFault::from)?);
    let checked = evidence::check_lines(source, BEGINS, &mut |text| {
        line += 1;
        match serde_json::from_str::<TenantEvidence>(text).ok().filter(|tenant| is_below(&tenant.file)) {
            Some(tenant) => tenants.push(tenant),
            None => strange = strange.or(Some(line)),
        }
    })?;
    if let Some(line) = strange {
        return Err(FleetEvidenceFault::Line(line));
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    tenants.iter().try_for_each(|tenant| check_tenant(folder, tenant))?;
    Ok((tenants, checked))
}

fn check_tenant(folder: &Path, tenant: &TenantEvidence) -> Result<(), FleetEvidenceFault> {
    let path = folder.join(&tenant.file);
    let faulty = |fault| FleetEvidenceFault::Tenant { file: tenant.file.clone(), fault };
    let checked = evidence::check(&path).map_err(faulty)?;
    let hash = hash_of_file(&path).map_err(|error| faulty(error.into()))?;
    let is_same = hash == tenant.sha256 && checked.final_chain == tenant.final_chain && checked.rows == tenant.rows;
    if is_same { Ok(()) } else { Err(FleetEvidenceFault::Another(tenant.file.clone())) }
}

/// The SHA-256 of a file, in hexadecimal.
fn hash_of_file(file: &Path) -> io::Result<String> {
    let (mut context, mut file, mut chunk) = (Context::new(&SHA256), File::open(file)?, vec![0; CHUNK_BYTES]);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => context.update(&chunk[..read]),
        }
    }
}

/// Whether a name is that of a file in a folder directly within the fleet's.
fn is_below(file: &str) -> bool {
    file.split_once('/').is_some_and(|(folder, name)| is_plain(folder) && is_plain(name))
}
