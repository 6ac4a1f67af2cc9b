//! Why nobody is let in, in Entra's words. It never decides that somebody is not.

use crate::graph::simulator::{dice::Dice, http::Answer, visit::Visit};
use serde::Serialize;

#[derive(Serialize)]
struct TokenError {
    error: &'static str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: String,
    correlation_id: String,
    error_uri: String,
}

/// Why nobody is let in: status, `error`, number, and what is said.
pub(super) struct Denial(pub u16, pub &'static str, pub u32, pub String);

impl Denial {
    pub(super) fn tenant(tenant: &str) -> Self {
        let said = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Self(400, "invalid_tenant", 90_002, said)
    }

    pub(super) fn client(client: &str, tenant: &str) -> Self {
        let said = format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self(400, "unauthorized_client", 700_016, said)
    }

    pub(super) fn scope(scope: &str) -> Self {
        let said = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        Self(400, "invalid_scope", 1_002_012, said)
    }

    pub(super) fn missing(name: &str) -> Self {
        let said = format!("The request body must contain the following parameter: '{name}'.");
        Self(400, "invalid_request", 900_144, said)
    }

    pub(super) fn pending() -> Self {
        let said = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.".to_owned();
        Self(400, "authorization_pending", 70_016, said)
    }

    /// A code that was never given out, was used, or belongs to another application.
    pub(super) fn device_code() -> Self {
        let said = "The provided value for the input parameter 'device_code' is not valid.".to_owned();
        Self(400, "bad_verification_code", 70_018, said)
    }

    pub(super) fn device_code_expired() -> Self {
        let said =
            "The provided value for the input parameter 'device_code' is not valid. This device code has expired.";
        Self(400, "expired_token", 70_020, said.to_owned())
    }

    /// A refresh token that was never given out, is used up, or belongs to another application.
    pub(super) fn refresh_token() -> Self {
        let said = "Invalid request. Request is malformed or invalid.".to_owned();
        Self(400, "invalid_grant", 9_002_313, said)
    }

    pub(super) fn answer(self, visit: &Visit, dice: &mut Dice) -> Answer {
        let Self(status, error, number, said) = self;
        let (trace_id, correlation_id) = (dice.guid(), visit.client_request_id.clone());
        let timestamp = visit.at.wall.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let error_description = format!(
            "AADSTS{number}: {said}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
        );
        let error_uri = format!("https://login.microsoftonline.com/error?code={number}");
        let error_codes = [number];
        let body = TokenError { error, error_description, error_codes, timestamp, trace_id, correlation_id, error_uri };
        Answer::json(status, &body)
    }
}
