//! One object of the directory, as queries and answers see it: typed values by name.

use super::schema::{Entity, Kind, Property};
use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, value::RawValue};
use std::borrow::Cow;

/// The value of a property.
pub(super) enum Field<'a> {
    Null,
    Boolean(bool),
    Number(i64),
    Text(Cow<'a, str>),
    Time(Timestamp),
    /// A list or a complex value.
    Json(Cow<'a, Value>),
}

/// An object of the directory.
pub(super) trait Record {
    fn entity(&self) -> &'static Entity;
    /// The value of a property of its type.
    fn field(&self, property: &Property) -> Field<'_>;
    /// What a navigation property leads to; `None` if to nothing.
    fn related(&self, _navigation: &str) -> Option<Value> {
        None
    }
}

impl<'a> Field<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn empty_list() -> Self {
        Self::Json(Cow::Owned(Value::Array(Vec::new())))
    }

    /// The stored value of a property of this kind.
    pub(super) fn stored(value: &'a Value, kind: Kind) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Boolean(*value),
            Value::Number(value) => value.as_i64().map_or(Self::Null, Self::Number),
            Value::String(text) => match (kind, text.parse()) {
                (Kind::Time, Ok(time)) => Self::Time(time),
                _ => Self::text(text),
            },
            Value::Array(_) | Value::Object(_) => Self::Json(Cow::Borrowed(value)),
        }
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Number(value) => serializer.serialize_i64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Time(time) => serializer.serialize_str(&time_text(*time)),
            Self::Json(value) => value.serialize(serializer),
        }
    }
}

/// A time in Graph's form.
pub(super) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An object that is made for the answer.
pub(super) struct Made {
    pub entity: &'static Entity,
    /// Properties that it does not have here are null, or empty lists.
    pub(super) values: Map<String, Value>,
}

impl Record for Made {
    fn entity(&self) -> &'static Entity {
        self.entity
    }

    fn field(&self, property: &Property) -> Field<'_> {
        match self.values.get(property.name) {
            Some(value) => Field::stored(value, property.kind),
            None if property.kind.is_list() && !property.nullable => Field::empty_list(),
            None => Field::Null,
        }
    }

    fn related(&self, navigation: &str) -> Option<Value> {
        self.values.get(&format!("{navigation}@")).cloned()
    }
}

/// A record, reduced to the properties that were asked for.
pub(super) struct View<'a> {
    pub record: &'a dyn Record,
    /// `None` in a list.
    pub context: Option<&'a str>,
    /// Whether its type is told, because it is not the declared one.
    pub typed: bool,
    /// `None` for the properties that are there by default.
    pub select: Option<&'a [&'static str]>,
    /// The expanded navigation properties and their values.
    pub expanded: Vec<(&'a str, Value)>,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (entity, mut map) = (self.record.entity(), serializer.serialize_map(None)?);
        if let Some(context) = self.context {
            map.serialize_entry("@odata.context", context)?;
        }
        if self.typed {
            map.serialize_entry("@odata.type", &format!("#microsoft.graph.{}", entity.name))?;
        }
        match self.select {
            Some(names) => {
                for property in names.iter().filter_map(|name| entity.property(name)) {
                    map.serialize_entry(property.name, &self.record.field(property))?;
                }
            }
            None => {
                for property in entity.properties.iter().filter(|property| property.default) {
                    map.serialize_entry(property.name, &self.record.field(property))?;
                }
            }
        }
        for (navigation, value) in &self.expanded {
            map.serialize_entry(navigation, value)?;
        }
        map.end()
    }
}

impl View<'_> {
    pub(super) fn json(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("the simulator's own types are always valid JSON")
    }
}
