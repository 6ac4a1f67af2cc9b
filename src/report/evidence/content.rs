//! What the evidence says of a run and of a row.
//!
//! Invariant: no text in it has a control character, so each object is one line.

use crate::{
    ledger::{Approval, AuditNote, Process, ReadLedger, RowStatus, Verdict, state::SessionState},
    outcome::Status,
    plan::{Rules, wanted::Wanted},
    report::{ReportError, Summary, time},
    util::sanitize,
};
use serde::Serialize;

/// The name of the format. A new number means a new meaning; fields may be added under the same number.
pub(super) const SCHEMA: &str = "passwave.evidence.v1";

/// The object of the first line.
#[derive(Serialize)]
pub(super) struct Head {
    schema: &'static str,
    /// The run's id, which also tells apart two runs with the same plan.
    run_id: String,
    /// The user who signed in last; `None` if an application signed in as itself, or before the run has started.
    pub(super) person: Option<String>,
    /// The cloud of the tenant.
    cloud: Option<&'static str>,
    /// Who agreed to the run, and how.
    pub(super) approvals: Vec<Approval>,
    rules: Rules,
    wanted: Wanted,
    /// When the tenant's audit log was read for the run, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) audit_read_at: Option<String>,
    /// All processes that worked on the run.
    processes: Vec<Session>,
    /// The content of `summary.json`.
    pub(super) summary: Summary,
}

/// One process.
#[derive(Serialize)]
struct Session {
    began_at: String,
    /// `None` if it was killed, or is still running.
    ended_at: Option<String>,
    batches: u64,
    writes: u64,
    throttled: u64,
}

/// The object of a row.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    row: u64,
    user_principal_name: String,
    object_id: Option<&'a str>,
    status: Status,
    error_code: Option<String>,
    error_message: Option<String>,
    attempts: u64,
    request_id: Option<String>,
    changed_at: Option<String>,
    verified: Option<Verdict>,
    verified_at: Option<String>,
    sessions: Option<&'static str>,
    /// Absent if the audit log was not read; `None` if it has no record of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<Option<Audit>>,
}

/// A record of the tenant's audit log.
#[derive(Serialize)]
struct Audit {
    id: String,
    activity: String,
    at: String,
    result: Option<String>,
    matched: &'static str,
}

impl Head {
    pub(super) fn of(ledger: &ReadLedger) -> Result<Self, ReportError> {
        let (signed_in, times) = (ledger.signed_in()?, ledger.times()?);
        Ok(Self {
            schema: SCHEMA,
            run_id: ledger.run_id()?.as_deref().map(plain).unwrap_or_default(),
            person: signed_in.person.as_deref().map(plain),
            cloud: ledger.settings().cloud.map(|cloud| cloud.as_str()),
            approvals: ledger.approvals()?,
            rules: ledger.settings().rules,
            wanted: ledger.wanted()?,
            audit_read_at: ledger.audit_read_at()?.as_deref().map(plain),
            processes: times.processes.iter().map(Session::of).collect(),
            summary: Summary::with_times(ledger, &times)?,
        })
    }
}

impl Session {
    fn of(Process { session, is_cut_off, .. }: &Process) -> Self {
        Self {
            began_at: time(session.began_at),
            ended_at: (!is_cut_off).then(|| time(session.ended_at)),
            batches: session.batches,
            writes: session.writes,
            throttled: session.throttled,
        }
    }
}

impl<'a> Row<'a> {
    /// `audit` is `None` if the log was not read.
    pub(super) fn of(standing: &'a RowStatus, audit: Option<Option<AuditNote>>) -> Self {
        Self {
            audit: audit.map(|note| note.map(Audit::of)),
            row: standing.row,
            user_principal_name: plain(&standing.user_principal_name),
            object_id: standing.object_id.as_deref(),
            status: standing.status,
            error_code: standing.error_code.as_deref().map(plain),
            error_message: standing.error_message.as_deref().map(plain),
            attempts: standing.attempts,
            request_id: standing.request_id.as_deref().map(plain),
            changed_at: standing.changed_at.map(time),
            verified: standing.verdict,
            verified_at: standing.verified_at.map(time),
            sessions: standing.sessions.map(|sessions| match sessions {
                SessionState::Due | SessionState::InFlight => "pending",
                SessionState::Revoked => "revoked",
                SessionState::Kept => "failed",
            }),
        }
    }
}

impl Audit {
    fn of(note: AuditNote) -> Self {
        Self {
            id: plain(&note.record),
            activity: plain(&note.activity),
            at: time(note.at),
            result: note.result.as_deref().map(plain),
            matched: note.matched.as_str(),
        }
    }
}

/// Foreign text on one line.
fn plain(text: &str) -> String {
    sanitize::line(text).into_owned()
}
