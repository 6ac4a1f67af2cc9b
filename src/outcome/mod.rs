//! How a row ends, and how one answer of Graph is judged.
//!
//! [`Verdict::of`] is the whole table in one pure function: it reads no clock and knows nothing of the row's past. What a
//! verdict means after an answer was lost is decided by the ledger, which remembers.
//!
//! Invariant: an answer counts as a refusal only where Graph certainly wrote nothing.

mod skip;

pub use skip::Skip;

use std::time::Duration;

/// How one row stands in the report, in the words of the column `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Graph confirmed the new password.
    Reset,
    /// Graph refused it: the old password stands.
    Failed,
    /// Sent, and the answer is lost for good: the password shown may be in force.
    InDoubt,
    /// Not settled yet; the run has not ended.
    Pending,
    /// Never sent.
    Skipped,
}

impl Status {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] = [Self::Reset, Self::Failed, Self::InDoubt, Self::Pending, Self::Skipped];

    /// The word in the report.
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
}

/// Why Graph refused an account for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The application may not do this, or not to this account.
    Permission,
    /// The directory does not know the account.
    NotFound,
    /// The account is mastered by an on-premises directory.
    Synced,
    /// A guest or federated account: its password lives elsewhere.
    External,
    /// The password breaks the tenant's rules.
    Password,
    /// Any other refusal.
    Other,
}

impl Cause {
    /// The cause behind an error code and message of the report.
    #[must_use]
    pub fn of_code(code: &str, message: &str) -> Self {
        let status = match code {
            "Authorization_RequestDenied" | "http_403" => 403,
            "Request_ResourceNotFound" | "http_404" => 404,
            _ => 400,
        };
        if is_about_the_password(message) { Self::Password } else { cause_of(status, message) }
    }

    /// What a person can do about it, in one sentence.
    #[must_use]
    pub const fn cure(self) -> &'static str {
        match self {
            Self::Permission => {
                "grant the application User-PasswordProfile.ReadWrite.All with admin consent; accounts that hold \
                 directory roles also need it to hold a higher role (User Administrator, or Privileged Authentication \
                 Administrator for administrators)"
            }
            Self::NotFound => {
                "check the spelling and the tenant; an account made in the last 15 minutes may not be visible yet"
            }
            Self::Synced => "reset it in the on-premises directory that it is synchronised from",
            Self::External => "guests and federated accounts sign in at home: their password cannot be set here",
            Self::Password => "give the account a password that the tenant's rules allow, or use a longer --length",
            Self::Other => {
                "read error_message in the report, correct the cause, and reset these accounts again (`passwave reset` with \
                 this run folder and --where status=failed)"
            }
        }
    }
}

/// What was asked for: it decides which answers count as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A new password: Graph documents 204 and nothing else (user: update).
    Password,
    /// An end to all sessions: 204, or 200 with the value `true` (user: revokeSignInSessions).
    Sessions,
    /// An account: a 2xx is an answer, and the reader judges what it holds.
    Account,
}

/// What the body of an answer holds, as far as it decides whether a success is one.
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
    /// Not written, and the quota is spent: ask again, not before the wait that Graph named, if it did.
    Throttled(Option<Duration>),
    /// Not written, because others write at the same time: ask again after a while.
    Busy,
    /// Not written, because the token is not accepted: ask again with a new one.
    TokenRefused,
    /// Not written, because the password is not accepted: ask again with another one.
    PasswordRefused,
    /// Perhaps written: ask again with the same password, after the wait that Graph named, if it did.
    Unknown(Option<Duration>),
    /// Not written, and asking again would not help.
    Refused(Cause),
}

/// The code under which the directory reports writes that got into each other's way.
const CONCURRENCY_CODE: &str = "Directory_ConcurrencyViolation";

impl Verdict {
    /// Judges an answer to what was `asked` by its status, its `Retry-After`, the kind of its `body`, and the `code` and
    /// `message` of its error.
    ///
    /// The code is looked at before the status, since the directory reports a concurrency conflict as 400 and as 409;
    /// a failure of the service (5xx, 408) may hide a write that took effect. So may a success that Graph does not
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

    /// The wait that Graph named, if it did.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Throttled(wait) | Self::Unknown(wait) => *wait,
            _ => None,
        }
    }
}

/// Whether Graph documents this answer as a success of what was asked.
fn is_success(asked: Asked, status: u16, body: Body) -> bool {
    match (asked, status, body) {
        (Asked::Account, ..) => true,
        (_, _, Body::Error) => false,
        (Asked::Password | Asked::Sessions, 204, _) | (Asked::Sessions, 200, Body::True) => true,
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
    fn every_row_of_the_catalogue_has_its_verdict() {
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
    fn a_refusal_is_about_the_password_only_where_it_speaks_of_its_rules() {
        let about = ["The password must COMPLY with the rules.", "Password complexity is not met."];
        let others = ["The request does not comply.", "Complexity limit reached.", "No password was sent."];
        assert!(about.into_iter().all(is_about_the_password) && !others.into_iter().any(is_about_the_password));
    }

    #[test]
    fn a_code_in_a_report_tells_its_cause() {
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
        table.into_iter().for_each(|(code, message, cause)| assert_eq!(Cause::of_code(code, message), cause, "{code}"));
    }
}
