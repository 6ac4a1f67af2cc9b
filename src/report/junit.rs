//! JUnit XML, which pipelines show as tests: the run is a suite, each account a case.
//!
//! An account with its new password has passed; refused is a failure, in doubt or not settled an error, never sent is
//! skipped. It is written as it is read from the ledger. Invariant: it holds no password.

use super::{Fault, Summary, SummaryCause, escape::Text};
use crate::{
    ledger::{Ledger, Standing},
    outcome::Status,
};
use std::{io::Write, path::Path};

/// Writes the run to `out`.
pub(super) fn write(ledger: &Ledger, summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    head(summary, out)?;
    // A dot would make one more level of the tree in which such names are shown.
    let stem = Path::new(&summary.roster).file_stem().and_then(|stem| stem.to_str()).unwrap_or("roster");
    let class = format!("passwave.{}", stem.replace('.', "_"));
    ledger.for_each_standing(None, |account| case(&class, &account, &summary.accepted, out))?;
    Ok(writeln!(out, "</testsuite>\n</testsuites>")?)
}

fn head(summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    let of = |status: Status| summary.counts.get(status.as_str()).copied().unwrap_or_default();
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\"",
        summary.rows,
        of(Status::Failed),
        of(Status::InDoubt) + of(Status::Pending),
        summary.seconds
    );
    // The schemas that are in use want the time without fractions and zone; it is UTC.
    let began = summary.began_at.as_deref().unwrap_or(&summary.planned_at).get(.."2026-01-01T00:00:00".len());
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"passwave\" {totals}>")?;
    // Jenkins' schema (junit-10.xsd) has the skipped ones of a suite alone.
    writeln!(
        out,
        "<testsuite name=\"{}\" timestamp=\"{}\" {totals} skipped=\"{}\">\n<properties>",
        Text(&summary.roster),
        Text(began.unwrap_or_default()),
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

fn case(class: &str, account: &Standing, accepted: &[String], out: &mut impl Write) -> Result<(), Fault> {
    let row = format!("row {}", account.row);
    let name = if account.user_principal_name.is_empty() { &row } else { &account.user_principal_name };
    write!(out, "<testcase classname=\"{}\" name=\"{}\"", Text(class), Text(name))?;
    let (status, code) = (account.status.as_str(), Text(account.error_code.as_deref().unwrap_or_default()));
    let message = Text(account.error_message.as_deref().unwrap_or_default());
    if status == Status::Reset.as_str() {
        return Ok(writeln!(out, "/>")?);
    }
    if status == Status::Skipped.as_str() {
        return Ok(writeln!(out, "><skipped message=\"{code}: {message}\"/></testcase>")?);
    }
    let element = if status == Status::Failed.as_str() { "failure" } else { "error" };
    let kind = if code.0.is_empty() { Text(status) } else { code };
    writeln!(
        out,
        "><{element} type=\"{kind}\" message=\"{message}\">{}</{element}></testcase>",
        Text(&details(account, accepted))
    )?;
    Ok(())
}

/// Where the row is, what to do about it, and what Microsoft's support asks for.
fn details(account: &Standing, accepted: &[String]) -> String {
    let mut words = format!("row {}, {}", account.row, account.status.replace('_', " "));
    if let Some(cure) = SummaryCause::of(account, accepted).cure() {
        words += &format!("; cure: {cure}");
    }
    if let Some(id) = &account.request_id {
        words += &format!("; request-id: {id}");
    }
    words
}
