//! What a person should know of a roster before its accounts are reset: what was guessed, passed over or left out.
//!
//! Each remark is a sentence of its own that begins with the file's name, and names the flag that changes it.

use super::{opening::Opening, place, source::Source};
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
    /// A byte order mark in the middle: files were joined.
    Joined {
        /// The line on which it stands.
        line: u64,
    },
}

/// What there is to say of how a file was read.
pub(super) fn of(name: &str, source: &Source, opening: &Opening) -> Vec<Remark> {
    let mut kinds = Vec::new();
    if let Source::Text { text, charset, known, .. } = source {
        if *known == Known::Guessed {
            kinds.push(RemarkKind::Encoding { charset: charset.name() });
        }
        kinds.extend(joined_at(text).map(|line| RemarkKind::Joined { line }));
    }
    if opening.passed > 0 {
        let (sheet, line, is_header) = (source.sheet().map(str::to_owned), opening.at.line, opening.is_header());
        kinds.push(RemarkKind::Above { sheet, line, passed: opening.passed, is_header });
    }
    kinds.into_iter().map(|kind| Remark { name: name.to_owned(), kind }).collect()
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
        matches!(self, Self::Joined { .. })
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match &self.kind {
            RemarkKind::Encoding { charset } => write!(f, "read as {charset}; choose another encoding with --encoding"),
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
            RemarkKind::Joined { line } => write!(
                f,
                "line {line} begins with a byte order mark, as joined files have in the middle: check that no header stands there"
            ),
        }
    }
}
