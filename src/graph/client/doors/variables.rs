//! The environment as the doors see it: names to values, given from outside, so that nothing here reads the process's own.

use super::{Method, SignInError};

/// The variables that doors may ask for.
pub struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Variables<'a> {
    /// Variables as `get` knows them; such as hold nothing but white space count as not set.
    #[must_use]
    pub fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(get)
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        let trimmed = value.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn needed(&self, name: &str, by: Method) -> Result<String, SignInError> {
        self.get(name).ok_or_else(|| self.missing(name, by))
    }

    /// Tenant and application.
    pub(super) fn application(&self, by: Method) -> Result<(String, String), SignInError> {
        Ok((self.needed("AZURE_TENANT_ID", by)?, self.needed("AZURE_CLIENT_ID", by)?))
    }

    #[expect(clippy::unused_self, reason = "it reads well where variables are asked for")]
    pub(super) fn missing(&self, name: &str, by: Method) -> SignInError {
        SignInError::unready(
            format!("{name} is not set, and {by} needs it; nothing was sent"),
            format!("{}, or try `passwave rehearse`, which needs nothing", by.needs()),
        )
    }
}
