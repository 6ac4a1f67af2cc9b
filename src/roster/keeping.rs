//! Reduces a roster to the rows that conditions select.
//!
//! It reads the whole roster once, so it can report a value that no row has at once. It shows no cell of a roster that
//! may contain passwords. Invariant: rows keep their numbers and lines.

use super::{
    Condition, Only, Roster, RosterError, Rows,
    earlier::{self, Kind, PREFIX},
    fault::ColumnValues,
    names,
    naming::Names,
    only::{Filter, folded},
    role::ColumnRole,
};
use crate::util::{sanitize, suggest::nearest};
use csv::StringRecord;

/// How many different values of a column are kept for suggestions and messages.
const VALUES_MAX: usize = 1_000;

impl Roster {
    /// The same roster, reduced to the rows that meet all of `conditions`.
    pub(super) fn keeping(self, conditions: &[Condition]) -> Result<Self, RosterError> {
        if conditions.is_empty() {
            return Ok(self);
        }
        let filters = conditions.iter().map(|condition| self.filter(condition)).collect::<Result<Vec<_>, _>>()?;
        let conditions = conditions.iter().zip(&filters).map(|(condition, filter)| Condition {
            column: self.told_name(filter.column),
            values: condition.values.clone(),
        });
        let conditions: Vec<_> = conditions.collect();
        let of_rows = self.must_match(&conditions, &filters)?;
        Ok(Self { only: Some(Only { conditions, of_rows }), filters, ..self })
    }

    /// Which rows the roster has, if not all of its source.
    #[must_use]
    pub const fn only(&self) -> Option<&Only> {
        self.only.as_ref()
    }

    /// Whether a row is part of the roster.
    pub(super) fn keeps(&self, cells: &StringRecord) -> bool {
        self.filters.iter().all(|filter| filter.matched(cell(cells, filter.column)).is_some())
    }

    fn filter(&self, condition: &Condition) -> Result<Filter, RosterError> {
        let wanted = condition.column.as_str();
        let refused = |column: &str| {
            Err(RosterError::ConditionOnPasswords { name: self.name.clone(), column: column.to_owned() })
        };
        // Whatever the column is, the user meant a column of passwords.
        if names::speaks_of_passwords(wanted) {
            return refused(wanted);
        }
        let at = match &self.kind {
            Kind::Run { own, .. } => {
                earlier::column_of_run(&self.name, &self.header, *own, ColumnRole::Condition, wanted)?
            }
            _ => Names { file: &self.name, names: &self.header }.named(ColumnRole::Condition, wanted)?,
        };
        if self.password_column == Some(at) || names::speaks_of_passwords(&self.header[at]) {
            return refused(&self.header[at]);
        }
        Ok(Filter::new(at, &condition.values))
    }

    /// A column's name as users know it, or its number if it has no name.
    fn told_name(&self, at: usize) -> String {
        let name = match self.header[at].as_str() {
            "" => return (at + 1).to_string(),
            name if self.is_told(at) => name.strip_prefix(PREFIX).unwrap_or(name),
            name => name,
        };
        name.to_owned()
    }

    /// Whether a column comes from an earlier run's report, which contains no foreign passwords.
    fn is_told(&self, at: usize) -> bool {
        matches!(&self.kind, Kind::Run { own, .. } if at >= *own)
    }

    /// Counts all rows. Refuses a value that no row has, and conditions that no row meets together.
    fn must_match(&self, conditions: &[Condition], filters: &[Filter]) -> Result<u64, RosterError> {
        let mut seen: Vec<Values> = conditions.iter().map(|condition| Values::new(condition.values.len())).collect();
        let (mut rows, mut all, mut kept) = (Rows::new(self), 0, 0_u64);
        while let Some((_, cells)) = rows.next_record()? {
            all += 1;
            let mut is_kept = true;
            for (filter, seen) in filters.iter().zip(&mut seen) {
                let cell = cell(&cells, filter.column);
                let found = filter.matched(cell);
                is_kept &= found.is_some();
                seen.note(found, cell);
            }
            kept += u64::from(is_kept);
        }
        for ((condition, filter), seen) in conditions.iter().zip(filters).zip(&seen) {
            let missing = seen.missing(&condition.values);
            let mut meant = missing.filter(|value| kept == 0 || !self.is_known_word(filter.column, value));
            if let Some(value) = meant.next() {
                return Err(self.no_row(condition, filter.column, value, seen));
            }
        }
        if kept > 0 { Ok(all) } else { Err(self.no_row_at_all(conditions)) }
    }

    fn is_known_word(&self, at: usize, value: &str) -> bool {
        self.is_told(at) && earlier::is_known_word(&self.header[at], value)
    }

    fn no_row(&self, condition: &Condition, at: usize, value: &str, seen: &Values) -> RosterError {
        let may_show = self.lists_values || self.is_told(at);
        RosterError::NoSuchValue {
            name: self.name.clone(),
            column: condition.column.clone(),
            value: value.to_owned(),
            found: may_show.then(|| Box::new(seen.found(value))),
        }
    }

    fn no_row_at_all(&self, conditions: &[Condition]) -> RosterError {
        RosterError::NoRowMeets { name: self.name.clone(), conditions: conditions.to_vec() }
    }
}

fn cell(cells: &StringRecord, column: usize) -> &str {
    cells.get(column).unwrap_or_default()
}

/// What was found in the column of one condition.
struct Values {
    /// Whether each value of the condition was found.
    matched: Vec<bool>,
    /// Other values, in the order in which they appeared.
    others: Vec<String>,
    /// The same values in their form for comparison.
    keys: std::collections::HashSet<String>,
}

impl Values {
    fn new(values: usize) -> Self {
        Self { matched: vec![false; values], others: Vec::new(), keys: std::collections::HashSet::new() }
    }

