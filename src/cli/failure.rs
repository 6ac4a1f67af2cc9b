//! Errors for the shell: a text for users, and an exit code.

use super::hints;
use passwave::{
    engine::{audit::AuditError, lookup::LookupError, reader::ReadError, run::RunError},
    fleet::FleetError,
    graph::client::{DiscoveryError, EndpointError, SignInError},
    handouts::{HandoutError, SealMapError, TemplateError},
    ledger::LedgerError,
    password::{BannedError, PasswordError, PolicyError},
    plan::PlanError,
    report::{RemovalError, ReportError},
    roster::{RosterError, exclusions::ExclusionsError},
    seal::SealError,
};
use std::fmt;

/// Wrong usage, roster or configuration; nothing was sent.
pub const USAGE: u8 = 2;
/// Could not start or continue.
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
    /// What happened.
    what: String,
    /// What to do about it, if that is known.
    hint: Option<String>,
    /// Printed after it: the situation and the command that continues, and that command alone.
    next: Option<(String, String)>,
}

impl Failure {
    /// An error that the user can fix.
    pub fn usage(what: impl fmt::Display) -> Self {
        Self::new(USAGE, "usage", &what)
    }

    /// An error that may pass.
    pub fn away(what: impl fmt::Display) -> Self {
        Self::new(AWAY, "cannot_go_on", &what)
    }

    /// The user has stopped it.
    pub fn interrupted(what: impl fmt::Display) -> Self {
        Self::new(INTERRUPTED, "interrupted", &what)
    }

    fn new(code: u8, kind: &'static str, what: &impl fmt::Display) -> Self {
        Self { code, kind, what: what.to_string(), hint: None, next: None }
    }

    /// The same, about this.
    pub const fn about(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// The same with this hint in place of its own.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with this hint in place of its own, if there is one.
    pub fn or_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// The same, followed by the situation and the command that continues.
    pub fn then(mut self, told: String, command: String) -> Self {
        self.next = Some((told, command));
        self
    }

    /// The text to print after the error, if there is a next command; and the command in it.
    pub fn next(&self) -> Option<(&str, &str)> {
        self.next.as_ref().map(|(told, command)| (told.as_str(), command.as_str()))
    }

    /// What happened, and what to do next, if known.
    pub fn parts(&self) -> (&str, Option<&str>) {
        (&self.what, self.hint.as_deref())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

macro_rules! usage {
    ($($error:ty => $kind:literal, $hint:expr;)*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::usage(&error).or_hint($hint(&error)).about($kind)
            }
        })*
    };
}

usage!(
    PolicyError => "password_policy", hints::password::of_policy;
    BannedError => "password_policy", hints::password::of_banned_words;
    PasswordError => "password_policy", hints::password::hint;
    EndpointError => "endpoint", hints::sign_in::of_endpoint;
    SealError => "seal", hints::seal::hint;
    SealMapError => "seal", hints::handouts::of_seal_map;
    TemplateError => "template", hints::handouts::of_template;
);

impl From<RosterError> for Failure {
    fn from(error: RosterError) -> Self {
        let hint = hints::roster::hint(&error);
        Self::usage(format_args!("{error}; nothing was sent")).or_hint(hint).about("roster")
    }
}

impl From<ExclusionsError> for Failure {
    fn from(error: ExclusionsError) -> Self {
        let hint = hints::roster::of_exclusions(&error);
        Self::usage(format_args!("{error}; nothing was sent")).or_hint(hint).about("exclusions")
    }
}

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        let hint = hints::sign_in::hint(&error);
        let failure = match error {
            SignInError::BadId { .. } | SignInError::Unready { .. } | SignInError::Missing { .. } => Self::usage(error),
            SignInError::NothingOffered | SignInError::NoAzureCli => Self::usage(error),
            _ => Self::away(error),
        };
        failure.or_hint(hint).about("sign_in")
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let hint = hints::ledger::hint(&error);
        let failure = match error {
            LedgerError::Plan(PlanError::Roster(error)) => return error.into(),
            LedgerError::Locked { .. } | LedgerError::File { .. } | LedgerError::Sql(_) | LedgerError::OutOfStep(_) => {
                Self::away(error)
            }
            LedgerError::Moved { .. } | LedgerError::Rescued { .. } | LedgerError::Removed { .. } => Self::away(error),
            #[cfg(feature = "postgres")]
            LedgerError::Postgres(error) if !error.is_usage() => Self::away(error),
            _ => Self::usage(error),
        };
        failure.or_hint(hint).about("ledger")
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::away(error).about("io")
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        let hint = hints::report::hint(&error);
        match error {
            ReportError::Ledger(error @ LedgerError::Seal(_)) => error.into(),
            _ => Self::away(error).or_hint(hint).about("report"),
        }
    }
}

