//! JUnit XML, which pipelines show as tests: the run is a suite, and each account is a case.
//!
//! An account with its new password passes; a refused one is a failure; one in doubt or not finished is an error; one
//! that was never sent is skipped. After a sweep there is a second suite with the accounts that it asked about: one whose
//! user has not chosen a password of their own is a failure, and one that could not be read is an error.
//!
//! The runs of several tenants are suites of one file, each with the tenant in its name.
//!
//! Rows are streamed from the ledgers. Invariant: it contains no password.

use super::{Fault, Runs, Summary, SummaryCause, escape::Text};
use crate::{
    ledger::{ClaimCounts, ClaimState, ReadLedger, RowStatus},
    outcome::Status,
};
use std::{collections::BTreeMap, fmt, io::Write, path::Path};

/// Writes the run to `out`.
pub(super) fn write(ledger: &ReadLedger, summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    Totals::of(summary).begin(out)?;
    suites(ledger, summary, None, out)?;
    Ok(writeln!(out, "</testsuites>")?)
}

/// Writes the runs of several tenants to `out`.
pub(super) fn write_together(runs: &mut Runs<'_>, out: &mut impl Write) -> Result<(), Fault> {
    let mut totals = Totals::default();
    for at in 0..runs.names.len() {
        totals.add(&Totals::of(&Summary::of(&(runs.open)(at)?)?));
    }
    totals.begin(out)?;
    for (at, name) in runs.names.iter().enumerate() {
        let ledger = (runs.open)(at)?;
        let summary = Summary::of(&ledger)?;
        let tenant = if name.is_empty() { "without-tenant" } else { name };
        suites(&ledger, &summary, Some(tenant), out)?;
    }
    Ok(writeln!(out, "</testsuites>")?)
}

/// The suites of a run, and of its sweep if there was one.
fn suites(ledger: &ReadLedger, summary: &Summary, tenant: Option<&str>, out: &mut impl Write) -> Result<(), Fault> {
    let stem = Path::new(&summary.roster).file_stem().and_then(|stem| stem.to_str()).unwrap_or("roster");
    let name = tenant.map_or_else(|| summary.roster.clone(), |tenant| format!("{}: {tenant}", summary.roster));
    // A dot would add a level to the tree in which such names are shown.
    let part = tenant.map(|tenant| format!(".{}", tenant.replace('.', "_"))).unwrap_or_default();
    let class = format!("passwave.{}{part}", stem.replace('.', "_"));
    head(summary, &name, out)?;
    ledger.for_each_standing(None, |account| case(&class, &account, &summary.accepted, out))?;
    writeln!(out, "</testsuite>")?;
    if let Some(claims) = &summary.claimed {
        own_passwords((&name, &class), ledger, (summary, claims), out)?;
    }
    Ok(())
}

/// The suite of a sweep.
fn own_passwords(
    (name, class): (&str, &str),
    ledger: &ReadLedger,
    (summary, claims): (&Summary, &ClaimCounts),
    out: &mut impl Write,
) -> Result<(), Fault> {
    let mut states = BTreeMap::new();
    ledger.for_each_claim(|row, claimed| {
        states.insert(row, claimed);
    })?;
    writeln!(
        out,
        "<testsuite name=\"{}: own passwords\" timestamp=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" \
         time=\"0.000\" skipped=\"0\">",
        Text(name),
        Text(&whole_seconds(summary.sweeps.last().map_or(&summary.planned_at, |sweep| &sweep.at))),
        claims.all(),
        claims.no,
        claims.unread,
    )?;
    ledger.for_each_standing(None, |account| match states.get(&account.row) {
        Some(claimed) => own_password(class, &account, *claimed, out),
        None => Ok(()),
    })?;
    Ok(writeln!(out, "</testsuite>")?)
}

fn own_password(class: &str, account: &RowStatus, claimed: ClaimState, out: &mut impl Write) -> Result<(), Fault> {
    // Another class, because some readers take two cases with one class and name for one.
    write!(out, "<testcase classname=\"{}_claimed\" name=\"{}\"", Text(class), Text(&account.user_principal_name))?;
    let (element, kind, message) = match claimed {
        ClaimState::Yes => return Ok(writeln!(out, "/>")?),
        ClaimState::No => ("failure", "not_claimed", "the user has not chosen a password of their own yet"),
        ClaimState::Unread => ("error", "unread", "the account could not be read"),
    };
    let row = account.row;
    Ok(writeln!(out, "><{element} type=\"{kind}\" message=\"{message}\">row {row}: {message}</{element}></testcase>")?)
}

