//! A `$batch`: split up, each item answered by itself, and put together in random order.
//!
//! Only an error of the batch itself fails the whole batch; an error of an item is that item's answer.
//!
//! Invariant: without faults, every item is answered exactly once, under its own id.

use super::{
    call::Call,
    context::{RequestContext, is_eventual},
    faults::HeaderCase,
    refusal::Refusal,
    reply::{Body, Reply},
    state::State,
};
use crate::graph::BATCH_ITEMS_MAX;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, time::Duration};

#[derive(Deserialize)]
struct Requests<'a> {
    #[serde(borrow)]
    requests: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(default)]
    headers: Option<ItemHeaders>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(default, rename = "dependsOn")]
    depends_on: Option<Vec<String>>,
}

/// What an item's own headers say. Those of the batch do not count for its items.
#[derive(Clone, Copy, Default)]
struct ItemHeaders {
    /// Whether there is a `Content-Type`.
    content_type: bool,
    /// Whether there is `ConsistencyLevel: eventual`.
    eventual: bool,
}

impl<'de> Deserialize<'de> for ItemHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Headers;
        impl<'de> Visitor<'de> for Headers {
            type Value = ItemHeaders;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ItemHeaders, A::Error> {
                let mut found = ItemHeaders::default();
                while let Some((name, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
                    found.content_type |= name.eq_ignore_ascii_case("content-type");
                    if name.eq_ignore_ascii_case("consistencylevel") {
                        found.eventual |= is_eventual(value.get().trim_matches('"'));
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Headers)
    }
}

#[derive(Serialize)]
struct Responses<'a> {
    responses: &'a [Response<'a>],
}

#[derive(Serialize)]
struct Response<'a> {
    id: Cow<'a, str>,
    status: u16,
    headers: Headers<'a>,
    #[serde(skip_serializing_if = "Body::is_absent")]
    body: &'a Body,
}

#[derive(Clone, Copy)]
struct Headers<'a>(&'a [(&'static str, Cow<'static, str>)], HeaderCase);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            match self.1 {
                HeaderCase::Canonical | HeaderCase::Mixed => map.serialize_entry(name, value)?,
                HeaderCase::Lower => map.serialize_entry(&name.to_ascii_lowercase(), value)?,
                HeaderCase::Upper => map.serialize_entry(&name.to_ascii_uppercase(), value)?,
            }
        }
        map.end()
    }
}

impl<'a> Requests<'a> {
    fn read(body: &'a [u8]) -> Result<Self, Refusal> {
        let batch: Self = serde_json::from_slice(body).map_err(|_| Refusal::BAD_BATCH)?;
        if batch.requests.is_empty() {
            return Err(Refusal::BAD_BATCH);
        }
        if batch.requests.len() > BATCH_ITEMS_MAX {
            return Err(Refusal::BATCH_TOO_LARGE);
        }
        batch.check_ids()?;
        Ok(batch)
    }

    /// Ids are unique, ignoring case, and items depend only on earlier ones.
    fn check_ids(&self) -> Result<(), Refusal> {
        for (at, item) in self.requests.iter().enumerate() {
            let earlier = |id: &str| self.requests[..at].iter().any(|other| other.id.eq_ignore_ascii_case(id));
            if earlier(&item.id) {
                return Err(Refusal::id_twice(&item.id));
            }
            if !item.depends_on.iter().flatten().all(|id| earlier(id)) {
                return Err(Refusal::BAD_BATCH);
            }
        }
        Ok(())
    }
}

impl State {
    /// Answers a batch with the JSON of its responses, or refuses the whole batch.
    pub(super) fn batch(&mut self, body: &[u8], context: &RequestContext) -> Result<Vec<u8>, Refusal> {
        let batch = Requests::read(body)?;
        let mut replies: Vec<Reply> = Vec::with_capacity(batch.requests.len());
        for item in &batch.requests {
            let failed = |id: &String| {
                let parent = batch.requests.iter().position(|other| other.id.eq_ignore_ascii_case(id));
                parent.is_some_and(|at| replies[at].status >= 400)
            };
            let reply = if item.depends_on.iter().flatten().any(failed) {
                Reply::refused(&Refusal::DEPENDENCY, context)
            } else {
                self.item(item, context)
            };
            replies.push(reply);
        }
        let mut responses = self.assemble(&batch, &replies);
        self.rng.shuffle(&mut responses);
        Ok(serde_json::to_vec(&Responses { responses: &responses }).expect("responses are always valid JSON"))
    }

    /// Makes every account of a batch remember until when it must not be called again.
    pub(super) fn hold_batch(&mut self, body: &[u8], until: Duration) {
        for item in Requests::read(body).map(|batch| batch.requests).unwrap_or_default() {
            self.hold(&item.url, until);
        }
    }

    fn item(&mut self, item: &Item<'_>, context: &RequestContext) -> Reply {
        let headers = item.headers.unwrap_or_default();
        let call = Call {
            id: &item.id,
            method: &item.method,
            url: &item.url,
            has_content_type: headers.content_type,
            body: item.body.map(|body| body.get().as_bytes()),
        };
        self.call(&call, headers.eventual, context)
    }

    fn assemble<'a>(&mut self, batch: &'a Requests<'_>, replies: &'a [Reply]) -> Vec<Response<'a>> {
        let faults = self.faults.responses.clone();
        let mut responses = Vec::with_capacity(replies.len() + 1);
        for (item, reply) in batch.requests.iter().zip(replies) {
            let times = match (self.rng.chance(faults.missing), self.rng.chance(faults.repeated)) {
                (true, _) => {
                    // A client that was not told to wait cannot come too early.
                    self.hold(&item.url, Duration::ZERO);
                    0
                }
                (false, true) => 2,
                (false, false) => 1,
            };
            let case = self.header_case();
            responses.extend((0..times).map(|_| Response::of(Cow::Borrowed(&item.id), reply, case)));
        }
        if self.rng.chance(faults.unknown)
            && let Some(reply) = replies.first()
        {
            let id = Cow::Owned(format!("{}", u64::MAX - self.rng.below(1_000)));
            responses.push(Response::of(id, reply, HeaderCase::Canonical));
        }
        responses
    }

    fn header_case(&mut self) -> HeaderCase {
        match self.faults.header_case {
            HeaderCase::Mixed => self.rng.one_of([HeaderCase::Canonical, HeaderCase::Lower, HeaderCase::Upper]),
            case => case,
        }
    }
}

impl<'a> Response<'a> {
    fn of(id: Cow<'a, str>, reply: &'a Reply, case: HeaderCase) -> Self {
        Self { id, status: reply.status, headers: Headers(&reply.headers, case), body: &reply.body }
    }
}
