//! The client secret: the door that needs nothing but three variables.

use super::{Method, SignInError, Site, Variables, application::Application};
use crate::graph::client::{Token, TokenSource};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// The variable that holds the secret.
pub(super) const SECRET: &str = "AZURE_CLIENT_SECRET";

/// Signs in as an application with its secret.
pub struct ClientSecret {
    pub(super) application: Application,
    secret: SecretString,
}

impl ClientSecret {
    /// A door into `tenant` for the application `client_id`; tokens are for the Graph root `graph`.
    ///
    /// # Errors
    /// Where an id holds what no id can hold.
    pub fn new(
        http: reqwest::Client,
        authority: &Url,
        graph: &Url,
        tenant: &str,
        client_id: &str,
        secret: SecretString,
    ) -> Result<Self, SignInError> {
        Ok(Self { application: Application::over(http, authority, graph, tenant, client_id)?, secret })
    }

    pub(super) fn open(site: &Site, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let (tenant, client_id) = variables.application(Method::Secret)?;
        let secret = variables.needed(SECRET, Method::Secret)?.into();
        Ok(Self { application: Application::new(site, &tenant, &client_id)?, secret })
    }
}

impl TokenSource for ClientSecret {
    async fn fetch(&self) -> Result<Token, SignInError> {
        self.application.prove(Method::Secret, &[("client_secret", self.secret.expose_secret())]).await
    }
}
