//! What kind of account was found, and what that means for its row: one rule after another, and nothing else.

use super::tenant::Tenant;
use crate::{
    account::upn::Upn,
    engine::reader::Found,
    graph::user::User,
    ledger::Looked,
    outcome::{Kind, Skip},
    plan::{Lookup, Rules},
    roster::{Origin, exclusions::Exclusions, place},
};

/// What accounts are checked against.
pub(super) struct Standards<'a> {
    pub(super) rules: Rules,
    /// Where the rows came from.
    pub(super) origin: Origin<'a>,
    pub(super) tenant: &'a Tenant,
    pub(super) exclusions: &'a Exclusions,
    /// The object id of the account that is signed in.
    pub(super) current_user: Option<&'a str>,
}

/// A row that is looked up: what the roster says about it.
pub(super) struct Asked {
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) address: Upn,
}

impl Standards<'_> {
    /// The result in the ledger's form.
    pub(super) fn classify(&self, asked: &Asked, found: Found) -> Looked {
        let nothing = |kind, skip| Looked {
            row: asked.row,
            kind,
            skip,
            object_id: None,
            user_principal_name: None,
            password_changed_at: None,
        };
        let skipped = |skip: Skip, why: &str| Some((skip, format!("{}: {why}", place(self.origin, asked.line))));
        match found {
            Found::Missing => {
                let why = "the directory has no such account";
                nothing(Kind::Reason(Skip::NotInDirectory), skipped(Skip::NotInDirectory, why))
            }
            Found::Unread(said) if self.rules.lookup == Lookup::Required => nothing(
                Kind::Reason(Skip::Unread),
                skipped(Skip::Unread, &format!("the account could not be read ({said})")),
            ),
            // It is reset by its name in the roster.
            Found::Unread(_) => nothing(Kind::Reason(Skip::Unread), None),
            // Whatever answers here, it is unknown which account a write to that name would reach.
            Found::Unclear(said) => nothing(
                Kind::Reason(Skip::Unread),
                skipped(Skip::Unread, &format!("the answer is not understood ({said})")),
            ),
            Found::User(user) => {
                let skip = self.reason(asked, &user);
                Looked {
                    kind: skip.as_ref().map_or_else(|| self.kind(&user), |(skip, _)| Kind::Reason(*skip)),
                    skip: skip.and_then(|(skip, why)| skipped(skip, &why)),
                    password_changed_at: user.password_changed.map(jiff::Timestamp::as_millisecond),
                    object_id: Some(user.id),
                    user_principal_name: Some(user.user_principal_name),
                    ..nothing(Kind::Ready, None)
                }
            }
        }
    }

    /// The reason to leave the account alone, if there is one.
    fn reason(&self, asked: &Asked, user: &User) -> Option<(Skip, String)> {
        let name = &user.user_principal_name;
        let reason = |skip, why: &str| Some((skip, why.to_owned()));
        if is_another(&asked.address, user) {
            return reason(Skip::Mismatch, &format!("the directory answers with another account, {name}"));
        }
        if self.exclusions.contains(&user.id) || self.exclusions.contains(name) {
            return reason(Skip::Excluded, "the account is excluded");
        }
        if self.current_user == Some(user.id.as_str()) {
            return reason(Skip::CurrentUser, "you are signed in with this account");
        }
        if user.is_guest {
            return reason(Skip::Guest, "a guest account: it signs in at its home organization");
        }
        if self.tenant.is_federated(name) {
            return reason(Skip::Federated, "its domain is federated: its password is managed elsewhere");
        }
        if user.is_synced && !self.rules.include_synced && !self.rules.writeback {
            return reason(
                Skip::Synced,
                "an on-premises directory manages the account, and would overwrite the password",
            );
        }
        if !self.tenant.roles_of(&user.id).is_empty() && !self.rules.include_admins {
            return reason(Skip::Admin, "the account holds a directory role");
        }
        None
    }

    /// What to report about an account that will be reset.
    fn kind(&self, user: &User) -> Kind {
        match user {
            // It decides how the password goes to the account.
            User { is_synced: true, .. } if self.rules.writeback => Kind::Reason(Skip::Synced),
            _ if !self.tenant.roles_of(&user.id).is_empty() => Kind::Reason(Skip::Admin),
            User { is_synced: true, .. } => Kind::Reason(Skip::Synced),
            User { is_enabled: false, .. } => Kind::Disabled,
            _ => Kind::Ready,
        }
    }
}

