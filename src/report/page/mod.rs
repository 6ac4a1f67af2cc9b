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
mod claims;
mod picture;
mod rows;
mod scale;
mod screen;
mod timeline;

pub use rows::ROWS_MAX;

use super::{
    Fault, Summary,
    columns::Passwords,
    escape::Text,
    sink::{Cells, RowSink},
};
use crate::ledger::{ReadLedger, ReportRow, Times};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use rows::Rows;
use std::io::Write;
use timeline::Timeline;

/// The page's style sheet.
const STYLE: &str = include_str!("page.css");
/// The script that shows the rows.
const SCRIPT: &str = concat!(include_str!("text.js"), include_str!("columns.js"), include_str!("page.js"));

/// The page while it is written to `W`.
pub(super) struct Page<'a, W> {
    ledger: &'a ReadLedger,
    summary: &'a Summary,
    times: &'a Times,
    rows: Rows,
    script: String,
    out: W,
}

impl<'a, W: Write> Page<'a, W> {
    /// Writes what comes before the rows.
    pub(super) fn begin(
        ledger: &'a ReadLedger,
        (summary, times): (&'a Summary, &'a Times),
        passwords: Passwords,
        mut out: W,
    ) -> Result<Self, Fault> {
        let (style, script) = (lines(STYLE), lines(SCRIPT));
        head(summary, &style, &script, &mut out)?;
        screen::write(summary, &mut out)?;
        let rows = Rows::begin(ledger, summary, passwords, &mut out)?;
        Ok(Self { ledger, summary, times, rows, script, out })
    }

    /// Writes what comes after the rows.
    pub(super) fn end(mut self) -> Result<W, Fault> {
        let out = &mut self.out;
        self.rows.end(out)?;
        causes::write(self.summary, out)?;
        picture::write(&Timeline::of(self.ledger, self.times)?, out)?;
        claims::write(&self.ledger.sweeps()?, self.times, out)?;
        about::write(self.ledger, self.summary, out)?;
        writeln!(out, "<script>{}</script>\n</body>\n</html>", self.script)?;
        Ok(self.out)
    }
}

impl<W: Write> RowSink for Page<'_, W> {
    fn wants_more(&self) -> bool {
        self.rows.wants_more()
    }

    fn take(&mut self, row: &ReportRow, cells: &Cells<'_>) -> Result<(), Fault> {
        self.rows.take(row, cells, &mut self.out)
    }
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
