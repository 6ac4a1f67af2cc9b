//! The doors: the ways in which an application or a person signs in to Entra, each a [`TokenSource`].
//!
//! All of them end in one form post or one GET, so they are written on the client that sends the batches. A door asks
//! once for each token and neither retries nor prints; Microsoft's own library for Rust lacks the device code and PS256
//! signatures, and refuses loopback.
//!
//! Invariant: no door, and no error of one, shows a secret, a token, an assertion or a key.

mod application;
mod azure_cli;
mod certificate;
mod child;
mod cure;
mod device_code;
mod error;
mod exchange;
mod key_file;
mod managed;
mod secret;
mod variables;
mod workload;

pub use azure_cli::AzureCli;
pub use certificate::ClientCertificate;
pub use child::end_children;
pub use device_code::{CLIENT_ID_DEFAULT, DeviceCode, DevicePrompt, Show};
pub use error::{Service, SignInError};
pub use managed::ManagedIdentity;
pub use secret::ClientSecret;
pub use variables::Variables;
pub use workload::Workload;

use super::{Token, TokenSource, Web};
use reqwest::Url;
use std::fmt;

/// Where the doors are, and where they lead.
#[derive(Clone)]
pub struct Site {
    /// How the network is reached.
    pub web: Web,
    /// The sign-in service (such as `https://login.microsoftonline.com`).
    pub authority: Url,
    /// Graph's root (such as `https://graph.microsoft.com`).
    pub graph: Url,
}

/// A kind of door.
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
    /// A device code.
    DeviceCode,
}

impl Method {
    /// The first of these that the environment offers: client secret, certificate, federated token (a file, then GitHub
    /// Actions, then Azure Pipelines), an app's managed identity, the Azure CLI.
    ///
    /// The Azure CLI is left alone where `AZURE_CLIENT_ID` is set, since an application is to sign in then. A virtual
    /// machine's identity and the device code are never taken unasked: the first would have to be waited for where there
    /// is none, the second needs a person.
    ///
    /// # Errors
    /// Where there is nothing.
    pub fn offered(variables: &Variables<'_>) -> Result<Self, SignInError> {
        let cli = || !variables.has("AZURE_CLIENT_ID") && AzureCli::is_installed(variables);
        Ok(match () {
            () if variables.has(secret::SECRET) => Self::Secret,
            () if variables.has(certificate::PATH) => Self::Certificate,
            () if Workload::is_offered(variables) => Self::Workload,
            () if ManagedIdentity::is_offered(variables) => Self::Managed,
            () if cli() => Self::Cli,
            () => {
                return Err(SignInError::unready(
                    "nothing in the environment says how to sign in; nothing was sent",
                    "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or choose another way with --auth; \
                     `passwave rehearse` needs none",
                ));
            }
        })
    }

    const fn needs(self) -> &'static str {
        match self {
            Self::Secret => "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
            Self::Certificate => "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_CERTIFICATE_PATH",
            Self::Workload => {
                "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE, or give the job its identity \
                 (GitHub: permissions: id-token: write; Azure Pipelines: map SYSTEM_ACCESSTOKEN and the service connection's id)"
            }
            Self::Managed => "IDENTITY_ENDPOINT and IDENTITY_HEADER are set by Azure; unset both on a virtual machine",
            Self::Cli => "run `az login`",
            Self::DeviceCode => "set AZURE_TENANT_ID",
        }
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
            Self::DeviceCode => "signing in with a device code",
        })
    }
}

/// A door of any kind.
pub enum Door {
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
    /// See [`DeviceCode`].
    DeviceCode(DeviceCode),
}

impl Door {
    /// The door that `method` names, from what `variables` hold. A device code is asked for by the public client
    /// `client_id`, and shown with `show`.
    ///
    /// # Errors
    /// Where something is missing or of no use. Nothing is sent.
    pub fn open(
        method: Method,
        site: &Site,
        variables: &Variables<'_>,
        client_id: Option<&str>,
        show: Show,
    ) -> Result<Self, SignInError> {
        Ok(match method {
            Method::Secret => Self::Secret(ClientSecret::open(site, variables)?),
            Method::Certificate => Self::Certificate(Box::new(ClientCertificate::open(site, variables)?)),
            Method::Workload => Self::Workload(Workload::open(site, variables)?),
            Method::Managed => Self::Managed(ManagedIdentity::open(site, variables)?),
            Method::Cli => Self::Cli(AzureCli::open(site, variables)?),
            Method::DeviceCode => Self::DeviceCode(DeviceCode::open(site, variables, client_id, show)?),
        })
    }

    /// The tenant that it leads to, where that is known before anybody has signed in.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Secret(ClientSecret { application, .. }) | Self::Workload(Workload { application, .. }) => {
                Some(application.tenant())
            }
            Self::Certificate(door) => Some(door.application.tenant()),
            Self::Managed(_) => None,
            Self::Cli(door) => door.tenant.as_deref(),
            Self::DeviceCode(door) => door.tenant.as_deref(),
        }
    }

    /// The application that signs in, where that is known before.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Secret(ClientSecret { application, .. }) | Self::Workload(Workload { application, .. }) => {
                Some(application.client_id())
            }
            Self::Certificate(door) => Some(door.application.client_id()),
            Self::Managed(_) | Self::Cli(_) => None,
            Self::DeviceCode(door) => Some(&door.client_id),
        }
    }
}

/// What it signs in with, for a sentence.
impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("the client secret in AZURE_CLIENT_SECRET"),
            Self::Certificate(_) => f.write_str("the certificate in AZURE_CLIENT_CERTIFICATE_PATH"),
            Self::Workload(door) => door.fmt(f),
            Self::Managed(door) => door.fmt(f),
            Self::Cli(_) => f.write_str("the session of the Azure CLI"),
            Self::DeviceCode(_) => f.write_str("a device code"),
        }
    }
}

impl TokenSource for Door {
    async fn fetch(&self) -> Result<Token, SignInError> {
        match self {
            Self::Secret(door) => door.fetch().await,
            Self::Certificate(door) => door.fetch().await,
            Self::Workload(door) => door.fetch().await,
            Self::Managed(door) => door.fetch().await,
            Self::Cli(door) => door.fetch().await,
            Self::DeviceCode(door) => door.fetch().await,
        }
    }
}
