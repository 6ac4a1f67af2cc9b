//! `summary.json`: a run in numbers, for pipelines.
//!
//! Processes that were killed kept no figures of their own: what the rows tell of them is in the times and in `writes`, and
//! what nobody knows (batches, answers 429) leaves them out and says so. Invariant: no text in it holds a control character
//! other than a tab or a line break.

use super::{time, work::Work};
use crate::{
    clean,
    ledger::{Group, Ledger, LedgerError, Standing},
    outcome::{Cause, Skip, Status},
    password::{ForceChange, Profile},
    roster::Only,
    wanted::{self, Wanted},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of what `summary.json` holds to. Another number is another meaning; fields may be added under the same.
const SCHEMA: &str = "passwave.summary.v1";

/// What `summary.json` holds.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// What it holds to: `schema/summary.schema.json`.
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
    /// Fingerprint of the plan; it holds no secret.
    pub fingerprint: String,
    /// To whom the passwords are sealed, as recipients of age; to nobody where they stand in the clear.
    pub sealed_to: Vec<String>,
    /// Passwords that `report.csv.age` lacks, since an earlier process sealed them and no key was given.
    pub passwords_not_in_report: u64,
    /// The tenant, once the run has begun.
    pub tenant_id: Option<String>,
    /// The application, once the run has begun.
    pub client_id: Option<String>,
    /// When the plan was made.
    pub planned_at: String,
    /// When the first process began.
    pub began_at: Option<String>,
    /// When the last process ended; none if it was cut off or is still running.
    pub ended_at: Option<String>,
    /// When this summary was written: the figures are those of that moment.
    pub written_at: String,
    /// Processes that sent something, or were about to.
    pub processes: u64,
    /// Of these, the ones that did not end in order: killed, or still running. `batches` and `throttled` leave them out.
    pub processes_cut_off: u64,
    /// Rows of the roster.
    pub rows: u64,
    /// Rows by status; they add up to `rows`.
    pub counts: BTreeMap<&'static str, u64>,
    /// Reasons for which rows may be skipped without anybody having to look at them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// Rows without a reset, by status and error code.
    pub causes: Vec<SummaryCause>,
    /// Accounts by what the look-up found, where there was one: `ready`, `disabled` and so on, and the reasons for which
    /// rows are skipped.
    pub kinds: BTreeMap<String, u64>,
    /// Why accounts were not looked up, where that is so.
    pub not_looked_up: Option<String>,
    /// Accounts by the profile of their passwords, where profiles were named; those that are skipped are not counted.
    pub profiles: BTreeMap<Profile, SummaryProfile>,
    /// Reset accounts by what the directory showed afterwards, where that was asked for.
    pub verified: BTreeMap<String, u64>,
    /// Accounts whose sessions were revoked.
    pub sessions_revoked: u64,
    /// Accounts whose sessions could not be revoked.
    pub sessions_failed: u64,
    /// Batches sent by processes that ended in order.
    pub batches: u64,
    /// Accounts sent, each time counted, by all processes.
    pub writes: u64,
    /// Writes answered 429, to processes that ended in order.
    pub throttled: u64,
    /// Seconds from the first write to the last answer, over all processes.
    pub seconds: f64,
    /// The least that the quota allows for these accounts, in seconds; none where the full bucket held them.
    pub possible_seconds: Option<f64>,
    /// `possible_seconds` by what was needed; none likewise.
    pub share_of_possible_speed: Option<f64>,
    /// The write quota.
    pub write_quota: Option<String>,
    /// How `passwave run` ends with the ledger as it is.
    pub exit_code: u8,
}

/// Accounts of one profile.
#[derive(Debug, Serialize)]
pub struct SummaryProfile {
    /// How many.
    pub accounts: u64,
    /// The fewest bits of entropy that a password of theirs has.
    pub entropy_bits: f64,
    /// What they must do at the next sign-in.
    pub force_change: ForceChange,
}

/// Rows that ended alike.
#[derive(Debug, Serialize)]
pub struct SummaryCause {
    /// Their status.
    pub status: String,
    /// Their error code.
    pub error_code: String,
    /// The message of one of them.
    pub error_message: String,
    /// How many.
    pub rows: u64,
    /// Whether nobody has to look at them, since such skips are accepted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
}

impl SummaryCause {
    fn of_group(group: Group, accepted: &[String]) -> Self {
        let is_accepted = is_accepted(&group.status, &group.code, accepted);
        let (status, error_code, error_message) = (group.status, plain(&group.code), plain(&group.message));
        Self { status, error_code, error_message, rows: group.number, accepted: is_accepted }
    }

