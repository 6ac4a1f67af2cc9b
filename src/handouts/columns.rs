//! The columns of the roster that handouts use, and the cells of a row in them.

use super::{HandoutError, Wishes};
use crate::{
    account::language::Language,
    plan::Settings,
    roster::{self, ColumnRole, NameColumns},
    util::sanitize,
};
use std::borrow::Cow;

/// The roster's columns by purpose.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) by: Option<usize>,
    pub(super) language: Option<usize>,
    pub(super) names: NameColumns,
}

impl Columns {
    /// The columns that are wanted, or those that the headers show.
    ///
    /// # Errors
    /// Fails if a column that is named does not exist.
    pub(super) fn of(settings: &Settings, wishes: &Wishes) -> Result<Self, HandoutError> {
        let column = |role, wanted: &String| roster::column_named(&settings.roster, &settings.header, role, wanted);
        let told: Vec<usize> =
            wishes.name_columns.iter().map(|name| column(ColumnRole::Names, name)).collect::<Result<_, _>>()?;
        Ok(Self {
            by: wishes.by.as_ref().map(|name| column(ColumnRole::Groups, name)).transpose()?,
            language: wishes.language_column.as_ref().map(|name| column(ColumnRole::Languages, name)).transpose()?,
            names: if told.is_empty() {
                NameColumns::of(&settings.header, &settings.name_columns)
            } else {
                NameColumns::in_order(told)
            },
        })
    }

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
