//! What a roster's records are cut from: a text, or a sheet of a workbook.
//!
//! What comes after this room does not know which of the two it was, but for the name of the sheet.

use super::{
    dialect,
    names::Meaning,
    records::{self, Mark, QuoteFault},
    sheet::{Sheet, SheetRecords},
};
use crate::clean::trim;
use csv::StringRecord;

/// Rows of a sheet among which its header is sought, below its titles.
const TITLE_ROWS_MAX: usize = 20;

/// A file in memory, before it is known what its columns mean.
pub(super) enum Source {
    /// CSV of some dialect.
    Text {
        text: String,
        delimiter: u8,
        /// Where its records begin.
        from: Mark,
    },
    /// One sheet.
    Sheet(Sheet),
}

/// The first record of the table, with what is needed to go on reading.
pub(super) struct Opening {
    /// The first record that is no preamble: the header, or a row where the file has none.
    pub(super) first: StringRecord,
    /// Where it begins.
    pub(super) at: Mark,
    /// Where it ends.
    pub(super) after: Mark,
}

impl Source {
    /// A text, whose dialect is found out.
    pub(super) fn text(text: String) -> Self {
        let (delimiter, from) = dialect::of(&text);
        Self::Text { text, delimiter, from }
    }

    /// The sheet's name, where it is one.
    pub(super) fn sheet(&self) -> Option<&str> {
        match self {
            Self::Text { .. } => None,
            Self::Sheet(sheet) => Some(sheet.name()),
        }
    }

    /// The records from a mark on.
    pub(super) fn records(&self, from: Mark) -> Records<'_> {
        match self {
            Self::Text { text, delimiter, .. } => Records::Text(records::Records::new(text, *delimiter, from)),
            Self::Sheet(sheet) => Records::Sheet(SheetRecords::new(sheet, from)),
        }
    }

    /// The first record of the table; none in a file without one.
    pub(super) fn opening(&self) -> Result<Option<Opening>, QuoteFault> {
        match self {
            Self::Text { from, .. } => self.opening_from(*from),
            Self::Sheet(sheet) => self.opening_from(self.below_titles(sheet)?),
        }
    }

    fn opening_from(&self, from: Mark) -> Result<Option<Opening>, QuoteFault> {
        let (mut records, mut first) = (self.records(from), StringRecord::new());
        while let Some(at) = records.read(&mut first)? {
            if !dialect::is_blank(&first) && !dialect::is_preamble(&first) {
                return Ok(Some(Opening { first, at, after: records.mark() }));
            }
        }
        Ok(None)
    }

    /// Sheets have titles above their tables: where a row names a column of accounts, and above it are only rows with one
    /// cell, the table begins with that row.
    fn below_titles(&self, sheet: &Sheet) -> Result<Mark, QuoteFault> {
        let (mut records, mut cells) = (self.records(sheet.start()), StringRecord::new());
        for _ in 0..TITLE_ROWS_MAX {
            let Some(at) = records.read(&mut cells)? else { break };
            if cells.iter().any(|cell| Meaning::of(cell).is_account()) {
                return Ok(at);
            }
            let filled = cells.iter().filter(|cell| !trim(cell).is_empty()).count();
            if filled > 1 || dialect::has_address(&cells) {
                break;
            }
        }
        Ok(sheet.start())
    }
}

/// Reads the records of either, one after the other.
pub(super) enum Records<'s> {
    Text(records::Records<'s>),
    Sheet(SheetRecords<'s>),
}

impl Records<'_> {
    /// Where the next record will be looked for.
    pub(super) const fn mark(&self) -> Mark {
        match self {
            Self::Text(records) => records.mark(),
            Self::Sheet(records) => records.mark(),
        }
    }

    /// Reads the next record that is not empty into `cells` and tells where it begins; none at the end.
    pub(super) fn read(&mut self, cells: &mut StringRecord) -> Result<Option<Mark>, QuoteFault> {
        match self {
            Self::Text(records) => records.read(cells),
            Self::Sheet(records) => Ok(records.read(cells)),
        }
    }
}
