//! A list of records, done as a query asks: filtered, searched, sorted, counted and cut into pages.

use super::{Direction, Query, filter::order};
use crate::simulator::record::{Record, View};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// The positions that can be in the list.
pub(in crate::simulator) enum Candidates {
    /// All positions below this one.
    Below(usize),
    /// Only these.
    These(Vec<usize>),
}

/// The list and how it is told.
pub(in crate::simulator) struct Listing<'a, F> {
    pub query: &'a Query<'a>,
    pub candidates: Candidates,
    /// The record at a position; `None` if there is none (any more).
    pub at: F,
    /// OData's name for the list.
    pub context: &'a str,
    /// The address of the list, without a query.
    pub address: &'a str,
    /// The name of the declared type: records of others tell theirs.
    pub declared: &'a str,
}

/// A page of the list.
#[derive(Serialize)]
struct Page<'a> {
    #[serde(rename = "@odata.context")]
    context: &'a str,
    #[serde(rename = "@odata.count", skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    value: Vec<Box<RawValue>>,
}

impl<R: Record, F: Fn(usize) -> Option<R>> Listing<'_, F> {
    fn position(&self, place: usize) -> usize {
        match &self.candidates {
            Candidates::Below(_) => place,
            Candidates::These(positions) => positions[place],
        }
    }

    fn places(&self) -> usize {
        match &self.candidates {
            Candidates::Below(end) => *end,
            Candidates::These(positions) => positions.len(),
        }
    }

    /// The record at a place, if it is in the list.
    fn matching(&self, place: usize) -> Option<R> {
        let record = (self.at)(self.position(place))?;
        let conditions = [&self.query.filter, &self.query.search];
        conditions.into_iter().flatten().all(|condition| condition.matches(&record)).then_some(record)
    }

    /// How many records are in the list.
    pub(in crate::simulator) fn count(&self) -> usize {
        (0..self.places()).filter(|place| self.matching(*place).is_some()).count()
    }

    /// The page that the query asks for, as JSON.
    pub(in crate::simulator) fn page(&self) -> Box<RawValue> {
        let (value, next) = match self.query.order {
            Some((property, direction)) => self.sorted(|one, two| {
                let natural = order(one, two, property);
                if direction == Direction::Descending { natural.reverse() } else { natural }
            }),
            None => self.unsorted(),
        };
        // Like Graph, only the first page tells the number.
        let count = (self.query.count && self.query.skip_token.is_none()).then(|| self.count());
        let next = next.map(|token| format!("{}?{}", self.address, self.query.next(token)));
        let page = Page { context: self.context, count, next, value };
        serde_json::value::to_raw_value(&page).expect("the simulator's own types are always valid JSON")
    }

    /// The page, and the place where the next one begins.
    fn unsorted(&self) -> (Vec<Box<RawValue>>, Option<usize>) {
        let (size, mut found) = (self.query.page_size(), Vec::new());
        for place in self.query.skip_token.unwrap_or(0)..self.places() {
            let Some(record) = self.matching(place) else { continue };
            if found.len() == size {
                return (found, Some(place));
            }
            found.push(self.view(&record));
        }
        (found, None)
    }

    fn sorted(
        &self,
        by: impl Fn(&dyn Record, &dyn Record) -> std::cmp::Ordering,
    ) -> (Vec<Box<RawValue>>, Option<usize>) {
        let mut found: Vec<R> = (0..self.places()).filter_map(|place| self.matching(place)).collect();
        found.sort_by(|one, two| by(one, two));
        let start = self.query.skip_token.unwrap_or(0).min(found.len());
        let end = start.saturating_add(self.query.page_size()).min(found.len());
        let values = found[start..end].iter().map(|record| self.view(record)).collect();
        (values, (end < found.len()).then_some(end))
    }

    fn view(&self, record: &R) -> Box<RawValue> {
        let typed = self.declared != record.entity().name;
        View {
            record,
            context: None,
            typed,
            select: self.query.select.as_deref(),
            expanded: expanded(self.query, record),
        }
        .json()
    }
}

/// The expanded navigation properties of a record.
pub(in crate::simulator) fn expanded<'a>(query: &'a Query<'_>, record: &dyn Record) -> Vec<(&'a str, Value)> {
    let mut found = Vec::with_capacity(query.expand.len());
    for expand in &query.expand {
        let Some(mut value) = record.related(expand.name) else { continue };
        if let Some(select) = &expand.select {
            match &mut value {
                Value::Array(items) => items.iter_mut().for_each(|item| reduce(item, select)),
                item => reduce(item, select),
            }
        }
        found.push((expand.name, value));
    }
    found
}

/// Keeps the selected properties, the type and the id.
fn reduce(item: &mut Value, select: &[String]) {
    if let Value::Object(item) = item {
        item.retain(|name, _| {
            name.starts_with('@') || name == "id" || select.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
        });
    }
}
