//! The ways in which an application or a user signs in to Entra; each is a [`TokenSource`].
//!
//! Each one ends in a single form post or GET, so they use the client that sends the batches. They request each token
//! once, and neither retry nor print. Microsoft's own library for Rust lacks the device code and PS256 signatures, and
//! refuses loopback.
//!
//! Invariant: no credential and no error shows a secret, a token, an assertion or a key.

mod application;
mod azure_cli;
mod browser;
mod certificate;
mod child;
mod device_code;
mod error;
mod exchange;
mod key_file;
mod managed;
mod person;
mod secret;
mod token;
mod variables;
mod windows_store;
mod workload;

pub use azure_cli::AzureCli;
pub use browser::Browser;
pub use certificate::ClientCertificate;
pub use child::end_children;
pub use device_code::DeviceCode;
pub use error::{Service, SignInError};
pub use managed::ManagedIdentity;
pub use person::{CLIENT_ID_DEFAULT, Needs, PersonOptions, Prompt, Show};
pub use secret::ClientSecret;
pub use token::{Token, TokenCache, TokenSource};
pub use variables::Variables;
pub use workload::Workload;

use super::{Endpoint, Web};
use std::fmt;

/// The endpoints of the sign-in and of Graph, and how to reach them.
#[derive(Clone)]
pub struct Endpoints {
    /// How the network is reached.
    pub web: Web,
    /// The sign-in service (such as `https://login.microsoftonline.com`).
    pub authority: Endpoint,
    /// Graph's root (such as `https://graph.microsoft.com`).
    pub graph: Endpoint,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A client secret.
    Secret,
    /// A certificate with its private key.
    Certificate,
    /// Workload identity federation.
    Workload,
    /// A managed identity.
    Managed,
    /// The Azure CLI's session.
    Cli,
    /// A browser on this machine.
    Browser,
    /// A device code.
    DeviceCode,
}

impl Method {
    /// The first method that the environment offers: client secret, certificate, federated token (a file, then GitHub
    /// Actions, then Azure Pipelines), an app's managed identity, the Azure CLI.
    ///
    /// The Azure CLI is not used if `AZURE_CLIENT_ID` is set, because then an application should sign in. A virtual
    /// machine's identity, the browser and the device code are only used on request: finding the first takes time if there is none,
    /// and the others need a user.
    ///
    /// # Errors
    /// Fails if the environment offers nothing.
    pub fn offered(variables: &Variables<'_>) -> Result<Self, SignInError> {
        let cli = || !variables.has("AZURE_CLIENT_ID") && AzureCli::is_installed(variables);
        Ok(match () {
            () if variables.has(secret::SECRET) => Self::Secret,
            () if variables.has(certificate::PATH) || variables.has(certificate::THUMBPRINT) => Self::Certificate,
            () if Workload::is_offered(variables) => Self::Workload,
            () if ManagedIdentity::is_offered(variables) => Self::Managed,
            () if cli() => Self::Cli,
            () => return Err(SignInError::NothingOffered),
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "signing in with a client secret",
            Self::Certificate => "signing in with a certificate",
            Self::Workload => "signing in with a federated token",
            Self::Managed => "signing in with a managed identity",
            Self::Cli => "signing in through the Azure CLI",
            Self::Browser => "signing in with a browser",
            Self::DeviceCode => "signing in with a device code",
        })
    }
}

/// A credential of any kind.
pub enum Credential {
    /// See [`ClientSecret`].
    Secret(ClientSecret),
    /// See [`ClientCertificate`].
    Certificate(Box<ClientCertificate>),
    /// See [`Workload`].
    Workload(Workload),
    /// See [`ManagedIdentity`].
    Managed(ManagedIdentity),
    /// See [`AzureCli`].
    Cli(AzureCli),
    /// See [`Browser`].
    Browser(Box<Browser>),
    /// See [`DeviceCode`].
    DeviceCode(Box<DeviceCode>),
}

