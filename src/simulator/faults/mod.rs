//! The faults of the simulated tenant, as data: the manual of their file.
//!
//! A file of faults is a JSON object. Fields that are left out mean no fault; misspelled fields are an error.
//! Everything random is drawn from the simulator's seed, so the same seed and the same calls meet the same faults.
//! Nothing here acts.
//!
//! Invariant: faults that pass [`Faults::check`] contain only shares from 0 to 1 and times from 0 seconds to a day.

mod check;
mod fields;

pub use fields::{FIELDS, FaultField};

use super::account::AccountKind;
use crate::JsonError;
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

/// Everything that can go wrong; by default, nothing does.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Faults {
    /// How full both quotas are at the start, 0 to 1; default 1. Nothing guarantees that a real one is full.
    pub quota_full: f64,
    /// Time that every request takes, in milliseconds.
    pub latency_ms: u64,
    /// Up to this many milliseconds more, evenly distributed.
    pub latency_jitter_ms: u64,
    /// Requests that hang before they are answered; their writes take effect.
    pub stall: Stall,
    /// Faults of single calls, reads and writes alike: items of a batch, and requests sent alone.
    pub items: ItemFaults,
    /// Faults of whole requests: a batch, or a request sent alone.
    pub requests: RequestFaults,
    /// Faults in the responses to batches.
    pub responses: ResponseFaults,
    /// The lifetime of access tokens, and how users sign in.
    pub token: TokenFaults,
    /// Times without a network: new connections fail, and requests on open ones are cut off before they take effect.
    pub outages: Vec<Window>,
    /// Another application that writes with the same identity.
    pub competing: Competing,
    /// Missing permissions of the application or the signed-in user: `"nothing"` (the default: everything is allowed),
    /// `"reads"` (users, roles, groups and domains), `"roles"` (roles and groups), `"domains"`, `"writes"` (passwords
    /// and sessions), `"sessions"`, `"methods"` (resets on premises), `"audit_log"`, `"everything"`. Tokens do not claim what is denied.
    pub denied: Denied,
    /// The kind of single accounts, by user principal name or object id: `"normal"`, `"admin"` (has a directory role),
    /// `"admin_by_group"` (is in a group that has one), `"synced"`, `"guest"`, `"federated"` (its whole domain becomes
    /// federated), `"disabled"` or `"missing"`. It overrides the kind with which they were added.
    pub accounts: HashMap<String, AccountKind>,
    /// Share of ordinary accounts that an on-premises directory manages, like those of the kind `"synced"`; the seed and
    /// the account's name decide which.
    pub synced: f64,
    /// How the on-premises directory takes passwords (`resetPassword`).
    pub writeback: WritebackFaults,
    /// Reads show `lastPasswordChangeDateTime` as it was this many seconds ago; default 0.
    pub replication_lag_seconds: f64,
    /// Whether the tenant has the licence for `signInActivity`; default true.
    pub premium: bool,
    /// Passwords that are refused although they meet the rules, as with a tenant's list of banned words.
    pub complexity: Complexity,
    /// Faults of single tenants, by id or domain, in place of all others; only if there are many.
    pub tenants: HashMap<String, Faults>,
    /// The form of `Retry-After`: `"seconds"` (the default: whole, rounded up), `"fraction"`, `"date"`, `"one"` (always
    /// 1, whatever the wait), `"absent"`, or `"mixed"` (any of these, chosen each time).
    pub retry_after: RetryAfterForm,
    /// The spelling of items' header names: `"canonical"` (the default), `"lower"`, `"upper"`, or `"mixed"`.
    pub header_case: HeaderCase,
}

/// Requests that hang.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Stall {
    /// Share of requests that hang.
    pub share: f64,
    /// How long they hang, in seconds.
    pub seconds: f64,
}

