//! Rows without a reset, grouped by cause, each with what to do.

use crate::{
    report::{Fault, Summary, SummaryCause, escape::Text},
    util::format::counted,
};
use std::io::Write;

/// Graph reports several causes under this code; only their messages differ.
const MANY_CAUSES: &str = "Request_BadRequest";

/// Writes the groups, starting with those that need attention.
pub(super) fn write(summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    let (urgent, calm): (Vec<_>, Vec<_>) = summary.causes.iter().partition(|cause| cause.needs_a_look());
    group("needs", "What needs attention", &urgent, out)?;
    group("left", "Skipped on purpose", &calm, out)
}

fn group(id: &str, title: &str, causes: &[&SummaryCause], out: &mut impl Write) -> Result<(), Fault> {
    if causes.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n<ul class=\"causes\">")?;
    causes.iter().try_for_each(|cause| one(cause, out))?;
    Ok(writeln!(out, "</ul>\n</section>")?)
}

fn one(cause: &SummaryCause, out: &mut impl Write) -> Result<(), Fault> {
    let title = cause.title();
    let number = counted(cause.rows, "row", "rows");
    writeln!(out, "<li class=\"cause\">\n<h3><span class=\"number\">{number}</span> {}</h3>", Text(&title))?;
    if !cause.error_message.is_empty() {
        let like = if cause.rows > 1 { "For example: " } else { "" };
        writeln!(out, "<p dir=\"auto\">{like}{}</p>", Text(&cause.error_message))?;
    }
    if let Some(advice) = cause.advice() {
        writeln!(out, "<p class=\"hint\"><strong>What to do:</strong> {}.</p>", Text(advice))?;
    }
    let message = if cause.error_code == MANY_CAUSES { cause.error_message.as_str() } else { "" };
    Ok(writeln!(
        out,
        "<p class=\"screen\"><a href=\"#accounts\" data-status=\"{}\" data-code=\"{}\" data-message=\"{}\" \
         data-title=\"{}\">Show {}<span class=\"unseen\">: {}</span></a></p>\n</li>",
        Text(cause.status.as_str()),
        Text(&cause.error_code),
        Text(message),
        Text(&title),
        if cause.rows == 1 { "this row" } else { "these rows" },
        Text(&title)
    )?)
}
