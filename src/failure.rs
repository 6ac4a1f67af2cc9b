//! Errors as the shell sees them: a text for a person, and an exit code.

use passwave::{
    exclusions::ExclusionsError,
    graph::client::{EndpointError, SignInError},
    handouts::{HandoutError, SealMapError, TemplateError},
    ledger::LedgerError,
    lookup::LookupError,
    password::{BannedError, PasswordError, PolicyError},
    reader::ReadError,
    report::ReportError,
    roster::RosterError,
    run::RunError,
    seal::SealError,
};
use std::fmt;

/// Bad usage, roster or configuration; nothing was sent.
pub const USAGE: u8 = 2;
/// Could not begin or go on.
pub const AWAY: u8 = 3;
/// Interrupted.
pub const INTERRUPTED: u8 = 130;

/// Why the program ends without having done its work.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    text: String,
}

impl Failure {
    /// Something that the person at the keyboard can put right.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { code: USAGE, text: text.to_string() }
    }

    /// Something that may pass.
    pub fn away(text: impl fmt::Display) -> Self {
        Self { code: AWAY, text: text.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

macro_rules! usage {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::usage(error)
            }
        })*
    };
}

usage!(
    RosterError,
    ExclusionsError,
    PolicyError,
    BannedError,
    PasswordError,
    EndpointError,
    SealError,
    SealMapError,
    TemplateError
);

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::BadId { .. } | SignInError::Unready { .. } => Self::usage(error),
            _ => Self::away(error),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Held { .. } | LedgerError::File { .. } | LedgerError::Sql(_) | LedgerError::OutOfStep(_) => {
                Self::away(error)
            }
            LedgerError::Moved { .. } | LedgerError::Rescued { .. } | LedgerError::Removed { .. } => Self::away(error),
            _ => Self::usage(error),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::away(error)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Ledger(error @ LedgerError::Seal(_)) => error.into(),
            _ => Self::away(error),
        }
    }
}

impl From<HandoutError> for Failure {
    fn from(error: HandoutError) -> Self {
        match error {
            HandoutError::Ledger(error) => error.into(),
            HandoutError::File { .. } | HandoutError::Changed(_) => Self::away(error),
            _ => Self::usage(error),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Ledger(error) => error.into(),
            RunError::Brought(_) => Self::usage(error),
            _ => Self::away(error),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Ledger(error) => error.into(),
            ReadError::Traffic(error) => Self::away(error),
        }
    }
}

impl From<LookupError> for Failure {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Read(error) => error.into(),
            _ => Self::away(error),
        }
    }
}
