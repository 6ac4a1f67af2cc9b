//! Workload identity federation: a service that the application trusts issues a token for this job, so no secret is
//! stored.
//!
//! Kubernetes and others write the token to a file and replace it before it expires; GitHub Actions and Azure Pipelines
//! issue one on request within a job. So it is fetched again for each sign-in.

use super::{Endpoints, Method, Service, SignInError, Variables, application::Application, exchange};
use crate::{
    graph::client::{
        Endpoint, HttpClient, Token, TokenSource,
        endpoint::{PlainHttp, safe_url, shown},
    },
    util::sanitize,
};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{fmt, path::PathBuf};
use zeroize::Zeroizing;

/// The variable with the path of the token's file.
const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// Set in GitHub Actions jobs that may request their identity.
const GITHUB: [&str; 2] = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
/// Set in Azure Pipelines jobs; the token has to be mapped into the job's environment.
const PIPELINES: [&str; 2] = ["SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"];
/// The id of the service connection: set by the tasks AzureCLI@2 and AzurePowerShell@5, or by the user.
const CONNECTION: [&str; 2] = ["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "AZURE_SERVICE_CONNECTION_ID"];
/// Tenant and application of the service connection, set by the same tasks.
const CONNECTED: [&str; 2] = ["AZURESUBSCRIPTION_TENANT_ID", "AZURESUBSCRIPTION_CLIENT_ID"];

/// Signs in as an application that trusts the issuer of this job's token.
pub struct Workload {
    pub(super) application: Application,
    issuer: Issuer,
}

/// Where assertions come from.
enum Issuer {
    File(PathBuf),
    GitHub { http: HttpClient, url: Url, token: SecretString },
    AzurePipelines { http: HttpClient, url: Url, token: SecretString },
}

#[derive(Deserialize)]
struct Assertion {
    #[serde(alias = "oidcToken")]
    value: SecretString,
}

impl Workload {
    /// Whether the environment has everything that is needed.
    pub(super) fn is_offered(variables: &Variables<'_>) -> bool {
        let all = |names: &[&str]| names.iter().all(|name| variables.has(name));
        let application = all(&["AZURE_TENANT_ID", "AZURE_CLIENT_ID"]);
        let connection = CONNECTION.iter().any(|name| variables.has(name));
        variables.has(FILE)
            || (application && all(&GITHUB))
            || (all(&PIPELINES) && connection && (application || all(&CONNECTED)))
    }

    pub(super) fn open(endpoints: &Endpoints, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let issuer = Issuer::open(endpoints, variables)?;
        let connected = match (&issuer, CONNECTED.map(|name| variables.get(name))) {
            (Issuer::AzurePipelines { .. }, [Some(tenant), Some(client_id)]) if !variables.has("AZURE_CLIENT_ID") => {
                Some((tenant, client_id))
            }
            _ => None,
        };
        let (tenant, client_id) = connected.map_or_else(|| variables.application(Method::Workload), Ok)?;
        Ok(Self { application: Application::new(endpoints, &tenant, &client_id)?, issuer })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.issuer {
            Issuer::File(_) => "the federated token in AZURE_FEDERATED_TOKEN_FILE",
            Issuer::GitHub { .. } => "this job's identity from GitHub Actions",
            Issuer::AzurePipelines { .. } => "the service connection's identity from Azure Pipelines",
        })
    }
}

impl Issuer {
    fn open(endpoints: &Endpoints, variables: &Variables<'_>) -> Result<Self, SignInError> {
        if let Some(file) = variables.get(FILE) {
            return Ok(Self::File(file.into()));
        }
        if variables.has(GITHUB[0]) {
            let [mut url, token] = [variables.get(GITHUB[0]), variables.get(GITHUB[1])].map(Option::unwrap_or_default);
            if token.is_empty() {
                return Err(variables.missing(GITHUB[1], Method::Workload));
            }
            url = url.trim_end_matches('&').to_owned();
            let mut url = vouching(GITHUB[0], &url)?;
            url.query_pairs_mut().append_pair("audience", audience(&endpoints.authority));
            return Ok(Self::GitHub { http: endpoints.web.client_of(&url).clone(), url, token: token.into() });
        }
        if variables.has(PIPELINES[0]) {
            return Self::pipelines(endpoints, variables);
        }
        Err(variables.missing(FILE, Method::Workload))
    }

