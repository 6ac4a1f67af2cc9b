//! One sheet of a workbook, as text: its rows with their numbers, without those that are empty.
//!
//! It knows nothing of the file that it came from. Invariant: rows stand in the order of their numbers, and no row ends with
//! an empty cell.

use super::records::Mark;
use csv::StringRecord;

/// The cells of a sheet, one after the other in one text.
pub(super) struct Sheet {
    name: String,
    text: String,
    /// Where each cell ends in the text.
    ends: Vec<u32>,
    rows: Vec<SheetRow>,
}

struct SheetRow {
    /// As the sheet counts, from 1.
    number: u32,
    /// How many cells of the sheet come up to its end.
    cells: u32,
}

/// A sheet holds more than is read: so many bytes of text, or so many cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Cells of a sheet at most, those between filled ones included.
pub(super) const CELLS_MAX: usize = 1 << 25;
/// Bytes of its text at most.
pub(super) const TEXT_BYTES_MAX: usize = 1 << 29;

impl Sheet {
    pub(super) const fn new(name: String) -> Self {
        Self { name, text: String::new(), ends: Vec::new(), rows: Vec::new() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where its records begin.
    pub(super) fn start(&self) -> Mark {
        self.mark(0)
    }

    /// Adds a row below the others. Rows that hold nothing are left out.
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

    /// How many cells come before a row.
    fn cells_before(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.rows[before].cells as usize)
    }

    fn cell(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[at] as usize]
    }
}

/// Reads the rows of a sheet one after the other, from a mark on.
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

    /// Reads the next row into `cells` and tells which one it is; none at the end.
    pub(super) fn read(&mut self, cells: &mut StringRecord) -> Option<Mark> {
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
    fn rows_come_out_as_they_went_in() {
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
        let second = SheetRecords::new(&sheet, sheet.mark(1)).read(&mut cells);
        assert_eq!((second.map(|at| at.line), cells.get(0)), (Some(7), Some("b")));
    }
}