impl From<RemovalError> for Failure {
    fn from(error: RemovalError) -> Self {
        let hint = hints::removal::hint(&error);
        match error {
            RemovalError::Report(error) => error.into(),
            _ => Self::away(error).or_hint(hint).about("removal"),
        }
    }
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        let hint = hints::fleet::hint(&error).map(str::to_owned);
        match error {
            FleetError::Roster(error) => error.into(),
            FleetError::Ledger(error) => error.into(),
            FleetError::Report(error) => error.into(),
            FleetError::File { .. } | FleetError::Locked(_) => Self::away(error).or_hint(hint).about("fleet"),
            error => Self::usage(error).or_hint(hint).about("fleet"),
        }
    }
}

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        let hint = hints::fleet::of_discovery(&error).map(str::to_owned);
        Self::away(format_args!("{error}; nothing was sent")).or_hint(hint).about("sign_in")
    }
}

impl From<HandoutError> for Failure {
    fn from(error: HandoutError) -> Self {
        let hint = hints::handouts::hint(&error);
        let failure = match error {
            HandoutError::Ledger(error) => return error.into(),
            HandoutError::File { .. } | HandoutError::Changed(_) => Self::away(error),
            _ => Self::usage(error),
        };
        failure.or_hint(hint)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let hint = hints::run::hint(&error);
        let failure = match error {
            RunError::Ledger(error) => return error.into(),
            RunError::ProvidedPassword(_) => Self::usage(error).about("seal"),
            RunError::Everyone { .. } => Self::away(error).about("all_refused"),
            RunError::Password(_) => Self::away(error).about("password_policy"),
            _ => Self::away(error).about("connection"),
        };
        failure.or_hint(hint)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let hint = hints::run::of_read(&error);
        let failure = match error {
            ReadError::Ledger(error) => return error.into(),
            ReadError::Dispatcher(error) => Self::away(error).about("connection"),
            _ => Self::away(error).about("look_up"),
        };
        failure.or_hint(hint)
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        let hint = hints::run::of_audit(&error);
        match error {
            AuditError::Ledger(error) => error.into(),
            _ => Self::away(error).or_hint(hint).about("audit"),
        }
    }
}

impl From<LookupError> for Failure {
    fn from(error: LookupError) -> Self {
        let hint = hints::run::of_look_up(&error);
        match error {
            LookupError::Read(error) => error.into(),
            _ => Self::away(error).or_hint(hint).about("look_up"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passwave::roster::{Roster, RosterOptions};

    #[test]
    fn roster_failures_have_hints() {
        for (bytes, words) in [
            (&b""[..], "one account in each row"),
            (b"UPN,name\n\n", "one account in each row"),
            (b"Login,Room\na@c.com,1\n", "--upn-column \"Login\""),
            (b"upn,n\na@c.com,\"x\nb@c.com,y\n", "close it"),
            (b"PK\x03\x04", "unpack it"),
            (b"a\0b", "save it as CSV"),
            (b"it@c.com,Ann\nUPN,Name\nb@c.com,Bob\n", "remove the rows above the header"),
        ] {
            let error = Roster::from_bytes("r.csv", bytes.to_vec(), &RosterOptions::default()).err().expect(words);
            let failure = Failure::from(error);
            let (what, hint) = failure.parts();
            assert!(what.ends_with("; nothing was sent") && hint.is_some_and(|hint| hint.contains(words)), "{failure}");
        }
    }

    #[test]
    fn hints_come_only_from_their_field() {
        let failure = Failure::usage("wrong\nhint: no hint");
        assert_eq!(failure.parts(), ("wrong\nhint: no hint", None));
        assert_eq!(failure.hint("a hint").to_string(), "wrong\nhint: no hint\nhint: a hint");
    }
}
