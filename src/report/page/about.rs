//! The facts about a run for later reference, collapsed at the end of the page.

use crate::{
    graph::quota::Quota,
    ledger::ReadLedger,
    report::{Fault, Summary, escape::Text},
    util::format::{counted, grouped, lasting, short},
};
use std::{io::Write, time::Duration};

/// Writes the facts, and closes the main part of the page.
pub(super) fn write(ledger: &ReadLedger, summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(out, "<details class=\"about\">\n<summary>About this run: tenant, times, quota and plan</summary>")?;
    facts(ledger, summary, out)?;
    Ok(writeln!(
        out,
        "</details>\n</main>\n<footer><p>Times are in UTC. This file loads nothing, sends nothing, and \
         stores nothing in the browser.</p></footer>"
    )?)
}

fn facts(ledger: &ReadLedger, summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(out, "<dl class=\"facts\">")?;
    for (name, value) in named_facts(ledger, summary).into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(&value))?;
    }
    Ok(writeln!(out, "</dl>")?)
}

fn named_facts(ledger: &ReadLedger, summary: &Summary) -> Vec<(&'static str, String)> {
    let moment = |time: &Option<String>| time.as_deref().map_or_else(String::new, second);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let nowhere = if summary.rehearsal { "none: a rehearsal" } else { "not known yet" };
    vec![
        ("Roster", summary.roster.clone()),
        ("Tenant", summary.tenant_id.clone().unwrap_or_else(|| nowhere.into())),
        ("Application", text(&summary.client_id)),
        ("Planned", second(&summary.planned_at)),
        ("Began", moment(&summary.began_at)),
        ("Ended", moment(&summary.ended_at)),
        ("This page was written", second(&summary.written_at)),
        ("Took", took(summary)),
        ("Quota", quota(summary)),
        ("Sent", sent(summary)),
        ("Not looked up", text(&summary.not_looked_up)),
        ("Sealed to", summary.sealed_to_names.join(", ")),
        ("Passwords removed", moment(&summary.passwords_removed_at)),
        ("Verified", verified(summary)),
        ("Claimed", claimed(summary)),
        ("Sessions", sessions(summary)),
        ("Methods", methods(summary)),
        ("Plan", summary.fingerprint.clone()),
        ("Run folder", ledger.folder().file_name().unwrap_or_default().to_string_lossy().into_owned()),
        ("passwave", summary.passwave.clone()),
    ]
}

/// A time to the second.
fn second(time: &str) -> String {
    as_read(time, "%-d %b %Y, %H:%M:%S UTC")
}

/// A time to the minute.
pub(super) fn minute(time: &str) -> String {
    as_read(time, "%-d %b %Y, %H:%M UTC")
}

fn as_read(time: &str, form: &str) -> String {
    let parsed = time.parse::<jiff::Timestamp>();
    parsed.map_or_else(|_| time.to_owned(), |time| time.strftime(form).to_string())
}

fn took(summary: &Summary) -> String {
    let took = lasting(summary.seconds);
    match (summary.writes, summary.possible_seconds) {
        (0, _) => String::new(),
        (_, None) if summary.processes_cut_off > 0 => {
            if summary.seconds > 0.0 {
                took
            } else {
                String::new()
            }
        }
        (_, None) => format!("{took}; all accounts fit in the quota's initial burst"),
        (_, Some(least)) => {
            let least = Duration::try_from_secs_f64(least).unwrap_or_default();
            format!("{took}; the quota allows {} at best", short(least))
        }
    }
}

fn quota(summary: &Summary) -> String {
    let Some(quota) = summary.write_quota.as_deref().and_then(|quota| quota.parse::<Quota>().ok()) else {
        return String::new();
    };
    format!("{} writes in {}", grouped(quota.units.get().into()), short(quota.per))
}

fn sent(summary: &Summary) -> String {
    if summary.writes == 0 {
        return String::new();
    }
    let writes = counted(summary.writes, "write", "writes");
    let batches = counted(summary.batches, "batch", "batches");
    let known = format!("{batches}; {} answered with 429", grouped(summary.throttled));
    match summary.processes_cut_off {
        0 => format!("{writes} in {known}"),
        lost => {
            let lost = counted(lost, "process that was cut off", "processes that were cut off");
            format!("{writes}; {known} (without {lost})")
        }
    }
}

fn verified(summary: &Summary) -> String {
    let told = |(verdict, number): (&&str, &u64)| format!("{} {}", grouped(*number), verdict.replace('_', " "));
    summary.verified.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// Who has chosen a password of their own, as of the last sweep.
fn claimed(summary: &Summary) -> String {
    let Some((claims, last)) = summary.claimed.zip(summary.sweeps.last()) else { return String::new() };
    let (yes, no, unread) = (grouped(claims.yes), grouped(claims.no), grouped(claims.unread));
    format!("{yes} yes, {no} no, {unread} unread; asked on {}", minute(&last.at))
}

/// How many accounts go each way, if there are two.
fn methods(summary: &Summary) -> String {
    let number = |of: &std::collections::BTreeMap<&str, u64>| grouped(of.values().sum());
    let told = summary.methods.iter().map(|(method, of)| format!("{} {method}", number(of)));
    told.collect::<Vec<_>>().join(", ")
}

fn sessions(summary: &Summary) -> String {
    match (summary.sessions_revoked, summary.sessions_failed) {
        (0, 0) => String::new(),
        (revoked, 0) => format!("revoked for {}", counted(revoked, "account", "accounts")),
        (revoked, failed) => {
            format!("revoked for {}; not possible for {}", counted(revoked, "account", "accounts"), grouped(failed))
        }
    }
}