/// The common schemas require the time without fractions and zone; it is UTC.
fn whole_seconds(time: &str) -> String {
    time.get(.."2026-01-01T00:00:00".len()).unwrap_or_default().to_owned()
}

/// The numbers of one or more suites.
#[derive(Default)]
struct Totals {
    tests: u64,
    failures: u64,
    errors: u64,
    seconds: f64,
}

impl Totals {
    /// Those of a run's own suite.
    fn of_run(summary: &Summary) -> Self {
        let of = |status: Status| summary.counts.get(status.as_str()).copied().unwrap_or_default();
        Self {
            tests: summary.rows,
            failures: of(Status::Failed),
            errors: of(Status::InDoubt) + of(Status::Pending),
            seconds: summary.seconds,
        }
    }

    /// Those of a run, with its sweep.
    fn of(summary: &Summary) -> Self {
        let (mut totals, claims) = (Self::of_run(summary), summary.claimed.unwrap_or_default());
        totals.add(&Self { tests: claims.all(), failures: claims.no, errors: claims.unread, seconds: 0.0 });
        totals
    }

    fn add(&mut self, more: &Self) {
        self.tests += more.tests;
        self.failures += more.failures;
        self.errors += more.errors;
        self.seconds += more.seconds;
    }

    /// Begins the file.
    fn begin(&self, out: &mut impl Write) -> Result<(), Fault> {
        Ok(writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"passwave\" {self}>")?)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tests, failures, errors, seconds } = self;
        write!(f, "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\"")
    }
}

fn head(summary: &Summary, name: &str, out: &mut impl Write) -> Result<(), Fault> {
    let skipped = summary.counts.get(Status::Skipped.as_str()).copied().unwrap_or_default();
    let began = whole_seconds(summary.began_at.as_deref().unwrap_or(&summary.planned_at));
    // In Jenkins' schema (junit-10.xsd), only a suite has the number of skipped cases.
    writeln!(
        out,
        "<testsuite name=\"{}\" timestamp=\"{}\" {} skipped=\"{skipped}\">\n<properties>",
        Text(name),
        Text(&began),
        Totals::of_run(summary),
    )?;
    for (name, value) in [
        ("rehearsal", if summary.rehearsal { "true" } else { "false" }),
        ("tenant_id", summary.tenant_id.as_deref().unwrap_or_default()),
        ("fingerprint", &summary.fingerprint),
        ("passwave", &summary.passwave),
        ("written_at", &summary.written_at),
        ("processes_cut_off", &summary.processes_cut_off.to_string()),
    ] {
        writeln!(out, "<property name=\"{name}\" value=\"{}\"/>", Text(value))?;
    }
    Ok(writeln!(out, "</properties>")?)
}

fn case(class: &str, account: &RowStatus, accepted: &[String], out: &mut impl Write) -> Result<(), Fault> {
    let row = format!("row {}", account.row);
    let name = if account.user_principal_name.is_empty() { &row } else { &account.user_principal_name };
    write!(out, "<testcase classname=\"{}\" name=\"{}\"", Text(class), Text(name))?;
    let code = Text(account.error_code.as_deref().unwrap_or_default());
    let message = Text(account.error_message.as_deref().unwrap_or_default());
    let element = match account.status {
        Status::Reset => return Ok(writeln!(out, "/>")?),
        Status::Skipped => return Ok(writeln!(out, "><skipped message=\"{code}: {message}\"/></testcase>")?),
        Status::Failed => "failure",
        Status::InDoubt | Status::Pending => "error",
    };
    let kind = if code.0.is_empty() { Text(account.status.as_str()) } else { code };
    writeln!(
        out,
        "><{element} type=\"{kind}\" message=\"{message}\">{}</{element}></testcase>",
        Text(&details(account, accepted))
    )?;
    Ok(())
}

/// Where the row is, what to do about it, and what Microsoft's support asks for.
fn details(account: &RowStatus, accepted: &[String]) -> String {
    let mut words = format!("row {}, {}", account.row, account.status.title());
    if let Some(advice) = SummaryCause::of(account, accepted).advice() {
        words += &format!("; what to do: {advice}");
    }
    if let Some(id) = &account.request_id {
        words += &format!("; request-id: {id}");
    }
    words
}
