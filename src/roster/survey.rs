//! The shapes of a file's values by column: of the first rows, or of all.
//!
//! It reads and counts, and decides nothing. Invariant: blank rows and the example row of Entra's templates do not
//! count.

use super::{
    dialect::{is_blank, is_example},
    own::Own,
    records::{Mark, QuoteFault},
    source::Source,
};
use crate::{account::upn::Upn, util::sanitize::trim};
use csv::StringRecord;

/// How many values of each column are examined, and in how many records they are searched.
const VALUES: u32 = 100;
const RECORDS: usize = 10_000;
/// Length of an object id with its hyphens.
const ID_LENGTH: usize = 36;

/// The shape of one column's values; empty cells do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Values examined.
    pub(super) seen: u32,
    /// User principal names among them.
    pub(super) names: u32,
    /// Object ids among them.
    pub(super) ids: u32,
}

impl Shape {
    /// Counts one more trimmed value.
    fn add(&mut self, value: &str) {
        if value.is_empty() {
            return;
        }
        self.seen = self.seen.saturating_add(1);
        let may_be_one = value.contains('@') || value.len() == ID_LENGTH;
        if let Some(address) = may_be_one.then(|| Upn::parse(value).ok()).flatten() {
            let count = if address.is_object_id() { &mut self.ids } else { &mut self.names };
            *count = count.saturating_add(1);
        }
    }

    /// The number of addresses of either kind.
    pub(super) const fn addresses(self) -> u32 {
        self.names.saturating_add(self.ids)
    }

    /// Whether at least half of them are addresses.
    pub(super) const fn is_mostly_addresses(self) -> bool {
        self.addresses() > 0 && self.addresses() >= self.seen - self.addresses()
    }

    /// Whether more than half of them are user principal names.
    pub(super) const fn is_mostly_names(self) -> bool {
        self.names > self.seen - self.names
    }
}

/// The data rows of a file.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) source: &'a Source,
    /// Where they begin.
    pub(super) from: Mark,
    /// Set if they are rows of passwave's own report.
    pub(super) own: Option<&'a Own>,
}

impl Body<'_> {
    /// Examines the first values of each column, and counts the rows. There are as many columns as header names or,
    /// without a header, as many as the widest of these rows has cells.
    pub(super) fn first(self, width: usize, labelled: bool) -> Result<(usize, Vec<Shape>), QuoteFault> {
        let (mut rows, mut shapes) = (0, vec![Shape::default(); width]);
        self.for_each(|_, cells| {
            rows += 1;
            if !labelled && cells.len() > shapes.len() {
                shapes.resize(cells.len(), Shape::default());
            }
            let wanting = shapes.iter_mut().zip(cells).filter(|(shape, _)| shape.seen < VALUES);
            wanting.for_each(|(shape, cell)| shape.add(trim(cell)));
            rows < RECORDS && shapes.iter().any(|shape| shape.seen < VALUES)
        })?;
        Ok((rows, shapes))
    }

    /// Examines all values of the first `width` columns.
    pub(super) fn whole(self, width: usize) -> Result<Vec<Shape>, QuoteFault> {
        let mut shapes = vec![Shape::default(); width];
        self.for_each(|_, cells| {
            let values = cells.iter().map(trim).map(|cell| if is_example(cell) { "" } else { cell });
            shapes.iter_mut().zip(values).for_each(|(shape, value)| shape.add(value));
            true
        })?;
        Ok(shapes)
    }

    /// The line of the first row in which `agrees` is false for the trimmed values of two columns.
    pub(super) fn first_where_not(
        self,
        one: usize,
        other: usize,
        agrees: impl Fn(&str, &str) -> bool,
    ) -> Result<Option<u64>, QuoteFault> {
        let mut found = None;
        self.for_each(|line, cells| {
            let cell = |at: usize| trim(cells.get(at).unwrap_or_default());
            found = (!agrees(cell(one), cell(other))).then_some(line);
            found.is_none()
        })?;
        Ok(found)
    }

    /// Calls `each` with each row that counts and its line, until it says to stop.
    fn for_each(self, mut each: impl FnMut(u64, &StringRecord) -> bool) -> Result<(), QuoteFault> {
        let (mut records, mut cells, mut is_first) = (self.source.records(self.from), StringRecord::new(), true);
        while let Some(start) = records.read(&mut cells)? {
            self.own.into_iter().for_each(|own| own.restore(&mut cells));
            if is_blank(&cells) || (is_first && cells.iter().any(is_example)) {
                continue;
            }
            is_first = false;
            if !each(start.line, &cells) {
                break;
            }
        }
        Ok(())
    }
}
