//! Which row goes to which tenant.
//!
//! A tenant may be named by its id and by several domains; the caller finds out which domains are the same tenant.
//!
//! Invariant: every row is in exactly one part, and a row without a certain tenant is refused.

use crate::{
    account::tenant::TenantName,
    outcome::Skip,
    plan::NamedTenant,
    roster::{Group, Part, Roster, RosterError},
};
use std::collections::HashMap;

/// Rows with the same value, and the tenant that it names.
type Named = (Group, Option<TenantName>);

/// The rows of a roster by what they say about their tenant.
pub struct Split {
    groups: Vec<Named>,
}

/// The rows of one tenant.
pub struct Assigned {
    /// The tenant; `None` for the rows whose tenant is not certain, of which none is sent.
    pub tenant: Option<NamedTenant>,
    /// The name of its folder.
    pub folder: String,
    /// Its rows.
    pub part: Part,
}

/// The folder of the rows without a certain tenant. No tenant has such a name, because a domain has a dot.
const NOWHERE: &str = "without-tenant";

impl Split {
    /// Reads the names in the column that `column` names.
    ///
    /// # Errors
    /// Fails if there is no such column, or if the roster cannot be read.
    pub fn of(roster: &Roster, column: &str) -> Result<Self, RosterError> {
        let groups = roster.groups_by(column)?.into_iter();
        Ok(Self {
            groups: groups
                .map(|group| (TenantName::parse(&group.value).ok(), group))
                .map(|(name, group)| (group, name))
                .collect(),
        })
    }

    /// The different names, in the order in which they first appear.
    pub fn names(&self) -> impl Iterator<Item = &TenantName> {
        self.groups.iter().filter_map(|(_, name)| name.as_ref())
    }

    /// The tenants with their rows, in the order in which they first appear; at the end the rows without one, if there are
    /// any. `ids` has the id of each name, or why it names no tenant.
    #[must_use]
    pub fn assign(&self, ids: &HashMap<TenantName, Result<String, String>>) -> Vec<Assigned> {
        let mut tenants: Vec<(String, Vec<&Named>)> = Vec::new();
        let mut nowhere = Vec::new();
        for named in &self.groups {
            match certain(named, ids) {
                Ok(id) => match tenants.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, groups)) => groups.push(named),
                    None => tenants.push((id, vec![named])),
                },
                Err(reason) => nowhere.push((&named.0, Some(reason))),
            }
        }
        let mut assigned: Vec<Assigned> = tenants.into_iter().map(|(id, groups)| of_tenant(id, &groups)).collect();
        if !nowhere.is_empty() {
            let part = Part::of_refused(nowhere);
            assigned.push(Assigned { tenant: None, folder: NOWHERE.into(), part });
        }
        assigned
    }
}

fn of_tenant(id: String, groups: &[&Named]) -> Assigned {
    let names: Vec<&TenantName> = groups.iter().filter_map(|(_, name)| name.as_ref()).collect();
    let domain = names.iter().find(|name| matches!(name, TenantName::Domain(_)));
    let name = domain.map_or_else(|| id.clone(), ToString::to_string);
    let names = names.iter().map(ToString::to_string).collect();
    Assigned {
        folder: name.clone(),
        part: Part::of(&groups.iter().map(|(group, _)| group).collect::<Vec<_>>()),
        tenant: Some(NamedTenant { id, name, names }),
    }
}

/// The id of the tenant that these rows name, or why it is not certain.
fn certain((group, name): &Named, ids: &HashMap<TenantName, Result<String, String>>) -> Result<String, (Skip, String)> {
    let unknown = |why: &str| (Skip::TenantUnknown, why.to_owned());
    match name {
        None if group.value.is_empty() => Err((Skip::TenantMissing, "this row names no tenant".into())),
        None => Err(unknown("this row names no tenant: it must be an id (a GUID) or a domain, such as contoso.com")),
        Some(name) => match ids.get(name) {
            Some(Ok(id)) => Ok(id.clone()),
            Some(Err(why)) => Err(unknown(why)),
            None => Err(unknown("the tenant of this row was not found out")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::RosterOptions;

    const ID: &str = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

    #[test]
    fn two_spellings_are_one_tenant() {
        let text = format!(
            "upn,t\na@a.com,A.com\nb@b.com,b.com\nc@a.com,{}\nd@d.com,\ne@a.com,other-a.com\nf@x.com,nowhere.com\ng@x.com,a/b\n",
            ID.to_uppercase()
        );
        let roster = Roster::from_bytes("r.csv", text.into(), &RosterOptions::default()).expect("a roster");
        let split = Split::of(&roster, "t").expect("tenants");
        let ids = split.names().cloned().map(|name| {
            let id = match name.as_str() {
                "b.com" => Ok("1b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b".to_owned()),
                "nowhere.com" => Err("login.contoso.com knows no tenant nowhere.com".to_owned()),
                _ => Ok(ID.to_owned()),
            };
            (name, id)
        });
        let assigned = split.assign(&ids.collect());
        let told: Vec<_> = assigned
            .iter()
            .map(|one| (one.folder.as_str(), one.tenant.as_ref().map(|tenant| tenant.id.as_str()), one.part.len()))
            .collect();
        let b = Some("1b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b");
        assert_eq!(told, [("a.com", Some(ID), 3), ("b.com", b, 1), ("without-tenant", None, 3)]);
        assert_eq!(assigned[0].tenant.as_ref().expect("a tenant").names, ["a.com", ID, "other-a.com"]);
        let refused = roster.part(assigned[2].part.clone());
        let codes: Vec<_> = refused.rows().map(|row| row.expect("a row").address.expect_err("refused").skip).collect();
        assert_eq!(codes, [Skip::TenantMissing, Skip::TenantUnknown, Skip::TenantUnknown]);
    }
}
