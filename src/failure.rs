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
    /// The process's exit code.
    pub code: u8,
    /// What it is about, in a word for programs.
    pub kind: &'static str,
    text: String,
    /// What is told after it: how things stand and the command that goes on, and that command alone.
    next: Option<(String, String)>,
}

impl Failure {
    /// Something that the person at the keyboard can put right.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { code: USAGE, kind: "usage", text: text.to_string(), next: None }
    }

    /// Something that may pass.
    pub fn away(text: impl fmt::Display) -> Self {
        Self { code: AWAY, kind: "cannot_go_on", text: text.to_string(), next: None }
    }

    /// Somebody has stopped it.
    pub fn interrupted(text: impl fmt::Display) -> Self {
        Self { code: INTERRUPTED, kind: "interrupted", text: text.to_string(), next: None }
    }

    /// The same, about this.
    pub const fn about(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// The same with another hint.
    pub fn hinting(mut self, hint: &str) -> Self {
        let what = self.text.split("\nhint: ").next().unwrap_or_default();
        self.text = format!("{what}\nhint: {hint}");
        self
    }

    /// The same, followed by how things stand and the command that goes on.
    pub fn then(mut self, told: String, command: String) -> Self {
        self.next = Some((told, command));
        self
    }

    /// What is told after the error, if there is a way on; and the command in it.
    pub fn next(&self) -> Option<(&str, &str)> {
        self.next.as_ref().map(|(told, command)| (told.as_str(), command.as_str()))
    }

    /// What happened, and what to do next where that is known.
    pub fn parts(&self) -> (&str, Option<&str>) {
        self.text.split_once("\nhint: ").map_or((&self.text, None), |(what, hint)| (what, Some(hint)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

macro_rules! usage {
    ($($error:ty => $kind:literal),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::usage(error).about($kind)
            }
        })*
    };
}

usage!(
    RosterError => "roster",
    ExclusionsError => "exclusions",
    PolicyError => "password_policy",
    BannedError => "password_policy",
    PasswordError => "password_policy",
    EndpointError => "endpoint",
    SealError => "seal",
    SealMapError => "seal",
    TemplateError => "template",
);

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        let failure = match error {
            SignInError::BadId { .. } | SignInError::Unready { .. } => Self::usage(error),
            _ => Self::away(error),
        };
        failure.about("sign_in")
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let failure = match error {
            LedgerError::Held { .. } | LedgerError::File { .. } | LedgerError::Sql(_) | LedgerError::OutOfStep(_) => {
                Self::away(error)
            }
            LedgerError::Moved { .. } | LedgerError::Rescued { .. } | LedgerError::Removed { .. } => Self::away(error),
            _ => Self::usage(error),
        };
        failure.about("ledger")
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::away(error).about("io")
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Ledger(error @ LedgerError::Seal(_)) => error.into(),
            _ => Self::away(error).about("report"),
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
            RunError::Brought(_) => Self::usage(error).about("seal"),
            RunError::Everyone { .. } => Self::away(error).about("all_refused"),
            RunError::Password(_) => Self::away(error).about("password_policy"),
            RunError::Traffic(_) => Self::away(error).about("connection"),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Ledger(error) => error.into(),
            ReadError::Traffic(error) => Self::away(error).about("connection"),
            ReadError::Unclear(_) => Self::away(error).about("look_up"),
        }
    }
}

impl From<LookupError> for Failure {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Read(error) => error.into(),
            _ => Self::away(error).about("look_up"),
        }
    }
}
