//! How a row ends, and what one answer from Graph means.
//!
//! [`Verdict::of`] is the whole table in one pure function. It reads no clock and does not know the row's history. The
//! ledger does, and decides what a verdict means after an earlier answer was lost.
//!
//! Invariant: an answer counts as a refusal only if Graph certainly wrote nothing.

mod kind;
mod method;
mod skip;

pub use kind::Kind;
pub use method::Method;
pub use skip::Skip;

use serde::Serialize;
use std::time::Duration;

/// The state of one row in the report, in the words of the column `status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Graph confirmed the new password.
    Reset,
    /// Graph refused the password: the old one is still valid.
    Failed,
    /// Sent, but the answer is lost for good: the password in the report may be valid.
    InDoubt,
    /// Not finished yet: the run has not ended.
    #[default]
    Pending,
    /// Never sent.
    Skipped,
}

impl Status {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 5] = [Self::Reset, Self::Failed, Self::InDoubt, Self::Pending, Self::Skipped];

    /// The word in the column `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Failed => "failed",
            Self::InDoubt => "in_doubt",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
        }
    }

    /// The same for display: without underscores.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::InDoubt => "in doubt",
            other => other.as_str(),
        }
    }
}

/// Why Graph refused an account for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The application lacks the permission, in general or for this account.
    Permission,
    /// The directory does not know the account.
    NotFound,
    /// The account is managed by on-premises AD.
    Synced,
    /// A guest or federated account: another directory holds its password.
    External,
    /// The password breaks the tenant's rules.
    Password,
    /// The on-premises directory did not take the password.
    Writeback,
    /// Any other refusal.
    Other,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Permission, Self::NotFound, Self::Synced, Self::External, Self::Password, Self::Writeback, Self::Other];

    /// The word in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::Synced => "synced",
            Self::External => "external",
            Self::Password => "password",
            Self::Writeback => "writeback",
            Self::Other => "other",
        }
    }

    /// Guesses the cause from an error code and message, for ledgers of releases that did not store it.
    pub(crate) fn guessed(code: &str, message: &str) -> Self {
        let status = match code {
            "Authorization_RequestDenied" | "http_403" => 403,
            "Request_ResourceNotFound" | "http_404" => 404,
            _ => 400,
        };
        if is_about_the_password(message) { Self::Password } else { cause_of(status, message) }
    }

    /// What the administrator can do about it, as a part of a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Permission => {
                "grant the application User-PasswordProfile.ReadWrite.All with admin consent; accounts that hold \
                 directory roles also need it to hold a higher role (User Administrator, or Privileged Authentication \
                 Administrator for administrators)"
            }
            Self::NotFound => {
                "check the spelling and the tenant; an account created in the last 15 minutes may not be visible yet"
            }
            Self::Synced => "reset it in the on-premises directory that it is synchronized from",
            Self::External => {
                "guest and federated accounts sign in at their home organization: their password cannot be set here"
            }
            Self::Password => "give the account a password that the tenant's rules allow, such as a longer one",
            Self::Writeback => {
                "read error_message in the report; check that password writeback is on and its agent is running, that the \
                 account is not protected in the on-premises directory, and that the password meets that domain's policy"
            }
            Self::Other => "read error_message in the report, correct the cause, and reset these accounts again",
        }
    }
}

/// What was asked for. It decides which answers count as success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A new password: Graph documents only 204 (user: update).
    Password,
    /// The end of all sessions: 204, or 200 with the value `true` (user: revokeSignInSessions).
    Sessions,
    /// An account: any 2xx is an answer, and the reader judges its content.
    Account,
    /// A new password on premises: 202 means that the service has accepted it, not that it is set.
    ResetOnPremises,
    /// An operation that was accepted: any 2xx is an answer, and the reader judges its content.
    Operation,
}

/// The content of an answer's body, as far as it decides whether the answer is a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// Nothing, or nothing that matters here.
    #[default]
    Other,
    /// The value `true`.
    True,
    /// An error.
    Error,
}

