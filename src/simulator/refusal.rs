//! Graph's words for a refusal, exactly as in captures and documentation.
//!
//! It never decides that something is refused.

use super::context::RequestContext;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A status, a code and a message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub message: Cow<'static, str>,
    /// The form of `innerError`.
    pub inner: InnerForm,
}

/// The known forms of `innerError`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum InnerForm {
    /// Date and both request ids.
    Usual,
    /// The date alone, as gateways send it.
    DateOnly,
    /// The throttled form in Graph's documentation, which repeats code and status.
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
    /// As Graph's pages of the audit log have it.
    pub(super) const NO_AUDIT_LOG: Self = Self::new(
        403,
        "Authentication_MSGraphPermissionMissing",
        "The principal does not have required Microsoft Graph permission(s): AuditLog.Read.All to call this API.",
    );
    pub(super) const NOT_PREMIUM: Self = Self::new(
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "Neither tenant is B2C or tenant doesn't have premium license",
    );
    /// Resets on premises are for persons. The words of this refusal are not known.
    pub(super) const APPLICATION: Self = Self::new(403, "accessDenied", "Request Authorization failed");
    /// The words of this refusal are not known.
    pub(super) const OWN_PASSWORD: Self =
        Self::new(400, "badRequest", "You cannot reset your own password with this request.");
    /// The words of this refusal are not known.
    pub(super) const NOT_ON_PREMISES: Self =
        Self::new(400, "badRequest", "The account is not managed by an on-premises directory.");
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
    pub(super) const SEARCH_NEEDS_EVENTUAL: Self = Self::new(
        400,
        "Request_UnsupportedQuery",
        "Request with $search query parameter only works through MSGraph with a special request header: \
         'ConsistencyLevel: eventual'",
    );
    /// The words of this refusal are not known.
    pub(super) const SEARCH_WITHOUT_PROPERTY: Self =
        Self::new(400, "Request_BadRequest", "Unrecognized $search clause: it has no property.");
    /// The words of this refusal are not known.
    pub(super) const NO_SEARCH: Self =
        Self::new(400, "Request_UnsupportedQuery", "Search is not supported for the current query.");
    pub(super) const NO_SORTING: Self =
        Self::new(400, "Request_UnsupportedQuery", "Sorting not supported for current query.");
    pub(super) const NO_SKIP: Self = Self::new(400, "Request_BadRequest", "'$skip' is not supported by the service.");
    pub(super) const NO_COUNT: Self = Self::new(400, "Request_BadRequest", "$count is not currently supported.");
    /// The words of this refusal are not known.
    pub(super) const NO_EXPAND: Self =
        Self::new(400, "Request_UnsupportedQuery", "Expand is not supported for the current query.");
    /// The words of this refusal are not known.
    pub(super) const BAD_PAGE_TOKEN: Self = Self::new(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
    );
    pub(super) const NOBODY: Self =
        Self::new(400, "BadRequest", "/me request is only valid with delegated authentication flow.");
    pub(super) const UPN_TAKEN: Self = Self::new(
        400,
        "Request_BadRequest",
        "Another object with the same value for property userPrincipalName already exists.",
    );
    pub(super) const UPN_DOMAIN: Self = Self::new(
        400,
        "Request_BadRequest",
        "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names \
         in your organization.",
    );
    /// An object where none is expected, mostly because the name of a property is misspelled.
    pub(super) const UNTYPED: Self = Self::new(
        400,
        "BadRequest",
        "A value without a type name was found and no expected type is available. When the model is specified, each \
         value in the payload must have a type which can be either specified in the payload, explicitly by the caller or \
         implicitly inferred from the parent value.",
    );
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
    pub(super) const TOKEN_AUDIENCE: Self =
        Self::new(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience.");
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

    /// An invalid `$filter`.
    pub(super) fn bad_filter(said: &str) -> Self {
        Self::said(400, "BadRequest", format!("Invalid filter clause: {said}"))
    }

    pub(super) fn unsupported_filter(property: &str, resource: &str) -> Self {
        let said = "Unsupported or invalid query filter clause specified for property";
        Self::said(400, "Request_UnsupportedQuery", format!("{said} '{property}' of resource '{resource}'."))
    }

    /// An operator that only advanced queries have.
    pub(super) fn needs_advanced(operator: &str) -> Self {
        let message = format!(
            "Operator '{operator}' is not supported because the required parameters might be missing. Try adding \
             $count=true query parameter and ConsistencyLevel:eventual header. Refer to \
             https://aka.ms/graph-docs/advanced-queries for more information"
        );
        Self::said(400, "Request_UnsupportedQuery", message)
    }

    /// A `$search` that cannot be read from `rest` on.
    pub(super) fn bad_search(rest: &str, whole: &str) -> Self {
        let letter = rest.chars().next().unwrap_or('"');
        let at = whole.len() - rest.len();
        Self::said(
            400,
            "BadRequest",
            format!("Syntax error: character '{letter}' is not valid at position {at} in '{whole}'."),
        )
    }

    /// The words of this refusal are not known.
    pub(super) fn no_search(property: &str, kind: &str) -> Self {
        let message = format!("Property '{property}' of type 'microsoft.graph.{kind}' cannot be searched.");
        Self::said(400, "Request_UnsupportedQuery", message)
    }

    pub(super) fn no_selection(name: &str, kind: &str) -> Self {
        let told = Self::no_property(name, kind).message;
        Self::said(400, "BadRequest", format!("Parsing OData Select and Expand failed: {told}"))
    }

    pub(super) fn no_navigation(name: &str, kind: &str) -> Self {
        let message = format!(
            "Parsing OData Select and Expand failed: Property '{name}' on type 'microsoft.graph.{kind}' is not a navigation \
             property or complex property. Only navigation properties can be expanded."
        );
        Self::said(400, "BadRequest", message)
    }

    pub(super) fn bad_expand(term: &str) -> Self {
        let message = format!(
            "Parsing OData Select and Expand failed: Term '{term}' is not valid in a $select or $expand expression."
        );
        Self::said(400, "BadRequest", message)
    }

    pub(super) fn bad_order(name: &str, kind: &str) -> Self {
        Self::said(400, "BadRequest", Self::no_property(name, kind).message.into_owned())
    }

    pub(super) fn bad_order_syntax(value: &str) -> Self {
        Self::said(400, "BadRequest", format!("Syntax error at position {} in '{value}'.", value.len()))
    }

    pub(super) fn bad_top(value: &str) -> Self {
        let message = format!(
            "Invalid value '{value}' for $top query option found. The $top query option requires a non-negative integer \
             value."
        );
        Self::said(400, "BadRequest", message)
    }

    pub(super) fn bad_page_size(value: &str, most: usize) -> Self {
        let message = format!("Invalid page size specified: '{value}'. Must be between 1 and {most} inclusive.");
        Self::said(400, "Request_UnsupportedQuery", message)
    }

    pub(super) fn bad_count(value: &str) -> Self {
        let message =
            format!("Invalid value '{value}' for $count query option found. Valid values are 'true' and 'false'.");
        Self::said(400, "BadRequest", message)
    }

    pub(super) fn unknown_option(name: &str) -> Self {
        Self::said(400, "Request_BadRequest", format!("Unrecognized query argument specified: '{name}'."))
    }

    pub(super) fn option_twice(name: &str) -> Self {
        let message =
            format!("Query option '{name}' was specified more than once, but it must be specified at most once.");
        Self::said(400, "BadRequest", message)
    }

    /// An action without one of its parameters.
    pub(super) fn parameter(name: &str) -> Self {
        Self::said(400, "BadRequest", format!("The parameter '{name}' is required."))
    }

    /// The words of this refusal are not known.
    pub(super) fn too_many_ids(most: usize) -> Self {
        Self::said(400, "Request_BadRequest", format!("Too many ids are specified. Max allowed: {most}."))
    }

    /// A property that a new account must have.
    pub(super) fn required(property: &str) -> Self {
        let message = format!("A value is required for property '{property}' of resource 'User'.");
        Self::said(400, "Request_BadRequest", message)
    }

    /// A property in a body that the type does not have.
    pub(super) fn undeclared(property: &str) -> Self {
        let message = format!("Property '{property}' does not exist as a declared property or extension property.");
        Self::said(400, "Request_BadRequest", message)
    }

    pub(super) fn read_only(property: &str) -> Self {
        Self::said(400, "Request_BadRequest", format!("Property '{property}' is read-only and cannot be set."))
    }

    /// A value in a body that is not of its property's type.
    pub(super) fn wrong_type(property: &str, kind: &str) -> Self {
        let message =
            format!("Invalid value specified for property '{property}' of resource 'User': '{kind}' is expected.");
        Self::said(400, "Request_BadRequest", message)
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

    /// A write without `Content-Type` or body; `id` is empty if it came alone.
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

    /// The 429 of the directory itself, as captured.
    pub(super) fn throttled_by_directory(app: &str, tenant: &str) -> Self {
        let message = format!(
            "Too many requests from Identifier:{app}+{tenant} under category:aadgraph.app.tenant_large. Please try \
             again later."
        );
        Self { inner: InnerForm::DateOnly, ..Self::said(429, "TooManyRequests", message) }
    }

    /// The JSON body: `{"error":{…}}`.
    pub(super) fn body(&self, context: &RequestContext) -> Box<RawValue> {
        let date = context.at.wall.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let ids = self.inner != InnerForm::DateOnly;
        let again = self.inner == InnerForm::Throttled;
        let inner = Inner {
            code: again.then_some("429"),
            date: &date,
            message: again.then_some("Please retry after"),
            request_id: ids.then_some(&context.request_id),
            client_request_id: (ids && !again).then_some(&context.client_request_id),
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
