//! The managed identity of an Azure machine or app: Azure itself vouches, and hands out the token.
//!
//! Virtual machines ask the metadata service of their link, which is plain http by design; App Service, functions and
//! container apps ask the endpoint that they are told of. Neither is ever asked through a proxy.

use super::{Method, Service, SignInError, Site, Variables, application::check_client, exchange};
use crate::graph::client::{
    Token, TokenSource,
    web::{below, safe_url, shown},
};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, time::Duration};

/// Set where an app has an identity.
const ENDPOINT: &str = "IDENTITY_ENDPOINT";
/// What the app's endpoint wants to see, so that nobody is tricked into asking it.
const HEADER: &str = "IDENTITY_HEADER";
/// Where the metadata service is, if not where it always is.
const METADATA_HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const METADATA: &str = "http://169.254.169.254";
/// It is next door: where nothing answers for so long, there is nothing.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// Signs in as the identity of this machine or app.
pub struct ManagedIdentity {
    http: Client,
    url: Url,
    /// `None` on a virtual machine.
    header: Option<SecretString>,
}

impl ManagedIdentity {
    /// Whether an app's identity is offered. A machine's would have to be asked for, which takes time where there is none.
    pub(super) fn is_offered(variables: &Variables<'_>) -> bool {
        variables.has(ENDPOINT) && variables.has(HEADER)
    }

    pub(super) fn open(site: &Site, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let (mut url, version, header) = match variables.get(ENDPOINT) {
            Some(endpoint) => {
                let header = variables.needed(HEADER, Method::Managed)?;
                (near(ENDPOINT, &endpoint)?, "2019-08-01", Some(header.into()))
            }
            None => {
                let host = variables.get(METADATA_HOST);
                let host = near(METADATA_HOST, host.as_deref().unwrap_or(METADATA))?;
                (below(&host, "metadata/identity/oauth2/token"), "2018-02-01", None)
            }
        };
        let resource = site.graph.as_str().trim_end_matches('/');
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", resource);
        if let Some(client_id) = variables.get("AZURE_CLIENT_ID") {
            check_client("AZURE_CLIENT_ID", &client_id)?;
            url.query_pairs_mut().append_pair("client_id", &client_id);
        }
        Ok(Self { http: site.web.here().clone(), url, header })
    }
}

fn near(variable: &str, text: &str) -> Result<Url, SignInError> {
    safe_url(text, true).map_err(|why| {
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
        let secrets: Vec<&str> = self.header.iter().map(|header| header.expose_secret()).collect();
        let reply = exchange::ask(service, request, &secrets).await?;
        // The metadata service says so while it is being updated (Microsoft's retry guidance for it).
        if matches!(reply.status, 404 | 408 | 410) {
            return Err(SignInError::Away { service, why: format!("HTTP {}", reply.status) });
        }
        reply.token(Method::Managed)
    }
}
