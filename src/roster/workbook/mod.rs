//! Workbooks (`.xlsx`, `.xlsm`): one sheet of them as text, with what a person sees in each cell.
//!
//! calamine reads the parts. What it would believe of a hostile file, [`package::check`] has measured before. It never
//! calculates: a cell with a formula holds the result that Excel left there, and one without a result is refused.
//!
//! Invariant: bytes that are no sound workbook are an error that names a cure, never a panic, and never more memory than
//! the limits of this room allow.

mod cell;
mod choice;
mod layout;
mod package;
#[cfg(test)]
mod shown_tests;
#[cfg(test)]
mod tests;

use super::{
    RosterError, RosterOptions,
    opening::{self, Shows},
    sheet::{Sheet, TooLarge},
    source::Source,
};
use crate::clean;
use calamine::{Reader, Xlsx, XlsxCellReader, XlsxError};
use cell::Shown;
use choice::Sheets;
use layout::Layout;
use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Rows at the beginning of a sheet that show whether it holds accounts.
const GLIMPSE_ROWS: usize = 100;
/// Rows and columns of a sheet, by Excel's specifications and limits.
const ROWS_MAX: u32 = 1 << 20;
const COLUMNS_MAX: u32 = 1 << 14;

const SAVE_AGAIN: &str =
    "Open it in Excel and save it again, as \"Excel Workbook (.xlsx)\" or \"CSV UTF-8 (Comma delimited)\"";
const SPLIT: &str =
    "Leave in it the sheet and the columns that are needed, or save that sheet as \"CSV UTF-8 (Comma delimited)\"";

/// Why a workbook cannot be read.
enum Fault {
    /// It breaks its own rules, as a text of what is wrong says.
    Broken(String),
    /// It holds more than is read.
    Large(String),
    /// A cell has a formula and no result.
    NoResult(u32, u32),
    /// Anything else, as it is told.
    Told(Box<RosterError>),
}

impl From<XlsxError> for Fault {
    fn from(error: XlsxError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<TooLarge> for Fault {
    fn from(_: TooLarge) -> Self {
        Self::Large("its sheet holds more than 32 million cells or 512 MiB of text".into())
    }
}

impl Fault {
    fn of(self, name: &str) -> RosterError {
        let (found, cure) = match self {
            Self::Told(error) => return *error,
            Self::Broken(why) => (format!("this workbook cannot be read ({})", clean::sentence(&why)), SAVE_AGAIN),
            Self::Large(why) => (why, SPLIT),
            Self::NoResult(row, column) => (
                format!("cell {}{} holds a formula without its result", cell::letters(column), row + 1),
                "Open it in Excel, which calculates it, and save it again",
            ),
        };
        RosterError::Workbook { name: name.to_owned(), found, cure }
    }
}

/// Whether it is a workbook, by what stands in it: its name does not matter.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && package::names_a_workbook(bytes)
}

/// Reads the sheet that is wanted, or else the first one that is not hidden.
pub(super) fn read(name: &str, bytes: &[u8], options: &RosterOptions) -> Result<Sheet, RosterError> {
    // In debug builds calamine's own arithmetic panics over numbers that no sound file holds.
    let read = catch_unwind(AssertUnwindSafe(|| read_sheet(name, bytes, options)));
    read.unwrap_or_else(|_| Err(Fault::Broken("it breaks the rules of its format".into())))
        .map_err(|fault| fault.of(name))
}

fn read_sheet(name: &str, bytes: &[u8], options: &RosterOptions) -> Result<Sheet, Fault> {
    package::check(bytes)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes))?;
    let mut layout = Layout::of(bytes)?;
    let all = workbook.sheets_metadata().to_vec();
    let sheets = Sheets { file: name, all: &all, active: layout.active };
    let choice = match &options.sheet {
        Some(wanted) => sheets.named(wanted),
        None => sheets.first(|sheet| glimpse(&mut workbook, sheet, options.upn_column.as_deref())),
    };
    let choice = choice.map_err(|error| Fault::Told(Box::new(error)))?;
    let mut rows = Gathering::new(&choice.name);
    let has_blanks = gather(workbook.worksheet_cells_reader(&choice.name)?, &mut rows, usize::MAX)?;
    if has_blanks {
        must_have_results(workbook.worksheet_cells_reader(&choice.name)?)?;
    }
    let hidden = layout.hidden(choice.index)?;
    Ok(rows.finish()?.with(choice, hidden))
}

/// Whether a sheet holds accounts, by its first rows. One that cannot be read shows none.
fn glimpse(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str, upn_column: Option<&str>) -> Shows {
    let mut rows = Gathering::new(sheet);
    let mut read = |rows: &mut Gathering| gather(workbook.worksheet_cells_reader(sheet)?, rows, GLIMPSE_ROWS);
    match read(&mut rows).and_then(|_| rows.finish()) {
        Ok(sheet) => opening::shows(&Source::Sheet(Box::new(sheet)), upn_column),
        Err(_) => Shows::Nothing,
    }
}

/// Gathers the cells of a sheet row by row, up to so many rows, and tells whether some of them hold nothing.
fn gather(mut cells: XlsxCellReader<'_, Cursor<&[u8]>>, rows: &mut Gathering, most: usize) -> Result<bool, Fault> {
    let mut has_blanks = false;
    while rows.sheet.len() < most
        && let Some((cell, style)) = cells.next_cell_with_style_id()?
    {
        let (row, column) = cell.get_position();
        let shown = Shown { value: cell.get_value(), format: cell::format(cells.styles(), style) }.to_string();
        has_blanks |= shown.is_empty();
        rows.add(row, column, shown)?;
    }
    Ok(has_blanks)
}

/// Other programs write formulas and leave the calculating to Excel; such a cell looks empty here.
fn must_have_results(mut cells: XlsxCellReader<'_, Cursor<&[u8]>>) -> Result<(), Fault> {
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        if cell.formula.is_some() && cell.value == calamine::DataRef::Empty {
            return Err(Fault::NoResult(cell.pos.0, cell.pos.1));
        }
    }
    Ok(())
}

/// A sheet while its cells come in.
struct Gathering {
    sheet: Sheet,
    row: u32,
    cells: Vec<String>,
}

impl Gathering {
    fn new(name: &str) -> Self {
        Self { sheet: Sheet::new(name.to_owned()), row: 0, cells: Vec::new() }
    }

    fn add(&mut self, row: u32, column: u32, text: String) -> Result<(), Fault> {
        if row >= ROWS_MAX || column >= COLUMNS_MAX {
            return Err(Fault::Broken("a cell lies outside the sheet".into()));
        }
        if row < self.row {
            return Err(Fault::Broken("its rows are not in order".into()));
        }
        if row > self.row {
            self.end_row()?;
            self.row = row;
        }
        let column = column as usize;
        if !text.is_empty() && self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = text;
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Fault> {
        self.sheet.push(self.row + 1, &self.cells)?;
        self.cells.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Sheet, Fault> {
        self.end_row()?;
        Ok(self.sheet)
    }
}