    /// How one account ended, if skips for the reasons in `accepted` need nobody's attention.
    #[must_use]
    pub fn of(account: &Standing, accepted: &[String]) -> Self {
        let code = account.error_code.as_deref().unwrap_or_default();
        Self {
            accepted: is_accepted(&account.status, code, accepted),
            status: account.status.clone(),
            error_code: account.error_code.clone().unwrap_or_default(),
            error_message: account.error_message.clone().unwrap_or_default(),
            rows: 1,
        }
    }

    /// Whether somebody must look at these rows.
    #[must_use]
    pub fn needs_a_look(&self) -> bool {
        !self.accepted && Skip::from_code(&self.error_code).is_none_or(Skip::needs_a_look)
    }

    /// The status and the code, as a person reads them; the code is foreign text.
    #[must_use]
    pub fn title(&self) -> String {
        if self.accepted {
            return format!("{} (accepted)", self.error_code);
        }
        let status = self.status.replace('_', " ");
        if self.error_code.is_empty() { status } else { format!("{status} ({})", self.error_code) }
    }

    /// What to do about these rows; none where nothing is to be done.
    #[must_use]
    pub fn cure(&self) -> Option<&'static str> {
        if self.status == Status::Pending.as_str() {
            return Some("not settled yet: the run goes on with these accounts");
        }
        if self.status == Status::InDoubt.as_str() {
            return Some(
                "the password in the report may be in force: try it, or reset these accounts again (`passwave reset` with \
                 this run folder and --where status=in_doubt)",
            );
        }
        if self.status == Status::Skipped.as_str() {
            return Skip::from_code(&self.error_code).filter(|_| self.needs_a_look()).map(Skip::cure);
        }
        Some(Cause::of_code(&self.error_code, &self.error_message).cure())
    }
}

impl Summary {
    /// The summary of a run as its ledger stands.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        let counts = ledger.counts();
        let settings = ledger.settings();
        let note = |name| Ok::<_, LedgerError>(ledger.note(name)?.as_deref().map(plain));
        let accepted = accepted(ledger)?;
        let causes = ledger.groups()?.into_iter().map(|group| SummaryCause::of_group(group, &accepted));
        let causes: Vec<_> = causes.collect();
        let work = Work::of(ledger)?;
        Ok(Self {
            schema: SCHEMA,
            passwave: note("passwave")?.unwrap_or_default(),
            rehearsal: settings.rehearsal,
            finished: counts.is_finished(),
            roster: plain(&settings.roster),
            only: settings.only.clone(),
            fingerprint: plain(&ledger.fingerprint()?),
            sealed_to: settings.sealing.as_ref().map(|sealing| sealing.recipients.clone()).unwrap_or_default(),
            passwords_not_in_report: 0,
            tenant_id: note("tenant_id")?,
            client_id: note("client_id")?,
            planned_at: note("planned_at")?.unwrap_or_default(),
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
            verified: ledger.verdicts()?.into_iter().map(|(verdict, rows)| (plain(&verdict), rows)).collect(),
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
        })
    }
}

/// 0 where every account has its password, duplicates aside; 1 where somebody must look at a row; 3 where rows are left.
fn exit_code(causes: &[SummaryCause], finished: bool) -> u8 {
    if finished { u8::from(causes.iter().any(SummaryCause::needs_a_look)) } else { 3 }
}

/// What the run accepts now: as it was planned, unless a flag of `run` has changed it.
fn accepted(ledger: &Ledger) -> Result<Vec<String>, LedgerError> {
    let noted = ledger.note(wanted::NOTE)?.map(|noted| serde_json::from_str::<Wanted>(&noted)).transpose()?;
    Ok(noted.unwrap_or_else(|| ledger.settings().wanted.clone()).accept)
}

/// Only a skip can be accepted: what failed or is in doubt always needs attention.
fn is_accepted(status: &str, code: &str, accepted: &[String]) -> bool {
    status == Status::Skipped.as_str() && Skip::from_code(code).is_some() && accepted.iter().any(|known| known == code)
}

fn profiles(ledger: &Ledger) -> Result<BTreeMap<Profile, SummaryProfile>, LedgerError> {
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

fn kinds(ledger: &Ledger) -> Result<BTreeMap<String, u64>, LedgerError> {
    let mut kinds = BTreeMap::new();
    if !ledger.is_looked_up()? {
        return Ok(kinds);
    }
    for kind in ledger.kinds()?.into_iter().filter(|kind| !kind.kind.is_empty()) {
        *kinds.entry(plain(&kind.kind)).or_default() += kind.number;
    }
    Ok(kinds)
}

/// Text from outside without control characters.
fn plain(text: &str) -> String {
    clean::data(text).into_owned()
}
