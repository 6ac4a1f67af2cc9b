//! The bytes of a `$batch`: how a request is written and an answer read.
//!
//! Reading believes nothing: bodies and headers may be absent, ids unknown, numbers strings, names in any case. What
//! cannot be understood is left out, and the run treats a missing answer as a lost one.
//!
//! Invariant: whatever bytes come in, reading them ends in a value or in [`SendError`], never in a panic.

use super::{BatchRequest, BatchResponse, Reply, SendError, Write};
use crate::plan::ForceChange;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    ser::{SerializeMap, SerializeStruct},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap, time::Duration};
use zeroize::Zeroizing;

/// Room for one item of a request besides its address and password.
const ITEM_BYTES: usize = 256;

/// Characters of an error's code or message that are kept; Graph's own are below 300.
const TEXT_CHARS_MAX: usize = 1_000;

/// The JSON of a batch. It holds passwords, so it wipes itself.
#[must_use]
pub fn encode(batch: &BatchRequest) -> Zeroizing<Vec<u8>> {
    // Enough for any escapes, so that the buffer never moves and leaves a copy behind: an apostrophe of an address may be
    // doubled and takes three characters each time, a quote in a password takes two.
    let room = |write: &Write| ITEM_BYTES + 6 * write.address.as_str().len() + 2 * write.password.expose().len();
    let mut bytes = Zeroizing::new(Vec::with_capacity(ITEM_BYTES + batch.writes.iter().map(room).sum::<usize>()));
    serde_json::to_writer(&mut *bytes, &Requests(batch)).expect("a batch is always valid JSON");
    bytes
}

/// The body of one item: `{"passwordProfile":{…}}`.
struct Body<'a>(&'a Write, ForceChange);
struct Profile<'a>(&'a Write, ForceChange);
struct Item<'a>(&'a Write, ForceChange);
struct Items<'a>(&'a BatchRequest);
struct Requests<'a>(&'a BatchRequest);
struct JsonContent;

impl Serialize for Requests<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("requests", &Items(self.0))?;
        map.end()
    }
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.writes.iter().map(|write| Item(write, self.0.force_change)))
    }
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut item = serializer.serialize_struct("request", 5)?;
        item.serialize_field("id", &self.0.row.to_string())?;
        item.serialize_field("method", "PATCH")?;
        item.serialize_field("url", &self.0.address.path())?;
        item.serialize_field("headers", &JsonContent)?;
        item.serialize_field("body", &Body(self.0, self.1))?;
        item.end()
    }
}

impl Serialize for JsonContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("Content-Type", "application/json")?;
        map.end()
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("passwordProfile", &Profile(self.0, self.1))?;
        map.end()
    }
}

impl Serialize for Profile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("password", self.0.password.expose())?;
        match self.1 {
            ForceChange::NextSignIn => map.serialize_entry("forceChangePasswordNextSignIn", &true)?,
            ForceChange::NextSignInWithMfa => map.serialize_entry("forceChangePasswordNextSignInWithMfa", &true)?,
            ForceChange::No => map.serialize_entry("forceChangePasswordNextSignIn", &false)?,
        }
        map.end()
    }
}

/// What a whole HTTP answer says, taken out of its headers.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// HTTP status of the whole.
    pub status: u16,
    /// `Retry-After` of the whole.
    pub retry_after: Option<Duration>,
    /// `request-id` of the whole.
    pub request_id: String,
    /// `x-ms-throttle-limit-percentage` of the whole.
    pub throttle_percentage: Option<f64>,
}

#[derive(Deserialize)]
struct Responses<'a> {
    #[serde(borrow)]
    responses: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    status: Option<u16>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Failure<'a> {
    #[serde(borrow, default)]
    error: ErrorBody<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorBody<'a> {
    #[serde(borrow, deserialize_with = "text")]
    code: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "text")]
    message: Cow<'a, str>,
    #[serde(borrow, rename = "innerError", alias = "innererror")]
    inner: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow, rename = "request-id")]
    request_id: Option<Cow<'a, str>>,
}

/// A string, or nothing where something else stands.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).map(Cow::Owned).unwrap_or_default())
}

/// Reads the answer to a batch.
///
/// # Errors
/// [`SendError::Refused`] for a status other than 2xx; [`SendError::Lost`] where the body is no batch response, so that
/// nothing can be said about any write.
pub fn decode(envelope: &Envelope, body: &[u8]) -> Result<BatchResponse, SendError> {
    if !(200..300).contains(&envelope.status) {
        return Err(SendError::Refused(refusal(envelope, body)));
    }
    let parsed: Responses = serde_json::from_slice(body)
        .map_err(|_| SendError::Lost("the answer is no batch response (cut off, or not from Graph)".into()))?;
    let mut throttle_percentage = envelope.throttle_percentage;
    let replies = parsed.responses.iter().filter_map(|raw| reply(raw, &mut throttle_percentage)).collect();
    Ok(BatchResponse { replies, request_id: envelope.request_id.clone(), throttle_percentage })
}

fn refusal(envelope: &Envelope, body: &[u8]) -> Reply {
    let mut reply = Reply {
        status: envelope.status,
        retry_after: envelope.retry_after,
        request_id: envelope.request_id.clone(),
        ..Reply::default()
    };
    if let Ok(text) = std::str::from_utf8(body) {
        explain(&mut reply, text);
    }
    reply
}

fn reply(raw: &RawValue, percentage: &mut Option<f64>) -> Option<Reply> {
    let response: Response = serde_json::from_str(raw.get()).ok()?;
    let mut reply = Reply { row: response.id.and_then(number), status: response.status?, ..Reply::default() };
    if let Some(headers) = response.headers {
        read_headers(&mut reply, percentage, headers.get());
    }
    if let Some(body) = response.body.filter(|_| reply.status >= 300) {
        explain(&mut reply, body.get());
    }
    Some(reply)
}

/// A number that stands as itself or as a string.
fn number(raw: &RawValue) -> Option<u64> {
    raw.get().trim_matches('"').parse().ok()
}

fn explain(reply: &mut Reply, body: &str) {
    let Ok(Failure { error }) = serde_json::from_str::<Failure>(body) else { return };
    reply.code = clipped(error.code);
    reply.message = clipped(error.message);
    let inner = error.inner.and_then(|inner| serde_json::from_str::<Inner>(inner.get()).ok());
    if let Some(id) = inner.and_then(|inner| inner.request_id) {
        reply.request_id = clipped(id);
    }
}

/// A server cannot fill the ledger with one error.
fn clipped(text: Cow<'_, str>) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.into_owned(),
    }
}

fn read_headers(reply: &mut Reply, percentage: &mut Option<f64>, headers: &str) {
    let Ok(headers) = serde_json::from_str::<HashMap<Cow<str>, &RawValue>>(headers) else { return };
    for (name, value) in headers {
        let value = value.get().trim_matches('"');
        if name.eq_ignore_ascii_case("retry-after") {
            reply.retry_after = crate::retry_after::parse(value, jiff::Timestamp::now());
        } else if name.eq_ignore_ascii_case("x-ms-throttle-limit-percentage") {
            *percentage = highest(*percentage, value.parse().ok());
        }
    }
}

fn highest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}
