//! Reading accounts, and what else is done to them. It writes no password.

use super::{
    refusal::Refusal,
    reply::Body,
    route::form,
    tenant::{AccountKind, Held, Tenant},
    visit::Sight,
};
use crate::graph::guid;
use jiff::SignedDuration;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::HashMap;

/// What Graph tells of an account that is not asked for certain properties.
const DEFAULT_FIELDS: &[&str] = &["displayName", "givenName", "jobTitle", "mail", "surname", "userPrincipalName", "id"];
/// What it tells only where it is asked for.
const OTHER_FIELDS: &[&str] = &[
    "accountEnabled",
    "userType",
    "onPremisesSyncEnabled",
    "passwordPolicies",
    "lastPasswordChangeDateTime",
    "department",
    "companyName",
    "usageLocation",
    "createdDateTime",
];
/// Accounts in a page, unless `$top` says otherwise, and the most that it may say.
const PAGE: usize = 100;
const PAGE_MAX: usize = 999;
/// Most comparisons in one filter.
const CLAUSES_MAX: usize = 15;
/// An account that was never written got its password so long before the simulator began.
const PASSWORD_AGE: SignedDuration = SignedDuration::from_hours(365 * 24);

/// What a query asks for.
struct Query {
    fields: Vec<String>,
    values: HashMap<String, String>,
}

impl Query {
    fn read(text: &str) -> Result<Self, Refusal> {
        let values: HashMap<_, _> = form(text).collect();
        let asked = values.get("$select").map_or("", String::as_str);
        let fields: Vec<_> =
            asked.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let known = |name: &str| DEFAULT_FIELDS.contains(&name) || OTHER_FIELDS.contains(&name);
        match fields.iter().find(|name| !known(name)) {
            Some(name) => Err(Refusal::no_property(name, "user")),
            None if fields.is_empty() => {
                Ok(Self { fields: DEFAULT_FIELDS.iter().map(|name| (*name).to_owned()).collect(), values })
            }
            None => Ok(Self { fields, values }),
        }
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.values.get(name)?.parse().ok()
    }
}

/// One account, as far as it was asked for.
struct View<'a> {
    context: Option<&'a str>,
    held: &'a Held,
    fields: &'a [String],
    sight: Sight,
}

#[derive(Serialize)]
struct Page<'a> {
    #[serde(rename = "@odata.context")]
    context: &'static str,
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    value: Vec<View<'a>>,
}

impl View<'_> {
    fn changed(&self) -> String {
        let Sight { clock, seen } = self.sight;
        let wall = match self.held.changed(seen) {
            Some(elapsed) => clock.wall(elapsed),
            None => clock.epoch.saturating_sub(PASSWORD_AGE).unwrap_or(clock.epoch),
        };
        wall.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, mut map) = (self.held.kind, serializer.serialize_map(None)?);
        if let Some(context) = self.context {
            map.serialize_entry("@odata.context", context)?;
        }
        for name in self.fields {
            match name.as_str() {
                "id" => map.serialize_entry(name, &guid::text(self.held.id))?,
                "userPrincipalName" => map.serialize_entry(name, &self.held.upn)?,
                "displayName" => map.serialize_entry(name, self.held.upn.split('@').next().unwrap_or_default())?,
                "accountEnabled" => map.serialize_entry(name, &(kind != AccountKind::Disabled))?,
                "userType" if kind == AccountKind::Guest => map.serialize_entry(name, "Guest")?,
                "userType" => map.serialize_entry(name, "Member")?,
                "onPremisesSyncEnabled" if kind == AccountKind::Synced => map.serialize_entry(name, &true)?,
                "lastPasswordChangeDateTime" => map.serialize_entry(name, &self.changed())?,
                _ => map.serialize_entry(name, &())?,
            }
        }
        map.end()
    }
}

/// `GET /users/{key}`.
pub(super) fn read(tenant: &Tenant, sight: Sight, key: &str, query: &str) -> Result<Body, Refusal> {
    let query = Query::read(query)?;
    let held = tenant.find(key).ok_or_else(|| Refusal::not_found(key))?;
    let context = Some("https://graph.microsoft.com/v1.0/$metadata#users/$entity");
    Ok(json(&View { context, held, fields: &query.fields, sight }))
}

