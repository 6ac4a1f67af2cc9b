//! The answer to one call to the directory, before it becomes an item of a batch or an HTTP answer.

use super::{context::RequestContext, http::Answer, refusal::Refusal};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Status, headers and body.
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    pub body: Body,
}

/// The body of an item; a missing body is written in more than one way.
pub(super) enum Body {
    Absent,
    Null,
    /// `{}`, which Graph was not seen to send.
    Empty,
    Json(Box<RawValue>),
    /// A number as plain text.
    Count(usize),
}

impl Reply {
    pub(super) fn new(status: u16, body: Body) -> Self {
        let mut headers = Vec::with_capacity(4);
        headers.push(("Cache-Control", "no-cache".into()));
        match body {
            Body::Json(_) => headers.push(("Content-Type", "application/json".into())),
            Body::Count(_) => headers.push(("Content-Type", "text/plain".into())),
            Body::Absent | Body::Null | Body::Empty => {}
        }
        Self { status, headers, body }
    }

    pub(super) fn refused(refusal: &Refusal, context: &RequestContext) -> Self {
        Self::new(refusal.status, Body::Json(refusal.body(context)))
    }

    /// The same as an HTTP answer of its own, in which no body means no body.
    pub(super) fn into_answer(self) -> Answer {
        let body = match self.body {
            Body::Json(json) => json.get().as_bytes().to_vec(),
            Body::Count(count) => count.to_string().into_bytes(),
            Body::Absent | Body::Null | Body::Empty => Vec::new(),
        };
        // A whole answer has its own Cache-Control.
        let headers = self.headers.into_iter().filter(|(name, _)| *name != "Cache-Control");
        let headers = headers.map(|(name, value)| (name.into(), value)).collect();
        Answer { status: self.status, headers, length: body.len(), body }
    }
}

impl Body {
    /// JSON of the simulator's own types.
    pub(super) fn json(value: &impl Serialize) -> Self {
        Self::Json(serde_json::value::to_raw_value(value).expect("the simulator's own types are always valid JSON"))
    }

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
            Self::Count(count) => count.serialize(serializer),
        }
    }
}
