//! What the sign-in service says about itself.
//!
//! Invariant: every address here begins with the one under which the client has come.

use super::{key, place::Version};
use crate::simulator::{context::RequestContext, http::Answer};
use serde_json::{Value, json};

/// The OpenID configuration of a tenant, by the name in the address. `id` is the tenant's id; names that stand for
/// every tenant have a placeholder as issuer, as in Entra.
pub(super) fn configuration(name: &str, id: Option<&str>, version: Version, context: &RequestContext) -> Answer {
    let base = &context.base;
    let issuer = issuer(base, id.unwrap_or("{tenantid}"), version);
    let (oauth, keys) = match version {
        Version::One => (format!("{base}/{name}/oauth2"), "discovery/keys"),
        Version::Two => (format!("{base}/{name}/oauth2/v2.0"), "discovery/v2.0/keys"),
    };
    Answer::json(
        200,
        &json!({
            "token_endpoint": format!("{oauth}/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "jwks_uri": format!("{base}/{name}/{keys}"),
            "response_modes_supported": ["query", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": issuer,
            "request_uri_parameter_supported": false,
            "authorization_endpoint": format!("{base}/{name}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/{name}/oauth2/v2.0/devicecode"),
            "http_logout_supported": false,
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "email"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": host(base),
            "cloud_graph_host_name": host(base),
            "msgraph_host": host(base),
        }),
    )
}

/// The issuer of id tokens.
fn issuer(base: &str, id: &str, version: Version) -> String {
    match version {
        Version::One => format!("{base}/{id}/"),
        Version::Two => format!("{base}/{id}/v2.0"),
    }
}

/// The keys that verify tokens.
pub(super) fn keys(id: &str, context: &RequestContext) -> Answer {
    Answer::json(200, &key::key_set(&issuer(&context.base, id, Version::Two)))
}

/// The names of the cloud to which this sign-in service belongs: itself alone.
pub(super) fn instance_discovery(id: &str, context: &RequestContext) -> Answer {
    let host = host(&context.base);
    let body: Value = json!({
        "tenant_discovery_endpoint": format!("{}/{id}/v2.0/.well-known/openid-configuration", context.base),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    });
    Answer::json(200, &body)
}

fn host(base: &str) -> &str {
    base.split_once("://").map_or(base, |(_, host)| host)
}
