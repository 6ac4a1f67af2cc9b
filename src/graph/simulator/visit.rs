//! The one request that is being answered: when it came, and under which ids. It holds nothing of its content.

use super::dice::Dice;
use super::http::{Answer, Request};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};
use std::{borrow::Cow, time::Duration};
use tokio::time::Instant;

/// The data centre that the simulator claims to be.
const DIAGNOSTIC: &str =
    r#"{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"passwave"}}"#;

/// Ties the clock that can be paused to the one on the wall.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub started: Instant,
    pub epoch: Timestamp,
}

/// One point in time, on all clocks.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// Since the simulator began.
    pub elapsed: Duration,
    pub instant: Instant,
    pub wall: Timestamp,
}

impl Clock {
    pub(super) fn now(&self) -> Moment {
        let instant = Instant::now();
        let elapsed = instant.duration_since(self.started);
        Moment { elapsed, instant, wall: self.wall(elapsed) }
    }

    /// What the clock on the wall shows so long after the start.
    pub(super) fn wall(&self, elapsed: Duration) -> Timestamp {
        let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
        self.epoch.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

/// How far whoever reads can see: what happened after `seen` has not come to where is read from.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    pub clock: Clock,
    /// Since the simulator began; none where nothing of it has come yet.
    pub seen: Option<Duration>,
}

/// What all parts of one answer share.
pub(super) struct Visit {
    pub at: Moment,
    pub request_id: String,
    pub client_request_id: String,
    /// `http://` and the host that was asked, for the URLs in answers.
    pub base: String,
}

impl Visit {
    pub(super) fn new(request: &Request<'_>, at: Moment, dice: &mut Dice) -> Self {
        let request_id = dice.guid();
        let client_request_id = request.header("client-request-id").map_or_else(|| request_id.clone(), str::to_owned);
        let base = match request.header("host") {
            Some(host) => format!("http://{host}"),
            None => "https://graph.microsoft.com".to_owned(),
        };
        Self { at, request_id, client_request_id, base }
    }

    /// Puts the headers on `answer` that every answer of Graph carries.
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

/// The date as HTTP writes it: `Tue, 01 Sep 2026 07:00:00 GMT`.
pub(super) fn http_date(wall: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&wall).unwrap_or_default()
}