/// Whether the directory may have understood another key than the one that was sent. A name that needs no escapes in
/// the URL cannot be misread, so a different name in the answer is its new name; a wrong escape leads to another
/// account.
fn is_another(asked: &Upn, user: &User) -> bool {
    if asked.is_object_id() {
        return !asked.as_str().eq_ignore_ascii_case(&user.id);
    }
    let is_escaped = asked.path().strip_prefix("/users/") != Some(asked.as_str());
    is_escaped && !asked.as_str().eq_ignore_ascii_case(&user.user_principal_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    const ID: &str = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

    fn user(name: &str) -> User {
        User {
            id: ID.into(),
            user_principal_name: name.into(),
            is_enabled: true,
            is_guest: false,
            is_synced: false,
            password_changed: None,
        }
    }

    fn tenant() -> Tenant {
        Tenant {
            roles: Some(HashMap::new()),
            has_unread_groups: false,
            federated: Some(HashSet::from(["fabrikam.com".into()])),
        }
    }

    /// The kind, and the error code of the skip.
    fn classified(standards: &Standards<'_>, asked: &str, found: Found) -> (&'static str, Option<&'static str>) {
        let asked = Asked { row: 1, line: 7, address: Upn::parse(asked).expect("an address") };
        let looked = standards.classify(&asked, found);
        assert!(looked.skip.as_ref().is_none_or(|(_, message)| message.starts_with("line 7: ")));
        (looked.kind.as_str(), looked.skip.map(|(skip, _)| skip.code()))
    }

    #[test]
    fn account_kinds_have_words() {
        let (plain, exclusions) = (tenant(), Exclusions::default());
        let mut of_admins = tenant();
        of_admins.roles = Some(HashMap::from([(ID.to_owned(), vec!["x".to_owned()])]));
        let with = |tenant, current_user, include| Standards {
            origin: Origin::Text,
            rules: Rules { include_synced: include, include_admins: include, ..Rules::default() },
            tenant,
            exclusions: &exclusions,
            current_user,
        };
        let ann = "ann@contoso.com";
        let look = |standards: &Standards<'_>, user: User| classified(standards, ann, Found::User(Box::new(user)));
        let usual = with(&plain, None, false);
        let generous = with(&plain, None, true);
        assert_eq!(look(&usual, user(ann)), ("ready", None));
        assert_eq!(look(&usual, User { is_enabled: false, ..user(ann) }), ("disabled", None));
        assert_eq!(look(&usual, User { is_guest: true, ..user(ann) }), ("guest", Some("guest")));
        assert_eq!(look(&usual, user("ann@FABRIKAM.com")), ("federated", Some("federated")));
        assert_eq!(look(&usual, User { is_synced: true, ..user(ann) }), ("synced", Some("synced")));
        assert_eq!(look(&generous, User { is_synced: true, ..user(ann) }), ("synced", None));
        assert_eq!(look(&with(&of_admins, None, false), user(ann)), ("admin", Some("admin")));
        assert_eq!(look(&with(&of_admins, None, true), user(ann)), ("admin", None));
        assert_eq!(look(&with(&plain, Some(ID), true), user(ann)), ("self", Some("self")));
        assert_eq!(classified(&usual, ann, Found::Missing), ("missing", Some("missing")));
        assert_eq!(classified(&usual, ann, Found::Unread(String::new())), ("unread", None));
        assert_eq!(classified(&usual, ann, Found::Unclear(String::new())), ("unread", Some("unread")));
        let strict = Standards { rules: Rules { lookup: Lookup::Required, ..Rules::default() }, ..usual };
        assert_eq!(classified(&strict, ann, Found::Unread(String::new())), ("unread", Some("unread")));
    }

    #[test]
    fn any_name_can_be_excluded() {
        let plain = tenant();
        for key in [ID, "ann@contoso.com", "ANN@contoso.com"] {
            let exclusions: Exclusions = [key.to_owned()].into_iter().collect();
            let standards = Standards {
                rules: Rules::default(),
                origin: Origin::Text,
                tenant: &plain,
                exclusions: &exclusions,
                current_user: None,
            };
            for asked in [ID, "old@contoso.com"] {
                let found = Found::User(Box::new(user("ann@contoso.com")));
                assert_eq!(classified(&standards, asked, found).1, Some("excluded"), "{key} {asked}");
            }
        }
    }

    #[test]
    fn answers_about_others_are_ignored() {
        let is_another = |asked: &str, name: &str| is_another(&Upn::parse(asked).expect("an address"), &user(name));
        assert!(!is_another("ann@contoso.com", "ANN@contoso.com"));
        assert!(!is_another("ann@contoso.com", "ann.new@contoso.com"), "renamed");
        assert!(!is_another("x#EXT#@contoso.com", "X#ext#@contoso.com"));
        assert!(is_another("x#EXT#@contoso.com", "x@contoso.com"), "the escape was lost");
        assert!(!is_another(ID, "ann@contoso.com"));
        assert!(is_another("0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5c", "ann@contoso.com"));
    }
}
