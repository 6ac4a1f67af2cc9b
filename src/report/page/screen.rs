//! The first screen: what was done, when, in which tenant, how many, and how fast.

use crate::{
    figures::{counted, grouped, short},
    ledger::{Ledger, LedgerError},
    outcome::Status,
    quota::Quota,
    report::{Fault, Summary, escape::Text},
};
use std::{io::Write, time::Duration};

/// A way for the eye, besides the colour, to tell how rows ended.
const SIGNS: [(Status, &str, &str); 5] = [
    (Status::Reset, "✓", "have their new password"),
    (Status::Failed, "✕", "kept their old password"),
    (Status::InDoubt, "?", "may have either"),
    (Status::Pending, "…", "are still to be done"),
    (Status::Skipped, "–", "were never sent"),
];

/// Writes the first screen, and opens the main part of the page.
pub(super) fn write(ledger: &Ledger, summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(
        out,
        "<a class=\"skip\" href=\"#accounts\">Go to the accounts</a>\n<header>\n<p class=\"brand\">passwave</p>"
    )?;
    if summary.rehearsal {
        writeln!(
            out,
            "<p class=\"rehearsal\"><strong>This was a rehearsal.</strong> No tenant was touched, no account has these \
             passwords, and times are what the simulated tenant would have taken.</p>"
        )?;
    }
    writeln!(out, "<h1>{}</h1>\n<p class=\"lead\">{}</p>\n</header>\n<main>", headline(summary), lead(summary))?;
    counts(summary, out)?;
    facts(ledger, summary, out)
}

fn headline(summary: &Summary) -> String {
    let reset = summary.counts["reset"];
    let of = summary.rows - summary.counts["skipped"].min(summary.rows);
    let verb = match (summary.rehearsal, reset) {
        (true, _) => "would have",
        (false, 1) => "has",
        (false, _) => "have",
    };
    let accounts = match reset {
        0 => "No account".into(),
        _ if reset == of => counted(reset, "account", "accounts"),
        _ => format!("{} of {}", grouped(reset), counted(of, "account", "accounts")),
    };
    let verb = if reset == 0 && !summary.rehearsal { "has" } else { verb };
    let yet = if summary.finished { "" } else { " so far" };
    format!("{accounts} {verb} a new password{yet}")
}

fn lead(summary: &Summary) -> String {
    let looks: u64 = summary.causes.iter().filter(|cause| cause.needs_a_look()).map(|cause| cause.rows).sum();
    let look = match looks {
        0 => "No row needs a look.".into(),
        1 => "<a href=\"#needs\">1 row needs a look</a>.".into(),
        _ => format!("<a href=\"#needs\">{} rows need a look</a>.", grouped(looks)),
    };
    let standing = if summary.finished {
        String::new()
    } else {
        format!(
            " The run has not ended: {} left. Give this folder to <code>passwave run</code> to go on.",
            counted(summary.counts["pending"], "account is", "accounts are")
        )
    };
    format!("{look}{standing}")
}

fn counts(summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(out, "<ul class=\"counts\" aria-label=\"How the rows ended\">")?;
    for (status, sign, meaning) in SIGNS {
        let (word, number) = (status.as_str(), summary.counts[status.as_str()]);
        if number == 0 && status != Status::Reset && status != Status::Failed {
            continue;
        }
        writeln!(
            out,
            "<li class=\"{word}\"><a href=\"#accounts\" data-status=\"{word}\" data-title=\"{name}\">\
             <span class=\"name\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span> {name}</span> \
             <strong>{}</strong> <span class=\"meaning\">{meaning}</span></a></li>",
            grouped(number),
            name = word.replace('_', " "),
        )?;
    }
    if let Some(share) = summary.share_of_possible_speed {
        writeln!(
            out,
            "<li class=\"speed\"><div><span class=\"name\">speed</span> <strong>{:.1} %</strong> \
             <span class=\"meaning\">of what the quota allows</span></div></li>",
            share * 100.0
        )?;
    }
    Ok(writeln!(out, "</ul>")?)
}

fn facts(ledger: &Ledger, summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(out, "<dl class=\"facts\">")?;
    for (name, value) in told(ledger, summary)?.into_iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(&value))?;
    }
    Ok(writeln!(out, "</dl>")?)
}

fn told(ledger: &Ledger, summary: &Summary) -> Result<Vec<(&'static str, String)>, LedgerError> {
    let moment = |time: &Option<String>| time.as_deref().map_or_else(String::new, minute);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let nowhere = if summary.rehearsal { "none: a rehearsal" } else { "not known yet" };
    Ok(vec![
        ("Roster", summary.roster.clone()),
        ("Tenant", summary.tenant_id.clone().unwrap_or_else(|| nowhere.into())),
        ("Application", text(&summary.client_id)),
        ("Planned", minute(&summary.planned_at)),
        ("Began", moment(&summary.began_at)),
        ("Ended", moment(&summary.ended_at)),
        ("Took", took(summary)),
        ("Quota", quota(summary)),
        ("Sent", sent(summary)),
        ("Not looked up", text(&summary.not_looked_up)),
        ("Verified", verified(summary)),
        ("Sessions", sessions(summary)),
        ("Plan", summary.fingerprint.clone()),
        ("Run folder", ledger.folder().file_name().unwrap_or_default().to_string_lossy().into_owned()),
        ("passwave", summary.passwave.clone()),
    ])
}

/// A time to the second, as a person reads it.
fn minute(time: &str) -> String {
    let parsed = time.parse::<jiff::Timestamp>();
    parsed.map_or_else(|_| time.to_owned(), |time| time.strftime("%-d %b %Y, %H:%M:%S UTC").to_string())
}

fn took(summary: &Summary) -> String {
    let time = Duration::try_from_secs_f64(summary.seconds).unwrap_or_default();
    match (summary.writes, summary.possible_seconds) {
        (0, _) => String::new(),
        (_, None) => format!("{}; the quota's burst holds as many accounts at once", short(time)),
        (_, Some(least)) => {
            let least = Duration::try_from_secs_f64(least).unwrap_or_default();
            format!("{}; the quota allows no less than {}", short(time), short(least))
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
    let known = format!("{batches}; {} answered 429", grouped(summary.throttled));
    match summary.processes_cut_off {
        0 => format!("{writes} in {known}"),
        lost => {
            let lost = counted(lost, "process that was cut off", "processes that were cut off");
            format!("{writes}; {known} (without {lost})")
        }
    }
}

fn verified(summary: &Summary) -> String {
    let told = |(verdict, number): (&String, &u64)| format!("{} {}", grouped(*number), verdict.replace('_', " "));
    summary.verified.iter().map(told).collect::<Vec<_>>().join(", ")
}

fn sessions(summary: &Summary) -> String {
    match (summary.sessions_revoked, summary.sessions_failed) {
        (0, 0) => String::new(),
        (revoked, 0) => format!("revoked of {}", counted(revoked, "account", "accounts")),
        (revoked, failed) => {
            format!("revoked of {}; of {} they could not be", counted(revoked, "account", "accounts"), grouped(failed))
        }
    }
}
