//! The client secret: the method that needs only three variables.

use super::{Endpoints, Method, SignInError, Variables, application::Application};
use crate::graph::client::{Endpoint, HttpClient, Token, TokenSource};
use secrecy::{ExposeSecret, SecretString};

/// The variable with the secret.
pub(super) const SECRET: &str = "AZURE_CLIENT_SECRET";

/// Signs in as an application with its secret.
pub struct ClientSecret {
    pub(super) application: Application,
    secret: SecretString,
}

impl ClientSecret {
    /// Signs in to `tenant` as the application `client_id`, for tokens for the Graph root `graph`.
    ///
    /// # Errors
    /// Fails if an id has invalid characters.
    pub fn new(
        http: HttpClient,
        authority: &Endpoint,
        graph: &Endpoint,
        tenant: &str,
        client_id: &str,
        secret: SecretString,
    ) -> Result<Self, SignInError> {
        Ok(Self { application: Application::over(http, authority, graph, tenant, client_id)?, secret })
    }

    pub(super) fn open(endpoints: &Endpoints, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let (tenant, client_id) = variables.application(Method::Secret)?;
        let secret = variables.needed(SECRET, Method::Secret)?.into();
        Ok(Self { application: Application::new(endpoints, &tenant, &client_id)?, secret })
    }
}

impl TokenSource for ClientSecret {
    async fn fetch(&self) -> Result<Token, SignInError> {
        self.application.prove(Method::Secret, &[("client_secret", self.secret.expose_secret())]).await
    }
}
