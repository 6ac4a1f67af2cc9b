//! The managed identity of an Azure machine or app: Azure itself issues the token.
//!
//! Virtual machines ask the metadata service on their local link, which is plain http by design. App Service, functions
//! and container apps ask the endpoint in their environment. Neither request ever goes through a proxy.

use super::{Endpoints, Method, Service, SignInError, Variables, application::check_client, exchange};
use crate::graph::client::{
    HttpClient, Token, TokenSource,
    endpoint::{PlainHttp, below, safe_url, shown},
};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, time::Duration};

/// Set if an app has an identity.
const ENDPOINT: &str = "IDENTITY_ENDPOINT";
/// A value that the app's endpoint requires, so that nobody can be tricked into asking it.
const HEADER: &str = "IDENTITY_HEADER";
/// Overrides the address of the metadata service.
const METADATA_HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const METADATA: &str = "http://169.254.169.254";
/// It is local: if nothing answers within this time, it does not exist.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// Signs in as the identity of this machine or app.
pub struct ManagedIdentity {
    http: HttpClient,
    url: Url,
    /// `None` on a virtual machine.
    header: Option<SecretString>,
}

impl ManagedIdentity {
    /// Whether an app's identity is offered. Looking for a machine's identity would take time if there is none.
    pub(super) fn is_offered(variables: &Variables<'_>) -> bool {
        variables.has(ENDPOINT) && variables.has(HEADER)
    }

    pub(super) fn open(endpoints: &Endpoints, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let (mut url, version, header) = match variables.get(ENDPOINT) {
            Some(endpoint) => {
                let header = variables.needed(HEADER, Method::Managed)?;
                (local_url(ENDPOINT, &endpoint)?, "2019-08-01", Some(header.into()))
            }
            None => {
                let host = variables.get(METADATA_HOST);
                let host = local_url(METADATA_HOST, host.as_deref().unwrap_or(METADATA))?;
                (below(&host, "metadata/identity/oauth2/token"), "2018-02-01", None)
            }
        };
        let resource = endpoints.graph.as_str().trim_end_matches('/');
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", resource);
        if let Some(client_id) = variables.get("AZURE_CLIENT_ID") {
            check_client("AZURE_CLIENT_ID", &client_id)?;
            url.query_pairs_mut().append_pair("client_id", &client_id);
        }
        Ok(Self { http: endpoints.web.here().clone(), url, header })
    }
}

fn local_url(variable: &str, text: &str) -> Result<Url, SignInError> {
    safe_url(text, PlainHttp::ToLocalLink).map_err(|why| {
        let what = format!("{variable} is {:?}: {why}", shown(text));
        SignInError::unready(
            what,
            "it is set by Azure: leave it as it is, or unset it to ask the machine's metadata service",
        )
    })
}

impl fmt::Display for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.header.is_some() { "app" } else { "machine" };
        write!(f, "the managed identity of this {whose}")
    }
}

impl TokenSource for ManagedIdentity {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let request = self.http.get(self.url.clone());
        let (service, request) = match &self.header {
            Some(header) => (Service::AppService, request.header("X-IDENTITY-HEADER", header.expose_secret())),
            None => (Service::Metadata, request.header("Metadata", "true").timeout(METADATA_TIMEOUT)),
        };
        let secrets: Vec<&str> = self.header.iter().map(ExposeSecret::expose_secret).collect();
        let reply = exchange::ask(service, request, &secrets).await?;
        // The metadata service answers like this while it is being updated (Microsoft's retry guidance for it).
        if matches!(reply.status, 404 | 408 | 410) {
            return Err(SignInError::Away { service, why: format!("HTTP {}", reply.status) });
        }
        reply.token(Method::Managed)
    }
}
