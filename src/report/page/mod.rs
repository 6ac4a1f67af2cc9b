//! `report.html`: a single file that shows a run and its rows in any browser, and loads nothing.
//!
//! People open it for the rows, so these come first: as data, in blocks, from which a small script shows those in view.
//! The causes, the chart of a long run and the facts about it follow below, in plain HTML and SVG. The page is streamed
//! from the ledger and never in memory as a whole.
//!
//! Invariant: foreign text never becomes markup or script. It is sanitized and escaped, the page's policy allows only
//! its own script, and that script makes no markup from text.

mod about;
mod causes;
mod picture;
mod rows;
mod scale;
mod screen;
mod timeline;

pub use rows::ROWS_MAX;

use super::{Fault, Summary, columns::Passwords, escape::Text};
use crate::ledger::ReadLedger;
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::io::Write;
use timeline::Timeline;

/// The page's style sheet.
const STYLE: &str = include_str!("page.css");
/// The script that shows the rows.
const SCRIPT: &str = concat!(include_str!("text.js"), include_str!("columns.js"), include_str!("page.js"));

/// Writes the page to `out`.
pub(super) fn write(
    ledger: &ReadLedger,
    summary: &Summary,
    passwords: Passwords,
    out: &mut impl Write,
) -> Result<(), Fault> {
    let (style, script) = (lines(STYLE), lines(SCRIPT));
    head(summary, &style, &script, out)?;
    screen::write(summary, out)?;
    rows::write(ledger, summary, passwords, out)?;
    causes::write(summary, out)?;
    picture::write(&Timeline::of(ledger)?, out)?;
    about::write(ledger, summary, out)?;
    Ok(writeln!(out, "<script>{script}</script>\n</body>\n</html>")?)
}

/// Browsers read every line end as a line feed, and hash the result.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn head(summary: &Summary, style: &str, script: &str, out: &mut impl Write) -> Result<(), Fault> {
    let kind = if summary.rehearsal { "Rehearsal" } else { "Password reset" };
    Ok(writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"passwave {}\">\n\
         <title>{kind}: {}</title>\n<style>{style}</style>\n</head>\n<body>",
        policy(style, script),
        Text(&summary.passwave),
        Text(&summary.roster),
    )?)
}

/// Nothing is loaded or sent, only our script runs, and it cannot make markup from text.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(script),
        hash(style)
    )
}

#[cfg(test)]
mod tests;
