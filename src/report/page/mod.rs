//! `report.html`: one file that shows a run and its rows in any browser, and loads nothing.
//!
//! The rows are why people open it, so they come first: as data, a block at a time, of which a small script shows those that
//! are looked at. What went otherwise, the picture of a long run and the facts about it come below, in plain HTML and SVG. It
//! is written as it is read from the ledger, never held whole.
//!
//! Invariant: no foreign text is ever taken for markup or script. It is cleaned and escaped, the page's policy lets only
//! its own script run, and that script makes no markup out of text.

mod about;
mod causes;
mod course;
mod picture;
mod rows;
mod scale;
mod screen;

pub use rows::ROWS_MAX;

use super::{Fault, Summary, columns::Passwords, escape::Text};
use crate::ledger::Ledger;
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use course::Course;
use std::io::Write;

/// The look of the page.
const STYLE: &str = include_str!("page.css");
/// What shows the rows.
const SCRIPT: &str = concat!(include_str!("text.js"), include_str!("columns.js"), include_str!("page.js"));

/// Writes the page to `out`.
pub(super) fn write(
    ledger: &Ledger,
    summary: &Summary,
    passwords: Passwords,
    out: &mut impl Write,
) -> Result<(), Fault> {
    let (style, script) = (lines(STYLE), lines(SCRIPT));
    head(summary, &style, &script, out)?;
    screen::write(summary, out)?;
    rows::write(ledger, summary, passwords, out)?;
    causes::write(summary, out)?;
    picture::write(&Course::of(ledger)?, out)?;
    about::write(ledger, summary, out)?;
    Ok(writeln!(out, "<script>{script}</script>\n</body>\n</html>")?)
}

/// Browsers read every line end as a line feed, and take the hash of that.
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

/// Nothing is loaded, nothing is sent, no script runs but ours, and ours can make no markup out of text.
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
