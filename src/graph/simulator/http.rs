//! Requests and answers as bytes: the one way into the simulator, in process and over a socket alike.
//!
//! Invariant: neither a request nor an answer can be printed, since both hold secrets.

use crate::graph::wire::Envelope;
use std::{borrow::Cow, time::Duration};

/// One HTTP request, borrowed from whoever holds it.
pub struct Request<'a> {
    /// `GET`, `POST`, `PATCH` …
    pub method: &'a str,
    /// Path and query, as they stand on the request line.
    pub target: &'a str,
    /// Names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, decoded from whatever transfer encoding it had.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// One HTTP answer.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in any case; no `Content-Length`, for which see `length`.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// The body, or as much of it as comes before the connection breaks.
    pub body: Vec<u8>,
    /// The `Content-Length`: above that of `body` where the answer is cut off.
    pub length: usize,
}

impl Answer {
    pub(super) fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        let headers = vec![("Content-Type".into(), content_type.into())];
        Self { status, headers, length: body.len(), body }
    }

    pub(super) fn json(status: u16, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("the simulator's own types are always valid JSON");
        Self::new(status, "application/json", body)
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// What [`crate::graph::wire::decode`] wants to know of it.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        Envelope::read(self.status, |name| self.header(name))
    }
}

/// What becomes of a request. Its effect, if any, has taken place when this is made; the delay is the way back.
pub struct Fate {
    /// How long the answer takes.
    pub delay: Duration,
    /// The answer; none where the connection is cut without one.
    pub answer: Option<Answer>,
}
