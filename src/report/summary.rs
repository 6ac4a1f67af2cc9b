//! `summary.json`: a run in numbers, for pipelines.
//!
//! Killed processes left no figures of their own. What the rows show about them counts in the times and in `writes`;
//! what nobody knows (batches, 429 answers) leaves them out and says so. Invariant: no text in it contains a control
//! character other than a tab or a line break.

use super::{
    files::{NotReplaced, place_of},
    time,
    work::Work,
};
use crate::{
    ledger::{ClaimCounts, Group, LedgerError, ReadLedger, RowStatus, Sweep, Times},
    outcome::{Cause, Method, Skip, Status},
    password::{ForceChange, Profile},
    roster::Only,
    seal::Sealing,
    util::sanitize,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of the format of `summary.json`. A new number means a new meaning; new fields may be added under the same
/// number.
const SCHEMA: &str = "passwave.summary.v1";

/// The content of `summary.json`.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Its format: `schema/summary.schema.json`.
    pub schema: &'static str,
    /// Version of passwave that planned the run.
    pub passwave: String,
    /// Whether no tenant was involved.
    pub rehearsal: bool,
    /// Whether every row has ended.
    pub finished: bool,
    /// Name of the roster.
    pub roster: String,
    /// Which rows of the roster the run has, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// The plan's fingerprint; it is not secret.
    pub fingerprint: String,
    /// The age recipients of the passwords; empty if the passwords are in the clear.
    pub sealed_to: Vec<String>,
    /// The same recipients as users recognize them: the comment above each, and its first and last characters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sealed_to_names: Vec<String>,
    /// Passwords missing in `report.csv.age`, because an earlier process sealed them and no key was given.
    pub passwords_not_in_report: u64,
    /// The tenant, once the run has started.
    pub tenant_id: Option<String>,
    /// The application, once the run has started.
    pub client_id: Option<String>,
    /// When the plan was made.
    pub planned_at: String,
    /// When the first process started.
    pub began_at: Option<String>,
    /// When the passwords were removed, if they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passwords_removed_at: Option<String>,
    /// When the last process ended; `None` if it was killed or is still running.
    pub ended_at: Option<String>,
    /// When this summary was written; the figures are as of this time.
    pub written_at: String,
    /// Processes that sent something, or were about to.
    pub processes: u64,
    /// Those of them that did not end normally: killed, or still running. `batches` and `throttled` leave them out.
    pub processes_cut_off: u64,
    /// Rows of the roster.
    pub rows: u64,
    /// Rows by status; the sum is `rows`.
    pub counts: BTreeMap<&'static str, u64>,
    /// The reasons for skipping that need no attention.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// Rows without a reset, by status and error code.
    pub causes: Vec<SummaryCause>,
    /// Accounts by the result of the lookup, if there was one: `ready`, `disabled` and so on, and the reasons for
    /// skips.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Why accounts were not looked up, if they were not.
    pub not_looked_up: Option<String>,
    /// Accounts by the profile of their passwords, if profiles were given; skipped ones are not counted.
    pub profiles: BTreeMap<Profile, SummaryProfile>,
    /// Reset accounts by what the directory showed afterwards, if they were verified.
    pub verified: BTreeMap<&'static str, u64>,
    /// Reset accounts by whether their users have chosen a password since (`yes`, `no`, `unread`), if a sweep has asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<ClaimCounts>,
    /// Every sweep, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<SummarySweep>,
    /// In a run with writeback: accounts by how their passwords go to them, each by status.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub methods: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Accounts whose sessions were revoked.
    pub sessions_revoked: u64,
    /// Accounts whose sessions could not be revoked.
    pub sessions_failed: u64,
    /// Batches sent by processes that ended normally.
    pub batches: u64,
    /// Requests sent for accounts by all processes, including repeats.
    pub writes: u64,
    /// Writes answered with 429, in processes that ended normally.
    pub throttled: u64,
    /// Seconds from the first write to the last answer, over all processes.
    pub seconds: f64,
    /// The minimum time that the quota allows for these accounts, in seconds; `None` if what its bucket had left
    /// covered them.
    pub possible_seconds: Option<f64>,
    /// `possible_seconds` divided by the actual time; `None` in the same case.
    pub share_of_possible_speed: Option<f64>,
    /// The write quota.
    pub write_quota: Option<String>,
    /// The files that are not in their usual place, because another program held the old ones open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_replaced: Vec<NotReplaced>,
    /// The exit code of `passwave run` with the ledger as it is.
    pub exit_code: u8,
}

/// Accounts with one profile.
#[derive(Debug, Serialize)]
pub struct SummaryProfile {
    /// How many.
    pub accounts: u64,
    /// The lowest entropy of their passwords in bits.
    pub entropy_bits: f64,
    /// What their users must do at the next sign-in.
    pub force_change: ForceChange,
}

