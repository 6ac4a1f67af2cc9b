//! What the directory tells besides its accounts: who holds which role, who is in the group that holds one, and domains.
//!
//! Nothing of it can be changed by a call. It is worked out once after accounts were added, so that a page costs a page.
//!
//! Invariant: every account of the kinds `admin` and `admin_by_group` is found over these lists, and no other one.

use super::{
    base64,
    dice::guid_of,
    refusal::Refusal,
    reply::Body,
    route::form,
    tenant::{AccountKind, Held, Tenant, id_bits},
};
use crate::graph::guid;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The roles that are held here (Microsoft Entra built-in roles).
const GLOBAL_ADMINISTRATOR: u128 = 0x62e9_0394_69f5_4237_9190_0121_7714_5e10;
const HELPDESK_ADMINISTRATOR: u128 = 0x7298_27e3_9c14_49f7_bb1b_9608_f156_bbb8;
/// What the application holds, and whoever signs in for it.
pub(super) const USER_ADMINISTRATOR: u128 = 0xfe93_0be7_5e62_47db_91af_98c3_a49a_38b1;
/// Items in a page, unless `$top` says otherwise, and the most that it may say.
const PAGE: usize = 100;
const PAGE_MAX: usize = 999;

const ASSIGNMENT: &str = "unifiedRoleAssignment";
const ASSIGNMENT_FIELDS: &[&str] = &["id", "principalId", "roleDefinitionId", "directoryScopeId"];
const MEMBER: &str = "user";
const MEMBER_FIELDS: &[&str] = &["id", "userPrincipalName", "displayName"];
const DOMAIN: &str = "domain";
const DOMAIN_FIELDS: &[&str] =
    &["id", "authenticationType", "isAdminManaged", "isDefault", "isInitial", "isRoot", "isVerified"];

/// Where in the accounts those stand that hold a role, and the domains of all.
pub(super) struct Register {
    holders: Vec<usize>,
    members: Vec<usize>,
    /// In order of appearance; true where the domain is federated.
    domains: Vec<(String, bool)>,
}

impl Register {
    pub(super) fn of(accounts: &[Held]) -> Self {
        let (mut holders, mut members, mut domains) = (Vec::new(), Vec::new(), Vec::new());
        let mut known: HashMap<String, usize> = HashMap::new();
        for (at, held) in accounts.iter().enumerate().filter(|(_, held)| held.kind != AccountKind::Missing) {
            match held.kind {
                AccountKind::Admin => holders.push(at),
                AccountKind::AdminByGroup => members.push(at),
                _ => {}
            }
            let Some(domain) = domain_of(&held.upn) else { continue };
            let place = *known.entry(domain).or_insert_with_key(|domain| {
                domains.push((domain.clone(), false));
                domains.len() - 1
            });
            domains[place].1 |= held.kind == AccountKind::Federated;
        }
        Self { holders, members, domains }
    }
}

/// The domain of a name, in lower case.
pub(super) fn domain_of(upn: &str) -> Option<String> {
    upn.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase())
}

/// What a list is asked for.
struct Asked<'a> {
    fields: Vec<String>,
    expanded: bool,
    top: usize,
    skip: usize,
    query: &'a str,
}

impl<'a> Asked<'a> {
    fn read(query: &'a str, kind: &str, known: &[&str]) -> Result<Self, Refusal> {
        let mut asked = Self { fields: Vec::new(), expanded: false, top: PAGE, skip: 0, query };
        for (name, value) in form(query) {
            match name.as_str() {
                "$select" => {
                    let fields = value.split(',').map(str::trim).filter(|field| !field.is_empty());
                    asked.fields = fields.map(str::to_owned).collect();
                }
                "$expand" if kind == ASSIGNMENT && value.starts_with("principal") => asked.expanded = true,
                "$top" if kind == MEMBER => {
                    asked.top = value.parse().map_or(PAGE, |top: usize| top.clamp(1, PAGE_MAX));
                }
                "$skiptoken" => asked.skip = value.parse().unwrap_or(0),
                // A list that is not what was asked for would be worse than none.
                "$filter" | "$search" | "$expand" => return Err(Refusal::BAD_FILTER),
                _ => {}
            }
        }
        match asked.fields.iter().find(|field| !known.contains(&field.as_str())) {
            Some(field) => Err(Refusal::no_property(field, kind)),
            None => Ok(asked),
        }
    }

    /// One item, as far as it was asked for.
    fn item(&self, all: Value) -> Value {
        let Value::Object(all) = all else { return all };
        let wanted = |name: &String| self.fields.is_empty() || name == "principal" || self.fields.contains(name);
        Value::Object(all.into_iter().filter(|(name, _)| wanted(name)).collect())
    }

    /// What the list is of, as OData names it.
    fn context(&self, set: &str) -> String {
        if self.fields.is_empty() { set.to_owned() } else { format!("{set}({})", self.fields.join(",")) }
    }

