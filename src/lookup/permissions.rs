//! What the token suggests that may be missing, said before anything is sent.
//!
//! Graph's tokens are not ours to read, and what a claim suggests may be wrong: so this warns, and never decides.

use super::tenant::Tenant;
use crate::{
    graph::claims::Claims,
    roles::{Role, needed_for},
};
use std::collections::BTreeSet;

/// The permission to set passwords; more general ones do not suffice (Graph's permissions reference, user: update).
const WRITE: &str = "User-PasswordProfile.ReadWrite.All";
/// With it, a person may do through an application whatever their roles allow (an older rule that still holds).
const AS_USER: &str = "Directory.AccessAsUser.All";
/// Any of these lets sessions be revoked (Graph's permissions reference, user: revokeSignInSessions).
const REVOKE: [&str; 3] = ["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];

/// What seems to be missing, in sentences, whoever the accounts are.
pub(super) fn warnings(claims: Option<&Claims>, tenant: &Tenant, revokes: bool) -> Vec<String> {
    let Some(claims) = claims else { return Vec::new() };
    let granted = if claims.is_application { &claims.roles } else { &claims.scopes };
    let has = |wanted: &str| granted.iter().any(|permission| permission == wanted);
    let kind = if claims.is_application { "application" } else { "delegated" };
    let mut warnings = Vec::new();
    // An application that holds a role which resets passwords needs no permission beside it (microsoft-graph-docs#13135).
    let suffices = if claims.is_application { holds_any_role(claims, tenant) } else { has(AS_USER) };
    if !has(WRITE) && !suffices {
        warnings.push(format!(
            "the token does not name the {kind} permission {WRITE}, without which Graph refuses every password: grant \
             it, with admin consent"
        ));
    }
    if revokes && !REVOKE.into_iter().any(has) {
        warnings.push(format!("the token does not name {}, without which no session can be revoked", REVOKE[0]));
    }
    // An application may reset ordinary accounts by its permission alone.
    let ordinary = (!claims.is_application).then_some(None);
    warnings.extend(lacking(claims, tenant, ordinary.into_iter()));
    warnings
}

/// The roles of whoever is signed in, as far as they are known and matter here.
fn roles(claims: &Claims, tenant: &Tenant) -> Vec<Role> {
    let own = claims.object_id.as_deref().map(str::to_ascii_lowercase);
    let listed = own.iter().flat_map(|own| tenant.roles_of(own)).map(String::as_str);
    let claimed = claims.directory_roles.iter().map(String::as_str);
    listed.chain(claimed).filter_map(|id| Role::of(&id.to_ascii_lowercase())).collect()
}

/// Whether that is one that may reset the password of an ordinary account.
fn holds_any_role(claims: &Claims, tenant: &Tenant) -> bool {
    let held = roles(claims, tenant);
    needed_for(None).iter().any(|role| held.contains(role))
}

/// The role that is missing to reset holders of these roles, where the roles of whoever is signed in are known.
pub(super) fn missing_role(claims: &Claims, tenant: &Tenant, targets: &BTreeSet<String>) -> Option<String> {
    lacking(claims, tenant, targets.iter().map(|target| Some(target.as_str())))
}

fn lacking<'t>(claims: &Claims, tenant: &Tenant, mut targets: impl Iterator<Item = Option<&'t str>>) -> Option<String> {
    let held = roles(claims, tenant);
    let known = tenant.roles.is_some() || !claims.directory_roles.is_empty();
    let target =
        targets.find(|target| !needed_for(*target).iter().any(|role| held.contains(role))).filter(|_| known)?;
    let whom = if target.is_some() { "an account of this plan that holds a directory role" } else { "any account" };
    let who = if claims.is_application { "the application" } else { "who is signed in" };
    Some(format!(
        "{who} does not seem to hold the role that resetting {whom} takes: at least {} Administrator",
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
    fn what_is_granted_is_not_missed() {
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
    fn a_sufficient_role_makes_up_for_the_permission() {
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
    fn the_least_role_is_named_where_it_is_known_to_be_missing() {
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