/// A sweep that has ended.
#[derive(Debug, Serialize)]
pub struct SummarySweep {
    /// When.
    pub at: String,
    /// What was known then.
    #[serde(flatten)]
    pub claims: ClaimCounts,
}

impl SummarySweep {
    fn of(Sweep { at, claims }: Sweep) -> Self {
        Self { at: time(at), claims }
    }
}

/// Rows that ended in the same way.
#[derive(Debug, Serialize)]
pub struct SummaryCause {
    /// Their status.
    pub status: Status,
    /// Their error code.
    pub error_code: String,
    /// The message of one of them.
    pub error_message: String,
    /// Why Graph refused that one, if it did and said why.
    #[serde(skip)]
    pub cause: Option<Cause>,
    /// How many.
    pub rows: u64,
    /// Whether they need no attention, because such skips are accepted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
}

impl SummaryCause {
    fn of_group(group: Group, accepted: &[String]) -> Self {
        let is_accepted = is_accepted(group.status, &group.code, accepted);
        let (status, error_code, error_message) = (group.status, plain(&group.code), plain(&group.message));
        let (cause, rows) = (group.cause, group.number);
        Self { status, error_code, error_message, cause, rows, accepted: is_accepted }
    }

    /// How one account ended; skips for the reasons in `accepted` need no attention.
    #[must_use]
    pub fn of(account: &RowStatus, accepted: &[String]) -> Self {
        let code = account.error_code.as_deref().unwrap_or_default();
        Self {
            accepted: is_accepted(account.status, code, accepted),
            status: account.status,
            error_code: account.error_code.clone().unwrap_or_default(),
            error_message: account.error_message.clone().unwrap_or_default(),
            cause: account.cause,
            rows: 1,
        }
    }

    /// Whether these rows need attention.
    #[must_use]
    pub fn needs_a_look(&self) -> bool {
        !self.accepted && Skip::from_code(&self.error_code).is_none_or(Skip::needs_a_look)
    }

    /// The status and the code in readable form; the code is foreign text.
    #[must_use]
    pub fn title(&self) -> String {
        if self.accepted {
            return format!("{} (accepted)", self.error_code);
        }
        let status = self.status.title();
        if self.error_code.is_empty() { status.to_owned() } else { format!("{status} ({})", self.error_code) }
    }

    /// What can be done about these rows; `None` if there is nothing to do.
    #[must_use]
    pub fn remedy(&self) -> Option<Remedy> {
        match self.status {
            Status::Pending => Some(Remedy::Continue),
            Status::InDoubt => Some(Remedy::MaybeInForce),
            Status::Skipped => Skip::from_code(&self.error_code).filter(|_| self.needs_a_look()).map(Remedy::OfSkip),
            Status::Reset | Status::Failed => Some(Remedy::OfRefusal(self.cause.unwrap_or(Cause::Other))),
        }
    }

    /// The same in words.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        self.remedy().map(Remedy::advice)
    }
}

/// What can be done about a row that was not reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The run continues with it.
    Continue,
    /// Its new password may be in force already.
    MaybeInForce,
    /// What the reason for skipping it asks for.
    OfSkip(Skip),
    /// What the cause of Graph's refusal asks for.
    OfRefusal(Cause),
}

impl Remedy {
    /// What to do, as a part of a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Continue => "not finished yet: continuing the run includes these accounts",
            Self::MaybeInForce => "the password in the report may be in force: try it, or reset these accounts again",
            Self::OfSkip(skip) => skip.advice(),
            Self::OfRefusal(cause) => cause.advice(),
        }
    }
}

impl Summary {
    /// The summary of a run from its ledger.
    pub fn of(ledger: &ReadLedger) -> Result<Self, LedgerError> {
        Self::with_times(ledger, &ledger.times()?)
    }

