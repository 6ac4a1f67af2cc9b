//! Workbooks (`.xlsx`, `.xlsm`): one sheet as text, with what users see in each cell.
//!
//! calamine reads the parts. [`package::check`] first checks the sizes that calamine would trust in a hostile file. It
//! never calculates: a cell with a formula has the result that Excel stored, and one without a result is refused.
//!
//! Invariant: bytes that are not a sound workbook cause an error that says why, never a panic, and never more memory
//! than this module's limits allow.

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
    fault::WorkbookFault,
    opening::{self, Shows},
    sheet::{Sheet, TooLarge},
    source::Source,
};
use crate::util::sanitize;
use calamine::{Reader, Xlsx, XlsxCellReader, XlsxError};
use cell::Shown;
use choice::Sheets;
use layout::Layout;
use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// How many rows of a sheet are read to see whether it has accounts.
const GLIMPSE_ROWS: usize = 100;
/// Maximum rows and columns of a sheet, from Excel's specifications and limits.
const ROWS_MAX: u32 = 1 << 20;
const COLUMNS_MAX: u32 = 1 << 14;

/// Why a workbook cannot be read.
enum Fault {
    /// Something is wrong with the workbook itself.
    Workbook(WorkbookFault),
    /// Any other error.
    Told(Box<RosterError>),
}

impl From<WorkbookFault> for Fault {
    fn from(fault: WorkbookFault) -> Self {
        Self::Workbook(fault)
    }
}

impl From<XlsxError> for Fault {
    fn from(error: XlsxError) -> Self {
        Self::broken(&error.to_string())
    }
}

impl From<TooLarge> for Fault {
    fn from(_: TooLarge) -> Self {
        Self::Workbook(WorkbookFault::TooManyCells)
    }
}

impl Fault {
    /// The workbook breaks the rules of its format; `why` says how.
    fn broken(why: &str) -> Self {
        Self::Workbook(WorkbookFault::Broken(sanitize::sentence(why)))
    }

    fn of(self, name: &str) -> RosterError {
        match self {
            Self::Told(error) => *error,
            Self::Workbook(fault) => RosterError::Workbook { name: name.to_owned(), fault },
        }
    }
}

/// Whether it is a workbook, by its content; its name does not matter.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && package::names_a_workbook(bytes)
}

/// Reads the requested sheet, otherwise the first visible one.
pub(super) fn read(name: &str, bytes: &[u8], options: &RosterOptions) -> Result<Sheet, RosterError> {
    // In debug builds, calamine's own arithmetic panics on numbers that no sound file has.
    let read = catch_unwind(AssertUnwindSafe(|| read_sheet(name, bytes, options)));
    read.unwrap_or_else(|_| Err(Fault::broken("it breaks the rules of its format"))).map_err(|fault| fault.of(name))
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

/// What the first rows of a sheet show about accounts. An unreadable sheet shows nothing.
fn glimpse(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str, upn_column: Option<&str>) -> Shows {
    let mut rows = Gathering::new(sheet);
    let mut read = |rows: &mut Gathering| gather(workbook.worksheet_cells_reader(sheet)?, rows, GLIMPSE_ROWS);
    match read(&mut rows).and_then(|_| rows.finish()) {
        Ok(sheet) => opening::shows(&Source::Sheet(Box::new(sheet)), upn_column),
        Err(_) => Shows::Nothing,
    }
}

/// Collects the cells of a sheet row by row, at most `most` rows, and returns whether some are empty.
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

/// Other programs write formulas and leave the calculation to Excel; such a cell looks empty here.
fn must_have_results(mut cells: XlsxCellReader<'_, Cursor<&[u8]>>) -> Result<(), Fault> {
    while let Some(cell) = cells.next_cell_with_formula_metadata()? {
        if cell.formula.is_some() && cell.value == calamine::DataRef::Empty {
            let (row, column) = cell.pos;
            return Err(WorkbookFault::NoResult(format!("{}{}", cell::letters(column), row + 1)).into());
        }
    }
    Ok(())
}

/// A sheet while its cells are collected.
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
            return Err(Fault::broken("a cell lies outside the sheet"));
        }
        if row < self.row {
            return Err(Fault::broken("its rows are not in order"));
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
