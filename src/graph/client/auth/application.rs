//! An application that signs in as itself: OAuth 2.0 client credentials with any kind of proof.

use super::{Endpoints, Method, Service, SignInError, exchange};
use crate::graph::client::{Endpoint, HttpClient, Token, endpoint::below};
use reqwest::Url;

/// The only field of a proof that is not secret.
const ASSERTION_TYPE: &str = "client_assertion_type";

/// An application of a tenant, and the sign-in service for both.
pub(super) struct Application {
    http: HttpClient,
    token_url: Url,
    tenant: String,
    client_id: String,
    scope: String,
}

impl Application {
    /// The application `client_id` of `tenant`. Its tokens are for the Graph root of `endpoints`.
    pub fn new(endpoints: &Endpoints, tenant: &str, client_id: &str) -> Result<Self, SignInError> {
        Self::over(
            endpoints.web.client(&endpoints.authority).clone(),
            &endpoints.authority,
            &endpoints.graph,
            tenant,
            client_id,
        )
    }

    /// The same with a given HTTP client.
    pub fn over(
        http: HttpClient,
        authority: &Endpoint,
        graph: &Endpoint,
        tenant: &str,
        client_id: &str,
    ) -> Result<Self, SignInError> {
        check_tenant(tenant)?;
        check_client("AZURE_CLIENT_ID", client_id)?;
        let token_url = below(authority.url(), &format!("{tenant}/oauth2/v2.0/token"));
        let scope = format!("{}/.default", graph.as_str().trim_end_matches('/'));
        Ok(Self { http, token_url, tenant: tenant.into(), client_id: client_id.into(), scope })
    }

    /// Requests a token with `proof`, which is one or two form fields.
    pub async fn prove(&self, method: Method, proof: &[(&str, &str)]) -> Result<Token, SignInError> {
        let mut form =
            vec![("client_id", self.client_id()), ("scope", &self.scope), ("grant_type", "client_credentials")];
        form.extend(proof);
        let secrets: Vec<&str> =
            proof.iter().filter(|(name, _)| *name != ASSERTION_TYPE).map(|(_, value)| *value).collect();
        let request = self.http.post(self.token_url.clone()).form(&form);
        exchange::ask(Service::SignIn, request, &secrets).await?.token(method)
    }

    /// Requests a token with a signed assertion.
    pub async fn assert(&self, method: Method, assertion: &str) -> Result<Token, SignInError> {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        self.prove(method, &[(ASSERTION_TYPE, kind), ("client_assertion", assertion)]).await
    }

    /// The audience of an assertion that the application makes itself.
    pub fn audience(&self) -> &str {
        self.token_url.as_str()
    }

    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    pub fn client_id(&self) -> &str {
        &self.client_id
    }
}

pub(super) fn check_tenant(tenant: &str) -> Result<(), SignInError> {
    check_id("AZURE_TENANT_ID", tenant, "tenant id (a GUID or a domain name)")
}

pub(super) fn check_client(variable: &'static str, client_id: &str) -> Result<(), SignInError> {
    check_id(variable, client_id, "application (client) id")
}

fn check_id(variable: &'static str, value: &str, what: &'static str) -> Result<(), SignInError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    // A leading dash would be parsed as an option if the id is passed as an argument.
    let placed = !value.starts_with('-') && !value.contains("..");
    if (1..=253).contains(&value.len()) && value.bytes().all(fits) && placed {
        return Ok(());
    }
    Err(SignInError::BadId { variable, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_lead_elsewhere() {
        for bad in ["", "a/b", "..", "a?b", "a b", "contoso.com/../x", "--query"] {
            assert!(check_tenant(bad).is_err(), "{bad}");
        }
        assert!(check_tenant("contoso.onmicrosoft.com").is_ok());
    }
}