    fn note(&mut self, found: Option<usize>, cell: &str) {
        if let Some(at) = found {
            self.matched[at] = true;
        }
        let cell = sanitize::trim(cell);
        if self.keys.len() < VALUES_MAX && !cell.is_empty() && self.keys.insert(folded(cell)) {
            self.others.push(cell.to_owned());
        }
    }

    /// The values that no row has; a value that is given twice counts once.
    fn missing<'v>(&self, values: &'v [String]) -> impl Iterator<Item = &'v str> {
        let is_seen = |value: &str| {
            let same = |(other, matched): (&String, &bool)| *matched && folded(other) == folded(value);
            values.iter().zip(&self.matched).any(same)
        };
        let missing: Vec<&str> = values.iter().map(String::as_str).filter(|value| !is_seen(value)).collect();
        missing.into_iter()
    }

    /// The values that do occur, and the one that may be meant.
    fn found(&self, wanted: &str) -> ColumnValues {
        let near = nearest(wanted, self.others.iter().map(String::as_str)).map(str::to_owned);
        ColumnValues { some: self.others.clone(), near }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::RosterOptions;
    use proptest::prelude::*;

    const PUPILS: &str =
        "upn,Form,Notes,Password\nann@c.com,7A,,x1\nbob@c.com,7b,new,x2\n\ncat@c.com,7A,new,x3\nann@c.com,8É,,x4\n";

    fn try_open(text: &str, conditions: &[&str]) -> Result<Roster, RosterError> {
        let only = conditions.iter().map(|text| text.parse().expect("a condition")).collect();
        let options = RosterOptions { only, ..RosterOptions::default() };
        Roster::from_bytes("pupils.csv", text.into(), &options)
    }

    fn open(text: &str, conditions: &[&str]) -> Result<Roster, String> {
        try_open(text, conditions).map_err(|error| error.to_string())
    }

    /// The lines and numbers of the kept rows, and whether each has an account.
    fn kept(text: &str, conditions: &[&str]) -> Vec<(u64, u64, bool)> {
        let roster = open(text, conditions).expect("rows");
        let row = |row: Result<crate::roster::Row, RosterError>| row.expect("a row");
        roster.rows().map(row).map(|row| (row.number, row.line, row.address.is_ok())).collect()
    }

    #[test]
    fn rows_keep_their_numbers_and_lines() {
        assert_eq!(kept(PUPILS, &["form=7a"]), [(1, 2, true), (3, 5, true)]);
        assert_eq!(kept(PUPILS, &["Form=7B,8E\u{301}"]), [(2, 3, true), (4, 6, true)], "alone it is no duplicate");
        assert_eq!(kept(PUPILS, &["Form=7A,7B", "Notes=new"]), [(2, 3, true), (3, 5, true)]);
        assert_eq!(kept(PUPILS, &["Notes="]), [(1, 2, true), (4, 6, false)]);
        assert_eq!(kept(PUPILS, &["2=7B"]), [(2, 3, true)]);
        let only = open(PUPILS, &["form=7a"]).expect("rows").only().expect("some").clone();
        assert_eq!((only.of_rows, only.conditions[0].to_string().as_str()), (4, "Form=7a"));
    }

    #[test]
    fn unknown_values_list_the_known() {
        let plain = PUPILS.replace("Password", "Locker");
        for (conditions, words, meant) in [
            (&["Form=7C"][..], "no row with \"7C\" in column \"Form\" (values: \"7A\", \"7b\", \"8É\")", None),
            (&["Form=7A,8"], "no row with \"8\"", None),
            (&["Notes=nwe"], "(values: \"new\")", Some("new")),
            (&["Frm=7A"], "no column \"Frm\" (columns: \"upn\", \"Form\"", Some("Form")),
            (&["Form=7b", "Notes="], "no row meets Form=7b and Notes=", None),
            (&["upn="], "an empty cell", None),
        ] {
            let error = try_open(&plain, conditions).err().expect("refused");
            assert!(error.to_string().contains(words), "{words}: {error}");
            let near = match error {
                RosterError::UnknownColumn { near, role, .. } => near.filter(|_| role == ColumnRole::Condition),
                RosterError::NoSuchValue { found: Some(found), .. } => found.near,
                _ => None,
            };
            assert_eq!(near.as_deref(), meant, "{conditions:?}");
        }
    }

    #[test]
    fn password_columns_are_never_used() {
        for condition in ["Password=x1", "4=x1", "pass word=x1"] {
            let error = open(PUPILS, &[condition]).err().expect("refused");
            assert!(error.contains("may hold passwords") && !error.contains("x2"), "{error}");
        }
        let error = open(PUPILS, &["Form=9"]).err().expect("refused");
        assert!(!error.contains("7A"), "one of them may stand in a wrong column: {error}");
    }

    proptest! {
        #[test]
        fn keeps_exactly_the_matching_rows(
            rows in prop::collection::vec(("[abAB é]{0,2}", 0_u8..3), 1..40),
            wanted in "[abé]{0,2}",
        ) {
            let mut text = "upn,Form\n".to_owned();
            let mut expected = Vec::new();
            for (at, (form, blank)) in rows.iter().enumerate() {
                let line = text.matches('\n').count() as u64 + 1;
                text.push_str(&format!("user{at}@c.com,{form}\n{}", "\n".repeat((*blank).into())));
                if sanitize::trim(form).to_lowercase() == wanted {
                    expected.push((at as u64 + 1, line, true));
                }
            }
            let condition = format!("Form={wanted}");
            match expected.is_empty() {
                true => prop_assert!(open(&text, &[&condition]).is_err()),
                false => prop_assert_eq!(kept(&text, &[&condition]), expected),
            }
        }
    }
}
