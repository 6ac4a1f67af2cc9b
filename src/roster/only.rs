//! Conditions that select rows of a roster by the values of their cells.
//!
//! It only selects rows; it never changes one, and it never selects by a column that may contain passwords.
//!
//! Invariant: a cell matches a value if both are the same text after trimming, in any case and in any encoding of their
//! accents.

use crate::util::sanitize;
use icu_normalizer::DecomposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A condition: any of these values in that column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The column, by name or number.
    pub column: String,
    /// The accepted values. An empty one matches an empty cell.
    pub values: Vec<String>,
}

/// Which rows of a roster a run has, and how many there are in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Only {
    /// The conditions that each of them meets.
    #[serde(rename = "where")]
    pub conditions: Vec<Condition>,
    /// The number of rows in the roster, including these.
    pub of_rows: u64,
}

/// Why a text is not a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// There is no equals sign after the column.
    #[error("a condition is written COLUMN=VALUE, or COLUMN=VALUE,VALUE; COLUMN= is an empty cell")]
    NoEquals,
    /// There is no column before the equals sign.
    #[error("the column's name is missing before the =")]
    NoColumn,
    /// A quotation mark is not closed, or text follows a closing one.
    #[error("a quoted value ends with a quotation mark, then a comma or nothing, as in Room=\"7, left\",8")]
    Quotes,
}

impl FromStr for Condition {
    type Err = ConditionError;

    /// Parses `COLUMN=VALUE,VALUE`. A column name with `=` and a value with a comma need quotation marks, as in a CSV
    /// file.
    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let text = sanitize::trim(text);
        let (column, rest) = match text.strip_prefix('"') {
            Some(quoted) => {
                let (column, rest) = unquoted(quoted)?;
                (column, sanitize::trim(rest).strip_prefix('=').ok_or(ConditionError::NoEquals)?)
            }
            None => {
                text.split_once('=').map(|(column, rest)| (column.to_owned(), rest)).ok_or(ConditionError::NoEquals)?
            }
        };
        let column = sanitize::trim(&column).to_owned();
        if column.is_empty() {
            return Err(ConditionError::NoColumn);
        }
        Ok(Self { column, values: values(rest)? })
    }
}

fn values(text: &str) -> Result<Vec<String>, ConditionError> {
    let (mut values, mut rest) = (Vec::new(), text);
    loop {
        let (value, after) = match sanitize::trim(rest).strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = unquoted(quoted)?;
                match sanitize::trim(after) {
                    "" => (value, None),
                    more => (value, Some(more.strip_prefix(',').ok_or(ConditionError::Quotes)?)),
                }
            }
            None => match rest.split_once(',') {
                Some((value, after)) => (value.to_owned(), Some(after)),
                None => (rest.to_owned(), None),
            },
        };
        values.push(sanitize::trim(&value).to_owned());
        match after {
            Some(after) => rest = after,
            None => return Ok(values),
        }
    }
}

/// The text before the closing quotation mark (two count as one literal mark), and the text after it.
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

/// The condition as text that parses back.
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

/// A condition with its column resolved.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) column: usize,
    /// The values in their form for comparison.
    folded: Vec<String>,
}

impl Filter {
    pub(crate) fn new(column: usize, values: &[String]) -> Self {
        Self { column, folded: values.iter().map(|value| folded(value)).collect() }
    }

    /// The index of the value that this cell has.
    pub(crate) fn matched(&self, cell: &str) -> Option<usize> {
        let cell = sanitize::trim(cell);
        if cell.is_ascii() {
            return self.folded.iter().position(|value| value.eq_ignore_ascii_case(cell));
        }
        let cell = folded(cell);
        self.folded.iter().position(|value| *value == cell)
    }
}

/// The text in its form for comparison: without case, and with accents normalized. Case folding goes through upper
/// case, which makes `ß` and `SS` equal, as well as the two forms of small sigma.
pub(super) fn folded(text: &str) -> String {
    let decomposer = DecomposingNormalizerBorrowed::new_nfd();
    let plain = decomposer.normalize(sanitize::trim(text));
    let folded: String = plain.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    // A change of case may create a composed letter.
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
    fn conditions_parse_as_documented() {
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
    fn ignores_case_spaces_and_accents() {
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
        fn displayed_conditions_parse_back(column in "[a-z=\", ]{0,6}[a-z]", values in prop::collection::vec("[a-z=\", é]{0,5}", 1..4)) {
            let values: Vec<String> = values.iter().map(|value| sanitize::trim(value).to_owned()).collect();
            let condition = Condition { column: sanitize::trim(&column).to_owned(), values };
            prop_assert_eq!(condition.to_string().parse(), Ok(condition));
        }
    }
}