/// Shares of single calls that fail; a call has at most one of these faults.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ItemFaults {
    /// 429 although the quota is not spent, as Graph does under load.
    pub throttled: f64,
    /// The wait in such a 429, in seconds; default 10.
    pub throttled_seconds: f64,
    /// 503.
    pub unavailable: f64,
    /// 504.
    pub timeout: f64,
    /// Share of the 503s, 504s and undocumented successes whose write, or revocation of sessions, takes effect anyway.
    pub applied: f64,
    /// 409 `Directory_ConcurrencyViolation`; only for writes.
    pub conflict: f64,
    /// The same conflict, reported as 400 `Request_BadRequest`.
    pub conflict_as_bad_request: f64,
    /// A success that Graph does not document: 200, 201, 202, 205 or 299 without a value, or 204 with the body of an
    /// error. Only for writes.
    pub odd_success: f64,
}

/// Shares of whole requests that fail; a request has at most one of these faults.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RequestFaults {
    /// 429 for the whole request; nothing is written.
    pub throttled: f64,
    /// The wait in a 429 or 503 for the whole request, in seconds; default 10.
    pub retry_after_seconds: f64,
    /// 503 for the whole request.
    pub unavailable: f64,
    /// 504 for the whole request.
    pub timeout: f64,
    /// 502 for the whole request, with an HTML page from a gateway.
    pub bad_gateway: f64,
    /// Share of the 502s, 503s and 504s whose writes take effect anyway.
    pub applied: f64,
    /// The connection is cut before the request takes effect.
    pub lost_before: f64,
    /// The connection is cut after the request took effect.
    pub lost_after: f64,
    /// The request took effect, but its answer is truncated.
    pub truncated: f64,
}

/// Faults in batch responses that arrive.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ResponseFaults {
    /// Share of items that take effect but are not answered.
    pub missing: f64,
    /// Share of items that are answered twice.
    pub repeated: f64,
    /// Share of batch responses with an answer to an id that was not in the request.
    pub unknown: f64,
    /// Share of 204s in a batch that have the body `{}`. Graph leaves the body out, or sends null.
    pub empty_bodies: f64,
}

/// The lifetime of access tokens, and how users sign in. Users sign in with a device code or a browser through any
/// application, as `admin` in the domain of the first account unless the browser names another; this account gets the
/// kind `"admin"`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenFaults {
    /// Lifetime of a token in seconds, as in `expires_in`; default 3599.
    pub seconds: u32,
    /// A token is refused with 401 after this many requests, long before it expires; 0, the default, means never.
    pub revoked_after_requests: u64,
    /// How often polling for a device code returns `authorization_pending` before the code counts as entered; default
    /// 1.
    pub device_polls: u32,
    /// The polling `interval` of a device code in seconds; default 5. It is not enforced.
    pub device_interval_seconds: u32,
    /// Lifetime of a device code in seconds; default 900.
    pub device_seconds: u32,
    /// Whether a refresh token is refused after it was used once; default `false`. Entra issues a new one each time,
    /// and the old ones stay valid.
    pub refresh_once: bool,
    /// The number of an error (`AADSTS`) with which every sign-in is refused: 65001 (no consent), 650051, 700016, 90002 (no
    /// such tenant), 900023, 5000224, 7000215 (wrong secret), 53003 (Conditional Access) or any other; 0, the default,
    /// means none is.
    pub refused: u32,
    /// The name of another tenant of this simulator. Its token is issued in place of this tenant's.
    pub of_tenant: String,
    /// Why every refresh token is refused; by default, none is.
    pub refresh_refused: RefreshFault,
    /// What goes wrong when a user signs in with a browser; by default, nothing does, and the browser is sent back at
    /// once.
    pub browser: BrowserFault,
    /// How long the browser waits before it is sent back, in seconds; default 0.
    pub browser_seconds: u32,
}

/// Why refresh tokens are refused.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RefreshFault {
    /// They are not.
    #[default]
    Nothing,
    /// They were not used for too long (AADSTS700082).
    Expired,
    /// A rule asks for a new sign-in every hour (AADSTS70043).
    SignInFrequency,
}

