//! Why a sign-in failed, in words for users.
//!
//! No message repeats a secret, and foreign text is sanitized before it gets here.

use super::Method;
use crate::util::redact::Redactor;
use std::fmt;

/// The service that a sign-in method talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Entra's sign-in service.
    SignIn,
    /// GitHub Actions, which issues identity tokens to its jobs.
    GitHub,
    /// Azure Pipelines, which issues identity tokens for service connections.
    AzurePipelines,
    /// The identity endpoint of an App Service, a function or a container app.
    AppService,
    /// The instance metadata service of a virtual machine.
    Metadata,
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
#[non_exhaustive]
pub enum SignInError {
    /// The tenant or client id is not allowed in a URL.
    #[error(
        "the value of {variable} is not a valid {what}; it is not shown, because it may be a secret in the wrong place"
    )]
    BadId {
        /// The variable.
        variable: &'static str,
        /// What it should be.
        what: &'static str,
    },
    /// Something that the method needs is missing or unusable.
    #[error("{what}")]
    Unready {
        /// What is missing or wrong.
        what: String,
        /// What to do about that file, variable or program.
        advice: String,
    },
    /// A variable is not set.
    #[error("{variable} is not set, and {method} needs it; nothing was sent")]
    Missing {
        /// The variable.
        variable: String,
        /// The method that needs it.
        method: Method,
    },
    /// No variable has credentials, and the Azure CLI is not installed.
    #[error("no credentials found in the environment; nothing was sent")]
    NothingOffered,
    /// The Azure CLI was selected, but is not installed.
    #[error("the Azure CLI (az) is not on the PATH")]
    NoAzureCli,
    /// The service could not be reached, or has a problem.
    #[error("{service} did not answer ({why})")]
    Away {
        /// The service.
        service: Service,
        /// What happened instead.
        why: String,
    },
    /// The server's certificate is not trusted here.
    #[error("the connection to {service} cannot be trusted ({why}); nothing was sent over it")]
    Untrusted {
        /// The service.
        service: Service,
        /// The error of the TLS library.
        why: String,
    },
    /// The sign-in was refused.
    #[error("sign-in was refused: {}{}", .code.map(|code| format!("AADSTS{code}: ")).unwrap_or_default(), .said)]
    Refused {
        /// The method.
        method: Method,
        /// The number after `AADSTS`.
        code: Option<u64>,
        /// The OAuth `error`, such as `invalid_client`.
        error: String,
        /// Their message.
        said: String,
    },
    /// The token is for another tenant than the requested one, or than the one before.
    #[error(
        "the sign-in service issued a token for tenant {issued}, but this run is for tenant {wanted}; nothing more is \
         sent"
    )]
    OtherTenant {
        /// The tenant in the token.
        issued: String,
        /// The tenant that was requested, or signed in to before.
        wanted: String,
    },
    /// The token is for another user or application than the one before.
    #[error(
        "this process signed in as {wanted}, but the sign-in service issued a token for {issued}; nothing more is sent"
    )]
    OtherPerson {
        /// Who the token is for.
        issued: String,
        /// Who signed in before.
        wanted: String,
    },
    /// The browser's answer belongs to another request.
    #[error("the answer to the sign-in belongs to another request (its {what} differs); it was not used")]
    Foreign {
        /// The part that differs.
        what: &'static str,
    },
    /// No loopback port can be opened for the browser's answer.
    #[error("cannot listen on this machine for the browser's answer ({why}); nothing was sent")]
    Deaf {
        /// The error of the system.
        why: String,
    },
    /// The sign-in was given up on request.
    #[error("the sign-in was interrupted")]
    Interrupted,
    /// The answer contains no token.
    #[error("{service} answered HTTP {status}, but not with a token")]
    Unreadable {
        /// The service.
        service: Service,
        /// The HTTP status.
        status: u16,
    },
}

impl SignInError {
    /// Whether a retry may succeed without a change.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Interrupted)
    }

    /// Whether this is a token of somebody else, after which the service is no longer trusted.
    pub(in crate::graph::client) fn is_of_another(&self) -> bool {
        matches!(self, Self::OtherTenant { .. } | Self::OtherPerson { .. })
    }

    /// Redacts secrets in foreign text.
    pub(in crate::graph::client) fn redact(&mut self, redact: &Redactor) {
        match self {
            Self::Refused { error, said, .. } => [error, said].into_iter().for_each(|words| redact.redact(words)),
            Self::Away { why: words, .. } | Self::Untrusted { why: words, .. } => redact.redact(words),
            Self::BadId { .. } | Self::Unready { .. } | Self::Unreadable { .. } | Self::OtherTenant { .. } => {}
            Self::OtherPerson { .. } | Self::Foreign { .. } | Self::Deaf { .. } | Self::Interrupted => {}
            Self::Missing { .. } | Self::NothingOffered | Self::NoAzureCli => {}
        }
    }

    pub(super) fn unready(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Unready { what: what.into(), advice: advice.into() }
    }
}