/// What one answer says about one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Written.
    Done,
    /// Not written: the quota is spent. Retry, but not before the wait that Graph named, if any.
    Throttled(Option<Duration>),
    /// Not written: other writes were in progress. Retry after a while.
    Busy,
    /// Not written: the token was not accepted. Retry with a new one.
    TokenRefused,
    /// Not written: the password was not accepted. Retry with another one.
    PasswordRefused,
    /// Perhaps written. Retry with the same password, after the wait that Graph named, if any.
    Unknown(Option<Duration>),
    /// Not written, and a retry would not help.
    Refused(Cause),
}

/// The directory's error code for writes that collided.
const CONCURRENCY_CODE: &str = "Directory_ConcurrencyViolation";

impl Verdict {
    /// Judges an answer to `asked` by its status, its `Retry-After`, the kind of its `body`, and the `code` and
    /// `message` of its error.
    ///
    /// The code is checked before the status, because the directory reports a concurrency conflict as 400 and as 409. A
    /// failure of the service (5xx, 408) may hide a write that took effect. So may a success that Graph does not
    /// document: it confirms nothing, and the same password is sent again.
    #[must_use]
    pub fn of(
        asked: Asked,
        status: u16,
        retry_after: Option<Duration>,
        body: Body,
        (code, message): (&str, &str),
    ) -> Self {
        match status {
            200..=299 if is_success(asked, status, body) => Self::Done,
            429 => Self::Throttled(retry_after),
            401 => Self::TokenRefused,
            424 => Self::Busy,
            400..=499 if is_concurrency(code, message) => Self::Busy,
            400 if is_about_the_password(message) => Self::PasswordRefused,
            408 | 500..=599 => Self::Unknown(retry_after),
            300..=499 => Self::Refused(cause_of(status, message)),
            _ => Self::Unknown(retry_after),
        }
    }

    /// The wait that Graph named, if any.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Throttled(wait) | Self::Unknown(wait) => *wait,
            _ => None,
        }
    }
}

/// Whether Graph documents this answer as a success.
fn is_success(asked: Asked, status: u16, body: Body) -> bool {
    match (asked, status, body) {
        (Asked::Account | Asked::Operation, ..) => true,
        (_, _, Body::Error) => false,
        (Asked::Password | Asked::Sessions, 204, _) | (Asked::Sessions, 200, Body::True) => true,
        (Asked::ResetOnPremises, 202, _) => true,
        _ => false,
    }
}

fn is_concurrency(code: &str, message: &str) -> bool {
    code == CONCURRENCY_CODE || message.contains("concurrent requests being made")
}

fn is_about_the_password(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("password") && (message.contains("comply") || message.contains("complexity"))
}