/// What goes wrong when a user signs in with a browser.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum BrowserFault {
    /// Nothing.
    #[default]
    Nothing,
    /// Nothing, but a page asks the user first.
    Asks,
    /// The user declines (AADSTS65004).
    Denied,
    /// The answer has another `state` than the request.
    WrongState,
    /// The code was already redeemed by someone else (AADSTS54005).
    CodeUsed,
    /// Nobody has consented to the application (AADSTS65001). It also concerns device codes and refresh tokens.
    ConsentMissing,
}

/// A period, counted from the start of the simulator.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// When it begins, in seconds.
    pub from_seconds: f64,
    /// How long it lasts, in seconds.
    pub seconds: f64,
}

/// Another application that uses the same quotas. The waits that Graph names do not account for it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Competing {
    /// Its writes per second; each also costs a resource unit.
    pub units_per_second: f64,
    /// When it begins, in seconds from the start of the simulator.
    pub from_seconds: f64,
    /// How long it runs, in seconds; by default forever.
    pub seconds: Option<f64>,
}

/// Passwords that the tenant refuses although they meet Entra's rules.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Complexity {
    /// Share of affected accounts; the seed and the account's name decide which.
    pub share: f64,
    /// How many different passwords are refused before one is accepted; default 1.
    pub times: u32,
}

/// How passwords reach the on-premises directory (`authenticationMethod: resetPassword`), and what goes wrong there. What
/// the service says about a failed operation is not known; the simulator's words are its own.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WritebackFaults {
    /// Whether password writeback is switched off, so every operation fails; default `false`.
    pub off: bool,
    /// How long an operation takes, in seconds; default 10.
    pub seconds: f64,
    /// Share of operations that take ten times as long.
    pub slow: f64,
    /// Share of accounts whose passwords the on-premises policy refuses: the operation fails. The seed and the account's
    /// name decide which.
    pub refused: f64,
    /// Share of operations that never end. The password is set anyway in half of these cases.
    pub endless: f64,
    /// Share of accepted requests whose answer names no address for the operation.
    pub without_address: f64,
}

/// The missing permissions of the application or the signed-in user.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// Everything is allowed.
    #[default]
    Nothing,
    /// Nothing can be read: neither accounts nor roles, groups and domains (`User.Read.All` and all below are missing).
    Reads,
    /// Role assignments and group members cannot be read (`RoleManagement.Read.Directory` and `GroupMember.Read.All`
    /// are missing).
    Roles,
    /// Domains cannot be read (`Domain.Read.All` is missing).
    Domains,
    /// Nothing can be changed: neither passwords (`User-PasswordProfile.ReadWrite.All` is missing) nor sessions.
    Writes,
    /// Sessions cannot be revoked (`User.RevokeSessions.All` is missing).
    Sessions,
    /// The audit log cannot be read (`AuditLog.Read.All` is missing).
    AuditLog,
    /// Passwords cannot be reset on premises (`UserAuthenticationMethod.ReadWrite.All` is missing).
    Methods,
    /// Nothing is allowed.
    Everything,
}

/// The form of `Retry-After`.
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
    /// Any of these, chosen each time.
    Mixed,
}

/// The spelling of header names in batch responses.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum HeaderCase {
    /// As in the documentation: `Retry-After`.
    #[default]
    Canonical,
    /// `retry-after`.
    Lower,
    /// `RETRY-AFTER`.
    Upper,
    /// Any of these, chosen for each item.
    Mixed,
}

/// Faults that cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// Invalid JSON, or a field that does not exist.
    #[error("the faults cannot be read ({0})")]
    Unreadable(#[source] JsonError),
    /// A share outside 0 to 1.
    #[error("{field} is {value}, but a share lies between 0 and 1")]
    Share {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// Shares of which a request can only meet one.
    #[error("the shares in {section} add up to {sum}, more than 1")]
    Sum {
        /// The section.
        section: &'static str,
        /// Their sum.
        sum: f64,
    },
    /// Faults of tenants within those of a tenant.
    #[error("tenants.{0}.tenants is not allowed: a tenant has no tenants")]
    Nested(String),
    /// A time or a rate below zero or above a day.
    #[error("{field} is {value}, but it must lie between 0 and 86400")]
    Number {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
    },
}

/// A time of the faults; zero if it was never checked and is not a valid time.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
