//! The rows: as data, in blocks, for the script that shows them.
//!
//! The page contains only what the report may show: a row's password comes from the ledger's report, as for every other
//! file. Beyond [`ROWS_MAX`] rows, the page says where to find the others.

use crate::{
    ledger::{ReadLedger, ReportRow},
    outcome::{Method, Skip, Status},
    report::{
        CSV_NAME, Fault, SEALED_NAME, Summary,
        columns::{self, Passwords, View},
        escape::{InScript, Text},
        sink::Cells,
    },
    roster::{NameColumns, speaks_of_passwords},
    util::{format::grouped, sanitize},
};
use serde::{Serializer, ser::SerializeSeq};
use serde_json::json;
use std::{borrow::Cow, io::Write};

/// Maximum number of rows on the page: as many as a browser handles easily.
pub const ROWS_MAX: u64 = 200_000;
/// Rows per block: a browser parses it in a few milliseconds.
const BLOCK_ROWS: u64 = 500;

/// The rows while they are written.
pub(super) struct Rows {
    view: View,
    /// The columns with the user's name.
    names: NameColumns,
    /// Columns of the roster that are hidden: nobody should read its passwords over someone's shoulder.
    hidden: Vec<bool>,
    /// How many are written.
    written: u64,
}

impl Rows {
    /// Writes the table's frame.
    pub(super) fn begin(
        ledger: &ReadLedger,
        summary: &Summary,
        passwords: Passwords,
        out: &mut impl Write,
    ) -> Result<Self, Fault> {
        frame(summary, out)?;
        known(ledger, summary, out)?;
        let settings = ledger.settings();
        Ok(Self {
            view: View::new(ledger, passwords),
            names: NameColumns::of(&settings.header, &settings.name_columns),
            hidden: settings.header.iter().map(|name| speaks_of_passwords(name)).collect(),
            written: 0,
        })
    }

    pub(super) const fn wants_more(&self) -> bool {
        self.written < ROWS_MAX
    }

    pub(super) fn take(&mut self, row: &ReportRow, cells: &Cells<'_>, out: &mut impl Write) -> Result<(), Fault> {
        let start = if self.written.is_multiple_of(BLOCK_ROWS) { block(self.written) } else { ",\n" };
        self.written += 1;
        out.write_all(start.as_bytes())?;
        self.one(row, cells, out)
    }

    pub(super) fn end(&self, out: &mut impl Write) -> Result<(), Fault> {
        Ok(out.write_all(if self.written > 0 { b"]</script>\n" } else { b"" })?)
    }

    /// One row, in the order that the script expects.
    fn one(&self, row: &ReportRow, cells: &Cells<'_>, out: &mut impl Write) -> Result<(), Fault> {
        // If a row's account is not shown, any of its cells may be a password.
        let is_unnamed = row.user_principal_name.is_empty() && row.error_code.as_deref() != Some(Skip::Missing.code());
        let is_hidden = |at: usize| is_unnamed || self.hidden.get(at).copied().unwrap_or_default();
        let seen = |at: usize| cells.get(at).filter(|_| !is_hidden(at)).map_or("", |cell| cell);
        let mut serializer = serde_json::Serializer::with_formatter(out, InScript);
        let mut list = serializer.serialize_seq(None)?;
        list.serialize_element(&row.row)?;
        list.serialize_element(&plain(&row.user_principal_name))?;
        list.serialize_element(&plain(&self.names.read(seen)))?;
        list.serialize_element(&Status::ALL.iter().position(|status| *status == row.status))?;
        // Not sanitized like other text: it must be exactly what was sent, and no password that was sent contains a control
        // character.
        list.serialize_element(&self.view.password(row).map(|password| sanitize::data(password.expose())))?;
        list.serialize_element(&shown(row.error_code.as_deref()))?;
        list.serialize_element(&shown(Some(&self.view.message(row))))?;
        list.serialize_element(&row.attempts)?;
        list.serialize_element(&shown(row.request_id.as_deref()))?;
        list.serialize_element(&row.changed_at)?;
        list.serialize_element(&row.verified_at)?;
        list.serialize_element(&shown(Some(&columns::sessions(row))))?;
        list.serialize_element(&(0..cells.len()).map(|at| plain(seen(at))).collect::<Vec<_>>())?;
        if row.method.is_some() || row.claimed.is_some() {
            list.serialize_element(&row.method.map(Method::as_str))?;
        }
        if let Some(claimed) = row.claimed {
            list.serialize_element(claimed.as_str())?;
            list.serialize_element(&row.claimed_at)?;
        }
        Ok(list.end()?)
    }
}

const fn block(nth: u64) -> &'static str {
    if nth == 0 {
        "<script type=\"application/json\" class=\"rows\">["
    } else {
        "]</script>\n<script type=\"application/json\" class=\"rows\">["
    }
}

fn frame(summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    writeln!(out, "<section aria-labelledby=\"accounts\">\n<h2 id=\"accounts\" class=\"unseen\">Accounts</h2>")?;
    if summary.rows > ROWS_MAX {
        writeln!(
            out,
            "<p class=\"note\">This page has the first {} of {} rows, as many as a browser handles easily. \
             {CSV_NAME} has all rows.</p>",
            grouped(ROWS_MAX),
            grouped(summary.rows)
        )?;
    }
    let roster = Text(&summary.roster);
    Ok(write!(out, include_str!("rows.html"), roster = roster, csv = CSV_NAME)?)
}

/// What the script must know before it reads the rows.
fn known(ledger: &ReadLedger, summary: &Summary, out: &mut impl Write) -> Result<(), Fault> {
    let header: Vec<_> = ledger.settings().header.iter().map(|name| plain(name)).collect();
    let width = ledger.widest_row()?.max(header.len());
    let statuses: Vec<_> = Status::ALL.into_iter().map(Status::as_str).collect();
    let known = json!({
        "rows": summary.rows.min(ROWS_MAX),
        "names": ledger.settings().name_columns,
        "statuses": statuses,
        "counts": summary.counts,
        "elsewhere": ledger.sealed_to().map(|_| SEALED_NAME),
        "columns": (0..width).map(|at| header.get(at).map_or("", |name| name)).collect::<Vec<_>>(),
    });
    write!(out, "<script type=\"application/json\" id=\"known\">")?;
    serde::Serialize::serialize(&known, &mut serde_json::Serializer::with_formatter(&mut *out, InScript))?;
    Ok(writeln!(out, "</script>")?)
}

fn shown(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.filter(|text| !text.is_empty()).map(plain)
}

/// Foreign text on one line, without control characters.
fn plain(text: &str) -> Cow<'_, str> {
    match sanitize::data(text) {
        Cow::Borrowed(text) => sanitize::line(text),
        Cow::Owned(text) => sanitize::line(&text).into_owned().into(),
    }
}
