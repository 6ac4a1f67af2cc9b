//! The top of the page: what was done, when, how many, and what needs attention. The rows follow directly.

use super::about::minute;
use crate::{
    outcome::Status,
    report::{Fault, Summary, escape::Text},
    util::format::{counted, grouped, lasting},
};
use std::io::Write;

/// Signs that show how rows ended, besides the colour.
const SIGNS: [(Status, &str, &str); 5] = [
    (Status::Reset, "✓", "have their new password"),
    (Status::Failed, "✕", "kept their old password"),
    (Status::InDoubt, "?", "may have either"),
    (Status::Pending, "…", "are not done yet"),
    (Status::Skipped, "–", "were never sent"),
];

/// Writes the top, and opens the main part of the page and its first screen; the rows close that.
pub(super) fn write(summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(
        out,
        "<a class=\"skip\" href=\"#accounts\">Go to the accounts</a>\n<main>\n<div class=\"first\">\n<header>"
    )?;
    if summary.rehearsal {
        writeln!(
            out,
            "<p class=\"rehearsal\"><strong>This was a rehearsal.</strong> No tenant was touched, no account has these \
             passwords, and the times are those of the simulated tenant.</p>"
        )?;
    }
    writeln!(out, "<h1>{}</h1>\n<p class=\"lead\">{}</p>", headline(summary), introduction(summary))?;
    counts(summary, out)?;
    Ok(writeln!(out, "</header>")?)
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

fn introduction(summary: &Summary) -> String {
    let mut parts = vec![format!("<span>{}</span>", Text(&summary.roster))];
    if let Some(began) = &summary.began_at {
        parts.push(format!("<span>{}</span>", Text(&minute(began))));
    }
    if summary.seconds > 0.0 {
        let verb = if summary.rehearsal { "would take" } else { "took" };
        parts.push(format!("<span>{verb} {}</span>", lasting(summary.seconds)));
    }
    let looks: u64 = summary.causes.iter().filter(|cause| cause.needs_a_look()).map(|cause| cause.rows).sum();
    parts.push(match looks {
        0 => "<span>no row needs attention</span>".into(),
        1 => "<a href=\"#needs\">1 row needs attention</a>".into(),
        _ => format!("<a href=\"#needs\">{} rows need attention</a>", grouped(looks)),
    });
    parts.join(" · ") + &standing(summary)
}

/// A reader of the page of a killed run must see how old it is.
fn standing(summary: &Summary) -> String {
    if summary.finished {
        return String::new();
    }
    let left = match summary.counts["pending"] {
        0 => "some sessions are not revoked yet".into(),
        pending => format!("{} not done yet", counted(pending, "account is", "accounts are")),
    };
    format!(
        "<br><strong>As of {}: {left}.</strong> Continue the run to finish it; a report that is written later shows how it \
         ended.",
        Text(&minute(&summary.written_at)),
    )
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
            "<li class=\"{word}{none}\"><a href=\"#accounts\" data-status=\"{word}\" data-title=\"{name}\">\
             <strong><span class=\"sign\" aria-hidden=\"true\">{sign}</span> {}</strong> <span class=\"name\">{name}</span> \
             <span class=\"meaning\">{meaning}</span></a></li>",
            grouped(number),
            name = word.replace('_', " "),
            none = if number == 0 { " none" } else { "" },
        )?;
    }
    claims(summary, out)?;
    Ok(writeln!(out, "</ul>")?)
}

/// Who has chosen a password of their own, if a sweep has asked.
fn claims(summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    let Some(claims) = summary.claimed else { return Ok(()) };
    for (word, number, sign, name, meaning) in [
        ("yes", claims.yes, "✓", "claimed", "have chosen their own password"),
        ("no", claims.no, "!", "not claimed", "have not chosen one yet"),
        ("unread", claims.unread, "?", "unread", "could not be read in the last sweep"),
    ] {
        if number > 0 || word == "yes" {
            writeln!(
                out,
                "<li class=\"claimed_{word}{none}\"><a href=\"#accounts\" data-claimed=\"{word}\" data-title=\"{name}\">\
                 <strong><span class=\"sign\" aria-hidden=\"true\">{sign}</span> {}</strong> \
                 <span class=\"name\">{name}</span> <span class=\"meaning\">{meaning}</span></a></li>",
                grouped(number),
                none = if number == 0 { " none" } else { "" },
            )?;
        }
    }
    Ok(())
}
