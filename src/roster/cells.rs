//! The cells of a row, without naming the library that read them.

use csv::StringRecord;
use std::ops::Index;

/// The cells of a row. They may hold a password of the roster's own, so they cannot be printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cells(StringRecord);

impl Cells {
    pub(super) fn new(record: StringRecord) -> Self {
        Self(record)
    }

    /// The cell of a column, by its place from 0.
    #[must_use]
    pub fn get(&self, column: usize) -> Option<&str> {
        self.0.get(column)
    }

    /// All cells in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|column| &self.0[column])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> usize {
        self.0.as_slice().len()
    }
}

impl Index<usize> for Cells {
    type Output = str;

    fn index(&self, column: usize) -> &str {
        &self.0[column]
    }
}

impl<'a> FromIterator<&'a str> for Cells {
    fn from_iter<T: IntoIterator<Item = &'a str>>(cells: T) -> Self {
        Self(cells.into_iter().collect())
    }
}
