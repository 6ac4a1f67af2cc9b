//! The way in: from flags and environment to a signed-in client, before anything is sent.

use crate::{cli::ConnectArgs, failure::Failure};
use passwave::{
    graph::client::{self, ClientSecret, GraphClient, SignInError, TokenSource},
    ledger::Ledger,
};
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// Waits between the first attempts to sign in.
const SIGN_IN_WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Signs in. A hiccup is forgiven a few times; once the run has begun, `--max-wait` decides.
pub async fn sign_in(graph: &GraphClient<impl TokenSource>) -> Result<(), SignInError> {
    for wait in SIGN_IN_WAITS {
        match graph.sign_in().await {
            Err(error) if error.is_passing() => tokio::time::sleep(wait).await,
            other => return other,
        }
    }
    graph.sign_in().await
}

/// What it takes to sign in, read from the environment before anything else is done.
pub struct Door {
    tenant: String,
    client_id: String,
    secret: SecretString,
    authority: reqwest::Url,
    graph: reqwest::Url,
}

impl Door {
    /// Reads what the flags and the environment say.
    pub fn open(connect: &ConnectArgs) -> Result<Self, Failure> {
        let authority = connect.authority_host.as_deref().filter(|host| !host.is_empty());
        let authority = client::endpoint(authority.unwrap_or(connect.cloud.authority()))?;
        let graph = client::endpoint(connect.graph_endpoint.as_deref().unwrap_or(connect.cloud.graph()))?;
        Ok(Self {
            tenant: variable("AZURE_TENANT_ID")?,
            client_id: variable("AZURE_CLIENT_ID")?,
            secret: variable("AZURE_CLIENT_SECRET")?.into(),
            authority,
            graph,
        })
    }

    /// A client that has not signed in yet.
    pub fn client(&self) -> Result<GraphClient<ClientSecret>, Failure> {
        let loopback = self.graph.scheme() == "http";
        let http = client::http_client(loopback)?;
        let door = ClientSecret::new(
            http.clone(),
            &self.authority,
            &self.graph,
            &self.tenant,
            &self.client_id,
            self.secret.clone(),
        )?;
        Ok(GraphClient::new(http, &self.graph, door))
    }

    /// A run that has begun in one tenant goes on in no other.
    pub fn must_be_the_same(&self, ledger: &Ledger) -> Result<(), Failure> {
        match ledger.note("tenant_id")? {
            Some(begun) if !begun.eq_ignore_ascii_case(&self.tenant) => Err(Failure::usage(format!(
                "this run was begun in tenant {begun}, and AZURE_TENANT_ID is {}; nothing was sent\n\
                 hint: set AZURE_TENANT_ID to the tenant of the run",
                passwave::clean::for_terminal(&self.tenant)
            ))),
            _ => Ok(()),
        }
    }

    /// Notes where the run has begun.
    pub fn note_in(&self, ledger: &Ledger) -> Result<(), Failure> {
        ledger.set_note("tenant_id", &self.tenant)?;
        ledger.set_note("client_id", &self.client_id)?;
        Ok(())
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.graph.host_str().unwrap_or_default();
        write!(f, "Tenant {}, application {}, {host}", self.tenant, self.client_id)
    }
}

fn variable(name: &str) -> Result<String, Failure> {
    match std::env::var(name) {
        Ok(value) if !value.trim().is_empty() => Ok(value.trim().to_owned()),
        _ => Err(Failure::usage(format!(
            "{name} is not set, so nobody can sign in; nothing was sent\n\
             hint: set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or try `passwave rehearse`, which needs none"
        ))),
    }
}