/// `GET /users`.
pub(super) fn list(tenant: &Tenant, sight: Sight, query: &str, base: &str) -> Result<Body, Refusal> {
    let query = Query::read(query)?;
    let top = query.number("$top").unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let skip = query.number("$skiptoken").unwrap_or(0);
    let mut found = match query.values.get("$filter") {
        Some(filter) => wanted(filter)?.iter().filter_map(|key| tenant.find(key)).collect(),
        None => tenant.accounts.iter().filter(|held| held.kind != AccountKind::Missing).collect::<Vec<_>>(),
    };
    let more = found.len() > skip.saturating_add(top);
    found = found.into_iter().skip(skip).take(top).collect();
    let next = more.then(|| {
        let fields = query.fields.join(",");
        format!("{base}/v1.0/users?$select={fields}&$top={top}&$skiptoken={}", skip + top)
    });
    let value = found.into_iter().map(|held| View { context: None, held, fields: &query.fields, sight }).collect();
    Ok(json(&Page { context: "https://graph.microsoft.com/v1.0/$metadata#users", next, value }))
}

/// `POST /users/{key}/revokeSignInSessions`.
pub(super) fn revoke_sessions(tenant: &mut Tenant, key: &str) -> Result<Body, Refusal> {
    let held = tenant.find_mut(key).ok_or_else(|| Refusal::not_found(key))?;
    held.sessions_revoked += 1;
    let context = "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean";
    Ok(json(&serde_json::json!({"@odata.context": context, "value": true})))
}

/// The keys that a filter names: `userPrincipalName eq 'a' or id eq 'b'`, or `userPrincipalName in ('a', 'b')`.
fn wanted(filter: &str) -> Result<Vec<String>, Refusal> {
    let (shape, literals) = without_literals(filter);
    let list = shape.strip_prefix("userPrincipalName in (").or_else(|| shape.strip_prefix("id in ("));
    let understood = match list.and_then(|list| list.strip_suffix(')')) {
        Some(list) => list.split(',').all(|part| part.trim() == "?"),
        None => shape.split(" or ").all(|part| matches!(part.trim(), "userPrincipalName eq ?" | "id eq ?")),
    };
    match literals.len() {
        _ if !understood => Err(Refusal::BAD_FILTER),
        clauses if clauses > CLAUSES_MAX => Err(Refusal::too_many_clauses(clauses, CLAUSES_MAX)),
        _ => Ok(literals),
    }
}

/// The filter with `?` for each literal, and the literals, whose doubled apostrophes have become single.
fn without_literals(filter: &str) -> (String, Vec<String>) {
    let (mut shape, mut literals) = (String::new(), Vec::new());
    let mut rest = filter.trim();
    while let Some((before, after)) = rest.split_once('\'') {
        shape.push_str(before);
        shape.push('?');
        let end = literal_end(after);
        literals.push(after[..end].replace("''", "'"));
        rest = after.get(end + 1..).unwrap_or_default();
    }
    shape.push_str(rest);
    (shape, literals)
}

/// Where the first lone apostrophe stands.
fn literal_end(text: &str) -> usize {
    let mut at = 0;
    while let Some(found) = text[at..].find('\'') {
        if !text[at + found + 1..].starts_with('\'') {
            return at + found;
        }
        at += found + 2;
    }
    text.len()
}

fn json(value: &impl Serialize) -> Body {
    Body::Json(serde_json::value::to_raw_value(value).expect("the simulator's own types are always valid JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_name_their_keys() {
        for (filter, keys) in [
            ("userPrincipalName eq 'ann@c.com'", Some(vec!["ann@c.com"])),
            ("userPrincipalName eq 'o''b@c.com' or id eq 'x'", Some(vec!["o'b@c.com", "x"])),
            ("userPrincipalName in ('a@c.com','b@c.com')", Some(vec!["a@c.com", "b@c.com"])),
            ("userPrincipalName eq 'a' or 'b'", None),
            ("startswith(userPrincipalName,'a')", None),
            ("userPrincipalName in ('a', b)", None),
            ("", None),
        ] {
            let expected = keys.map(|keys| keys.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(wanted(filter).ok(), expected, "{filter}");
        }
        let many = vec!["id eq 'x'"; 16].join(" or ");
        assert_eq!(wanted(&many), Err(Refusal::too_many_clauses(16, 15)));
    }
}