    /// The same if the times of the run are known already.
    pub(super) fn with_times(ledger: &ReadLedger, times: &Times) -> Result<Self, LedgerError> {
        let counts = ledger.counts();
        let settings = ledger.settings();
        let text = |text: Option<String>| text.as_deref().map(plain);
        let signed_in = ledger.signed_in()?;
        let accepted = accepted(ledger)?;
        let causes = ledger.groups()?.into_iter().map(|group| SummaryCause::of_group(group, &accepted));
        let causes: Vec<_> = causes.collect();
        let work = Work::of(ledger, times)?;
        Ok(Self {
            schema: SCHEMA,
            passwave: text(ledger.planned_by()?).unwrap_or_default(),
            rehearsal: settings.rehearsal,
            finished: counts.is_finished(),
            roster: plain(&settings.roster),
            only: settings.only.clone(),
            fingerprint: plain(&ledger.fingerprint()?),
            sealed_to: settings.sealing.as_ref().map(|sealing| sealing.recipients.clone()).unwrap_or_default(),
            sealed_to_names: settings.sealing.as_ref().map(names_of).unwrap_or_default(),
            passwords_not_in_report: 0,
            passwords_removed_at: ledger.removal().at().map(plain),
            tenant_id: text(signed_in.tenant_id),
            client_id: text(signed_in.client_id),
            planned_at: text(ledger.planned_at()?).unwrap_or_default(),
            began_at: work.began_at.map(time),
            ended_at: work.ended_at.map(time),
            written_at: format!("{:.3}", jiff::Timestamp::now()),
            processes: work.processes,
            processes_cut_off: work.cut_off,
            rows: counts.rows(),
            counts: Status::ALL.into_iter().map(|status| (status.as_str(), counts.of(status))).collect(),
            exit_code: exit_code(&causes, counts.is_finished()),
            accepted,
            kinds: kinds(ledger)?,
            profiles: profiles(ledger)?,
            not_looked_up: ledger.not_looked_up_because()?.as_deref().map(plain),
            verified: ledger.verdicts()?.into_iter().map(|(verdict, rows)| (verdict.as_str(), rows)).collect(),
            claimed: if ledger.is_swept()? { Some(ledger.claims()?) } else { None },
            sweeps: ledger.sweeps()?.into_iter().map(SummarySweep::of).collect(),
            methods: methods(ledger)?,
            sessions_revoked: counts.sessions_revoked,
            sessions_failed: counts.sessions_kept,
            causes,
            batches: work.batches,
            writes: work.writes,
            throttled: work.throttled,
            seconds: work.seconds,
            possible_seconds: (work.possible > 0.0).then_some(work.possible),
            share_of_possible_speed: (work.took > 0.0).then(|| work.possible / work.took),
            write_quota: work.write_quota.as_deref().map(plain),
            not_replaced: Vec::new(),
        })
    }

    /// The name under which a file of the run folder was written, usually `name`.
    #[must_use]
    pub fn place_of<'a>(&'a self, name: &'a str) -> &'a str {
        place_of(&self.not_replaced, name)
    }
}

/// The statuses of the accounts whose passwords go each way; skipped rows go none.
fn methods(ledger: &ReadLedger) -> Result<BTreeMap<&'static str, BTreeMap<&'static str, u64>>, LedgerError> {
    if !ledger.settings().rules.writeback {
        return Ok(BTreeMap::new());
    }
    let (all, writeback) = (ledger.counts(), ledger.writeback_counts()?);
    let sent = || Status::ALL.into_iter().filter(|status| *status != Status::Skipped);
    let of = |method| {
        let number = |status| match method {
            Method::Graph => all.of(status).saturating_sub(writeback.of(status)),
            Method::Writeback => writeback.of(status),
        };
        sent().map(|status| (status.as_str(), number(status))).collect()
    };
    Ok(Method::ALL.into_iter().map(|method| (method.as_str(), of(method))).collect())
}

/// 0 if every account has its password, apart from duplicates; 1 if a row needs attention; 3 if rows are left.
fn exit_code(causes: &[SummaryCause], finished: bool) -> u8 {
    if finished { u8::from(causes.iter().any(SummaryCause::needs_a_look)) } else { 3 }
}

/// What the run accepts now: as planned, unless a flag of `run` has changed it.
pub(crate) fn accepted(ledger: &ReadLedger) -> Result<Vec<String>, LedgerError> {
    Ok(ledger.wanted()?.accept)
}

/// Only a skip can be accepted: rows that failed or are in doubt always need attention.
pub(crate) fn is_accepted(status: Status, code: &str, accepted: &[String]) -> bool {
    status == Status::Skipped && Skip::from_code(code).is_some() && accepted.iter().any(|known| known == code)
}

fn profiles(ledger: &ReadLedger) -> Result<BTreeMap<Profile, SummaryProfile>, LedgerError> {
    let (settings, mut profiles) = (ledger.settings(), BTreeMap::new());
    for (form, accounts) in ledger.forms()? {
        let Some(profile) = form.profile else { continue };
        let entropy_bits = settings.policy.entropy_bits(form);
        let force_change = settings.force_change_of(form.profile);
        let told = SummaryProfile { accounts: 0, entropy_bits, force_change };
        let told: &mut SummaryProfile = profiles.entry(profile).or_insert(told);
        told.accounts += accounts;
        told.entropy_bits = told.entropy_bits.min(entropy_bits);
    }
    Ok(profiles)
}

fn kinds(ledger: &ReadLedger) -> Result<BTreeMap<&'static str, u64>, LedgerError> {
    let mut kinds = BTreeMap::new();
    if !ledger.is_looked_up()? {
        return Ok(kinds);
    }
    for count in ledger.kinds()? {
        let Some(kind) = count.kind else { continue };
        *kinds.entry(kind.as_str()).or_default() += count.number;
    }
    Ok(kinds)
}

/// The names of recipients, sanitized for display.
fn names_of(sealing: &Sealing) -> Vec<String> {
    sealing.shown().iter().map(|name| plain(name)).collect()
}

/// Foreign text without control characters.
fn plain(text: &str) -> String {
    sanitize::data(text).into_owned()
}
