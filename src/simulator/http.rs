//! Requests and answers as bytes: the only way into the simulator, in process and over a socket alike.
//!
//! Invariant: neither a request nor an answer can be printed, because both contain secrets.

use crate::graph::wire::Envelope;
use std::{borrow::Cow, time::Duration};

/// One HTTP request, borrowed from the caller.
pub struct Request<'a> {
    /// `GET`, `POST`, `PATCH` …
    pub method: &'a str,
    /// Path and query, as on the request line.
    pub target: &'a str,
    /// Names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, after any transfer encoding was decoded.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first header with this name, ignoring case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// One HTTP answer.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in any case. `Content-Length` is not among them; see `length`.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// The body, or the part before the connection breaks.
    pub body: Vec<u8>,
    /// The `Content-Length`: greater than the length of `body` if the answer is truncated.
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

    /// The first header with this name, ignoring case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// The parsed headers for [`crate::graph::wire::decode`].
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        Envelope::read(self.status, |name| self.header(name))
    }
}

/// What happens to a request. Its effect, if any, has already taken place; the delay is for the answer.
pub struct ResponsePlan {
    /// How long the answer takes.
    pub delay: Duration,
    /// The answer; `None` if the connection is cut without one.
    pub answer: Option<Answer>,
}
