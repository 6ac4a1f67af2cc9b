//! A `$filter` or a `$search` as a tree, and whether an object matches it.
//!
//! Comparisons ignore case, like the directory's. The tree is checked when it is made, so a match cannot fail.

use crate::simulator::{
    record::{Field, Record},
    schema::Property,
};
use jiff::Timestamp;
use serde_json::Value;
use std::{borrow::Cow, cmp::Ordering};

/// A condition on an object.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::simulator) enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Is {
        subject: Subject,
        test: Test,
        values: Vec<Literal>,
    },
    /// An item of the list matches, or there is one.
    Item(&'static Property, Option<Box<Self>>),
}

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::simulator) enum Subject {
    Property(&'static Property),
    /// A member of a complex property.
    Member(&'static Property, String),
    /// The number of items of a list.
    Size(&'static Property),
    /// The item of a list that is looked at, or a member of it.
    Item(Option<String>),
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulator) enum Test {
    /// With any of the values.
    Equal,
    NotEqual,
    AtLeast,
    AtMost,
    Starts,
    Ends,
    /// One of its words starts with the value.
    Words,
}

/// A constant of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::simulator) enum Literal {
    Null,
    Boolean(bool),
    Number(i64),
    Text(String),
    Time(Timestamp),
}

impl Filter {
    /// Whether an object matches.
    pub(in crate::simulator) fn matches(&self, record: &dyn Record) -> bool {
        self.holds(record, &Value::Null)
    }

    fn holds(&self, record: &dyn Record, item: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record, item)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record, item)),
            Self::Not(part) => !part.holds(record, item),
            Self::Is { subject, test, values } => test.holds(&subject.field(record, item), values),
            Self::Item(property, condition) => {
                let Field::Json(list) = value(record, property) else { return false };
                let Some(items) = list.as_array() else { return false };
                match condition {
                    Some(condition) => items.iter().any(|item| condition.holds(record, item)),
                    None => !items.is_empty(),
                }
            }
        }
    }

    /// The names and ids that an object must have one of, if the filter asks for nothing else.
    pub(in crate::simulator) fn keys(&self) -> Option<Vec<&str>> {
        match self {
            Self::Is { subject: Subject::Property(property), test: Test::Equal, values }
                if matches!(property.name, "id" | "userPrincipalName") =>
            {
                values
                    .iter()
                    .map(|value| if let Literal::Text(text) = value { Some(text.as_str()) } else { None })
                    .collect()
            }
            Self::Any(parts) => {
                let keys: Option<Vec<_>> = parts.iter().map(Self::keys).collect();
                keys.map(|keys| keys.concat())
            }
            _ => None,
        }
    }
}

/// The value of a property that the object may not have.
fn value<'a>(record: &'a dyn Record, property: &Property) -> Field<'a> {
    record.entity().property(property.name).map_or(Field::Null, |property| record.field(property))
}

impl Subject {
    fn field<'a>(&self, record: &'a dyn Record, item: &'a Value) -> Field<'a> {
        match self {
            Self::Property(property) => value(record, property),
            Self::Member(property, member) => match value(record, property) {
                Field::Json(Cow::Borrowed(object)) => of_json(inside(object, member)),
                Field::Json(Cow::Owned(object)) => owned(of_json(inside(&object, member))),
                _ => Field::Null,
            },
            Self::Size(property) => match value(record, property) {
                Field::Json(list) => Field::Number(list.as_array().map_or(0, |list| list.len() as i64)),
                _ => Field::Number(0),
            },
            Self::Item(None) => of_json(item),
            Self::Item(Some(member)) => of_json(&item[member.as_str()]),
        }
    }
}

/// The member at a path.
fn inside<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(object, |object, member| &object[member])
}

fn of_json(value: &Value) -> Field<'_> {
    match value {
        Value::Bool(value) => Field::Boolean(*value),
        Value::Number(value) => value.as_i64().map_or(Field::Null, Field::Number),
        Value::String(text) => Field::text(text),
        _ => Field::Null,
    }
}

fn owned<'a>(field: Field<'_>) -> Field<'a> {
    match field {
        Field::Boolean(value) => Field::Boolean(value),
        Field::Number(value) => Field::Number(value),
        Field::Time(value) => Field::Time(value),
        Field::Text(text) => Field::Text(Cow::Owned(text.into_owned())),
        Field::Null | Field::Json(_) => Field::Null,
    }
}

impl Test {
    fn holds(self, field: &Field<'_>, values: &[Literal]) -> bool {
        let any = |want: fn(Ordering) -> bool| values.iter().any(|value| compare(field, value).is_some_and(want));
        match self {
            Self::Equal => any(Ordering::is_eq),
            Self::NotEqual => !any(Ordering::is_eq),
            Self::AtLeast => any(Ordering::is_ge),
            Self::AtMost => any(Ordering::is_le),
            Self::Starts | Self::Ends | Self::Words => {
                let Field::Text(text) = field else { return false };
                let text = text.to_lowercase();
                values.iter().any(|value| {
                    let Literal::Text(value) = value else { return false };
                    let value = value.to_lowercase();
                    match self {
                        Self::Starts => text.starts_with(&value),
                        Self::Ends => text.ends_with(&value),
                        _ => has_words(&text, &value),
                    }
                })
            }
        }
    }
}

/// Whether each word of `wanted` begins a word of `text`. Words end at anything but letters and digits.
fn has_words(text: &str, wanted: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let held = words(text);
    words(wanted).iter().all(|word| held.iter().any(|held| held.starts_with(word)))
}

/// How a value compares with a constant; `None` if they have nothing in common.
fn compare(field: &Field<'_>, literal: &Literal) -> Option<Ordering> {
    match (field, literal) {
        (Field::Null, Literal::Null) => Some(Ordering::Equal),
        (Field::Boolean(one), Literal::Boolean(two)) => Some(one.cmp(two)),
        (Field::Number(one), Literal::Number(two)) => Some(one.cmp(two)),
        (Field::Time(one), Literal::Time(two)) => Some(one.cmp(two)),
        (Field::Text(one), Literal::Text(two)) if one.is_ascii() && two.is_ascii() => {
            let lower = |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
            if one.eq_ignore_ascii_case(two) { Some(Ordering::Equal) } else { Some(lower(one).cmp(&lower(two))) }
        }
        (Field::Text(one), Literal::Text(two)) => Some(one.to_lowercase().cmp(&two.to_lowercase())),
        _ => None,
    }
}

/// The order of two objects by a property; null comes first.
pub(in crate::simulator) fn order(one: &dyn Record, two: &dyn Record, property: &Property) -> Ordering {
    match (value(one, property), value(two, property)) {
        (Field::Text(one), Field::Text(two)) => one.to_lowercase().cmp(&two.to_lowercase()),
        (Field::Time(one), Field::Time(two)) => one.cmp(&two),
        (Field::Null, Field::Null) => Ordering::Equal,
        (Field::Null, _) => Ordering::Less,
        (_, Field::Null) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}
