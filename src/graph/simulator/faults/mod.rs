//! What goes wrong in the simulated tenant, as data: the manual of `--faults`.
//!
//! A file of faults is a JSON object; what it leaves out is calm, what it misspells is an error. All chance is drawn
//! from the simulator's seed, so the same seed and the same calls meet the same faults. Nothing here acts.
//!
//! Invariant: faults that [`Faults::check`] lets pass hold only shares of 0 to 1 and times of 0 seconds to a day.

mod check;

use super::tenant::AccountKind;
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// Everything that can go wrong; the default is a calm day.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// How full both quotas are at the beginning, 0 to 1; 1 unless given. Nobody promises that a real one is full.
    pub quota_full: f64,
    /// Time that every request takes, in milliseconds.
    pub latency_ms: u64,
    /// Up to so many milliseconds more, evenly spread.
    pub latency_jitter_ms: u64,
    /// Requests that hang before they are answered; their writes have taken effect.
    pub stall: Stall,
    /// What befalls single calls, reads and writes alike: items of a batch, and requests sent alone.
    pub items: ItemFaults,
    /// What befalls a request as a whole: a batch, or a request sent alone.
    pub requests: RequestFaults,
    /// How a batch response is put together.
    pub responses: ResponseFaults,
    /// How long access tokens last, and how people sign in.
    pub token: TokenFaults,
    /// Times without a network: new connections fail, requests on open ones are cut off before they take effect.
    pub outages: Vec<Window>,
    /// Another application that writes with the same identity.
    pub competing: Competing,
    /// What may not be done, by the application or the person who signed in: `"nothing"` (the default: all is allowed),
    /// `"reads"` (users, roles, groups and domains), `"roles"` (roles and groups), `"domains"`, `"writes"` (passwords and
    /// sessions), `"sessions"`, `"everything"`. Tokens do not claim what is denied.
    pub denied: Denied,
    /// What single accounts are, by user principal name or object id: `"normal"`, `"admin"` (holds a directory role),
    /// `"admin_by_group"` (is in a group that holds one), `"synced"`, `"guest"`, `"federated"` (which makes its domain a
    /// federated one), `"disabled"` or `"missing"`. It overrides what they were added as.
    pub accounts: HashMap<String, AccountKind>,
    /// Reads show `lastPasswordChangeDateTime` as it was so many seconds ago; 0 unless given.
    pub replication_lag_seconds: f64,
    /// Passwords refused though they obey the rules, as a tenant's list of banned words does.
    pub complexity: Complexity,
    /// How `Retry-After` is written: `"seconds"` (the default: whole, rounded up), `"fraction"`, `"date"`, `"one"`
    /// (always 1, whatever the wait), `"absent"`, or `"mixed"` (any of these, drawn each time).
    pub retry_after: RetryAfterForm,
    /// How header names of items are spelled: `"canonical"` (the default), `"lower"`, `"upper"`, or `"mixed"`.
    pub header_case: HeaderCase,
}

/// Requests that hang.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Stall {
    /// Share of requests that hang.
    pub share: f64,
    /// For how long, in seconds.
    pub seconds: f64,
}

/// Shares of single calls that fail; a call meets at most one of them.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct ItemFaults {
    /// 429 although the quota is not spent, as Graph does under load.
    pub throttled: f64,
    /// The wait that such a 429 names, in seconds; 10 unless given.
    pub throttled_seconds: f64,
    /// 503.
    pub unavailable: f64,
    /// 504.
    pub timeout: f64,
    /// Share of the 503, 504 and odd successes whose write, or revocation of sessions, has taken effect nevertheless.
    pub applied: f64,
    /// 409 `Directory_ConcurrencyViolation`; it befalls writes only.
    pub conflict: f64,
    /// The same conflict, reported as 400 `Request_BadRequest`.
    pub conflict_as_bad_request: f64,
    /// A success that Graph does not document: 200, 201, 202, 205 or 299 without a value, or 204 with the body of an error.
    /// It befalls writes only.
    pub odd_success: f64,
}

/// Shares of whole requests that fail; a request meets at most one of them.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct RequestFaults {
    /// 429 for the whole; nothing is written.
    pub throttled: f64,
    /// The wait that a 429 or 503 for the whole names, in seconds; 10 unless given.
    pub retry_after_seconds: f64,
    /// 503 for the whole.
    pub unavailable: f64,
    /// 504 for the whole.
    pub timeout: f64,
    /// 502 for the whole, with a page of HTML from a gateway.
    pub bad_gateway: f64,
    /// Share of the 502, 503 and 504 whose writes have taken effect nevertheless.
    pub applied: f64,
    /// The connection is cut before the request takes effect.
    pub lost_before: f64,
    /// The connection is cut after it took effect.
    pub lost_after: f64,
    /// It took effect, and the answer is cut off in the middle.
    pub truncated: f64,
}

