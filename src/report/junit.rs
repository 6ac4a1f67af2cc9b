//! JUnit XML, which pipelines show as tests: the run is a suite, and each account is a case.
//!
//! An account with its new password passes; a refused one is a failure; one in doubt or not finished is an error; one
//! that was never sent is skipped. After a sweep there is a second suite with the accounts that it asked about: one whose
//! user has not chosen a password of their own is a failure, and one that could not be read is an error.
//!
//! Rows are streamed from the ledger. Invariant: it contains no password.

use super::{Fault, Summary, SummaryCause, escape::Text};
use crate::{
    ledger::{ClaimCounts, ClaimState, ReadLedger, RowStatus},
    outcome::Status,
};
use std::{collections::BTreeMap, io::Write, path::Path};

/// Writes the run to `out`.
pub(super) fn write(ledger: &ReadLedger, summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    head(summary, out)?;
    // A dot would add a level to the tree in which such names are shown.
    let stem = Path::new(&summary.roster).file_stem().and_then(|stem| stem.to_str()).unwrap_or("roster");
    let class = format!("passwave.{}", stem.replace('.', "_"));
    ledger.for_each_standing(None, |account| case(&class, &account, &summary.accepted, out))?;
    writeln!(out, "</testsuite>")?;
    if let Some(claims) = &summary.claimed {
        own_passwords(&class, ledger, (summary, claims), out)?;
    }
    Ok(writeln!(out, "</testsuites>")?)
}

/// The suite of a sweep.
fn own_passwords(
    class: &str,
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
        Text(&summary.roster),
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

fn head(summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    let of = |status: Status| summary.counts.get(status.as_str()).copied().unwrap_or_default();
    let (tests, failures, errors) = (summary.rows, of(Status::Failed), of(Status::InDoubt) + of(Status::Pending));
    let totals = |tests: u64, failures: u64, errors: u64| {
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{:.3}\"", summary.seconds)
    };
    let claims = summary.claimed.unwrap_or_default();
    let whole = totals(tests + claims.all(), failures + claims.no, errors + claims.unread);
    let began = whole_seconds(summary.began_at.as_deref().unwrap_or(&summary.planned_at));
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"passwave\" {whole}>")?;
    // In Jenkins' schema (junit-10.xsd), only a suite has the number of skipped cases.
    writeln!(
        out,
        "<testsuite name=\"{}\" timestamp=\"{}\" {} skipped=\"{}\">\n<properties>",
        Text(&summary.roster),
        Text(&began),
        totals(tests, failures, errors),
        of(Status::Skipped),
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
