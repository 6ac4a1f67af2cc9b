//! The source of a roster's records: a text, or a sheet of a workbook.
//!
//! Code after this module does not know which of the two it was, except for the sheet's name.

use super::{
    dialect,
    records::{self, Mark, QuoteFault},
    sheet::{Sheet, SheetRecords},
};
use crate::roster::text_file::{Charset, Known, Text};
use csv::StringRecord;

/// A file in memory, before its columns are interpreted.
pub(super) enum Source {
    /// CSV in some dialect.
    Text {
        text: String,
        charset: Charset,
        known: Known,
        delimiter: u8,
        /// Where its records begin.
        from: Mark,
    },
    /// One sheet.
    Sheet(Box<Sheet>),
}

impl Source {
    /// A text, whose dialect is detected.
    pub(super) fn text(Text { text, charset, known }: Text) -> Self {
        let (delimiter, from) = dialect::of(&text);
        Self::Text { text, charset, known, delimiter, from }
    }

    /// The sheet's name, if it is one.
    pub(super) fn sheet(&self) -> Option<&str> {
        match self {
            Self::Text { .. } => None,
            Self::Sheet(sheet) => Some(sheet.name()),
        }
    }

    /// The records, starting at a mark.
    pub(super) fn records(&self, from: Mark) -> Records<'_> {
        match self {
            Self::Text { text, delimiter, .. } => Records::Text(records::Records::new(text, *delimiter, from)),
            Self::Sheet(sheet) => Records::Sheet(SheetRecords::new(sheet, from)),
        }
    }

    /// Where its records begin.
    pub(super) fn start(&self) -> Mark {
        match self {
            Self::Text { from, .. } => *from,
            Self::Sheet(sheet) => sheet.start(),
        }
    }

    /// From now on, hidden rows at or after `from` are not part of it.
    pub(super) fn leave_out_hidden(&mut self, from: Mark) {
        if let Self::Sheet(sheet) = self {
            sheet.leave_out_hidden(from);
        }
    }

    /// The text, if its cells are separated by `|` or not at all, which no spreadsheet does.
    pub(super) fn loose_text(&self, width: usize) -> Option<&str> {
        match self {
            Self::Text { text, delimiter, .. } if width == 1 || *delimiter == b'|' => Some(text),
            _ => None,
        }
    }
}

/// Reads the records of either source, one after another.
pub(super) enum Records<'s> {
    Text(records::Records<'s>),
    Sheet(SheetRecords<'s>),
}

impl Records<'_> {
    /// Where the next record is read.
    pub(super) const fn mark(&self) -> Mark {
        match self {
            Self::Text(records) => records.mark(),
            Self::Sheet(records) => records.mark(),
        }
    }

    /// Reads the next non-empty record into `cells` and returns its position; `None` at the end.
    pub(super) fn read(&mut self, cells: &mut StringRecord) -> Result<Option<Mark>, QuoteFault> {
        match self {
            Self::Text(records) => records.read(cells),
            Self::Sheet(records) => Ok(records.read(cells)),
        }
    }
}
