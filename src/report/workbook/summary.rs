//! The sheet with the summary: the run in numbers, and the rows without a reset, with what to do.

use super::sheet::TEXT;
use crate::{
    report::{Fault, Summary},
    util::format::{grouped, lasting},
};
use rust_xlsxwriter::{Format, Worksheet};

/// Its column widths in characters.
const WIDTHS: [f64; 4] = [28.0, 40.0, 60.0, 80.0];

/// Writes the sheet.
pub(super) fn write(summary: &Summary, sheet: &mut Worksheet) -> Result<(), Fault> {
    for (at, width) in (0..).zip(WIDTHS) {
        sheet.set_column_width(at, width)?;
    }
    let (text, bold) = (Format::new().set_num_format_index(TEXT), Format::new().set_bold());
    let mut row = 0;
    let mut told = |name: &str, value: &str| {
        sheet.write_string_with_format(row, 0, name, &bold)?;
        sheet.write_string_with_format(row, 1, value, &text)?;
        row += 1;
        Ok::<_, Fault>(())
    };
    told("Roster", &summary.roster)?;
    told("What", if summary.rehearsal { "rehearsal: no tenant was touched" } else { "password reset" })?;
    told("Tenant", summary.tenant_id.as_deref().unwrap_or_default())?;
    told("Began (UTC)", summary.began_at.as_deref().unwrap_or_default())?;
    told("Ended (UTC)", summary.ended_at.as_deref().unwrap_or_default())?;
    if summary.writes > 0 {
        told("Took", &lasting(summary.seconds))?;
        told("Writes sent", &grouped(summary.writes))?;
    }
    if summary.processes_cut_off > 0 {
        told("Processes that were cut off", &grouped(summary.processes_cut_off))?;
    }
    told("Written (UTC)", &summary.written_at)?;
    told("Times in this workbook", "UTC")?;
    told("Fingerprint of the plan", &summary.fingerprint)?;
    for (at, title) in (0..).zip(["Status", "Rows"]) {
        sheet.write_string_with_format(row + 1, at, title, &bold)?;
    }
    row += 2;
    #[expect(clippy::cast_precision_loss, reason = "rows stay far below 2^53")]
    for (status, rows) in summary.counts.iter().map(|(status, rows)| (*status, rows)).chain([("all", &summary.rows)]) {
        sheet.write_string_with_format(row, 0, status, &text)?.write_number(row, 1, *rows as f64)?;
        row += 1;
    }
    causes(summary, sheet, row + 1)
}

fn causes(summary: &Summary, sheet: &mut Worksheet, start: u32) -> Result<(), Fault> {
    let (text, bold) = (Format::new().set_num_format_index(TEXT), Format::new().set_bold());
    for (at, title) in (0..).zip(["Rows without a reset", "Why", "Example message", "Cure"]) {
        sheet.write_string_with_format(start, at, title, &bold)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "rows stay far below 2^53")]
    for (row, cause) in (start + 1..).zip(&summary.causes) {
        sheet.write_number(row, 0, cause.rows as f64)?;
        let said: String = cause.error_message.chars().take(super::CELL_UNITS_MAX / 2).collect();
        for (at, words) in (1..).zip([cause.title().as_str(), &said, cause.advice().unwrap_or("nothing to do")]) {
            sheet.write_string_with_format(row, at, words, &text)?;
        }
    }
    Ok(())
}
