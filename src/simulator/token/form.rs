//! The fields of a request to a sign-in endpoint.
//!
//! Invariant: it cannot be printed, because it has secrets.

use super::error::OAuthError;
use crate::simulator::route;
use std::collections::HashMap;

/// The fields of a form or a query.
pub(super) struct Form(HashMap<String, String>);

impl Form {
    pub(super) fn read(text: &[u8]) -> Self {
        Self(route::form(std::str::from_utf8(text).unwrap_or_default()).collect())
    }

    /// The value of a field; empty if it is missing.
    pub(super) fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn require(&self, names: &[&str]) -> Result<(), OAuthError> {
        let missing = names.iter().find(|name| self.field(name).is_empty());
        missing.map_or(Ok(()), |name| Err(OAuthError::missing(name)))
    }

    /// What the application asks for. The first version of the service has a field for the resource.
    pub(super) fn scope(&self) -> String {
        match (self.field("scope"), self.field("resource")) {
            (scope, "") => scope.to_owned(),
            (scope, resource) => format!("{scope} {resource}/.default").trim_start().to_owned(),
        }
    }
}