fn cause_of(status: u16, message: &str) -> Cause {
    let says = |text| message.contains(text);
    match status {
        403 => Cause::Permission,
        404 => Cause::NotFound,
        400 if says("on-premises mastered") => Cause::Synced,
        400 if says("originated within an external service") => Cause::External,
        400 if says("Property userPrincipalName is invalid") => Cause::External,
        _ => Cause::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLEXITY: &str = "The specified password does not comply with password complexity requirements. \
                              Please provide a different password.";
    const CONCURRENT: &str =
        "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.";
    const SYNCED: &str = "Unable to update the specified properties for on-premises mastered Directory Sync objects \
                          or objects currently undergoing migration.";
    const EXTERNAL: &str =
        "Unable to update the specified properties for objects that have originated within an external service.";

    #[test]
    fn catalogue_has_all_verdicts() {
        use Cause::{External, NotFound, Other, Permission, Synced};
        let ten = Some(Duration::from_secs(10));
        let table: &[(u16, Option<Duration>, &str, &str, Verdict)] = &[
            (204, None, "", "", Verdict::Done),
            (200, None, "", "", Verdict::Unknown(None)),
            (404, None, "Request_ResourceNotFound", "Resource 'x' does not exist", Verdict::Refused(NotFound)),
            (
                403,
                None,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
                Verdict::Refused(Permission),
            ),
            (
                403,
                None,
                "Authorization_RequestDenied",
                "Access to change password operation is denied.",
                Verdict::Refused(Permission),
            ),
            (403, None, "", "insufficient_claims", Verdict::Refused(Permission)),
            (400, None, "Request_BadRequest", COMPLEXITY, Verdict::PasswordRefused),
            (400, None, "Request_BadRequest", SYNCED, Verdict::Refused(Synced)),
            (400, None, "Request_BadRequest", EXTERNAL, Verdict::Refused(External)),
            (400, None, "Request_BadRequest", "Property userPrincipalName is invalid.", Verdict::Refused(External)),
            (
                400,
                None,
                "Request_BadRequest",
                "Bad request. Please fix the request before retrying.",
                Verdict::Refused(Other),
            ),
            (400, None, "RequestBroker--ParseUri", "Resource not found for the segment 'z'.", Verdict::Refused(Other)),
            (400, None, "BadRequest", "A value without a type name was found", Verdict::Refused(Other)),
            (400, None, "", "", Verdict::Refused(Other)),
            (
                401,
                None,
                "InvalidAuthenticationToken",
                "Access token has expired or is not yet valid.",
                Verdict::TokenRefused,
            ),
            (
                401,
                None,
                "InvalidAuthenticationToken",
                "Lifetime validation failed, the token is expired.",
                Verdict::TokenRefused,
            ),
            (405, None, "Request_BadRequest", "Specified HTTP method is not allowed", Verdict::Refused(Other)),
            (409, None, CONCURRENCY_CODE, CONCURRENT, Verdict::Busy),
            (400, None, CONCURRENCY_CODE, CONCURRENT, Verdict::Busy),
            (400, None, "Request_BadRequest", CONCURRENT, Verdict::Busy),
            (409, None, "ObjectConflict", "", Verdict::Refused(Other)),
            (424, None, "", "", Verdict::Busy),
            (429, ten, "TooManyRequests", "Please retry again later.", Verdict::Throttled(ten)),
            (429, None, "UnknownError", "", Verdict::Throttled(None)),
            (408, None, "", "", Verdict::Unknown(None)),
            (500, None, "InternalServerError", "", Verdict::Unknown(None)),
            (502, None, "", "", Verdict::Unknown(None)),
            (503, ten, "UnknownError", "", Verdict::Unknown(ten)),
            (504, None, "UnknownError", "", Verdict::Unknown(None)),
            (302, None, "", "", Verdict::Refused(Other)),
            (0, None, "", "", Verdict::Unknown(None)),
            (700, None, "", "", Verdict::Unknown(None)),
        ];
        for (status, wait, code, message, verdict) in table {
            let told = Verdict::of(Asked::Password, *status, *wait, Body::Other, (code, message));
            assert_eq!((told, told.wait()), (*verdict, *wait), "{status} {code} {message}");
        }
    }

    #[test]
    fn only_documented_successes_count() {
        let is_done = |asked, status, body| Verdict::of(asked, status, None, body, ("", "")) == Verdict::Done;
        for status in 200..=299 {
            for body in [Body::Other, Body::True, Body::Error] {
                let sound = body != Body::Error;
                assert_eq!(is_done(Asked::Password, status, body), sound && status == 204, "{status} {body:?}");
                let revoked = sound && (status == 204 || (status == 200 && body == Body::True));
                assert_eq!(is_done(Asked::Sessions, status, body), revoked, "{status} {body:?}");
                assert!(is_done(Asked::Account, status, body), "{status} {body:?}");
            }
        }
    }

    #[test]
    fn password_refusals_mention_its_rules() {
        let about = ["The password must COMPLY with the rules.", "Password complexity is not met."];
        let others = ["The request does not comply.", "Complexity limit reached.", "No password was sent."];
        assert!(about.into_iter().all(is_about_the_password) && !others.into_iter().any(is_about_the_password));
    }

    #[test]
    fn causes_are_guessed_from_codes() {
        use Cause::{NotFound, Other, Password, Permission, Synced};
        let table = [
            ("Authorization_RequestDenied", "Insufficient privileges", Permission),
            ("http_403", "", Permission),
            ("Request_ResourceNotFound", "Resource 'x' does not exist", NotFound),
            ("http_404", "", NotFound),
            ("Request_BadRequest", SYNCED, Synced),
            ("Request_BadRequest", COMPLEXITY, Password),
            ("Request_BadRequest", "", Other),
        ];
        table.into_iter().for_each(|(code, message, cause)| assert_eq!(Cause::guessed(code, message), cause, "{code}"));
    }
}
