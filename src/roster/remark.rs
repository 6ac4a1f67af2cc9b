//! What the user should know about a roster before its accounts are reset: what was guessed, skipped or left out.
//!
//! They are data. The text of each is a sentence that begins with the file's name.

use super::{
    hidden::{HiddenFound, HiddenRow, rows_are},
    opening::Opening,
    place,
    quote::{list, quoted},
    role::ColumnRole,
    sheet::Sheet,
    source::Source,
};
use crate::roster::text_file::Known;
use std::fmt;

/// A remark about a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The file's name, for display.
    pub name: String,
    /// Its content.
    pub kind: RemarkKind,
}

/// The content of a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemarkKind {
    /// The encoding was guessed.
    Encoding {
        /// Its name.
        charset: String,
        /// Whether the text looks like another encoding.
        doubtful: bool,
    },
    /// Rows above the table were skipped.
    Above {
        /// The sheet, if it is a workbook.
        sheet: Option<String>,
        /// Where the table begins.
        line: u64,
        /// The number of rows above it.
        passed: u64,
        /// Whether the table begins with a header.
        is_header: bool,
    },
    /// The first sheet was skipped.
    SheetPassed {
        /// The sheet that is read.
        sheet: String,
        /// The first one.
        passed: String,
    },
    /// Other sheets have accounts, too.
    SheetsUnread {
        /// The sheet that is read.
        sheet: String,
        /// The others.
        unread: Vec<String>,
        /// The one of these that is active in Excel.
        active: Option<String>,
    },
    /// Rows are hidden.
    HiddenRows {
        /// The sheet.
        sheet: String,
        /// How many.
        rows: u64,
        /// The first few of them.
        first: Vec<HiddenRow>,
        /// Whether they are part of the roster.
        included: bool,
    },
    /// A relevant column is hidden.
    HiddenColumn {
        /// The sheet.
        sheet: String,
        /// Its name.
        column: String,
        /// Its purpose.
        role: ColumnRole,
    },
    /// There is a byte order mark in the middle: files were joined.
    Joined {
        /// The line of the mark.
        line: u64,
    },
}

/// Remarks about how a file was read.
pub(super) fn of(source: &Source, opening: &Opening) -> Vec<RemarkKind> {
    let mut kinds = Vec::new();
    if let Source::Text { text, charset, known, .. } = source {
        let doubtful = *known == Known::Doubted;
        if doubtful || *known == Known::Guessed {
            kinds.push(RemarkKind::Encoding { charset: charset.name(), doubtful });
        }
        kinds.extend(joined_at(text).map(|line| RemarkKind::Joined { line }));
    }
    if let Source::Sheet(sheet) = source {
        kinds.extend(sheets(sheet));
    }
    if opening.passed > 0 {
        let (sheet, line, is_header) = (source.sheet().map(str::to_owned), opening.at.line, opening.is_header());
        kinds.push(RemarkKind::Above { sheet, line, passed: opening.passed, is_header });
    }
    kinds
}

/// Remarks about the other sheets.
fn sheets(sheet: &Sheet) -> Vec<RemarkKind> {
    let (choice, name) = (sheet.choice(), sheet.name().to_owned());
    let passed = choice.passed.clone().map(|passed| RemarkKind::SheetPassed { sheet: name.clone(), passed });
    let (unread, active) = (choice.unread.clone(), choice.active.clone());
    let unread = (!unread.is_empty()).then_some(RemarkKind::SheetsUnread { sheet: name, unread, active });
    passed.into_iter().chain(unread).collect()
}

/// The purposes of columns, in the order in which [`of_hidden`] takes them.
const ROLES: [ColumnRole; 4] =
    [ColumnRole::Accounts, ColumnRole::Passwords, ColumnRole::Profiles, ColumnRole::Languages];

