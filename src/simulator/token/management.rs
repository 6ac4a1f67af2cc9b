//! The little that a sign-in asks of Azure Resource Manager: what belongs to this cloud, which tenants a user sees, and
//! that there are no subscriptions.
//!
//! Invariant: every address here begins with the one under which the client has come.

use super::{Credentials, Place, Tokens, Visit};
use crate::simulator::{context::RequestContext, http::Answer};
use serde_json::json;

/// The addresses of this cloud, as the Azure CLI reads them to register it.
pub(super) fn cloud(context: &RequestContext) -> Answer {
    let base = &context.base;
    Answer::json(
        200,
        &json!({
            "name": "PasswaveSimulator",
            "portal": base,
            "authentication": {
                "loginEndpoint": base,
                "audiences": [format!("{base}/")],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "graphAudience": format!("{base}/"),
            "graph": format!("{base}/"),
            "microsoftGraphResourceId": format!("{base}/"),
            "resourceManager": base,
            "suffixes": {},
        }),
    )
}

/// The tenants of whoever asks: this one.
pub(super) fn tenants(credentials: &Credentials, domain: &str) -> Answer {
    let id = &credentials.tenant_id;
    let tenant = json!({
        "id": format!("/tenants/{id}"),
        "tenantId": id,
        "displayName": "Simulated tenant",
        "defaultDomain": domain,
        "domains": [domain],
        "tenantCategory": "Home",
        "tenantType": "AAD",
    });
    Answer::json(200, &json!({"value": [tenant]}))
}

/// No subscriptions.
pub(super) fn subscriptions() -> Answer {
    Answer::json(200, &json!({"value": [], "count": {"type": "Total", "value": 0}}))
}

/// A request without a valid token.
pub(super) fn refusal() -> Answer {
    let message = "Authentication failed. The 'Authorization' header is missing or has no valid token.";
    Answer::json(401, &json!({"error": {"code": "AuthenticationFailed", "message": message}}))
}

impl Tokens {
    /// Answers a request to Azure Resource Manager.
    pub(super) fn manage(&self, place: &Place<'_>, visit: &Visit<'_>) -> Answer {
        let token = visit.request.header("authorization").and_then(|held| held.split_once(' ')).map(|(_, token)| token);
        let grant = token.and_then(|token| self.grants.get(token.trim()));
        if grant.is_none_or(|grant| grant.expires <= visit.context.at.elapsed) {
            return refusal();
        }
        if *place == Place::Subscriptions {
            return subscriptions();
        }
        let domain = visit.directory.accounts.first().and_then(|held| held.upn.rsplit_once('@'));
        tenants(&self.credentials, domain.map_or("", |(_, domain)| domain))
    }
}
