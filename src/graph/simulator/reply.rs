//! What one call on the directory is answered with, before it becomes an item of a batch or an HTTP answer.

use super::{http::Answer, refusal::Refusal, visit::Visit};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Status, headers and body.
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    pub body: Body,
}

/// The body of an item; where there is none, that is written in more than one way.
pub(super) enum Body {
    Absent,
    Null,
    Empty,
    Json(Box<RawValue>),
}

impl Reply {
    pub(super) fn new(status: u16, body: Body) -> Self {
        let mut headers = Vec::with_capacity(4);
        headers.push(("Cache-Control", "no-cache".into()));
        if matches!(body, Body::Json(_)) {
            headers.push(("Content-Type", "application/json".into()));
        }
        Self { status, headers, body }
    }

    pub(super) fn refused(refusal: &Refusal, visit: &Visit) -> Self {
        Self::new(refusal.status, Body::Json(refusal.body(visit)))
    }

    /// The same as an HTTP answer of its own, where no body is no body.
    pub(super) fn into_answer(self) -> Answer {
        let body = match self.body {
            Body::Json(json) => json.get().as_bytes().to_vec(),
            Body::Absent | Body::Null | Body::Empty => Vec::new(),
        };
        // The headers of a whole answer bring their own Cache-Control.
        let headers = self.headers.into_iter().filter(|(name, _)| *name != "Cache-Control");
        let headers = headers.map(|(name, value)| (name.into(), value)).collect();
        Answer { status: self.status, headers, length: body.len(), body }
    }
}

impl Body {
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_unit(),
            Self::Empty => serializer.serialize_map(Some(0))?.end(),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}
