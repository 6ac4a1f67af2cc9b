//! The columns of the roster that handouts use, and the cells of a row in them.

use crate::{account::language::Language, roster::NameColumns, util::sanitize};
use std::borrow::Cow;

/// The roster's columns by purpose.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) by: Option<usize>,
    pub(super) language: Option<usize>,
    pub(super) names: NameColumns,
}

impl Columns {
    /// The language that a row asks for: `None` if it asks for none, an error if it is not built in.
    pub(super) fn language(&self, cells: &[Cow<'_, str>]) -> Result<Option<Language>, String> {
        let told = self.language.map_or("", |at| cell(cells, at));
        if told.is_empty() { Ok(None) } else { told.parse().map(Some).map_err(|_| told.to_owned()) }
    }
}

/// A row's trimmed cell; empty if it has none.
pub(super) fn cell<'c>(cells: &'c [Cow<'_, str>], at: usize) -> &'c str {
    cells.get(at).map_or("", |cell| sanitize::trim(cell))
}
