//! The audit log: who set which password, and when.
//!
//! Which correlation id Entra notes for an item of a batch is not documented. Here it is the id of the whole request
//! (`client-request-id`), and the item's own one is ignored.

use super::Asked;
use crate::{
    graph::guid,
    simulator::{audit_log::Initiator, record::Made, reply::Body, schema::DIRECTORY_AUDIT, tenant::Tenant},
};
use serde_json::{Map, Value, json};

/// Answers a `GET` of the log.
pub(super) fn list(tenant: &Tenant, asked: &Asked<'_>) -> Body {
    asked.list_below("auditLogs/directoryAudits", tenant.log.audit_len(), |at| Some(made(tenant, asked, at)))
}

fn made(tenant: &Tenant, asked: &Asked<'_>, at: usize) -> Made {
    let record = tenant.log.audit_record(at);
    let held = &tenant.accounts[record.account];
    let (id, name) = (guid::text(held.id), &*held.upn);
    let (activity, by) = match record.by {
        Initiator::Application => (
            "Reset user password",
            json!({"app": {
            "appId": asked.credentials.client_id, "displayName": "passwave", "servicePrincipalId": null,
            "servicePrincipalName": null,
        }, "user": null}),
        ),
        Initiator::Person(id) => ("Reset user password", person(id, tenant.find(id).map(|held| &*held.upn))),
        Initiator::User => ("Change user password", person(&id, Some(name))),
    };
    let time = asked.view.clock.wall(record.at);
    let values = json!({
        "id": format!("Directory_{}_{at:05}", record.correlation_id), "category": "UserManagement",
        "correlationId": record.correlation_id, "result": "success", "resultReason": "",
        "activityDisplayName": activity, "activityDateTime": format!("{time:.3}"), "loggedByService": "Core Directory",
        "operationType": "Update", "initiatedBy": by,
        "targetResources": [{
            "id": id, "displayName": null, "type": "User", "userPrincipalName": name, "groupType": null,
            "modifiedProperties": [],
        }],
    });
    let values = if let Value::Object(values) = values { values } else { Map::new() };
    Made { entity: &DIRECTORY_AUDIT, values }
}

fn person(id: &str, name: Option<&str>) -> Value {
    json!({"app": null, "user": {"id": id, "displayName": null, "ipAddress": null, "userPrincipalName": name}})
}
