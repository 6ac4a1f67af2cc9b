//! `report.html` of a fleet: a row for each tenant, linked to its own page. It has no script and loads nothing.
//!
//! Invariant: foreign text never becomes markup, and there is no password on the page.

use super::{FleetSummary, TenantSummary};
use crate::{
    outcome::Status,
    report::PAGE_NAME,
    util::{
        format::{counted, grouped},
        markup::escaped,
    },
};
use std::io::{self, Write};

pub(super) const STYLE: &str = "\
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin:0}table{border-collapse:collapse;width:100%;margin-top:1.5rem}\
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8884;vertical-align:top}\
.n{text-align:right;font-variant-numeric:tabular-nums}.trouble{color:#b3261e}@media(prefers-color-scheme:dark){.trouble{color:#f2b8b5}}\
small{display:block;opacity:.7}code{font-size:.9em;overflow-wrap:anywhere}@media print{body{margin:0;max-width:none}}";

/// Writes the page to `out`.
pub(super) fn write(summary: &FleetSummary, out: &mut impl Write) -> io::Result<()> {
    let roster = escaped(&summary.roster);
    let kind = if summary.rehearsal { "Rehearsal" } else { "Report" };
    let tenants = summary.tenants.iter().filter(|tenant| !tenant.name.is_empty()).count();
    let tenants = counted(tenants as u64, "tenant", "tenants");
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{kind}: {roster}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{kind}: {roster}</h1>\n<p>{tenants}, {}: {}</p>",
        counted(summary.rows, "row", "rows"),
        totals(summary),
    )?;
    write!(out, "<table>\n<thead><tr><th scope=\"col\">Tenant</th><th scope=\"col\" class=\"n\">Rows</th>")?;
    for status in Status::ALL {
        write!(out, "<th scope=\"col\" class=\"n\">{}</th>", status.title())?;
    }
    writeln!(out, "<th scope=\"col\">State</th></tr></thead>\n<tbody>")?;
    summary.tenants.iter().try_for_each(|tenant| row(tenant, out))?;
    writeln!(
        out,
        "</tbody>\n</table>\n<p><small>Plan <code>{}</code>, written {}</small></p>\n</body>\n</html>",
        summary.fingerprint, summary.written_at
    )
}

fn totals(summary: &FleetSummary) -> String {
    let shown = Status::ALL.into_iter().filter(|status| summary.count(*status) > 0);
    shown.map(|status| format!("{} {}", grouped(summary.count(status)), status.title())).collect::<Vec<_>>().join(", ")
}

fn row(tenant: &TenantSummary, out: &mut impl Write) -> io::Result<()> {
    let name = if tenant.name.is_empty() { "(no certain tenant)" } else { tenant.name.as_str() };
    let id = tenant.tenant_id.as_deref().filter(|id| *id != tenant.name).unwrap_or_default();
    write!(
        out,
        "<tr><td><a href=\"{}/{PAGE_NAME}\">{}</a><small>{}</small></td><td class=\"n\">{}</td>",
        escaped(&tenant.folder),
        escaped(name),
        escaped(id),
        grouped(tenant.rows)
    )?;
    for status in Status::ALL {
        let number = tenant.counts.get(status.as_str()).copied().unwrap_or_default();
        write!(out, "<td class=\"n\">{}</td>", if number > 0 { grouped(number) } else { String::new() })?;
    }
    match &tenant.trouble {
        Some(trouble) => {
            let hint = trouble.hint.as_deref().unwrap_or_default();
            writeln!(
                out,
                "<td class=\"trouble\">{}<small>{}</small></td></tr>",
                escaped(&trouble.message),
                escaped(hint)
            )
        }
        None if tenant.finished => writeln!(out, "<td>finished</td></tr>"),
        None => writeln!(out, "<td>not finished</td></tr>"),
    }
}
