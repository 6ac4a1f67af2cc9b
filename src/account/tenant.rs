//! The name of a tenant: its id, or one of its domains.
//!
//! It looks nothing up. Invariant: a name is lower case, and safe as a part of a path and as the name of a folder.

use super::upn::is_object_id;
use std::fmt;

/// The longest domain name.
const LENGTH_MAX: usize = 253;
/// The longest part of one between two dots.
const LABEL_MAX: usize = 63;

/// A tenant as a roster or a person names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TenantName {
    /// Its id, a GUID.
    Id(String),
    /// One of its domains.
    Domain(String),
}

/// Text that names no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant is named by its id (a GUID) or by one of its domains, such as contoso.com")]
pub struct TenantNameError;

impl TenantName {
    /// Parses a name; white space around it is ignored.
    ///
    /// # Errors
    /// Fails if it is neither a GUID nor a domain name with a dot.
    pub fn parse(text: &str) -> Result<Self, TenantNameError> {
        let name = text.trim().to_ascii_lowercase();
        if is_object_id(&name) {
            return Ok(Self::Id(name));
        }
        let is_label = |label: &str| {
            (1..=LABEL_MAX).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last_is_word =
            name.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
        if name.len() <= LENGTH_MAX && name.contains('.') && name.split('.').all(is_label) && last_is_word {
            return Ok(Self::Domain(name));
        }
        Err(TenantNameError)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(name) | Self::Domain(name) => name,
        }
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_domains_are_names() {
        let id = "0B8F2A6E-3C1D-4E5F-8A9B-0C1D2E3F4A5B";
        assert_eq!(TenantName::parse(id), Ok(TenantName::Id(id.to_lowercase())));
        for (text, domain) in [(" Contoso.com ", "contoso.com"), ("xn--mller-kva.de", "xn--mller-kva.de")] {
            assert_eq!(TenantName::parse(text), Ok(TenantName::Domain(domain.into())), "{text}");
        }
        let long = format!("{}.com", "a".repeat(64));
        for bad in [
            "",
            "contoso",
            "contoso.com/x",
            "..",
            "a..com",
            "-a.com",
            "a.com.",
            "müller.de",
            "10.0.0.1",
            "a b.com",
            &long,
        ] {
            assert_eq!(TenantName::parse(bad), Err(TenantNameError), "{bad}");
        }
    }
}
