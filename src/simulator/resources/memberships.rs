//! What an object is a member of: the group and the directory roles.

use super::{
    Asked, Directory,
    made::{find_group, group, of_administrator, of_group as role_of_group, typed},
};
use crate::simulator::{account::AccountKind, record::Made, refusal::Refusal, reply::Body, schema::Target};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Most ids in one check.
const IDS_MAX: usize = 20;

/// The groups and roles of an account, first the direct ones.
fn held(directory: Directory<'_>, at: usize, transitive: bool) -> Vec<Made> {
    match directory.tenant.accounts[at].kind {
        AccountKind::Admin => vec![of_administrator(directory, at)],
        AccountKind::AdminByGroup if transitive => vec![group(directory), role_of_group(directory)],
        AccountKind::AdminByGroup => vec![group(directory)],
        _ => Vec::new(),
    }
}

/// `GET /users/{key}/memberOf` and `transitiveMemberOf`.
pub(super) fn of_account(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let at = directory.position(asked.key)?;
    let transitive = asked.place.route.target == Target::TransitiveMemberOf;
    Ok(asked.these("directoryObjects", &held(directory, at, transitive)))
}

/// `GET /groups/{key}/memberOf`.
pub(super) fn of_group(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    find_group(directory, asked.key)?;
    Ok(asked.these("directoryObjects", &[role_of_group(directory)]))
}

/// A list of objects that exists, but has no items here.
pub(super) fn none(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    match asked.place.route.path.starts_with("groups") {
        true => drop(find_group(directory, asked.key)?),
        false => drop(directory.position(asked.key)?),
    }
    let name = asked.place.route.path.rsplit('/').next().unwrap_or_default();
    // These are no objects of the directory, so their list has the name of the relationship.
    let own = matches!(name, "licenseDetails" | "appRoleAssignments" | "oauth2PermissionGrants" | "scopedRoleMemberOf");
    let set = if own { format!("users('{}')/{name}", asked.key) } else { "directoryObjects".to_owned() };
    Ok(asked.these::<Made>(&set, &[]))
}

/// The navigation properties of an account.
pub(super) fn related(directory: Directory<'_>, at: usize) -> Map<String, Value> {
    let list = |transitive| Value::Array(held(directory, at, transitive).iter().map(typed).collect());
    let mut related: Map<String, Value> = [("memberOf", list(false)), ("transitiveMemberOf", list(true))]
        .map(|(name, list)| (name.to_owned(), list))
        .into_iter()
        .collect();
    for name in
        ["directReports", "ownedObjects", "ownedDevices", "registeredDevices", "createdObjects", "appRoleAssignments"]
    {
        related.insert(name.to_owned(), json!([]));
    }
    related
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default)]
    group_ids: Option<Vec<String>>,
    #[serde(default)]
    ids: Option<Vec<String>>,
}

/// `POST /users/{key}/getMemberGroups` and its like.
pub(super) fn check(directory: Directory<'_>, asked: &Asked<'_>, target: Target, body: &[u8]) -> Result<Body, Refusal> {
    let parameters: Parameters = serde_json::from_slice(body).map_err(|_| Refusal::BAD_BODY)?;
    let at = directory.position(asked.key)?;
    let groups_only = matches!(target, Target::MemberGroups | Target::CheckMemberGroups);
    let held = held(directory, at, true).into_iter().filter(|held| !groups_only || held.entity.name == "group");
    let ids: Vec<String> = held.filter_map(|held| Some(held.values.get("id")?.as_str()?.to_owned())).collect();
    let among = match target {
        Target::CheckMemberGroups => Some(parameters.group_ids.ok_or_else(|| Refusal::parameter("groupIds"))?),
        Target::CheckMemberObjects => Some(parameters.ids.ok_or_else(|| Refusal::parameter("ids"))?),
        _ => None,
    };
    let found: Vec<String> = match among {
        Some(among) if among.len() > IDS_MAX => return Err(Refusal::too_many_ids(IDS_MAX)),
        Some(among) => among.into_iter().filter(|id| ids.iter().any(|held| held.eq_ignore_ascii_case(id))).collect(),
        None => ids,
    };
    let context = format!("{}/$metadata#Collection(Edm.String)", asked.root);
    Ok(Body::json(&json!({"@odata.context": context, "value": found})))
}
