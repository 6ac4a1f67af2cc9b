//! One sheet of a workbook as text: its non-empty rows with their numbers.
//!
//! It does not know the file. Invariant: rows are in the order of their numbers, and no row ends with an empty cell.

use super::records::Mark;
use csv::StringRecord;
use std::{collections::HashSet, ops::RangeInclusive};

/// The cells of a sheet, concatenated in one text.
pub(super) struct Sheet {
    name: String,
    text: String,
    /// Where each cell ends in the text.
    ends: Vec<u32>,
    rows: Vec<SheetRow>,
    /// What Excel does not show of the sheet.
    hidden: Hidden,
    /// From this row on, hidden rows are not part of it.
    left_out_from: usize,
    choice: Choice,
}

/// Hidden rows and columns, numbered from 1 as in the sheet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hidden {
    pub(super) rows: HashSet<u32>,
    pub(super) columns: Vec<RangeInclusive<u32>>,
}

/// The sheet that is read, and what to say about the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// Its position among all sheets.
    pub(super) index: usize,
    /// Its name.
    pub(super) name: String,
    /// The first sheet, if it was skipped.
    pub(super) passed: Option<String>,
    /// Other visible sheets with accounts.
    pub(super) unread: Vec<String>,
    /// The one of these that is active when the workbook opens.
    pub(super) active: Option<String>,
    /// All other visible sheets.
    pub(super) others: Vec<String>,
}

struct SheetRow {
    /// The sheet's own number, from 1.
    number: u32,
    /// The number of the sheet's cells up to the end of this row.
    cells: u32,
}

/// The sheet has more bytes of text, or more cells, than are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Maximum number of cells, including empty ones between others.
pub(super) const CELLS_MAX: usize = 1 << 25;
/// Maximum size of its text in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 29;

impl Sheet {
    pub(super) fn new(name: String) -> Self {
        let (hidden, choice) = (Hidden::default(), Choice::default());
        Self {
            name,
            text: String::new(),
            ends: Vec::new(),
            rows: Vec::new(),
            hidden,
            left_out_from: usize::MAX,
            choice,
        }
    }

    /// The same sheet with what is known about it besides its cells.
    pub(super) fn with(self, choice: Choice, hidden: Hidden) -> Self {
        Self { hidden, choice, ..self }
    }

    /// Why this sheet is read, and which others are not.
    pub(super) const fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The number of its rows.
    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether Excel does not show the row.
    pub(super) fn is_hidden(&self, row: Mark) -> bool {
        self.rows.get(row.byte).is_some_and(|row| self.hidden.rows.contains(&row.number))
    }

    /// Whether Excel does not show a column, from 0.
    pub(super) fn is_column_hidden(&self, column: usize) -> bool {
        self.hidden.columns.iter().any(|columns| columns.contains(&(column as u32 + 1)))
    }

    /// From now on, hidden rows at or after `from` are not part of it.
    pub(super) fn leave_out_hidden(&mut self, from: Mark) {
        self.left_out_from = from.byte;
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where its records begin.
    pub(super) fn start(&self) -> Mark {
        self.mark(0)
    }

    /// Adds a row at the end. Empty rows are left out.
    pub(super) fn push(&mut self, number: u32, cells: &[impl AsRef<str>]) -> Result<(), TooLarge> {
        let width = cells.iter().rposition(|cell| !cell.as_ref().is_empty()).map_or(0, |last| last + 1);
        if width == 0 {
            return Ok(());
        }
        for cell in &cells[..width] {
            self.text.push_str(cell.as_ref());
            if self.ends.len() == CELLS_MAX || self.text.len() > TEXT_BYTES_MAX {
                return Err(TooLarge);
            }
            self.ends.push(self.text.len() as u32);
        }
        self.rows.push(SheetRow { number, cells: self.ends.len() as u32 });
        Ok(())
    }

    fn mark(&self, row: usize) -> Mark {
        Mark { byte: row, line: self.rows.get(row).map_or(0, |row| row.number.into()) }
    }

    /// The number of cells before a row.
    fn cells_before(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.rows[before].cells as usize)
    }

    fn cell(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[at] as usize]
    }
}

/// Reads the rows of a sheet one after another, starting at a mark.
pub(super) struct SheetRecords<'s> {
    sheet: &'s Sheet,
    next: Mark,
}

impl<'s> SheetRecords<'s> {
    pub(super) const fn new(sheet: &'s Sheet, from: Mark) -> Self {
        Self { sheet, next: from }
    }

    /// The next row.
    pub(super) const fn mark(&self) -> Mark {
        self.next
    }

    /// Reads the next row into `cells` and returns its position; `None` at the end.
    pub(super) fn read(&mut self, cells: &mut StringRecord) -> Option<Mark> {
        while self.next.byte >= self.sheet.left_out_from && self.sheet.is_hidden(self.next) {
            self.next = self.sheet.mark(self.next.byte + 1);
        }
        let (row, at) = (self.sheet.rows.get(self.next.byte)?, self.next);
        cells.clear();
        (self.sheet.cells_before(at.byte)..row.cells as usize).for_each(|cell| cells.push_field(self.sheet.cell(cell)));
        self.next = self.sheet.mark(at.byte + 1);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_content() {
        let mut sheet = Sheet::new("Pupils".into());
        for (number, cells) in [(1, ["", "a", ""]), (2, ["", "", ""]), (7, ["b", "", "ç\n"])] {
            sheet.push(number, &cells).expect("small");
        }
        let (mut records, mut cells, mut found) =
            (SheetRecords::new(&sheet, sheet.start()), StringRecord::new(), Vec::new());
        while let Some(at) = records.read(&mut cells) {
            found.push((at.line, cells.iter().map(str::to_owned).collect::<Vec<_>>()));
        }
        let text = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        assert_eq!(found, [(1, text(&["", "a"])), (7, text(&["b", "", "ç\n"]))]);
        let hidden = Hidden { rows: HashSet::from([1, 7]), ..Hidden::default() };
        let mut sheet = sheet.with(Choice::default(), hidden);
        sheet.leave_out_hidden(sheet.mark(1));
        let mut records = SheetRecords::new(&sheet, sheet.start());
        assert_eq!(records.read(&mut cells).map(|at| at.line), Some(1), "above the table nothing is left out");
        assert_eq!(records.read(&mut cells), None);
        sheet.left_out_from = usize::MAX;
        let second = SheetRecords::new(&sheet, sheet.mark(1)).read(&mut cells);
        assert_eq!((second.map(|at| at.line), cells.get(0)), (Some(7), Some("b")));
    }
}
