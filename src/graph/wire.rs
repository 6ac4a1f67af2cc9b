//! The bytes of a `$batch`: writes requests and reads answers.
//!
//! Reading trusts nothing: bodies and headers may be missing, ids unknown, numbers strings, names in any case. What
//! cannot be parsed is left out, and the run treats a missing answer as a lost one.
//!
//! Invariant: reading any bytes ends in a value or a [`SendError`], never in a panic.

mod alone;

pub use alone::{Alone, decode_alone, encode_alone};

use super::{
    BatchRequest, BatchResponse, Operation, Page, RawJson, Reply, Request, SendError, json,
    user::{self, User},
};
use crate::{
    graph::{guid, retry_after},
    outcome::Body,
    password::{ForceChange, Password},
};
use jiff::{Timestamp, fmt::rfc2822};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    ser::{SerializeMap, SerializeStruct},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap, time::Duration};
use zeroize::Zeroizing;

/// The header with our own id of a request.
pub(crate) const CLIENT_REQUEST_ID: &str = "client-request-id";
/// Size of one item of a request besides its address and password.
const ITEM_BYTES: usize = 336;

/// Maximum length of a request id that is kept: a GUID has 36 characters.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// Maximum length of an address that is kept; Graph's own have about 200 characters.
const LOCATION_BYTES_MAX: usize = 2_000;
/// Maximum length of an error's code or message that is kept; Graph's own are below 300 characters.
const TEXT_CHARS_MAX: usize = 1_000;

/// The JSON of a batch. It may contain passwords, so it wipes itself.
#[must_use]
pub fn encode(batch: &BatchRequest) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ITEM_BYTES + batch.requests.iter().map(room).sum::<usize>()));
    serde_json::to_writer(&mut *bytes, &Requests(batch)).expect("a batch is always valid JSON");
    bytes
}

/// Enough for any escapes, so the buffer never grows and leaves a copy behind: an apostrophe in an address may be
/// doubled and takes three characters each time, a quote in a password takes two.
fn room(request: &Request) -> usize {
    let password = match &request.operation {
        Operation::SetPassword(password, _) | Operation::ResetOnPremises(password) => 2 * password.expose().len(),
        Operation::Follow(url) => 2 * url.len(),
        Operation::RevokeSessions | Operation::Read => 0,
    };
    ITEM_BYTES + 6 * request.address.as_str().len() + password
}

struct Requests<'a>(&'a BatchRequest);
struct Items<'a>(&'a BatchRequest);
struct Item<'a>(&'a Request);
/// `{"passwordProfile":{…}}`.
struct NewPassword<'a>(&'a Password, ForceChange);
struct Profile<'a>(&'a Password, ForceChange);
/// The headers of an item with a body, with our id of it.
struct ItemHeaders(Option<u128>);
struct Empty;

impl Serialize for Requests<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("requests", &Items(self.0))?;
        map.end()
    }
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.requests.iter().map(Item))
    }
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Request { row, address, operation, client_request_id } = self.0;
        let headers = ItemHeaders(*client_request_id);
        let path = address.path();
        let mut item = serializer.serialize_struct("request", 5)?;
        item.serialize_field("id", &row.to_string())?;
        match operation {
            Operation::SetPassword(password, force_change) => {
                item.serialize_field("method", "PATCH")?;
                item.serialize_field("url", &path)?;
                item.serialize_field("headers", &headers)?;
                item.serialize_field("body", &NewPassword(password, *force_change))?;
            }
            // In a batch, an action without a body still sends an empty one (JSON batching, request rules).
            Operation::RevokeSessions => {
                item.serialize_field("method", "POST")?;
                item.serialize_field("url", &format!("{path}/revokeSignInSessions"))?;
                item.serialize_field("headers", &headers)?;
                item.serialize_field("body", &Empty)?;
            }
            Operation::Read => {
                item.serialize_field("method", "GET")?;
                item.serialize_field("url", &format!("{path}?$select={}", user::SELECT))?;
            }
            Operation::ResetOnPremises(password) => {
                item.serialize_field("method", "POST")?;
                item.serialize_field("url", &alone::reset_path(address))?;
                item.serialize_field("headers", &headers)?;
                item.serialize_field("body", &alone::NewPassword(password))?;
            }
            Operation::Follow(url) => {
                item.serialize_field("method", "GET")?;
                item.serialize_field("url", url)?;
            }
        }
        item.end()
    }
}

