//! The environment of the sign-in methods: the caller provides it, so nothing here reads the process's own.

use super::{Method, SignInError};

/// The variables that sign-in methods may read.
pub struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Variables<'a> {
    /// Every variable that a sign-in method reads, in the order in which the methods are offered.
    pub const READ: [&'static str; 18] = [
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_CLIENT_CERTIFICATE_THUMBPRINT",
        "AZURE_FEDERATED_TOKEN_FILE",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "SYSTEM_OIDCREQUESTURI",
        "SYSTEM_ACCESSTOKEN",
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
        "AZURE_SERVICE_CONNECTION_ID",
        "AZURESUBSCRIPTION_TENANT_ID",
        "AZURESUBSCRIPTION_CLIENT_ID",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    ];

    /// Variables from `get`; those with only white space count as not set.
    #[must_use]
    pub fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(get)
    }

    /// The names of the variables that are set, among all that a sign-in method reads. Their values stay here.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        Self::READ.into_iter().filter(|name| self.has(name))
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
        SignInError::Missing { variable: name.to_owned(), method: by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// The variables that a method asks for, set or not.
    #[test]
    fn every_variable_that_is_read_has_its_name() {
        let asked = RefCell::new(Vec::new());
        let note = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            None
        };
        let variables = Variables::new(&note);
        assert!(Method::offered(&variables).is_err());
        let unknown: Vec<String> = asked
            .take()
            .into_iter()
            .filter(|name| name != "PATH" && !Variables::READ.contains(&name.as_str()))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let set = |name: &str| (name == "IDENTITY_HEADER" || name == "AZURE_CLIENT_ID").then(|| "x".to_owned());
        assert_eq!(Variables::new(&set).names().collect::<Vec<_>>(), ["AZURE_CLIENT_ID", "IDENTITY_HEADER"]);
    }
}
