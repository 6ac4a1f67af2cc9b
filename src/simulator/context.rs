//! The request that is being answered: its time and its ids, but nothing of its content.

use super::http::{Answer, Request};
use super::random::Rng;
use crate::graph::claims::Claims;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};
use secrecy::{ExposeSecret, SecretString};
use std::{borrow::Cow, cell::OnceCell, time::Duration};
use tokio::time::Instant;

/// The simulated data centre.
const DIAGNOSTIC: &str =
    r#"{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"passwave"}}"#;

/// Links the clock that can be paused to the wall clock.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub started: Instant,
    pub epoch: Timestamp,
}

/// One point in time, on all clocks.
#[derive(Clone, Copy)]
pub(super) struct TimePoint {
    /// Since the simulator started.
    pub elapsed: Duration,
    pub instant: Instant,
    pub wall: Timestamp,
}

impl Clock {
    pub(super) fn now(&self) -> TimePoint {
        let instant = Instant::now();
        let elapsed = instant.duration_since(self.started);
        TimePoint { elapsed, instant, wall: self.wall(elapsed) }
    }

    /// The time on the wall clock at this time after the start.
    pub(super) fn wall(&self, elapsed: Duration) -> Timestamp {
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        self.epoch.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

/// What a reader can see: changes after `seen` have not been replicated yet.
#[derive(Clone, Copy)]
pub(super) struct ReadView {
    pub clock: Clock,
    /// Since the simulator started; `None` if nothing of it is visible yet.
    pub seen: Option<Duration>,
}

/// What all parts of one answer share.
pub(super) struct RequestContext {
    pub at: TimePoint,
    pub request_id: String,
    pub client_request_id: String,
    /// The scheme and the host under which the client reaches the simulator, for the URLs in answers.
    pub base: String,
    /// The API's version in the address: `v1.0` or `beta`.
    pub version: &'static str,
    /// Whether the request itself accepts an index that may be late (`ConsistencyLevel: eventual`).
    pub eventual: bool,
    /// The access token, to see who signed in.
    token: SecretString,
    /// The person in the token, once somebody has asked.
    person: OnceCell<Option<String>>,
}

impl RequestContext {
    pub(super) fn new(request: &Request<'_>, at: TimePoint, public_url: Option<&str>, rng: &mut Rng) -> Self {
        let request_id = rng.guid();
        let client_request_id = request.header("client-request-id").map_or_else(|| request_id.clone(), str::to_owned);
        let base = public_url.map_or_else(|| base(request), str::to_owned);
        let version = if request.target.trim_start_matches('/').starts_with("beta/") { "beta" } else { "v1.0" };
        let eventual = request.header("consistencylevel").is_some_and(is_eventual);
        let token =
            request.header("authorization").and_then(|held| held.split_once(' ')).map_or("", |(_, token)| token);
        let token = SecretString::from(token.trim());
        Self { at, request_id, client_request_id, base, version, eventual, token, person: OnceCell::new() }
    }

    /// The object id of the person who signed in; `None` if it is an application.
    pub(super) fn person(&self) -> Option<String> {
        let read = || {
            let claims = Claims::of(self.token.expose_secret())?;
            claims.object_id.filter(|_| !claims.is_application)
        };
        self.person.get_or_init(read).clone()
    }

    /// The root of the API, as in links.
    pub(super) fn root(&self) -> String {
        format!("{}/{}", self.base, self.version)
    }

    /// Adds the headers that every answer of Graph has.
    pub(super) fn sign(&self, answer: &mut Answer) {
        let headers: [(&'static str, Cow<'static, str>); 7] = [
            ("Cache-Control", "no-cache".into()),
            ("Strict-Transport-Security", "max-age=31536000".into()),
            ("Vary", "Accept-Encoding".into()),
            ("request-id", self.request_id.clone().into()),
            ("client-request-id", self.client_request_id.clone().into()),
            ("x-ms-ags-diagnostic", DIAGNOSTIC.into()),
            ("Date", http_date(self.at.wall).into()),
        ];
        answer.headers.extend(headers.map(|(name, value)| (name.into(), value)));
    }
}

/// Scheme and host as a proxy in front of the simulator tells them, or else as the request does. It never names a host
/// that the client has not named.
fn base(request: &Request<'_>) -> String {
    let first = |name| request.header(name).and_then(|value| value.split(',').next()).map(str::trim);
    let is_host = |host: &&str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    };
    let host = first("x-forwarded-host").filter(is_host).or_else(|| first("host").filter(is_host));
    let is_tls = first("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    format!("{}://{}", if is_tls { "https" } else { "http" }, host.unwrap_or("localhost"))
}

/// Whether a `ConsistencyLevel` asks for advanced queries.
pub(super) fn is_eventual(level: &str) -> bool {
    level.trim().eq_ignore_ascii_case("eventual")
}

/// The date in HTTP's format: `Tue, 01 Sep 2026 07:00:00 GMT`.
pub(super) fn http_date(wall: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&wall).unwrap_or_default()
}
