//! The sheet with the rows.

use super::{CELL_UNITS_MAX, refused};
use crate::{
    ledger::ReportRow,
    report::{
        Fault,
        columns::{Columns, Kind, RowsTogether, Value},
        sink::{Cells, RowSink},
    },
};
use rust_xlsxwriter::{Format, FormatAlign, IgnoreError, Worksheet};
use std::rc::Rc;

/// Built-in formats: whole numbers, and text that stays text even if a user edits it (ECMA-376 part 1, 18.8.30).
const WHOLE: u8 = 1;
pub(super) const TEXT: u8 = 49;
/// Times to the millisecond, in a format for every language.
const MOMENT: &str = "yyyy-mm-dd hh:mm:ss.000";
/// Excel counts days from the end of 1899; this is 1970.
const DAYS_TO_1970: f64 = 25_569.0;
const DAY_MILLIS: f64 = 86_400_000.0;
/// A monospaced typeface that every Excel has.
const MONOSPACE: &str = "Consolas";
/// Column widths in characters.
const WIDTH_MIN: usize = 6;
const WIDTH_MAX: usize = 60;
/// How many rows determine the widths.
const WIDTH_ROWS: u32 = 1_000;

/// The formats of the columns.
struct Formats {
    number: Format,
    moment: Format,
    text: Format,
    secret: Format,
}

impl Formats {
    fn new() -> Self {
        Self {
            number: Format::new().set_num_format_index(WHOLE),
            moment: Format::new().set_num_format(MOMENT),
            text: Format::new().set_num_format_index(TEXT),
            secret: Format::new().set_num_format_index(TEXT).set_font_name(MONOSPACE),
        }
    }

    const fn of(&self, kind: Kind) -> &Format {
        match kind {
            Kind::Number => &self.number,
            Kind::Time => &self.moment,
            Kind::Text => &self.text,
            Kind::Secret => &self.secret,
        }
    }
}

/// The sheet while it is written.
pub(super) struct Sheet<'s> {
    columns: Rc<Columns>,
    formats: Formats,
    sheet: &'s mut Worksheet,
    /// The columns' widths in characters.
    widths: Vec<usize>,
    /// The last row that is written.
    row: u32,
}

impl<'s> Sheet<'s> {
    /// Writes the header.
    pub(super) fn begin(columns: Columns, sheet: &'s mut Worksheet) -> Result<Self, Fault> {
        let formats = Formats::new();
        let header = Format::new().set_num_format_index(TEXT).set_bold().set_align(FormatAlign::Left);
        let mut widths = Vec::new();
        for (at, (name, kind)) in (0..).zip(columns.names()) {
            sheet.set_column_format(at, formats.of(kind))?;
            write_text(sheet, 0, at, name, &header)?;
            widths.push(name.chars().count() + 2);
        }
        Ok(Self { columns: Rc::new(columns), formats, sheet, widths, row: 0 })
    }

    /// Sets what depends on all rows.
    pub(super) fn end(self) -> Result<(), Fault> {
        let Self { sheet, widths, row, .. } = self;
        for (at, width) in (0..).zip(&widths) {
            #[expect(clippy::cast_precision_loss, reason = "at most sixty")]
            sheet.set_column_width(at, (*width).clamp(WIDTH_MIN, WIDTH_MAX) as f64)?;
        }
        let last = u16::try_from(widths.len() - 1).expect("as many columns fit");
        sheet.set_freeze_panes(1, 0)?.autofilter(0, 0, row, last)?;
        // Pupil numbers are text on purpose.
        sheet.ignore_error_range(0, 0, row, last, IgnoreError::NumberStoredAsText)?;
        Ok(())
    }
}

impl RowSink for Sheet<'_> {
    fn take(&mut self, values: &ReportRow, cells: &Cells<'_>) -> Result<(), Fault> {
        let columns = Rc::clone(&self.columns);
        self.take_of(&columns, values, cells)
    }
}

impl RowsTogether for Sheet<'_> {
    fn take_of(&mut self, columns: &Columns, values: &ReportRow, cells: &Cells<'_>) -> Result<(), Fault> {
        self.row += 1;
        let Self { formats, sheet, widths, row, .. } = self;
        let mut at = 0;
        columns.values(values, cells, |value| {
            let width = write_value(sheet, *row, at, &value, formats)?;
            if *row <= WIDTH_ROWS {
                widths[usize::from(at)] = widths[usize::from(at)].max(width);
            }
            at += 1;
            Ok(())
        })
    }
}

/// Writes one value, and returns its width.
fn write_value(sheet: &mut Worksheet, row: u32, at: u16, value: &Value<'_>, formats: &Formats) -> Result<usize, Fault> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "rows and attempts stay far below 2^53")]
        Value::Number(number) => {
            sheet.write_number_with_format(row, at, *number as f64, &formats.number)?;
            Ok(number.to_string().len())
        }
        Value::Time(None) => Ok(0),
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay far below 2^53")]
        Value::Time(Some(millis)) => {
            sheet.write_number_with_format(row, at, *millis as f64 / DAY_MILLIS + DAYS_TO_1970, &formats.moment)?;
            Ok(MOMENT.len())
        }
        Value::Text(text) => write_text(sheet, row, at, text, &formats.text),
        Value::Secret(secret) => write_text(sheet, row, at, secret, &formats.secret),
    }
}

/// Writes a text that stays text, and returns its width.
fn write_text(sheet: &mut Worksheet, row: u32, at: u16, text: &str, format: &Format) -> Result<usize, Fault> {
    if text.is_empty() {
        return Ok(0);
    }
    if text.len() > CELL_UNITS_MAX && text.encode_utf16().count() > CELL_UNITS_MAX {
        return Err(refused(format!(
            "a cell of row {row} is too long for a workbook, which holds 32,767 characters in each"
        )));
    }
    sheet.write_string_with_format(row, at, text, format)?;
    Ok(text.chars().take(WIDTH_MAX).count() + 1)
}