impl Serialize for ItemHeaders {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("Content-Type", "application/json")?;
        if let Some(id) = self.0 {
            map.serialize_entry(CLIENT_REQUEST_ID, &guid::text(id))?;
        }
        map.end()
    }
}

impl Serialize for Empty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}

impl Serialize for NewPassword<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("passwordProfile", &Profile(self.0, self.1))?;
        map.end()
    }
}

impl Serialize for Profile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("password", self.0.expose())?;
        match self.1 {
            ForceChange::NextSignIn => map.serialize_entry("forceChangePasswordNextSignIn", &true)?,
            ForceChange::NextSignInWithMfa => map.serialize_entry("forceChangePasswordNextSignInWithMfa", &true)?,
            ForceChange::No => map.serialize_entry("forceChangePasswordNextSignIn", &false)?,
        }
        map.end()
    }
}

/// The headers of a whole HTTP answer, parsed.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// HTTP status of the whole.
    pub status: u16,
    /// `Retry-After` of the whole; at most an hour.
    pub retry_after: Option<Duration>,
    /// The seconds that it named, if they exceed the accepted hour; otherwise 0.
    pub seconds_named: u32,
    /// `request-id` of the whole.
    pub request_id: String,
    /// `x-ms-throttle-limit-percentage` of the whole.
    pub throttle_percentage: Option<f64>,
    /// `Date` of the whole.
    pub date: Option<Timestamp>,
    /// `Location` of the whole, as it was sent.
    pub location: Option<String>,
}

impl Envelope {
    /// Parses the headers of an answer; `header` looks them up.
    #[must_use]
    pub fn read<'a>(status: u16, header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let (retry_after, seconds_named) = header("retry-after").map_or((None, 0), wait);
        Self {
            status,
            retry_after,
            seconds_named,
            request_id: header("request-id").unwrap_or_default().chars().take(REQUEST_ID_CHARS_MAX).collect(),
            throttle_percentage: header("x-ms-throttle-limit-percentage").and_then(|value| value.parse().ok()),
            date: header("date").and_then(|value| Some(rfc2822::parse(value).ok()?.timestamp())),
            location: header("location").filter(|url| url.len() <= LOCATION_BYTES_MAX).map(str::to_owned),
        }
    }
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

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
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

/// A string; empty if the value is something else.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).map(Cow::Owned).unwrap_or_default())
}

/// Parses an object: serde would also accept an array, with the fields by position.
fn object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let bytes = json::unmarked(bytes);
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(bytes).ok()).flatten()
}

/// Reads the answer to a batch.
///
/// # Errors
/// Returns [`SendError::Refused`] for a status other than 2xx, and [`SendError::Lost`] if the body is not a batch
/// response, so nothing is known about any write.
#[expect(clippy::result_large_err, reason = "a reply that refuses a whole batch is rare, and moved once")]
pub fn decode(envelope: &Envelope, body: &[u8]) -> Result<BatchResponse, SendError> {
    if !(200..300).contains(&envelope.status) {
        return Err(SendError::Refused(refusal(envelope, body)));
    }
    let parsed: Responses = object(body)
        .ok_or_else(|| SendError::Lost("the answer is not a batch response (cut off, or not from Graph)".into()))?;
    let mut throttle_percentage = envelope.throttle_percentage;
    let replies = parsed.responses.iter().filter_map(|raw| reply(raw, &mut throttle_percentage)).collect();
    let (request_id, date) = (envelope.request_id.clone(), envelope.date);
    Ok(BatchResponse { replies, request_id, throttle_percentage, date })
}

