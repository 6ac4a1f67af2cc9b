//! Finds out the id of a tenant from one of its domains, through the sign-in service's own discovery document.
//!
//! It sends no secret and no token. Invariant: an id is only taken from the issuer of a document that the service itself
//! served.

use super::{
    Endpoint, Web,
    endpoint::below,
    web::{chain, limited},
};
use crate::account::{tenant::TenantName, upn::is_object_id};
use reqwest::Url;
use serde::Deserialize;
use std::time::Duration;

/// Time limit for one exchange.
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(20);

/// Why there is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The sign-in service knows no tenant with this domain.
    #[error("{host} knows no tenant {domain}")]
    NoSuchTenant {
        /// The host of the sign-in service.
        host: String,
        /// The domain.
        domain: String,
    },
    /// The service could not be reached, or has a problem.
    #[error("the tenant of {domain} cannot be found out: {host} did not answer ({why})")]
    Away {
        /// The host of the sign-in service.
        host: String,
        /// The domain.
        domain: String,
        /// What happened instead.
        why: String,
    },
    /// Something answered, but not the document.
    #[error(
        "the tenant of {domain} cannot be found out: {host} answered HTTP {status}, but not with the id of a tenant"
    )]
    Unreadable {
        /// The host of the sign-in service.
        host: String,
        /// The domain.
        domain: String,
        /// The HTTP status.
        status: u16,
    },
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
}

/// The id of the tenant with this name. An id is returned as it is; a domain is looked up at `authority`, once.
///
/// # Errors
/// Says why there is none.
pub async fn tenant_id(web: &Web, authority: &Endpoint, name: &TenantName) -> Result<String, DiscoveryError> {
    let domain = match name {
        TenantName::Id(id) => return Ok(id.clone()),
        TenantName::Domain(domain) => domain,
    };
    let (host, domain) = (authority.host().to_owned(), domain.clone());
    let url = below(authority.url(), &format!("{domain}/v2.0/.well-known/openid-configuration"));
    let answer = match web.client(authority).get(url).timeout(DISCOVERY_TIMEOUT).send().await {
        Ok(answer) => answer,
        Err(error) => return Err(DiscoveryError::Away { host, domain, why: chain(&error) }),
    };
    let status = answer.status().as_u16();
    match status {
        200 => {}
        // Entra says so with `invalid_tenant` (AADSTS90002, 900023 and others).
        400 | 404 => return Err(DiscoveryError::NoSuchTenant { host, domain }),
        429 | 500.. => return Err(DiscoveryError::Away { host, domain, why: format!("HTTP {status}") }),
        _ => return Err(DiscoveryError::Unreadable { host, domain, status }),
    }
    let body = match limited(answer).await {
        Ok(body) => body,
        Err(error) => return Err(DiscoveryError::Away { host, domain, why: error.to_string() }),
    };
    issuer_tenant(&body).ok_or(DiscoveryError::Unreadable { host, domain, status })
}

/// The first segment of the issuer's path, if it is an id.
fn issuer_tenant(document: &[u8]) -> Option<String> {
    let document: Document = serde_json::from_slice(document).ok()?;
    let issuer = Url::parse(&document.issuer).ok()?;
    let tenant = issuer.path_segments()?.next()?.to_ascii_lowercase();
    is_object_id(&tenant).then_some(tenant)
}

#[cfg(test)]
mod tests {
    use super::issuer_tenant;

    #[test]
    fn the_issuer_names_the_tenant() {
        let id = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";
        for (issuer, expected) in [
            (format!("https://login.microsoftonline.com/{id}/v2.0"), Some(id)),
            (format!("https://sts.windows.net/{}/", id.to_uppercase()), Some(id)),
            ("https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(), None),
            ("https://login.microsoftonline.com/contoso.com/v2.0".to_owned(), None),
            (id.to_owned(), None),
        ] {
            let document = format!(r#"{{"issuer":"{issuer}","x":1}}"#);
            assert_eq!(issuer_tenant(document.as_bytes()).as_deref(), expected, "{issuer}");
        }
        assert_eq!(issuer_tenant(b"<html>"), None);
    }
}
