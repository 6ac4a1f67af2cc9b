//! `summary.json` of a fleet: all tenants together, and each of them, in numbers.
//!
//! Invariant: no text in it contains a control character other than a tab or a line break.

use super::{Fleet, FleetError, Member};
use crate::{
    ledger::{ClaimCounts, LedgerError, ReadLedger},
    outcome::Status,
    report::Summary,
    util::sanitize,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the format. A new number means a new meaning; new fields may be added under the same number.
const SCHEMA: &str = "passwave.fleet-summary.v1";

/// The content of a fleet's `summary.json`.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct FleetSummary {
    /// Its format: `schema/fleet-summary.schema.json`.
    pub schema: &'static str,
    /// Version of passwave that planned the fleet.
    pub passwave: String,
    /// Whether no tenant was involved.
    pub rehearsal: bool,
    /// Whether every row of every tenant has ended.
    pub finished: bool,
    /// Name of the roster.
    pub roster: String,
    /// The column that names the tenants.
    pub tenant_column: String,
    /// The fingerprint of the plans of all tenants; it is not secret.
    pub fingerprint: String,
    /// When this summary was written.
    pub written_at: String,
    /// Rows of all tenants.
    pub rows: u64,
    /// Rows by status; the sum is `rows`.
    pub counts: BTreeMap<&'static str, u64>,
    /// Rows without a reset, by status and error code, over all tenants.
    pub causes: Vec<FleetCause>,
    /// Reset accounts by whether their users have chosen a password of their own, in the tenants that were swept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<ClaimCounts>,
    /// Each tenant, in the order in which the roster names them.
    pub tenants: Vec<TenantSummary>,
    /// The exit code of `passwave run` with the ledgers as they are: the worst of all tenants.
    pub exit_code: u8,
}

/// Rows of any tenant that ended in the same way.
#[derive(Debug, Serialize)]
pub struct FleetCause {
    /// Their status.
    pub status: Status,
    /// Their error code.
    pub error_code: String,
    /// The message of one of them.
    pub error_message: String,
    /// How many.
    pub rows: u64,
    /// In how many tenants.
    pub tenants: u64,
}

/// One tenant.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct TenantSummary {
    /// Its name; empty for the rows without a certain tenant.
    pub name: String,
    /// Its id, if it is known.
    pub tenant_id: Option<String>,
    /// The folder of its run.
    pub folder: String,
    /// Its rows.
    pub rows: u64,
    /// Whether every row has ended.
    pub finished: bool,
    /// Rows by status.
    pub counts: BTreeMap<&'static str, u64>,
    /// The fingerprint of its plan.
    pub fingerprint: String,
    /// When the first process started on it.
    pub began_at: Option<String>,
    /// When the last process ended.
    pub ended_at: Option<String>,
    /// Seconds from the first write to the last answer.
    pub seconds: f64,
    /// Reset accounts by what the directory showed afterwards.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub verified: BTreeMap<&'static str, u64>,
    /// Reset accounts by whether their users have chosen a password of their own, if it was swept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<ClaimCounts>,
    /// The exit code of its run with the ledger as it is.
    pub exit_code: u8,
    /// Why it could not begin or go on, if that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// Why the run of a tenant could not begin or go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What it is about, in a word for programs.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do about it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl FleetSummary {
    /// The summary of a fleet. `open` opens a ledger by its position, and `trouble` has what went wrong, by position.
    ///
    /// # Errors
    /// Fails if a ledger cannot be read.
    pub fn of(
        fleet: &Fleet,
        open: &mut dyn FnMut(usize) -> Result<ReadLedger, LedgerError>,
        trouble: &BTreeMap<usize, Trouble>,
    ) -> Result<Self, FleetError> {
        let (mut tenants, mut causes) = (Vec::new(), Vec::new());
        for (at, member) in fleet.manifest().tenants.iter().enumerate() {
            let summary = Summary::of(&open(at)?)?;
            add_causes(&mut causes, &summary);
            tenants.push(of_tenant(member, summary, trouble.get(&at).cloned()));
        }
        let manifest = fleet.manifest();
        let fingerprints: Vec<String> = tenants.iter().map(|tenant| tenant.fingerprint.clone()).collect();
        let sum = |status: &'static str| tenants.iter().filter_map(|tenant| tenant.counts.get(status)).sum();
        Ok(Self {
            schema: SCHEMA,
            passwave: plain(&manifest.passwave),
            rehearsal: manifest.rehearsal,
            finished: tenants.iter().all(|tenant| tenant.finished),
            roster: plain(&manifest.roster),
            tenant_column: plain(&manifest.tenant_column),
            fingerprint: fleet.fingerprint(&fingerprints),
            written_at: format!("{:.3}", jiff::Timestamp::now()),
            rows: tenants.iter().map(|tenant| tenant.rows).sum(),
            counts: Status::ALL.into_iter().map(|status| (status.as_str(), sum(status.as_str()))).collect(),
            causes,
            claimed: claims(&tenants),
            exit_code: tenants.iter().map(|tenant| tenant.exit_code).max().unwrap_or_default(),
            tenants,
        })
    }

    /// How many rows have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> u64 {
        self.counts.get(status.as_str()).copied().unwrap_or_default()
    }
}

fn of_tenant(member: &Member, summary: Summary, trouble: Option<Trouble>) -> TenantSummary {
    TenantSummary {
        name: plain(&member.name),
        tenant_id: member.tenant_id.as_deref().map(plain).or(summary.tenant_id),
        folder: plain(&member.folder),
        rows: summary.rows,
        finished: summary.finished,
        counts: summary.counts,
        fingerprint: summary.fingerprint,
        began_at: summary.began_at,
        ended_at: summary.ended_at,
        seconds: summary.seconds,
        verified: summary.verified,
        claimed: summary.claimed,
        exit_code: summary.exit_code,
        trouble,
    }
}

/// The claims of all tenants that were swept; `None` if none was.
fn claims(tenants: &[TenantSummary]) -> Option<ClaimCounts> {
    let add = |sum: ClaimCounts, more: ClaimCounts| ClaimCounts {
        yes: sum.yes + more.yes,
        no: sum.no + more.no,
        unread: sum.unread + more.unread,
    };
    tenants.iter().filter_map(|tenant| tenant.claimed).reduce(add)
}

fn add_causes(causes: &mut Vec<FleetCause>, summary: &Summary) {
    for cause in &summary.causes {
        let is_same = |known: &&mut FleetCause| known.status == cause.status && known.error_code == cause.error_code;
        match causes.iter_mut().find(is_same) {
            Some(known) => {
                known.rows += cause.rows;
                known.tenants += 1;
            }
            None => causes.push(FleetCause {
                status: cause.status,
                error_code: cause.error_code.clone(),
                error_message: cause.error_message.clone(),
                rows: cause.rows,
                tenants: 1,
            }),
        }
    }
}

/// Foreign text without control characters.
fn plain(text: &str) -> String {
    sanitize::data(text).into_owned()
}
