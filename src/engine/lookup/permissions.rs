//! Warns about permissions that the token seems to lack, before anything is sent.
//!
//! Graph's tokens are not meant for us to read, and a claim may mislead. So this only warns and never decides.

use super::tenant::Tenant;
use crate::{
    account::roles::{Role, needed_for},
    graph::claims::Claims,
};
use std::collections::BTreeSet;

/// The permission to set passwords; broader ones do not include it (Graph's permissions reference, user: update).
const WRITE: &str = "User-PasswordProfile.ReadWrite.All";
/// With this, an application may do whatever its user's roles allow (an older rule that still holds).
const AS_USER: &str = "Directory.AccessAsUser.All";
/// Any of these allows revoking sessions (Graph's permissions reference, user: revokeSignInSessions).
const REVOKE: [&str; 3] = ["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];

/// What the claims of a token alone show to be missing for setting passwords, in sentences.
#[must_use]
pub fn permission_warnings(claims: &Claims) -> Vec<String> {
    warnings(Some(claims), &Tenant::default(), false)
}

/// The missing permissions that matter for any account, in sentences.
pub(super) fn warnings(claims: Option<&Claims>, tenant: &Tenant, revokes: bool) -> Vec<String> {
    let Some(claims) = claims else { return Vec::new() };
    let granted = if claims.is_application { &claims.roles } else { &claims.scopes };
    let has = |wanted: &str| granted.iter().any(|permission| permission == wanted);
    let kind = if claims.is_application { "application" } else { "delegated" };
    let mut warnings = Vec::new();
    // An application with a role that resets passwords needs no other permission (microsoft-graph-docs#13135).
    let suffices = if claims.is_application { holds_any_role(claims, tenant) } else { has(AS_USER) };
    if !has(WRITE) && !suffices {
        warnings.push(format!(
            "the token does not contain the {kind} permission {WRITE}, and Graph refuses every password without it: \
             grant it, with admin consent"
        ));
    }
    if revokes && !REVOKE.into_iter().any(has) {
        warnings.push(format!("the token does not contain {}, which is needed to revoke sessions", REVOKE[0]));
    }
    // An application can reset ordinary accounts with its permission alone.
    let ordinary = (!claims.is_application).then_some(None);
    warnings.extend(missing_role_warning(claims, tenant, ordinary.into_iter()));
    warnings
}

/// The roles of the signed-in account, as far as they are known and matter here.
fn roles(claims: &Claims, tenant: &Tenant) -> Vec<Role> {
    let own = claims.object_id.as_deref().map(str::to_ascii_lowercase);
    let listed = own.iter().flat_map(|own| tenant.roles_of(own)).map(String::as_str);
    let claimed = claims.directory_roles.iter().map(String::as_str);
    listed.chain(claimed).filter_map(|id| Role::of(&id.to_ascii_lowercase())).collect()
}

/// Whether one of them may reset the password of an ordinary account.
fn holds_any_role(claims: &Claims, tenant: &Tenant) -> bool {
    let held = roles(claims, tenant);
    needed_for(None).iter().any(|role| held.contains(role))
}

/// The missing role for resetting accounts with these roles, if the signed-in account's roles are known.
pub(super) fn missing_role(claims: &Claims, tenant: &Tenant, targets: &BTreeSet<String>) -> Option<String> {
    missing_role_warning(claims, tenant, targets.iter().map(|target| Some(target.as_str())))
}

fn missing_role_warning<'t>(
    claims: &Claims,
    tenant: &Tenant,
    mut targets: impl Iterator<Item = Option<&'t str>>,
) -> Option<String> {
    let held = roles(claims, tenant);
    let known = tenant.roles.is_some() || !claims.directory_roles.is_empty();
    let target =
        targets.find(|target| !needed_for(*target).iter().any(|role| held.contains(role))).filter(|_| known)?;
    let whom = if target.is_some() { "an account of this plan that holds a directory role" } else { "any account" };
    let who = if claims.is_application { "the application" } else { "the signed-in user" };
    Some(format!(
        "{who} does not seem to hold the role needed to reset {whom}: at least {} Administrator",
        needed_for(target)[0].name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    const OWN: &str = "11111111-2222-3333-4444-555555555555";
    const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
    const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

    fn app(roles: &[&str]) -> Claims {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Claims { is_application: true, object_id: Some(OWN.into()), roles, ..Claims::default() }
    }

    #[test]
    fn granted_permissions_cause_no_warning() {
        let tenant = Tenant::default();
        assert_eq!(warnings(None, &tenant, true), Vec::<String>::new());
        assert_eq!(warnings(Some(&app(&[WRITE])), &tenant, false), Vec::<String>::new());
        assert!(warnings(Some(&app(&["User.ReadWrite.All"])), &tenant, false)[0].contains(WRITE));
        assert_eq!(warnings(Some(&app(&[WRITE])), &tenant, true).len(), 1);
        assert_eq!(warnings(Some(&app(&[WRITE, "User.ReadWrite.All"])), &tenant, true).len(), 0);
        let person = Claims { scopes: vec![AS_USER.into()], ..Claims::default() };
        assert_eq!(warnings(Some(&person), &tenant, false), Vec::<String>::new());
    }

    #[test]
    fn sufficient_role_replaces_the_permission() {
        let tenant = Tenant::default();
        let with = |role: &str| Claims { directory_roles: vec![role.into()], ..app(&["User.ReadWrite.All"]) };
        assert_eq!(warnings(Some(&with(USER_ADMINISTRATOR)), &tenant, false), Vec::<String>::new());
        assert_eq!(warnings(Some(&with(&USER_ADMINISTRATOR.to_uppercase())), &tenant, false), Vec::<String>::new());
        let reader = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
        assert!(warnings(Some(&with(reader)), &tenant, false)[0].contains(WRITE), "a role that resets nothing");
        let roles = HashMap::from([(OWN.to_owned(), vec![USER_ADMINISTRATOR.to_owned()])]);
        let listed = Tenant { roles: Some(roles), ..Tenant::default() };
        assert_eq!(warnings(Some(&app(&["User.ReadWrite.All"])), &listed, false), Vec::<String>::new());
        let person = Claims {
            directory_roles: vec![GLOBAL_ADMINISTRATOR.into()],
            scopes: vec!["User.Read".into()],
            ..Claims::default()
        };
        assert!(warnings(Some(&person), &tenant, false)[0].contains(WRITE), "through an application that may not");
    }

    #[test]
    fn names_the_least_missing_role() {
        let holding = |role: &str| {
            let roles = HashMap::from([(OWN.to_owned(), vec![role.to_owned()])]);
            Tenant { roles: Some(roles), ..Tenant::default() }
        };
        let warned = |tenant: &Tenant, targets: &[&str]| {
            missing_role(&app(&[WRITE]), tenant, &targets.iter().map(|role| (*role).to_owned()).collect())
        };
        assert_eq!(warned(&holding(USER_ADMINISTRATOR), &[]), None);
        assert_eq!(warned(&holding(USER_ADMINISTRATOR), &[USER_ADMINISTRATOR]), None);
        let said = warned(&holding(USER_ADMINISTRATOR), &[GLOBAL_ADMINISTRATOR]).expect("a warning");
        assert!(said.ends_with("at least Privileged Authentication Administrator"), "{said}");
        assert_eq!(warned(&Tenant::default(), &[GLOBAL_ADMINISTRATOR]), None, "nobody knows");
        let person = Claims { scopes: vec![WRITE.into()], directory_roles: vec!["x".into()], ..Claims::default() };
        let said = warnings(Some(&person), &Tenant::default(), false).pop().expect("a warning");
        assert!(said.ends_with("at least Password Administrator"), "{said}");
    }
}
