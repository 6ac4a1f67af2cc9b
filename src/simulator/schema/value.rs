//! Whether a JSON value is of a property's type.

use super::{
    complex::complex,
    entity::{Kind, Property},
};
use jiff::Timestamp;
use serde_json::Value;

/// Whether this is a value of the property.
pub(in crate::simulator) fn fits(value: &Value, property: &Property) -> bool {
    match (property.kind, value) {
        (_, Value::Null) => property.nullable,
        (Kind::Boolean, Value::Bool(_)) | (Kind::Text, Value::String(_)) => true,
        (Kind::Number, Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        (Kind::Time, Value::String(text)) => text.parse::<Timestamp>().is_ok(),
        (Kind::Guid, Value::String(text)) => crate::account::upn::is_object_id(text),
        (Kind::Texts, Value::Array(items)) => items.iter().all(Value::is_string),
        (Kind::Object(name), value) => is_complex(value, name),
        (Kind::Objects(name), Value::Array(items)) => items.iter().all(|item| is_complex(item, name)),
        _ => false,
    }
}

fn is_complex(value: &Value, name: &str) -> bool {
    let (Some(members), Some(object)) = (value.as_object(), complex(name)) else { return false };
    members
        .iter()
        .filter(|(name, _)| !name.starts_with('@'))
        .all(|(name, value)| object.properties.iter().any(|property| property.name == name && fits(value, property)))
}