impl Credential {
    /// The same with the permission to reset passwords on premises; `None` if it is an application's, which cannot have it.
    #[must_use]
    pub fn for_writeback(mut self) -> Option<Self> {
        match &mut self {
            Self::Browser(browser) => browser.client.add_writeback(),
            Self::DeviceCode(code) => code.client.add_writeback(),
            // The session may be that of a person or of an application, and has the permissions that it has.
            Self::Cli(_) => {}
            Self::Secret(_) | Self::Certificate(_) | Self::Workload(_) | Self::Managed(_) => return None,
        }
        Some(self)
    }

    /// The credential for `method`, made from `variables`; `person` says how a user signs in.
    ///
    /// # Errors
    /// Fails if something is missing or unusable. Nothing is sent.
    pub fn open(
        method: Method,
        endpoints: &Endpoints,
        variables: &Variables<'_>,
        person: PersonOptions,
    ) -> Result<Self, SignInError> {
        Ok(match method {
            Method::Secret => Self::Secret(ClientSecret::open(endpoints, variables)?),
            Method::Certificate => Self::Certificate(Box::new(ClientCertificate::open(endpoints, variables)?)),
            Method::Workload => Self::Workload(Workload::open(endpoints, variables)?),
            Method::Managed => Self::Managed(ManagedIdentity::open(endpoints, variables)?),
            Method::Cli => Self::Cli(AzureCli::open(endpoints, variables)?),
            Method::Browser => Self::Browser(Box::new(Browser::new(endpoints, tenant_of(variables), person)?)),
            Method::DeviceCode => Self::DeviceCode(Box::new(DeviceCode::new(endpoints, tenant_of(variables), person)?)),
        })
    }

    /// The tenant, if it is known before the sign-in.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Secret(ClientSecret { application, .. }) | Self::Workload(Workload { application, .. }) => {
                Some(application.tenant())
            }
            Self::Certificate(credential) => Some(credential.application.tenant()),
            Self::Managed(_) => None,
            Self::Cli(credential) => credential.tenant.as_deref(),
            Self::Browser(credential) => credential.client.tenant.as_deref(),
            Self::DeviceCode(credential) => credential.client.tenant.as_deref(),
        }
    }

    /// The application, if it is known before the sign-in.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Secret(ClientSecret { application, .. }) | Self::Workload(Workload { application, .. }) => {
                Some(application.client_id())
            }
            Self::Certificate(credential) => Some(credential.application.client_id()),
            Self::Managed(_) | Self::Cli(_) => None,
            Self::Browser(credential) => Some(&credential.client.client_id),
            Self::DeviceCode(credential) => Some(&credential.client.client_id),
        }
    }

    /// Whether a user may have to act before there is a token.
    #[must_use]
    pub fn waits_for_a_person(&self) -> bool {
        matches!(self, Self::Browser(_) | Self::DeviceCode(_))
    }
}

/// The tenant that the environment names; a user may sign in without one.
fn tenant_of(variables: &Variables<'_>) -> Option<String> {
    variables.get("AZURE_TENANT_ID")
}

/// The method, as part of a sentence.
impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("the client secret in AZURE_CLIENT_SECRET"),
            Self::Certificate(credential) => write!(f, "the certificate in {}", credential.variable()),
            Self::Workload(credential) => credential.fmt(f),
            Self::Managed(credential) => credential.fmt(f),
            Self::Cli(_) => f.write_str("the session of the Azure CLI"),
            Self::Browser(_) => f.write_str("a browser"),
            Self::DeviceCode(_) => f.write_str("a device code"),
        }
    }
}

impl TokenSource for Credential {
    async fn fetch(&self) -> Result<Token, SignInError> {
        match self {
            Self::Secret(credential) => credential.fetch().await,
            Self::Certificate(credential) => credential.fetch().await,
            Self::Workload(credential) => credential.fetch().await,
            Self::Managed(credential) => credential.fetch().await,
            Self::Cli(credential) => credential.fetch().await,
            Self::Browser(credential) => credential.fetch().await,
            Self::DeviceCode(credential) => credential.fetch().await,
        }
    }
}