/// What is odd about a batch response that comes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseFaults {
    /// Share of items that took effect and are not answered.
    pub missing: f64,
    /// Share of items that are answered twice.
    pub repeated: f64,
    /// Share of batch responses that answer an id which nobody asked for.
    pub unknown: f64,
}

/// How long access tokens last, and how people sign in: with a device code, over any application, and always as `admin`
/// in the domain of the account that was added first, who becomes an account of the kind `"admin"` with that.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct TokenFaults {
    /// Life of a token in seconds, as `expires_in` tells it; 3599 unless given.
    pub seconds: u32,
    /// A token is refused with 401 once it has served so many requests, long before it expires; 0, the default: never.
    pub revoked_after_requests: u64,
    /// How often a device code is asked for in vain (`authorization_pending`) before it counts as entered; 1 unless given.
    pub device_polls: u32,
    /// The `interval` that a device code is to be asked for at, in seconds; 5 unless given. Nobody is held to it.
    pub device_interval_seconds: u32,
    /// Life of a device code in seconds; 900 unless given.
    pub device_seconds: u32,
    /// Whether a refresh token is refused once it was used. Not so unless given: Entra gives a new one each time, and the
    /// old ones stay good.
    pub refresh_once: bool,
}

/// A stretch of time, counted from the start of the simulator.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// When it begins, in seconds.
    pub from_seconds: f64,
    /// How long it lasts, in seconds.
    pub seconds: f64,
}

/// Another application that drinks from the same quotas. Graph does not know of it when it names a wait.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Competing {
    /// Writes that it makes each second; each costs a resource unit too.
    pub units_per_second: f64,
    /// When it begins, in seconds from the start of the simulator.
    pub from_seconds: f64,
    /// How long it goes on, in seconds; for ever unless given.
    pub seconds: Option<f64>,
}

/// Passwords that the tenant refuses though they obey Entra's rules.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Complexity {
    /// Share of accounts that it befalls; which ones, the seed and the account's name decide.
    pub share: f64,
    /// How many different passwords are refused before one is taken; 1 unless given.
    pub times: u32,
}

/// What the application, or the person who signed in, lacks the permission for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// It may do all.
    #[default]
    Nothing,
    /// It may read nothing: neither accounts nor roles, groups and domains (`User.Read.All` and all below are missing).
    Reads,
    /// It may not read who holds directory roles, nor who is in a group (`RoleManagement.Read.Directory` and
    /// `GroupMember.Read.All` are missing).
    Roles,
    /// It may not read domains (`Domain.Read.All` is missing).
    Domains,
    /// It may change nothing: neither write passwords (`User-PasswordProfile.ReadWrite.All` is missing) nor revoke
    /// sessions.
    Writes,
    /// It may not revoke sessions (`User.RevokeSessions.All` is missing).
    Sessions,
    /// It may do nothing.
    Everything,
}

/// How `Retry-After` is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfterForm {
    /// Whole seconds, rounded up.
    #[default]
    Seconds,
    /// Seconds with three decimals, rounded up.
    Fraction,
    /// An HTTP date.
    Date,
    /// `1`, whatever the wait is.
    One,
    /// No such header.
    Absent,
    /// Any of these, drawn each time.
    Mixed,
}

/// How the names of headers are spelled in batch responses.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum HeaderCase {
    /// As the documentation does: `Retry-After`.
    #[default]
    Canonical,
    /// `retry-after`.
    Lower,
    /// `RETRY-AFTER`.
    Upper,
    /// Any of these, drawn for each item.
    Mixed,
}

/// Faults that cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// No JSON, or a field that does not exist.
    #[error("the faults cannot be read ({0})")]
    Unreadable(#[from] serde_json::Error),
    /// A share outside 0 to 1.
    #[error("{field} is {value}, but a share lies between 0 and 1")]
    Share {
        /// Where it stands.
        field: &'static str,
        /// What stands there.
        value: f64,
    },
    /// Shares of which a request can meet only one.
    #[error("the shares in {section} add up to {sum}, more than 1")]
    Sum {
        /// Where they stand.
        section: &'static str,
        /// What they add up to.
        sum: f64,
    },
    /// A time or a pace below zero or beyond a day.
    #[error("{field} is {value}, but it must lie between 0 and 86400")]
    Number {
        /// Where it stands.
        field: &'static str,
        /// What stands there.
        value: f64,
    },
}

/// A time of the faults; none where nobody has checked it and it is no time at all.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