/// Remarks about hidden rows, and about hidden columns among `columns`.
pub(super) fn of_hidden(
    source: &Source,
    hidden: &HiddenFound,
    included: bool,
    header: &[String],
    columns: [Option<usize>; 4],
) -> Vec<RemarkKind> {
    let Source::Sheet(sheet) = source else { return Vec::new() };
    let name = sheet.name().to_owned();
    let upn_column = columns[0].unwrap_or_default();
    let mut kinds = Vec::new();
    if hidden.number > 0 {
        let (sheet, rows, first) = (name.clone(), hidden.number, hidden.first(upn_column));
        kinds.push(RemarkKind::HiddenRows { sheet, rows, first, included });
    }
    for (column, role) in columns.into_iter().zip(ROLES).filter_map(|(column, role)| Some((column?, role))) {
        if sheet.is_column_hidden(column) {
            let column = header.get(column).cloned().unwrap_or_default();
            kinds.push(RemarkKind::HiddenColumn { sheet: name.clone(), column, role });
        }
    }
    kinds
}

/// The line that begins with a byte order mark.
fn joined_at(text: &str) -> Option<u64> {
    let mut marks = text.match_indices('\u{FEFF}');
    let (at, _) = marks.find(|(at, _)| text[..*at].ends_with(['\n', '\r']))?;
    let ends = |end: u8| text.as_bytes()[..at].iter().filter(|byte| **byte == end).count() as u64;
    Some(1 + if ends(b'\n') == 0 { ends(b'\r') } else { ends(b'\n') })
}

impl RemarkKind {
    /// Whether something may be wrong.
    #[must_use]
    pub const fn is_warning(&self) -> bool {
        match self {
            Self::Joined { .. }
            | Self::Encoding { doubtful: true, .. }
            | Self::HiddenColumn { .. }
            | Self::HiddenRows { included: true, .. } => true,
            Self::SheetsUnread { active, .. } => active.is_some(),
            Self::Encoding { .. } | Self::Above { .. } | Self::SheetPassed { .. } | Self::HiddenRows { .. } => false,
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match &self.kind {
            RemarkKind::Encoding { charset, doubtful: false } => {
                write!(f, "read as {charset}")
            }
            RemarkKind::Encoding { charset, doubtful: true } => {
                write!(f, "read as {charset}, but its letters look like another encoding, so names may be garbled")
            }
            RemarkKind::Above { sheet, line, passed, is_header } => {
                let what = if *is_header { "is the header" } else { "begins the list" };
                let (rows, verb) = match (sheet, passed) {
                    (None, 1) => ("line", "was"),
                    (None, _) => ("lines", "were"),
                    (Some(_), 1) => ("row", "was"),
                    (Some(_), _) => ("rows", "were"),
                };
                write!(f, "{} {what}; {passed} {rows} above it {verb} skipped", place(sheet.as_deref(), *line))
            }
            RemarkKind::SheetPassed { sheet, passed } => {
                write!(f, "sheet {} is read; {} in front of it has no accounts", quoted(sheet), quoted(passed))
            }
            RemarkKind::SheetsUnread { sheet, unread, active } => {
                let sheets = if unread.len() == 1 { "sheet is" } else { "sheets are" };
                write!(f, "sheet {} is read; {} more {sheets} not: {}", quoted(sheet), unread.len(), list(unread))?;
                active.iter().try_for_each(|active| write!(f, " (Excel opens with {} in front)", quoted(active)))
            }
            RemarkKind::HiddenRows { sheet, rows, first, included } => {
                let fate = if *included { "part of the run" } else { "left out" };
                let named = HiddenRow::list(first, *rows);
                write!(f, "{} hidden in sheet {} and {fate}: {named}", rows_are(*rows), quoted(sheet))
            }
            RemarkKind::HiddenColumn { sheet, column, role } => {
                let (column, sheet) = (quoted(column), quoted(sheet));
                write!(f, "column {column}, which {}, is hidden in sheet {sheet}", role.purpose())
            }
            RemarkKind::Joined { line } => write!(
                f,
                "line {line} begins with a byte order mark, so this file may be several files that were joined"
            ),
        }
    }
}
