//! The objects besides accounts, made for an answer.
//!
//! The only group is role-assignable, and the accounts of the kind `admin_by_group` are its members. It exists while it has
//! members.

use super::Directory;
use crate::{
    graph::guid,
    simulator::{
        builtin_roles::{GLOBAL_ADMINISTRATOR, HELPDESK_ADMINISTRATOR, USER_ADMINISTRATOR, name},
        random::guid_of,
        record::{Made, View, time_text},
        refusal::Refusal,
        schema::{DIRECTORY_ROLE, GROUP, SERVICE_PRINCIPAL},
        tenant::{Tenant, id_bits},
        token::service_principal,
    },
};
use serde_json::{Map, Value, json};

/// An object id as a value.
pub(super) fn id(id: u128) -> Value {
    Value::String(guid::text(id))
}

/// The members of an object.
pub(super) fn object(values: Value) -> Map<String, Value> {
    match values {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}

/// An object with its type, inside another one.
pub(super) fn typed(record: &Made) -> Value {
    let view = View { record, context: None, typed: true, select: None, expanded: Vec::new() };
    serde_json::from_str(view.json().get()).unwrap_or_default()
}

/// The group's object id.
pub(super) fn group_id(tenant: &Tenant) -> u128 {
    guid_of(tenant.seed, "a role-assignable group")
}

/// The group.
pub(super) fn group(directory: Directory<'_>) -> Made {
    let mut values = json!({
        "displayName": "Helpdesk staff", "description": "Has the directory role Helpdesk Administrator",
        "mailNickname": "helpdesk-staff", "mailEnabled": false, "securityEnabled": true, "isAssignableToRole": true,
        "visibility": "Private", "createdDateTime": time_text(directory.view.clock.epoch),
        "renewedDateTime": time_text(directory.view.clock.epoch),
    });
    values["id"] = id(group_id(directory.tenant));
    Made { entity: &GROUP, values: object(values) }
}

/// The group with this key.
pub(super) fn find_group(directory: Directory<'_>, key: &str) -> Result<Made, Refusal> {
    let exists = !directory.register.members.is_empty() && id_bits(key) == Some(group_id(directory.tenant));
    if exists { Ok(group(directory)) } else { Err(Refusal::not_found(key)) }
}

/// The role of an administrator.
pub(super) fn role_of(directory: Directory<'_>, at: usize) -> u128 {
    if directory.tenant.administrator == Some(at) { USER_ADMINISTRATOR } else { GLOBAL_ADMINISTRATOR }
}

/// A role that is active because it has holders; its id is not that of its template.
pub(super) fn active_role(directory: Directory<'_>, role: u128) -> Made {
    let template = guid::text(role);
    let values = json!({
        "id": id(guid_of(directory.tenant.seed, &template)), "roleTemplateId": template, "displayName": name(role),
        "description": format!("The built-in role {}", name(role)),
    });
    Made { entity: &DIRECTORY_ROLE, values: object(values) }
}

/// The role of an administrator.
pub(super) fn of_administrator(directory: Directory<'_>, at: usize) -> Made {
    active_role(directory, role_of(directory, at))
}

/// The role of the group.
pub(super) fn of_group(directory: Directory<'_>) -> Made {
    active_role(directory, HELPDESK_ADMINISTRATOR)
}

/// The application that scripts sign in as.
pub(super) fn service(directory: Directory<'_>) -> Made {
    let credentials = directory.credentials;
    let name = "Simulated application";
    let values = json!({
        "id": id(service_principal(&credentials.client_id)), "appId": credentials.client_id, "displayName": name,
        "appDisplayName": name, "accountEnabled": true, "servicePrincipalType": "Application",
        "appOwnerOrganizationId": credentials.tenant_id, "appRoleAssignmentRequired": false,
        "servicePrincipalNames": [credentials.client_id], "signInAudience": "AzureADMyOrg",
    });
    Made { entity: &SERVICE_PRINCIPAL, values: object(values) }
}
