//! A piece of JSON as received, whose type does not name the library that parsed it.

use crate::JsonError;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::str::FromStr;

/// A piece of JSON as received.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Its text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl FromStr for RawJson {
    type Err = JsonError;

    /// Parses a text that contains one JSON value.
    fn from_str(text: &str) -> Result<Self, JsonError> {
        RawValue::from_string(text.to_owned()).map(Self).map_err(JsonError)
    }
}
