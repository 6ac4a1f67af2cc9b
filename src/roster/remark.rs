//! What a person should know of a roster before its accounts are reset: what was guessed, passed over or left out.
//!
//! Each remark is a sentence of its own that begins with the file's name, and names the flag that changes it.

use super::{
    hidden::{HiddenFound, rows_are},
    opening::Opening,
    place,
    sheet::{Sheet, list, quoted},
    source::Source,
};
use crate::text_file::Known;
use std::fmt;

/// A remark on a roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The file, as shown to people.
    pub name: String,
    /// What there is to say.
    pub kind: RemarkKind,
}

/// What there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// The encoding was guessed.
    Encoding {
        /// Its name.
        charset: String,
        /// Whether the letters look like those of another one.
        doubtful: bool,
    },
    /// Rows above the table were passed over.
    Above {
        /// The sheet, if it is a workbook.
        sheet: Option<String>,
        /// Where the table begins.
        line: u64,
        /// How many rows stand above.
        passed: u64,
        /// Whether the table begins with a header.
        is_header: bool,
    },
    /// The first sheet was passed over.
    SheetPassed {
        /// The sheet that is read.
        sheet: String,
        /// The first one.
        passed: String,
    },
    /// Other sheets hold accounts, too.
    SheetsUnread {
        /// The sheet that is read.
        sheet: String,
        /// The others.
        unread: Vec<String>,
        /// The one of these that is in front in Excel.
        active: Option<String>,
    },
    /// Rows are hidden.
    HiddenRows {
        /// The sheet.
        sheet: String,
        /// How many.
        rows: u64,
        /// The first of them.
        named: String,
        /// Whether they are part of the roster.
        included: bool,
    },
    /// A column that matters is hidden.
    HiddenColumn {
        /// The sheet.
        sheet: String,
        /// Its name.
        column: String,
        /// What it is for.
        role: &'static str,
    },
    /// A byte order mark in the middle: files were joined.
    Joined {
        /// The line on which it stands.
        line: u64,
    },
}

/// What there is to say of how a file was read.
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

/// What there is to say of the other sheets.
fn sheets(sheet: &Sheet) -> Vec<RemarkKind> {
    let (choice, name) = (sheet.choice(), sheet.name().to_owned());
    let passed = choice.passed.clone().map(|passed| RemarkKind::SheetPassed { sheet: name.clone(), passed });
    let (unread, active) = (choice.unread.clone(), choice.active.clone());
    let unread = (!unread.is_empty()).then_some(RemarkKind::SheetsUnread { sheet: name, unread, active });
    passed.into_iter().chain(unread).collect()
}

/// What columns are for, in the order in which [`of_hidden`] takes them.
const ROLES: [&str; 4] = ["names the accounts", "brings the passwords", "names the profiles", "names the languages"];

/// What there is to say of hidden rows, and of those of `columns` that are hidden.
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
        let (sheet, rows, named) = (name.clone(), hidden.number, hidden.named(upn_column));
        kinds.push(RemarkKind::HiddenRows { sheet, rows, named, included });
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
                write!(f, "read as {charset}; choose another encoding with --encoding")
            }
            RemarkKind::Encoding { charset, doubtful: true } => write!(
                f,
                "read as {charset}, though its letters look like another encoding, so names may be garbled: name it with \
                 --encoding (windows-1251, gbk, …), or save the file as CSV UTF-8"
            ),
            RemarkKind::Above { sheet, line, passed, is_header } => {
                let what = if *is_header { "is the header" } else { "begins the list" };
                let (rows, verb) = match (sheet, passed) {
                    (None, 1) => ("line", "was"),
                    (None, _) => ("lines", "were"),
                    (Some(_), 1) => ("row", "was"),
                    (Some(_), _) => ("rows", "were"),
                };
                write!(f, "{} {what}; {passed} {rows} above it {verb} passed over", place(sheet.as_deref(), *line))
            }
            RemarkKind::SheetPassed { sheet, passed } => {
                write!(f, "sheet {} is read; {} in front of it holds no accounts", quoted(sheet), quoted(passed))
            }
            RemarkKind::SheetsUnread { sheet, unread, active } => {
                let sheets = if unread.len() == 1 { "sheet is" } else { "sheets are" };
                write!(f, "sheet {} is read; {} more {sheets} not: {}", quoted(sheet), unread.len(), list(unread))?;
                if let Some(active) = active {
                    write!(f, " (Excel opens with {} in front)", quoted(active))?;
                }
                f.write_str("; choose one with --sheet")
            }
            RemarkKind::HiddenRows { sheet, rows, named, included } => {
                let fate = if *included { "part of the run" } else { "left out" };
                write!(f, "{} hidden in sheet {} and {fate}: {named}", rows_are(*rows), quoted(sheet))
            }
            RemarkKind::HiddenColumn { sheet, column, role } => {
                write!(f, "column {}, which {role}, is hidden in sheet {}", quoted(column), quoted(sheet))
            }
            RemarkKind::Joined { line } => write!(
                f,
                "line {line} begins with a byte order mark, as joined files have in the middle: check that no header stands there"
            ),
        }
    }
}
