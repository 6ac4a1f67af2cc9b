//! What Graph says when it refuses, word for word as captures and documentation have it.
//!
//! It never decides that something is refused.

use super::visit::Visit;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A status, a code and a message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: Cow<'static, str>,
    /// What stands in `innerError`.
    pub inner: InnerForm,
}

/// The shapes that `innerError` is seen in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum InnerForm {
    /// Date and both request ids.
    Usual,
    /// The date alone, as gateways have it.
    DateOnly,
    /// The throttled shape of Graph's documentation, with code and status once more.
    Throttled,
}

/// The text of a conflict, whatever its code.
const CONCURRENT: &str = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.";

impl Refusal {
    const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message: Cow::Borrowed(message), inner: InnerForm::Usual }
    }

    fn said(status: u16, code: &'static str, message: String) -> Self {
        Self { status, code, message: Cow::Owned(message), inner: InnerForm::Usual }
    }

    pub(super) const DENIED: Self =
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
    pub(super) const SYNCED: Self = Self::new(
        400,
        "Request_BadRequest",
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects \
         currently undergoing migration.",
    );
    pub(super) const EXTERNAL: Self = Self::new(
        400,
        "Request_BadRequest",
        "Unable to update the specified properties for objects that have originated within an external service.",
    );
    pub(super) const FEDERATED: Self = Self::new(400, "Request_BadRequest", "Property userPrincipalName is invalid.");
    pub(super) const COMPLEXITY: Self = Self::new(
        400,
        "Request_BadRequest",
        "The specified password does not comply with password complexity requirements. Please provide a different \
         password.",
    );
    pub(super) const BAD_REQUEST: Self =
        Self::new(400, "Request_BadRequest", "Bad request. Please fix the request before retrying.");
    pub(super) const BAD_BODY: Self = Self::new(
        400,
        "BadRequest",
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON \
         format.",
    );
    pub(super) const BAD_FILTER: Self = Self::new(400, "BadRequest", "Invalid filter clause");
    pub(super) const METHOD: Self =
        Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.");
    pub(super) const CONFLICT: Self = Self::new(409, "Directory_ConcurrencyViolation", CONCURRENT);
    pub(super) const CONFLICT_AS_BAD_REQUEST: Self = Self::new(400, "Request_BadRequest", CONCURRENT);
    pub(super) const UNAVAILABLE: Self = Self::new(503, "UnknownError", "");
    pub(super) const TIMEOUT: Self = Self::new(504, "UnknownError", "");
    pub(super) const DEPENDENCY: Self =
        Self::new(424, "FailedDependency", "A request that this one depends on failed.");
    pub(super) const CHUNKED: Self = Self::new(
        411,
        "LengthRequired",
        "A Content-Length header is required: the directory takes no chunked request body.",
    );
    pub(super) const BAD_BATCH: Self = Self::new(400, "BadRequest", "Invalid batch payload format.");
    pub(super) const BATCH_TOO_LARGE: Self =
        Self::new(400, "BadRequest", "Number of requests inside batch exceed the limit");
    pub(super) const TOKEN_EMPTY: Self = Self::new(401, "InvalidAuthenticationToken", "Access token is empty.");
    pub(super) const TOKEN_UNKNOWN: Self =
        Self::new(401, "InvalidAuthenticationToken", "CompactToken parsing failed with error code: 80049217");
    pub(super) const TOKEN_EXPIRED: Self =
        Self::new(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.");
    pub(super) const TOKEN_REVOKED: Self =
        Self::new(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.");

    pub(super) fn not_found(key: &str) -> Self {
        let said = "does not exist or one of its queried reference-property objects are not present.";
        Self::said(404, "Request_ResourceNotFound", format!("Resource '{key}' {said}"))
    }

    pub(super) fn no_segment(segment: &str) -> Self {
        Self::said(400, "RequestBroker--ParseUri", format!("Resource not found for the segment '{segment}'."))
    }

    pub(super) fn no_property(name: &str, kind: &str) -> Self {
        let message = format!("Could not find a property named '{name}' on type 'microsoft.graph.{kind}'.");
        Self::said(400, "BadRequest", message)
    }

    pub(super) fn too_many_clauses(clauses: usize, most: usize) -> Self {
        let message = format!(
            "Too many child clauses specified in search filter expression containing 'OR' operators: {clauses}. Max \
             allowed: {most}."
        );
        Self::said(400, "Request_UnsupportedQuery", message)
    }

    pub(super) fn id_twice(id: &str) -> Self {
        Self::said(400, "BadRequest", format!("Request Id {id} has to be unique in a batch."))
    }

    /// A write without `Content-Type` or body; `id` is empty where it came alone.
    pub(super) fn incomplete(id: &str) -> Self {
        if id.is_empty() {
            return Self::BAD_BODY;
        }
        let message = format!("Write request id : {id} does not contain Content-Type header or body.");
        Self::said(400, "BadRequest", message)
    }

    /// The 429 of Graph's documentation.
    pub(super) fn throttled() -> Self {
        Self { inner: InnerForm::Throttled, ..Self::new(429, "TooManyRequests", "Please retry again later.") }
    }

    /// The 429 that the directory itself is seen to give.
    pub(super) fn throttled_by_directory(app: &str, tenant: &str) -> Self {
        let message = format!(
            "Too many requests from Identifier:{app}+{tenant} under category:aadgraph.app.tenant_large. Please try \
             again later."
        );
        Self { inner: InnerForm::DateOnly, ..Self::said(429, "TooManyRequests", message) }
    }

    /// The JSON body: `{"error":{…}}`.
    pub(super) fn body(&self, visit: &Visit) -> Box<RawValue> {
        let date = visit.at.wall.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let ids = self.inner != InnerForm::DateOnly;
        let again = self.inner == InnerForm::Throttled;
        let inner = Inner {
            code: again.then_some("429"),
            date: &date,
            message: again.then_some("Please retry after"),
            request_id: ids.then_some(&visit.request_id),
            client_request_id: (ids && !again).then_some(&visit.client_request_id),
            status: again.then_some("429"),
        };
        let error = Error { code: self.code, message: &self.message, inner };
        serde_json::value::to_raw_value(&Envelope { error }).expect("text is always valid JSON")
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(rename = "innerError")]
    inner: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    date: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(rename = "request-id", skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(rename = "client-request-id", skip_serializing_if = "Option::is_none")]
    client_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
}
