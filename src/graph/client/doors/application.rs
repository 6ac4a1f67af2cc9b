//! An application that signs in as itself: OAuth 2.0 client credentials, whatever the proof is.

use super::{Method, Service, SignInError, Site, exchange};
use crate::{
    clean,
    graph::client::{Token, web::below},
};
use reqwest::{Client, Url};

/// The one field of a proof that is no secret.
const ASSERTION_TYPE: &str = "client_assertion_type";

/// An application of a tenant, before the sign-in service that knows both.
pub(super) struct Application {
    http: Client,
    token_url: Url,
    tenant: String,
    client_id: String,
    scope: String,
}

impl Application {
    /// The application `client_id` of `tenant`; its tokens are for the Graph root of `site`.
    pub fn new(site: &Site, tenant: &str, client_id: &str) -> Result<Self, SignInError> {
        Self::over(site.web.client(&site.authority).clone(), &site.authority, &site.graph, tenant, client_id)
    }

    /// The same over a given HTTP client.
    pub fn over(
        http: Client,
        authority: &Url,
        graph: &Url,
        tenant: &str,
        client_id: &str,
    ) -> Result<Self, SignInError> {
        check_tenant(tenant)?;
        check_client("AZURE_CLIENT_ID", client_id)?;
        let token_url = below(authority, &format!("{tenant}/oauth2/v2.0/token"));
        let scope = format!("{}/.default", graph.as_str().trim_end_matches('/'));
        Ok(Self { http, token_url, tenant: tenant.into(), client_id: client_id.into(), scope })
    }

    /// Asks for a token with `proof`, one or two form fields.
    pub async fn prove(&self, method: Method, proof: &[(&str, &str)]) -> Result<Token, SignInError> {
        let mut form =
            vec![("client_id", self.client_id()), ("scope", &self.scope), ("grant_type", "client_credentials")];
        form.extend(proof);
        let secrets: Vec<&str> =
            proof.iter().filter(|(name, _)| *name != ASSERTION_TYPE).map(|(_, value)| *value).collect();
        let request = self.http.post(self.token_url.clone()).form(&form);
        exchange::ask(Service::SignIn, request, &secrets).await?.token(method)
    }

    /// Asks for a token with an assertion that somebody has signed.
    pub async fn assert(&self, method: Method, assertion: &str) -> Result<Token, SignInError> {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        self.prove(method, &[(ASSERTION_TYPE, kind), ("client_assertion", assertion)]).await
    }

    /// The audience of an assertion of its own.
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
    // A leading dash would be taken for an option where the id is an argument.
    let placed = !value.starts_with('-') && !value.contains("..");
    if (1..=253).contains(&value.len()) && value.bytes().all(fits) && placed {
        return Ok(());
    }
    Err(SignInError::BadId { variable, value: clean::for_terminal(value), what })
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