    /// The answer that holds a page of `count` items, of which `item` makes those that are on it.
    fn page(&self, context: &str, base: &str, path: &str, count: usize, item: impl Fn(usize) -> Value) -> Body {
        let end = self.skip.saturating_add(self.top).min(count);
        let value: Vec<_> = (self.skip..end).map(|at| self.item(item(at))).collect();
        let mut page = Map::new();
        page.insert("@odata.context".into(), format!("https://graph.microsoft.com/v1.0/$metadata#{context}").into());
        if end < count {
            let is_token = |pair: &&str| pair.starts_with("$skiptoken=") || pair.starts_with("%24skiptoken=");
            let mut pairs: Vec<_> = self.query.split('&').filter(|pair| !pair.is_empty() && !is_token(pair)).collect();
            let token = format!("$skiptoken={end}");
            pairs.push(&token);
            page.insert("@odata.nextLink".into(), format!("{base}/v1.0/{path}?{}", pairs.join("&")).into());
        }
        page.insert("value".into(), value.into());
        let json = serde_json::value::to_raw_value(&page).expect("a map of JSON values is always valid JSON");
        Body::Json(json)
    }
}

/// `GET /roleManagement/directory/roleAssignments`: the application, the group if it has members, and every administrator.
pub(super) fn role_assignments(
    tenant: &mut Tenant,
    application: u128,
    query: &str,
    base: &str,
) -> Result<Body, Refusal> {
    let asked = Asked::read(query, ASSIGNMENT, ASSIGNMENT_FIELDS)?;
    let (group, administrator) = (group_id(tenant), tenant.administrator);
    let (register, accounts) = tenant.register();
    let first = 1 + usize::from(!register.members.is_empty());
    let item = |at: usize| match at {
        0 => assignment("servicePrincipal", application, USER_ADMINISTRATOR, asked.expanded),
        at if at < first => assignment("group", group, HELPDESK_ADMINISTRATOR, asked.expanded),
        at => {
            let holder = register.holders[at - first];
            let signed_in = administrator == Some(holder);
            let role = if signed_in { USER_ADMINISTRATOR } else { GLOBAL_ADMINISTRATOR };
            assignment("user", accounts[holder].id, role, asked.expanded)
        }
    };
    let path = "roleManagement/directory/roleAssignments";
    let context = format!("{path}{}", if asked.expanded { "(principal())" } else { "" });
    Ok(asked.page(&context, base, path, first + register.holders.len(), item))
}

fn assignment(kind: &str, principal: u128, role: u128, expanded: bool) -> Value {
    let id = guid::text(principal);
    let mut item = json!({
        "id": assignment_id(role, principal),
        "principalId": id,
        "roleDefinitionId": guid::text(role),
        "directoryScopeId": "/",
    });
    if expanded {
        item["principal"] = json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": id});
    }
    item
}

/// Both ids as Windows keeps them in memory, one after the other: so the documentation's examples are made.
fn assignment_id(role: u128, principal: u128) -> String {
    let bytes: Vec<_> = [role, principal].into_iter().flat_map(windows_bytes).collect();
    format!("{}-1", base64::url(&bytes))
}

fn windows_bytes(guid: u128) -> [u8; 16] {
    let mut bytes = guid.to_be_bytes();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

/// `GET /groups/{key}/transitiveMembers/microsoft.graph.user`; there is only the group that holds a role.
pub(super) fn members(tenant: &mut Tenant, key: &str, query: &str, base: &str) -> Result<Body, Refusal> {
    let asked = Asked::read(query, MEMBER, MEMBER_FIELDS)?;
    let group = group_id(tenant);
    let (register, accounts) = tenant.register();
    if register.members.is_empty() || id_bits(key) != Some(group) {
        return Err(Refusal::not_found(key));
    }
    let item = |at: usize| {
        let held: &Held = &accounts[register.members[at]];
        let name = held.upn.split('@').next();
        json!({"id": guid::text(held.id), "userPrincipalName": held.upn, "displayName": name})
    };
    let path = format!("groups/{key}/transitiveMembers/microsoft.graph.user");
    let context = asked.context("users");
    Ok(asked.page(&context, base, &path, register.members.len(), item))
}

/// The role-assignable group whose members are the accounts of the kind `admin_by_group`.
fn group_id(tenant: &Tenant) -> u128 {
    guid_of(tenant.seed, "a role-assignable group")
}

/// `GET /domains`: those of all accounts, on one page.
pub(super) fn domains(tenant: &mut Tenant, query: &str, base: &str) -> Result<Body, Refusal> {
    let asked = Asked { top: usize::MAX, ..Asked::read(query, DOMAIN, DOMAIN_FIELDS)? };
    let (register, _) = tenant.register();
    let item = |at: usize| {
        let (domain, federated) = &register.domains[at];
        let authentication = if *federated { "Federated" } else { "Managed" };
        json!({
            "id": domain, "authenticationType": authentication, "isAdminManaged": true, "isDefault": at == 0,
            "isInitial": at == 0, "isRoot": true, "isVerified": true,
        })
    };
    let context = asked.context("domains");
    Ok(asked.page(&context, base, "domains", register.domains.len(), item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_assignments_are_those_of_the_documentation() {
        let principal = id_bits("ace08ec9-aa11-4ada-9145-addf0398233e").expect("a GUID");
        assert_eq!(assignment_id(GLOBAL_ADMINISTRATOR, principal), "lAPpYvVpN0KRkAEhdxReEMmO4KwRqtpKkUWt3wOYIz4-1");
        for (role, text) in [
            (GLOBAL_ADMINISTRATOR, "62e90394-69f5-4237-9190-012177145e10"),
            (HELPDESK_ADMINISTRATOR, "729827e3-9c14-49f7-bb1b-9608f156bbb8"),
            (USER_ADMINISTRATOR, "fe930be7-5e62-47db-91af-98c3a49a38b1"),
        ] {
            assert_eq!(guid::text(role), text);
        }
    }
}
