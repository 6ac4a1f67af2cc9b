//! Directory roles: their definitions, their assignments, and the roles that have holders.

use super::{
    Asked, Directory,
    made::{active_role, group, group_id, id, object, role_of, service, typed},
    principal::principal,
};
use crate::{
    graph::guid,
    simulator::{
        builtin_roles::{HELPDESK_ADMINISTRATOR, ROLES, USER_ADMINISTRATOR, name},
        query::Candidates,
        random::guid_of,
        record::Made,
        refusal::Refusal,
        reply::Body,
        schema::{ROLE_ASSIGNMENT, ROLE_DEFINITION, SERVICE_PRINCIPAL, USER},
        tenant::id_bits,
        token::service_principal,
    },
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};

/// One assignment of a role.
struct Assignment {
    principal: u128,
    kind: &'static str,
    role: u128,
}

fn definition((role, name): (u128, &str)) -> Made {
    let values = json!({
        "id": id(role), "templateId": id(role), "displayName": name, "description": format!("The built-in role {name}"),
        "isBuiltIn": true, "isEnabled": true, "resourceScopes": ["/"], "version": "1",
        "rolePermissions": [{"allowedResourceActions": [], "condition": null}],
    });
    Made { entity: &ROLE_DEFINITION, values: object(values) }
}

/// `GET /roleManagement/directory/roleDefinitions`.
pub(super) fn definitions(asked: &Asked<'_>) -> Body {
    let definitions: Vec<_> = ROLES.iter().copied().map(definition).collect();
    asked.these("roleManagement/directory/roleDefinitions", &definitions)
}

/// `GET /roleManagement/directory/roleDefinitions/{id}`.
pub(super) fn read_definition(asked: &Asked<'_>) -> Result<Body, Refusal> {
    let found = ROLES.iter().copied().find(|(role, _)| Some(*role) == id_bits(asked.key));
    let role = found.ok_or_else(|| Refusal::not_found(asked.key))?;
    Ok(asked.one("roleManagement/directory/roleDefinitions", &definition(role)))
}

/// The assignment at a position: the application, the group if it has members, and every administrator.
fn assignment_at(directory: Directory<'_>, at: usize) -> Assignment {
    let first = 1 + usize::from(!directory.register.members.is_empty());
    match at {
        0 => Assignment {
            principal: service_principal(&directory.credentials.client_id),
            kind: SERVICE_PRINCIPAL.name,
            role: USER_ADMINISTRATOR,
        },
        at if at < first => {
            Assignment { principal: group_id(directory.tenant), kind: "group", role: HELPDESK_ADMINISTRATOR }
        }
        at => {
            let holder = directory.register.holders[at - first];
            let principal = directory.tenant.accounts[holder].id;
            Assignment { principal, kind: USER.name, role: role_of(directory, holder) }
        }
    }
}

fn assignments_count(directory: Directory<'_>) -> usize {
    1 + usize::from(!directory.register.members.is_empty()) + directory.register.holders.len()
}

impl Assignment {
    fn record(&self, asked: &Asked<'_>, directory: Directory<'_>) -> Made {
        let principal = guid::text(self.principal);
        let mut values = json!({
            "id": assignment_id(self.role, self.principal), "principalId": principal,
            "roleDefinitionId": id(self.role), "directoryScopeId": "/",
        });
        // A name with a mark is a navigation property.
        for expand in &asked.query.expand {
            values[format!("{}@", expand.name)] = match expand.name {
                "principal" => self.principal(directory),
                "roleDefinition" => {
                    let mut definition = typed(&definition((self.role, name(self.role))));
                    definition.as_object_mut().map(|definition| definition.remove("@odata.type"));
                    definition
                }
                _ => Value::Null,
            };
        }
        Made { entity: &ROLE_ASSIGNMENT, values: object(values) }
    }

    fn principal(&self, directory: Directory<'_>) -> Value {
        match self.kind {
            "group" => typed(&group(directory)),
            "servicePrincipal" => typed(&service(directory)),
            kind => json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": id(self.principal)}),
        }
    }
}

/// `GET /roleManagement/directory/roleAssignments`.
pub(super) fn assignments(directory: Directory<'_>, asked: &Asked<'_>) -> Body {
    let all = Candidates::Below(assignments_count(directory));
    asked.list("roleManagement/directory/roleAssignments", all, |at| {
        Some(assignment_at(directory, at).record(asked, directory))
    })
}

/// `GET /roleManagement/directory/roleAssignments/{id}`.
pub(super) fn read_assignment(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let mut all = (0..assignments_count(directory)).map(|at| assignment_at(directory, at));
    let found = all.find(|held| assignment_id(held.role, held.principal) == asked.key);
    let found = found.ok_or_else(|| Refusal::not_found(asked.key))?;
    Ok(asked.one("roleManagement/directory/roleAssignments", &found.record(asked, directory)))
}

/// Both ids in Windows' byte order, one after the other, as in the documentation's examples.
fn assignment_id(role: u128, principal: u128) -> String {
    let bytes: Vec<_> = [role, principal].into_iter().flat_map(guid::windows_bytes).collect();
    format!("{}-1", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// The roles that have holders.
fn active_roles(directory: Directory<'_>) -> Vec<u128> {
    let held = |role| (0..assignments_count(directory)).any(|at| assignment_at(directory, at).role == role);
    ROLES.iter().map(|(role, _)| *role).filter(|role| held(*role)).collect()
}

/// `GET /directoryRoles`.
pub(super) fn active(directory: Directory<'_>, asked: &Asked<'_>) -> Body {
    let roles: Vec<_> = active_roles(directory).into_iter().map(|role| active_role(directory, role)).collect();
    asked.these("directoryRoles", &roles)
}

/// The active role with this id, or with this template as `roleTemplateId=…`.
fn find(directory: Directory<'_>, key: &str) -> Result<u128, Refusal> {
    let template = key.strip_prefix("roleTemplateId=");
    let is_it = |role: &u128| match template {
        Some(template) => id_bits(template) == Some(*role),
        None => id_bits(key) == Some(guid_of(directory.tenant.seed, &guid::text(*role))),
    };
    active_roles(directory).into_iter().find(is_it).ok_or_else(|| Refusal::not_found(template.unwrap_or(key)))
}

/// `GET /directoryRoles/{id}`.
pub(super) fn read_active(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let role = find(directory, asked.key)?;
    Ok(asked.one("directoryRoles", &active_role(directory, role)))
}

/// `GET /directoryRoles/{id}/members`.
pub(super) fn members(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let role = find(directory, asked.key)?;
    let all = Candidates::Below(assignments_count(directory));
    Ok(asked.list("directoryObjects", all, |at| {
        let held = assignment_at(directory, at);
        (held.role == role).then(|| principal(directory, held.principal)).flatten()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::builtin_roles::GLOBAL_ADMINISTRATOR;

    #[test]
    fn assignment_ids_match_the_documentation() {
        let principal = id_bits("ace08ec9-aa11-4ada-9145-addf0398233e").expect("a GUID");
        assert_eq!(assignment_id(GLOBAL_ADMINISTRATOR, principal), "lAPpYvVpN0KRkAEhdxReEMmO4KwRqtpKkUWt3wOYIz4-1");
    }
}
