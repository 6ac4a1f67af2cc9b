//! `evidence.html`: the evidence for reading. It has no script and loads nothing.
//!
//! Invariant: foreign text never becomes markup.

use super::{EVIDENCE_NAME, content::Head};
use crate::{
    ledger::{Agreement, Approval, ReadLedger, RowStatus},
    outcome::Status,
    report::{Fault, escape::Text, time},
    util::{
        format::{counted, grouped},
        sanitize,
    },
};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::io::Write;

const STYLE: &str = "\
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.5rem}\
dt{opacity:.7}dd{margin:0;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%;font-size:13px}\
th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #8884;vertical-align:top}td{overflow-wrap:anywhere}\
td:nth-child(n+4):nth-child(-n+7){white-space:nowrap}\
code{font-size:.95em}@media print{body{margin:0;max-width:none}thead{display:table-header-group}tr{break-inside:avoid}}";
/// The most rows on the page; the file has all.
const ROWS_MAX: u64 = 5_000;

/// Writes the page to `out`, for a file with this many rows and this last link.
pub(super) fn write(
    ledger: &ReadLedger,
    head: &Head,
    rows: u64,
    link: &str,
    out: &mut impl Write,
) -> Result<(), Fault> {
    let style = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let roster = Text(&head.summary.roster);
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{style}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Evidence: {roster}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Evidence: {roster}</h1>"
    )?;
    list(&facts(head), out)?;
    writeln!(out, "<h2>Result</h2>")?;
    list(&result(head), out)?;
    let rows_in_words = counted(rows, "row", "rows");
    writeln!(
        out,
        "<h2>Is it unchanged?</h2>\n<p>This page is for reading. What counts is the file <code>{EVIDENCE_NAME}</code> beside \
         it. It has {rows_in_words}, and its final chain is <code>{link}</code>. passwave can check it.</p>"
    )?;
    table(ledger, rows, head.audit_read_at.is_some(), out)?;
    Ok(writeln!(out, "</body>\n</html>")?)
}

type Facts = Vec<(&'static str, String)>;

fn list(facts: &Facts, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(out, "<dl>")?;
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "<dt>{name}</dt><dd>{}</dd>", Text(value))?;
    }
    Ok(writeln!(out, "</dl>")?)
}

fn facts(head: &Head) -> Facts {
    let summary = &head.summary;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let nowhere = if summary.rehearsal { "none: a rehearsal" } else { "not known: the run has not started" };
    let mut facts = vec![
        ("Tenant", summary.tenant_id.clone().unwrap_or_else(|| nowhere.into())),
        ("Application", text(&summary.client_id)),
        ("Signed in as", text(&head.person)),
        ("Planned", summary.planned_at.clone()),
        ("Began", text(&summary.began_at)),
        ("Ended", text(&summary.ended_at)),
        ("Plan", summary.fingerprint.clone()),
        ("passwave", summary.passwave.clone()),
        ("Written", summary.written_at.clone()),
    ];
    if let Some(at) = &head.audit_read_at {
        facts.insert(6, ("Audit log read", at.clone()));
    }
    facts.splice(6..6, head.approvals.iter().map(|approval| ("Approved", approved(approval))));
    facts
}

fn approved(approval: &Approval) -> String {
    let how = match approval.how {
        Agreement::Typed => "confirmed at the terminal",
        Agreement::Flag => "in the call",
        Agreement::Earlier => "continued",
    };
    let by = approval.by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
    let expected = approval.expected.as_ref().map_or_else(String::new, |plan| format!(", for the plan {plan}"));
    format!("{}: {how}{by}{expected}", approval.at)
}

fn result(head: &Head) -> Facts {
    let number = |status: &Status| head.summary.counts.get(status.as_str()).copied().unwrap_or_default();
    let shown = Status::ALL.into_iter().filter(|status| number(status) > 0);
    let mut facts: Facts = shown.map(|status| (status.title(), grouped(number(&status)))).collect();
    let verified = head.summary.verified.iter();
    let verified: Vec<_> =
        verified.map(|(verdict, rows)| format!("{} {}", grouped(*rows), verdict.replace('_', " "))).collect();
    facts.push(("verified", verified.join(", ")));
    facts
}

fn table(ledger: &ReadLedger, rows: u64, is_audited: bool, out: &mut impl Write) -> Result<(), Fault> {
    let first = if rows > ROWS_MAX { format!(" (the first {})", grouped(ROWS_MAX)) } else { String::new() };
    writeln!(out, "<h2>Rows{first}</h2>\n<table>\n<thead><tr>")?;
    for name in ["Row", "Account", "Object ID", "Result", "Code", "Changed", "Verified", "Request ID"] {
        write!(out, "<th scope=\"col\">{name}</th>")?;
    }
    if is_audited {
        write!(out, "<th scope=\"col\">Audit record</th>")?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    let mut left = ROWS_MAX;
    ledger.for_each_standing(None, |standing| -> Result<(), Fault> {
        if left > 0 {
            left -= 1;
            row(&standing, out)?;
            if is_audited {
                write!(out, "<td>{}</td>", Text(&audited(ledger, &standing)?))?;
            }
            writeln!(out, "</tr>")?;
        }
        Ok(())
    })?;
    Ok(writeln!(out, "</tbody>\n</table>")?)
}

fn row(standing: &RowStatus, out: &mut impl Write) -> Result<(), Fault> {
    write!(out, "<tr><td>{}</td>", standing.row)?;
    for cell in [
        &standing.user_principal_name,
        standing.object_id.as_deref().unwrap_or_default(),
        standing.status.title(),
        standing.error_code.as_deref().unwrap_or_default(),
        &standing.changed_at.map(time).unwrap_or_default(),
        &standing.verified_at.map(time).unwrap_or_default(),
        standing.request_id.as_deref().unwrap_or_default(),
    ] {
        write!(out, "<td>{}</td>", Text(cell))?;
    }
    Ok(())
}

/// The record of the tenant's audit log about a row, and how it was matched. A row that was never sent has none.
fn audited(ledger: &ReadLedger, standing: &RowStatus) -> Result<String, Fault> {
    Ok(match ledger.audit_of(standing.row)? {
        Some(note) => format!("{} ({})", sanitize::line(&note.record), note.matched.as_str()),
        None if standing.status == Status::Skipped => String::new(),
        None => "none found".into(),
    })
}
