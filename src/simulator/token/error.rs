//! Why a sign-in is refused, in Entra's words. It never decides that.

use crate::simulator::{context::RequestContext, http::Answer, random::Rng};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<&'static str>,
}

/// Why a sign-in is refused: status, `error`, code, and message.
pub(super) struct OAuthError(pub u16, pub &'static str, pub u32, pub String);

impl OAuthError {
    /// The refusal that the faults ask for.
    pub(super) fn numbered(number: u32, client: &str, tenant: &str) -> Self {
        match number {
            65_001 => Self::consent(client, super::apps::display_name(client)),
            700_016 => Self::client(client, tenant),
            90_002 => Self::tenant(tenant),
            900_023 => {
                let said = format!(
                    "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
                );
                Self(400, "invalid_request", number, said)
            }
            650_051 => {
                let said = format!(
                    "The application '{client}' does not exist in this tenant yet: a service principal is being created."
                );
                Self(400, "invalid_client", number, said)
            }
            5_000_224 => {
                let said = "We are sorry, this resource is not available. The tenant no longer exists.".to_owned();
                Self(400, "invalid_request", number, said)
            }
            7_000_215 => {
                Self(401, "invalid_client", number, format!("Invalid client secret provided for app '{client}'."))
            }
            53_003 => {
                let said = "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
                Self(400, "invalid_grant", number, said.to_owned())
            }
            _ => Self(400, "invalid_request", number, "The sign-in is refused.".to_owned()),
        }
    }

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

    /// An application that names no tenant of its own.
    pub(super) fn no_tenant() -> Self {
        let said = "No tenant-identifying information found in either the request or implied by any provided \
                    credentials.";
        Self(400, "invalid_request", 50_059, said.to_owned())
    }

    /// A resource that the tenant does not know.
    pub(super) fn resource(resource: &str) -> Self {
        let said = format!(
            "The resource principal named {resource} was not found in the tenant. This can happen if the application \
             has not been installed by the administrator of the tenant or consented to by any user in the tenant. You \
             might have sent your authentication request to the wrong tenant."
        );
        Self(400, "invalid_resource", 500_011, said)
    }

    pub(super) fn several_resources() -> Self {
        let said =
            "Provided value for the input parameter scope is not valid because it contains more than one resource.";
        Self(400, "invalid_request", 28_000, said.to_owned())
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

    /// A code that was never issued, was used, or belongs to another application.
    pub(super) fn device_code() -> Self {
        let said = "The provided value for the input parameter 'device_code' is not valid.".to_owned();
        Self(400, "bad_verification_code", 70_018, said)
    }

    pub(super) fn device_code_expired() -> Self {
        let said =
            "The provided value for the input parameter 'device_code' is not valid. This device code has expired.";
        Self(400, "expired_token", 70_020, said.to_owned())
    }

    /// A refresh token that was never issued, is used up, or belongs to another application.
    pub(super) fn refresh_token() -> Self {
        let said = "Invalid request. Request is malformed or invalid.".to_owned();
        Self(400, "invalid_grant", 9_002_313, said)
    }

    pub(super) fn refresh_expired() -> Self {
        let said =
            "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.".to_owned();
        Self(400, "invalid_grant", 700_082, said)
    }

    /// A rule of Conditional Access asks for a new sign-in.
    pub(super) fn sign_in_frequency() -> Self {
        let said = "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The \
                    maximum allowed lifetime for this request is 3600.";
        Self(400, "invalid_grant", 70_043, said.to_owned())
    }

    pub(super) fn consent(client: &str, name: &str) -> Self {
        let said = format!(
            "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send an \
             interactive authorization request for this user and resource."
        );
        Self(400, "invalid_grant", 65_001, said)
    }

    pub(super) fn declined() -> Self {
        Self(400, "access_denied", 65_004, "User declined to consent to access the app.".to_owned())
    }

    pub(super) fn nobody_signed_in() -> Self {
        let said = "Session information is not sufficient for single-sign-on.".to_owned();
        Self(400, "login_required", 50_058, said)
    }

    pub(super) fn no_account(tenant: &str) -> Self {
        let said = format!(
            "The user account {{EmailHidden}} does not exist in the {tenant} directory. To sign into this application, the \
             account must be added to the directory."
        );
        Self(400, "invalid_request", 50_034, said)
    }

    pub(super) fn disabled() -> Self {
        Self(400, "invalid_request", 50_057, "The user account is disabled.".to_owned())
    }

    pub(super) fn redirect_uri(address: &str, client: &str) -> Self {
        let said = format!(
            "The redirect URI '{address}' specified in the request does not match the redirect URIs configured for the \
             application '{client}'. Make sure the redirect URI sent in the request matches one added to your application."
        );
        Self(400, "invalid_request", 50_011, said)
    }

    pub(super) fn response_mode(mode: &str) -> Self {
        let said = format!("'{mode}' is not a supported value of 'response_mode' when requesting a token.");
        Self(400, "unsupported_response_mode", 70_007, said)
    }

    pub(super) fn response_type(kind: &str) -> Self {
        let said = format!("response_type '{kind}' is not enabled for the application.");
        Self(400, "unsupported_response_type", 700_054, said)
    }

    pub(super) fn prompt() -> Self {
        Self(400, "invalid_request", 90_023, "Unsupported 'prompt' value.".to_owned())
    }

    pub(super) fn challenge() -> Self {
        Self(400, "invalid_request", 501_491, "Invalid size of Code_Challenge parameter.".to_owned())
    }

    /// A code that was never issued or belongs to another application.
    pub(super) fn code() -> Self {
        Self::refresh_token()
    }

    pub(super) fn code_expired() -> Self {
        let said = "The provided authorization code or refresh token has expired due to inactivity. Send a new \
                    interactive authorization request for this user and resource.";
        Self(400, "invalid_grant", 70_008, said.to_owned())
    }

    pub(super) fn code_used() -> Self {
        let said = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing \
                    refresh token.";
        Self(400, "invalid_grant", 54_005, said.to_owned())
    }

    pub(super) fn reply_address(told: &str, asked: &str) -> Self {
        let said = format!(
            "The reply address '{told}' does not match the reply address '{asked}' provided when requesting Authorization \
             code."
        );
        Self(400, "invalid_grant", 500_112, said)
    }

    pub(super) fn verifier() -> Self {
        let said = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        Self(400, "invalid_grant", 501_481, said.to_owned())
    }

    /// A public application has no secrets, so it must not send any.
    pub(super) fn public_client() -> Self {
        let said = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.".to_owned();
        Self(401, "invalid_client", 700_025, said)
    }

    pub(super) fn malformed_assertion() -> Self {
        Self(400, "invalid_request", 50_027, "JWT token is invalid or malformed.".to_owned())
    }

    /// An assertion that proves nothing.
    pub(super) fn assertion(number: u32, said: String) -> Self {
        Self(401, "invalid_client", number, said)
    }

    pub(super) fn unknown_key(thumbprint: &str, client: &str) -> Self {
        let said = format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - \
             The key was not found., Thumbprint of key used by client: '{thumbprint}', configured keys are those of app Id \
             '{client}']."
        );
        Self::assertion(700_027, said)
    }

    pub(super) fn bad_signature(thumbprint: &str, client: &str) -> Self {
        let said = format!(
            "Client assertion failed signature validation. [Reason - The key was found, but use of the key to verify the \
             signature failed., Thumbprint of key used by client: '{thumbprint}', app Id '{client}']."
        );
        Self::assertion(700_027, said)
    }

    /// What kind of refusal it is, for a browser that is sent back.
    pub(super) fn subcode(&self) -> Option<&'static str> {
        (self.2 == 65_004).then_some("cancel")
    }

    /// What the user can do about it, for client libraries.
    fn suberror(&self) -> Option<&'static str> {
        match self.2 {
            65_001 => Some("consent_required"),
            70_043 => Some("token_expired"),
            700_082 => Some("bad_token"),
            _ => None,
        }
    }

    /// The whole message.
    pub(super) fn description(&self, context: &RequestContext, rng: &mut Rng) -> String {
        self.described(&rng.guid(), context)
    }

    fn described(&self, trace_id: &str, context: &RequestContext) -> String {
        let Self(_, _, number, said) = self;
        let (correlation_id, timestamp) = (&context.client_request_id, timestamp(context));
        format!(
            "AADSTS{number}: {said}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
        )
    }

    pub(super) fn answer(self, context: &RequestContext, rng: &mut Rng) -> Answer {
        let trace_id = rng.guid();
        let (error_description, suberror) = (self.described(&trace_id, context), self.suberror());
        let Self(status, error, number, _) = self;
        let body = TokenError {
            error,
            error_description,
            error_codes: [number],
            timestamp: timestamp(context),
            trace_id,
            correlation_id: context.client_request_id.clone(),
            error_uri: format!("{}/error?code={number}", context.base),
            suberror,
        };
        Answer::json(status, &body)
    }
}

fn timestamp(context: &RequestContext) -> String {
    context.at.wall.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
