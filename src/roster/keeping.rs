//! A roster with only those of its rows that `--where` names.
//!
//! It reads the whole roster once, so that a value that no row has is told at once. It shows no cell of a roster that may
//! hold passwords. Invariant: rows keep their numbers and lines.

use super::{
    Condition, Only, Roster, RosterError, Rows,
    earlier::{self, Kind, PREFIX},
    names,
    naming::{Names, quoted},
    only::{Filter, folded},
};
use crate::{clean, nearest::nearest};
use csv::StringRecord;

/// The flag, as messages name it.
const FLAG: &str = "--where";
/// Different values of a column that are kept to suggest one, and that a message lists.
const VALUES_MAX: usize = 1_000;
const LISTED_MAX: usize = 8;

impl Roster {
    /// The same roster with only the rows for which all of `conditions` hold.
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
        let refused = |column: String| RosterError::WherePassword { name: self.name.clone(), column };
        // Whatever the column is, it was meant to be one of passwords.
        if names::speaks_of_passwords(wanted) {
            return Err(refused(quoted(wanted)));
        }
        let at = match &self.kind {
            Kind::Run { own, .. } => earlier::column_of_run(&self.name, &self.header, *own, FLAG, wanted)?,
            _ => Names { file: &self.name, names: &self.header }.named(FLAG, wanted)?,
        };
        if self.password_column == Some(at) || names::speaks_of_passwords(&self.header[at]) {
            return Err(refused(quoted(&self.header[at])));
        }
        Ok(Filter::new(at, &condition.values))
    }

    /// A column as people know it; by its number if it has no name.
    fn told_name(&self, at: usize) -> String {
        let name = match self.header[at].as_str() {
            "" => return (at + 1).to_string(),
            name if self.is_told(at) => name.strip_prefix(PREFIX).unwrap_or(name),
            name => name,
        };
        name.to_owned()
    }

    /// Whether a column came from the report of an earlier run, which holds no foreign passwords.
    fn is_told(&self, at: usize) -> bool {
        matches!(&self.kind, Kind::Run { own, .. } if at >= *own)
    }

    /// Counts all rows, and refuses a value that none of them has, and conditions that none of them meets.
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
        let shown = if value.is_empty() { "an empty cell".into() } else { quoted(value) };
        let found = if !self.lists_values && !self.is_told(at) { String::new() } else { seen.told(value) };
        RosterError::WhereValue { name: self.name.clone(), column: quoted(&condition.column), value: shown, found }
    }

    fn no_row_at_all(&self, conditions: &[Condition]) -> RosterError {
        let conditions: Vec<String> = conditions.iter().map(|one| clean::for_terminal(&one.to_string())).collect();
        RosterError::WhereNone { name: self.name.clone(), conditions: conditions.join(" and ") }
    }
}

fn cell(cells: &StringRecord, column: usize) -> &str {
    cells.get(column).unwrap_or_default()
}

/// What was seen in the column of one condition.
struct Values {
    /// Whether each value of the condition was.
    matched: Vec<bool>,
    /// Different values, in the order in which they were met.
    others: Vec<String>,
    /// The same as they are compared.
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
        let cell = clean::trim(cell);
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

    /// The values that do occur, a few of them, and the one that may be meant.
    fn told(&self, wanted: &str) -> String {
        if self.others.is_empty() {
            return ". All cells of this column are empty".into();
        }
        let listed: Vec<String> = self.others.iter().take(LISTED_MAX).map(|value| quoted(value)).collect();
        let more = if self.others.len() > LISTED_MAX { ", …" } else { "" };
        let meant = nearest(wanted, self.others.iter().map(String::as_str));
        let hint = meant.map(|meant| format!("\nhint: did you mean {}?", quoted(meant))).unwrap_or_default();
        format!(". Values of this column: {}{more}{hint}", listed.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::RosterOptions;
    use proptest::prelude::*;

    const PUPILS: &str =
        "upn,Form,Notes,Password\nann@c.com,7A,,x1\nbob@c.com,7b,new,x2\n\ncat@c.com,7A,new,x3\nann@c.com,8É,,x4\n";

    fn open(text: &str, conditions: &[&str]) -> Result<Roster, String> {
        let only = conditions.iter().map(|text| text.parse().expect("a condition")).collect();
        let options = RosterOptions { only, ..RosterOptions::default() };
        Roster::from_bytes("pupils.csv", text.into(), &options).map_err(|error| error.to_string())
    }

    /// The lines and numbers of the rows that are kept, and whether each has an account.
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
    fn what_no_row_has_is_refused_with_what_there_is() {
        let plain = PUPILS.replace("Password", "Locker");
        for (conditions, words) in [
            (&["Form=7C"][..], &["no row", "\"Form\"", "\"7C\"", "\"7A\", \"7b\", \"8É\"", "nothing was sent"][..]),
            (&["Form=7A,8"], &["\"8\""]),
            (&["Notes=nwe"], &["did you mean \"new\"?"]),
            (&["Frm=7A"], &["no column \"Frm\" (--where)", "did you mean \"Form\"?"]),
            (&["Form=7b", "Notes="], &["no row meets Form=7b and Notes="]),
            (&["upn="], &["an empty cell"]),
        ] {
            let error = open(&plain, conditions).err().expect("refused");
            words.iter().for_each(|word| assert!(error.contains(word), "{word}: {error}"));
        }
    }

    #[test]
    fn passwords_are_neither_chosen_by_nor_shown() {
        for condition in ["Password=x1", "4=x1", "pass word=x1"] {
            let error = open(PUPILS, &[condition]).err().expect("refused");
            assert!(error.contains("may hold passwords") && !error.contains("x2"), "{error}");
        }
        let error = open(PUPILS, &["Form=9"]).err().expect("refused");
        assert!(!error.contains("7A"), "one of them may stand in a wrong column: {error}");
    }

    proptest! {
        #[test]
        fn exactly_the_rows_of_the_condition_are_kept(
            rows in prop::collection::vec(("[abAB é]{0,2}", 0_u8..3), 1..40),
            wanted in "[abé]{0,2}",
        ) {
            let mut text = "upn,Form\n".to_owned();
            let mut expected = Vec::new();
            for (at, (form, blank)) in rows.iter().enumerate() {
                let line = text.matches('\n').count() as u64 + 1;
                text.push_str(&format!("user{at}@c.com,{form}\n{}", "\n".repeat((*blank).into())));
                if clean::trim(form).to_lowercase() == wanted {
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