#[derive(Deserialize)]
struct Collection {
    value: Vec<RawJson>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

/// Reads a page of a collection.
///
/// # Errors
/// Fails like [`decode`].
#[expect(clippy::result_large_err, reason = "a reply that refuses a whole batch is rare, and moved once")]
pub fn decode_page(envelope: &Envelope, body: &[u8]) -> Result<Page, SendError> {
    if !(200..300).contains(&envelope.status) {
        return Err(SendError::Refused(refusal(envelope, body)));
    }
    let page: Collection = object(body)
        .ok_or_else(|| SendError::Lost("the answer is not a collection (cut off, or not from Graph)".into()))?;
    Ok(Page { value: page.value, next: page.next })
}

fn refusal(envelope: &Envelope, body: &[u8]) -> Reply {
    let mut reply = Reply {
        status: envelope.status,
        retry_after: envelope.retry_after,
        seconds_named: envelope.seconds_named,
        request_id: envelope.request_id.clone(),
        ..Reply::default()
    };
    if let Ok(text) = std::str::from_utf8(body) {
        read_body(&mut reply, text);
    }
    reply
}

fn reply(raw: &RawValue, percentage: &mut Option<f64>) -> Option<Reply> {
    let response: Response = object(raw.get().as_bytes())?;
    let mut reply = Reply { row: response.id.and_then(number), status: response.status?, ..Reply::default() };
    if let Some(headers) = response.headers {
        read_headers(&mut reply, percentage, headers.get());
    }
    if let Some(body) = response.body {
        read_body(&mut reply, body.get());
    }
    Some(reply)
}

/// A number, as itself or as a string.
fn number(raw: &RawValue) -> Option<u64> {
    raw.get().trim_matches('"').parse().ok()
}

/// Takes what matters from a body: the error, otherwise the account or the value.
fn read_body(reply: &mut Reply, body: &str) {
    let Some(body) = json::object(body) else { return };
    let Ok(content) = serde_json::from_str::<Content>(&body) else {
        reply.body = Body::Error;
        return;
    };
    match content.error {
        Some(error) => explain(reply, error.get()),
        None if (200..300).contains(&reply.status) => {
            reply.user = User::read(&body);
            if content.value.is_some_and(|value| value.get() == "true") {
                reply.body = Body::True;
            }
        }
        None => {}
    }
}

fn explain(reply: &mut Reply, error: &str) {
    reply.body = Body::Error;
    let Ok(error) = serde_json::from_str::<ErrorBody>(error) else { return };
    reply.code = clipped(error.code);
    reply.message = clipped(error.message);
    let inner = error.inner.and_then(|inner| serde_json::from_str::<Inner>(inner.get()).ok());
    if let Some(id) = inner.and_then(|inner| inner.request_id) {
        reply.request_id = clipped(id);
    }
}

/// Truncates, so that a server cannot fill the ledger with one error.
fn clipped(text: Cow<'_, str>) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.into_owned(),
    }
}

fn read_headers(reply: &mut Reply, percentage: &mut Option<f64>, headers: &str) {
    let Ok(headers) = serde_json::from_str::<HashMap<Cow<str>, &RawValue>>(headers) else { return };
    let (mut reason, mut scope) = (None, "");
    for (name, value) in headers {
        let value = value.get().trim_matches('"');
        if name.eq_ignore_ascii_case("retry-after") {
            (reply.retry_after, reply.seconds_named) = wait(value);
        } else if name.eq_ignore_ascii_case("x-ms-throttle-limit-percentage") {
            *percentage = highest(*percentage, value.parse().ok());
        } else if name.eq_ignore_ascii_case("x-ms-throttle-information") {
            reason = Some(value);
        } else if name.eq_ignore_ascii_case("x-ms-throttle-scope") {
            scope = value;
        }
    }
    reply.is_over_quota = reply.status == 429 && names_quota(reason, !scope.is_empty());
    let is_of_application = scope.split('/').next().is_some_and(|kind| kind.eq_ignore_ascii_case("Application"));
    reply.is_of_application = reply.is_over_quota && is_of_application;
}

/// Whether the headers of a 429 blame a quota. Graph also names its load there (`CPULimitExceeded`), which is no quota.
fn names_quota(reason: Option<&str>, has_scope: bool) -> bool {
    reason.map_or(has_scope, |reason| {
        let reason = reason.to_ascii_lowercase();
        reason.ends_with("limitexceeded") && !reason.starts_with("cpu")
    })
}

/// The accepted wait in a `Retry-After`, and the seconds that it named if those are more.
fn wait(value: &str) -> (Option<Duration>, u32) {
    let named = retry_after::named(value, Timestamp::now());
    let beyond = named.filter(|named| *named > retry_after::WAIT_MAX);
    let seconds = beyond.map_or(0, |named| u32::try_from(named.as_secs()).unwrap_or(u32::MAX));
    (named.map(|named| named.min(retry_after::WAIT_MAX)), seconds)
}

fn highest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}