    fn pipelines(endpoints: &Endpoints, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let mut url = vouching(PIPELINES[0], &variables.needed(PIPELINES[0], Method::Workload)?)?;
        let token = variables.needed(PIPELINES[1], Method::Workload)?.into();
        let connection = CONNECTION.iter().find_map(|name| variables.get(name));
        let connection = connection.ok_or_else(|| variables.missing(CONNECTION[0], Method::Workload))?;
        url.query_pairs_mut().append_pair("api-version", "7.1").append_pair("serviceConnectionId", &connection);
        Ok(Self::AzurePipelines { http: endpoints.web.client_of(&url).clone(), url, token })
    }

    async fn assertion(&self) -> Result<SecretString, SignInError> {
        match self {
            Self::File(file) => from_file(file),
            Self::GitHub { http, url, token } => {
                let request = http.get(url.clone()).bearer_auth(token.expose_secret());
                from_service(Service::GitHub, request).await
            }
            Self::AzurePipelines { http, url, token } => {
                let request = http.post(url.clone()).bearer_auth(token.expose_secret());
                // Without this header, a refusal would be a redirect to a web page for users.
                let request = request.header("X-TFS-FedAuthRedirect", "Suppress");
                let request = request.header("Content-Type", "application/json").header("Content-Length", 0);
                from_service(Service::AzurePipelines, request).await
            }
        }
    }
}

/// A URL from a variable. The job's own token is sent to it.
fn vouching(variable: &str, text: &str) -> Result<Url, SignInError> {
    safe_url(text, PlainHttp::ToLoopback).map_err(|why| {
        let what = format!("{variable} is {:?}: {why}", shown(text));
        SignInError::unready(what, "it is set by the pipeline: leave it as it is")
    })
}

/// The audience of a federated token (Microsoft's page on federated credentials in national clouds).
fn audience(authority: &Endpoint) -> &'static str {
    match authority.host() {
        host if host.ends_with(".us") => "api://AzureADTokenExchangeUSGov",
        host if host.ends_with(".cn") => "api://AzureADTokenExchangeChina",
        _ => "api://AzureADTokenExchange",
    }
}

fn from_file(file: &std::path::Path) -> Result<SecretString, SignInError> {
    let shown = format!("{FILE}, {}", sanitize::for_terminal(&file.display().to_string()));
    let unready = |why: String| {
        SignInError::unready(
            format!("{shown}: {why}"),
            "check the path, and whether the token is still being written there",
        )
    };
    let bytes = Zeroizing::new(std::fs::read(file).map_err(|error| unready(error.to_string()))?);
    // A byte order mark is not part of the token.
    let text = std::str::from_utf8(&bytes).map_or("", |text| text.trim_start_matches('\u{FEFF}').trim());
    Some(SecretString::from(text)).filter(exchange::usable).ok_or_else(|| unready("it holds no token".into()))
}

async fn from_service(service: Service, request: reqwest::RequestBuilder) -> Result<SecretString, SignInError> {
    let reply = exchange::ask(service, request, &[]).await?;
    let assertion = reply.json::<Assertion>().ok().filter(|_| reply.status == 200);
    assertion.map(|assertion| assertion.value).filter(exchange::usable).ok_or_else(|| reply.unreadable())
}

impl TokenSource for Workload {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let assertion = self.issuer.assertion().await?;
        self.application.assert(Method::Workload, assertion.expose_secret()).await
    }
}
