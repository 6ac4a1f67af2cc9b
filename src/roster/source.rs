//! What a roster's records are cut from: a text, or a sheet of a workbook.
//!
//! What comes after this room does not know which of the two it was, but for the name of the sheet.

use super::{
    dialect,
    records::{self, Mark, QuoteFault},
    sheet::{Sheet, SheetRecords},
};
use crate::text_file::{Charset, Known, Text};
use csv::StringRecord;

/// A file in memory, before it is known what its columns mean.
pub(super) enum Source {
    /// CSV of some dialect.
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
    /// A text, whose dialect is found out.
    pub(super) fn text(Text { text, charset, known }: Text) -> Self {
        let (delimiter, from) = dialect::of(&text);
        Self::Text { text, charset, known, delimiter, from }
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

    /// Where its records begin.
    pub(super) fn start(&self) -> Mark {
        match self {
            Self::Text { from, .. } => *from,
            Self::Sheet(sheet) => sheet.start(),
        }
    }

    /// Hidden rows from `from` on are no part of it any more.
    pub(super) fn leave_out_hidden(&mut self, from: Mark) {
        if let Self::Sheet(sheet) = self {
            sheet.leave_out_hidden(from);
        }
    }

    /// The text, if its cells are not parted as a spreadsheet parts them: by strokes, or not at all.
    pub(super) fn loose_text(&self, width: usize) -> Option<&str> {
        match self {
            Self::Text { text, delimiter, .. } if width == 1 || *delimiter == b'|' => Some(text),
            _ => None,
        }
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
