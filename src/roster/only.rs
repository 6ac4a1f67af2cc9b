//! `--where`: which rows of a roster are part of the run, by what stands in their cells.
//!
//! It only chooses rows; it never changes one, and it never chooses by a column that may hold passwords.
//!
//! Invariant: a cell has a value if both are the same text once they are trimmed, whatever their case, and in whatever way
//! their accents are written.

use crate::clean;
use icu_normalizer::DecomposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What one `--where` asks for: one of these values in that column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The column, by its name or its number.
    pub column: String,
    /// The values that will do. An empty one is an empty cell.
    pub values: Vec<String>,
}

/// Which rows of a roster a run has, and of how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Only {
    /// What holds for each of them.
    #[serde(rename = "where")]
    pub conditions: Vec<Condition>,
    /// How many rows the roster has, these included.
    pub of_rows: u64,
}

/// Why a text is no condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// Nothing says where the column ends.
    #[error("a condition is written COLUMN=VALUE, or COLUMN=VALUE,VALUE; COLUMN= is an empty cell")]
    NoEquals,
    /// No column stands before the equals sign.
    #[error("the column's name is missing before the =")]
    NoColumn,
    /// A quotation mark is not closed, or something follows a closed one.
    #[error("a quoted value ends with a quotation mark, then a comma or nothing, as in Room=\"7, left\",8")]
    Quotes,
}

impl FromStr for Condition {
    type Err = ConditionError;

    /// Reads `COLUMN=VALUE,VALUE`. A column with `=` in its name and a value with a comma stand in quotation marks, as in a
    /// CSV file.
    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let text = clean::trim(text);
        let (column, rest) = match text.strip_prefix('"') {
            Some(quoted) => {
                let (column, rest) = unquoted(quoted)?;
                (column, clean::trim(rest).strip_prefix('=').ok_or(ConditionError::NoEquals)?)
            }
            None => {
                text.split_once('=').map(|(column, rest)| (column.to_owned(), rest)).ok_or(ConditionError::NoEquals)?
            }
        };
        let column = clean::trim(&column).to_owned();
        if column.is_empty() {
            return Err(ConditionError::NoColumn);
        }
        Ok(Self { column, values: values(rest)? })
    }
}

fn values(text: &str) -> Result<Vec<String>, ConditionError> {
    let (mut values, mut rest) = (Vec::new(), text);
    loop {
        let (value, after) = match clean::trim(rest).strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = unquoted(quoted)?;
                match clean::trim(after) {
                    "" => (value, None),
                    more => (value, Some(more.strip_prefix(',').ok_or(ConditionError::Quotes)?)),
                }
            }
            None => match rest.split_once(',') {
                Some((value, after)) => (value.to_owned(), Some(after)),
                None => (rest.to_owned(), None),
            },
        };
        values.push(clean::trim(&value).to_owned());
        match after {
            Some(after) => rest = after,
            None => return Ok(values),
        }
    }
}

/// The text up to the closing quotation mark, of which two stand for one, and what follows that.
fn unquoted(text: &str) -> Result<(String, &str), ConditionError> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        let (part, after) = rest.split_once('"').ok_or(ConditionError::Quotes)?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                value.push('"');
                rest = after;
            }
            None => return Ok((value, after)),
        }
    }
}

/// The condition as it can be read again.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = &self.column;
        let needs_quotes = column.contains(['=', '"']);
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        f.write_str(&if needs_quotes { quoted(column) } else { column.clone() })?;
        let value = |text: &String| if text.contains([',', '"']) { quoted(text) } else { text.clone() };
        write!(f, "={}", self.values.iter().map(value).collect::<Vec<_>>().join(","))
    }
}

/// A condition whose column is known.
pub(super) struct Filter {
    pub(super) column: usize,
    /// The values as they are compared.
    folded: Vec<String>,
}

impl Filter {
    pub(super) fn new(column: usize, values: &[String]) -> Self {
        Self { column, folded: values.iter().map(|value| folded(value)).collect() }
    }

    /// Which of its values, by its index, this cell has.
    pub(super) fn matched(&self, cell: &str) -> Option<usize> {
        let cell = clean::trim(cell);
        if cell.is_ascii() {
            return self.folded.iter().position(|value| value.eq_ignore_ascii_case(cell));
        }
        let cell = folded(cell);
        self.folded.iter().position(|value| *value == cell)
    }
}

/// The text as it is compared: without regard to case, and to how its accents are written. Case folding is by way of upper
/// case, which makes one of `ß` and `SS`, and of the two small sigmas.
pub(super) fn folded(text: &str) -> String {
    let decomposer = DecomposingNormalizerBorrowed::new_nfd();
    let plain = decomposer.normalize(clean::trim(text));
    let folded: String = plain.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    // A change of case may put a composed letter in.
    decomposer.normalize(&folded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn condition(column: &str, values: &[&str]) -> Condition {
        Condition { column: column.into(), values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    #[test]
    fn conditions_are_read_as_they_are_written() {
        for (text, column, values) in [
            ("Form=7A", "Form", &["7A"][..]),
            (" Form = 7A , 7B ", "Form", &["7A", "7B"]),
            ("error_code=", "error_code", &[""]),
            ("Form=,7A", "Form", &["", "7A"]),
            ("Room=a=b", "Room", &["a=b"]),
            ("Room=\"7, left\", \"say \"\"hi\"\"\",8", "Room", &["7, left", "say \"hi\"", "8"]),
            ("\"a=b\"=x", "a=b", &["x"]),
            ("Room=7\"A", "Room", &["7\"A"]),
        ] {
            assert_eq!(text.parse(), Ok(condition(column, values)), "{text}");
        }
        for (text, error) in [
            ("Form", ConditionError::NoEquals),
            ("", ConditionError::NoEquals),
            ("=7A", ConditionError::NoColumn),
            ("Form=\"7A", ConditionError::Quotes),
            ("Form=\"7A\"B", ConditionError::Quotes),
            ("\"Form\"7A", ConditionError::NoEquals),
        ] {
            assert_eq!(text.parse::<Condition>(), Err(error), "{text}");
        }
    }

    #[test]
    fn case_blanks_and_forms_of_accents_do_not_count() {
        for (value, cell) in [
            ("7a", " 7A "),
            ("E\u{301}cole", "ÉCOLE"),
            ("straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("", "\u{A0}"),
            ("TRUE", "true"),
        ] {
            let filter = Filter::new(0, &[value.into()]);
            assert_eq!(filter.matched(cell), Some(0), "{value} {cell}");
            assert_eq!(Filter::new(0, &[cell.into()]).matched(value), Some(0), "{cell} {value}");
        }
        let filter = Filter::new(0, &["ecole".into(), "7A".into()]);
        assert_eq!([filter.matched("école"), filter.matched("7"), filter.matched("7a")], [None, None, Some(1)]);
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_read_again(column in "[a-z=\", ]{0,6}[a-z]", values in prop::collection::vec("[a-z=\", é]{0,5}", 1..4)) {
            let values: Vec<String> = values.iter().map(|value| clean::trim(value).to_owned()).collect();
            let condition = Condition { column: clean::trim(&column).to_owned(), values };
            prop_assert_eq!(condition.to_string().parse(), Ok(condition));
        }
    }
}
