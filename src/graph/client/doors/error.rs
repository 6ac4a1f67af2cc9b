//! Why nobody is signed in, in words for a person.
//!
//! No message repeats a secret, and what others say is cleaned before it gets here.

use crate::scrub::Scrub;
use std::fmt;

/// Whom a door speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Entra's sign-in service.
    SignIn,
    /// GitHub Actions, which vouches for a job.
    GitHub,
    /// Azure Pipelines, which vouches for a service connection.
    AzurePipelines,
    /// The identity endpoint of an App Service, a function or a container app.
    AppService,
    /// The instance metadata service of a virtual machine.
    Metadata,
}

impl Service {
    const fn check(self) -> &'static str {
        match self {
            Self::SignIn => "the network, the proxy and --authority-host",
            Self::GitHub => "whether the job may ask for its identity (permissions: id-token: write)",
            Self::AzurePipelines => "SYSTEM_ACCESSTOKEN and the service connection's id",
            Self::AppService => "whether the app has a managed identity",
            Self::Metadata => "whether this is an Azure machine with a managed identity",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignIn => "the sign-in service",
            Self::GitHub => "GitHub's token service",
            Self::AzurePipelines => "Azure Pipelines' token service",
            Self::AppService => "the app's identity endpoint",
            Self::Metadata => "the machine's metadata service",
        })
    }
}

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignInError {
    /// The tenant or client id cannot stand in a URL.
    #[error(
        "{variable} is {value:?}, which is no {what}\nhint: copy it from the application's overview page in the Entra admin center"
    )]
    BadId {
        /// The variable.
        variable: &'static str,
        /// What stands in it.
        value: String,
        /// What should.
        what: &'static str,
    },
    /// What the door needs is not there, or is of no use.
    #[error("{what}\nhint: {hint}")]
    Unready {
        /// What is missing or wrong.
        what: String,
        /// What to do.
        hint: String,
    },
    /// Who was asked could not be reached, or is in trouble itself.
    #[error("{service} did not answer ({why})\nhint: check {}, then go on", .service.check())]
    Away {
        /// Who was asked.
        service: Service,
        /// What happened instead.
        why: String,
    },
    /// The other end's certificate is trusted by nobody here.
    #[error(
        "the connection to {service} is not to be trusted ({why}); nothing was sent over it\n\
         hint: where a company's proxy opens TLS, give its authority's certificate with --ca-file; else find out who answers"
    )]
    Untrusted {
        /// Who was asked.
        service: Service,
        /// What the TLS library said.
        why: String,
    },
    /// It was refused.
    #[error("sign-in was refused: {}{}\nhint: {}", .code.map(|code| format!("AADSTS{code}: ")).unwrap_or_default(), .said, .cure)]
    Refused {
        /// The number behind `AADSTS`.
        code: Option<u64>,
        /// Their words.
        said: String,
        /// What to do.
        cure: &'static str,
    },
    /// The token is for another tenant than it was asked for, or than the one before.
    #[error(
        "the sign-in service issued a token for tenant {issued}, and this run is for tenant {wanted}; nothing more is sent\n\
         hint: check AZURE_TENANT_ID, --authority-host and who answers there, then go on with `passwave run`"
    )]
    OtherTenant {
        /// The tenant that the token names.
        issued: String,
        /// The tenant that was asked for, or signed in to before.
        wanted: String,
    },
    /// The answer is no token answer.
    #[error(
        "{service} answered HTTP {status} with something that is no token\nhint: check {}, and whether a proxy answers in its place",
        .service.check()
    )]
    Unreadable {
        /// Who was asked.
        service: Service,
        /// Its status.
        status: u16,
    },
}

impl SignInError {
    /// Whether it may pass by itself.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// Takes secrets out of the words of others.
    pub(in crate::graph::client) fn scrub(&mut self, scrub: &Scrub) {
        match self {
            Self::Refused { said: words, .. } | Self::Away { why: words, .. } | Self::Untrusted { why: words, .. } => {
                scrub.scrub(words);
            }
            Self::BadId { .. } | Self::Unready { .. } | Self::Unreadable { .. } | Self::OtherTenant { .. } => {}
        }
    }

    pub(super) fn unready(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unready { what: what.into(), hint: hint.into() }
    }
}
