//! `evidence.html` of a fleet: a row for each tenant, linked to its own page. It has no script and loads nothing.
//!
//! Invariant: foreign text never becomes markup.

use super::{FleetSummary, TenantEvidence, page::STYLE};
use crate::{
    outcome::Status,
    report::evidence::{EVIDENCE_NAME, EVIDENCE_PAGE_NAME},
    util::{
        format::{counted, grouped},
        markup::escaped,
    },
};
use std::io::{self, Write};

/// Writes the page to `out`, for a file with this last link.
pub(super) fn write(
    summary: &FleetSummary,
    tenants: &[TenantEvidence],
    link: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let roster = escaped(&summary.roster);
    let rehearsal = if summary.rehearsal { " A rehearsal: no tenant was touched." } else { "" };
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Evidence: {roster}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>Evidence: {roster}</h1>\n<p>{} in {}.{rehearsal}</p>\n\
         <p>Plan <code>{}</code>, written {}</p>",
        counted(summary.rows, "row", "rows"),
        counted(tenants.iter().filter(|one| !one.tenant.is_empty()).count() as u64, "tenant", "tenants"),
        summary.fingerprint,
        summary.written_at,
    )?;
    write!(out, "<table>\n<thead><tr><th scope=\"col\">Tenant</th><th scope=\"col\" class=\"n\">Rows</th>")?;
    for status in Status::ALL {
        write!(out, "<th scope=\"col\" class=\"n\">{}</th>", status.title())?;
    }
    writeln!(out, "<th scope=\"col\">SHA-256 of its file</th></tr></thead>\n<tbody>")?;
    tenants.iter().try_for_each(|tenant| row(tenant, out))?;
    writeln!(
        out,
        "</tbody>\n</table>\n<h2>Is it unchanged?</h2>\n<p>This page is for reading. What counts is the file \
         <code>{EVIDENCE_NAME}</code> beside it, and those of the tenants. Its final chain is <code>{link}</code>. passwave can \
         check it.</p>\n</body>\n</html>"
    )
}

fn row(tenant: &TenantEvidence, out: &mut impl Write) -> io::Result<()> {
    let name = if tenant.tenant.is_empty() { "(no certain tenant)" } else { tenant.tenant.as_str() };
    let folder = tenant.file.split('/').next().unwrap_or_default();
    write!(
        out,
        "<tr><td><a href=\"{}/{EVIDENCE_PAGE_NAME}\">{}</a><small>{}</small></td><td class=\"n\">{}</td>",
        escaped(folder),
        escaped(name),
        escaped(tenant.tenant_id.as_deref().unwrap_or_default()),
        grouped(tenant.rows)
    )?;
    for status in Status::ALL {
        let number = tenant.counts.get(status.as_str()).copied().unwrap_or_default();
        write!(out, "<td class=\"n\">{}</td>", if number > 0 { grouped(number) } else { String::new() })?;
    }
    writeln!(out, "<td><code>{}</code></td></tr>", tenant.sha256)
}
