//! A user from the directory, as a lookup finds it.
//!
//! Reading checks only the form; callers judge the content. It never contains a secret.
//!
//! Invariant: a [`User`] has a valid object id.

use crate::account::upn::is_object_id;
use jiff::Timestamp;
use serde::Deserialize;

/// The requested properties. Naming them makes a list cost one resource unit instead of two, and
/// `lastPasswordChangeDateTime` is only returned on request.
pub const SELECT: &str =
    "id,userPrincipalName,accountEnabled,userType,onPremisesSyncEnabled,lastPasswordChangeDateTime";

/// What the directory says about an account (Graph's resource `user`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its object id, a GUID in lower case.
    pub id: String,
    /// Its current name.
    pub user_principal_name: String,
    /// Whether it may sign in.
    pub is_enabled: bool,
    /// Whether it is of type `Guest`, or has a name that only external accounts have.
    pub is_guest: bool,
    /// Whether on-premises AD manages it.
    pub is_synced: bool,
    /// When its password was last set, in whole seconds; the creation of the account counts.
    pub password_changed: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserJson {
    id: String,
    #[serde(default)]
    user_principal_name: Option<String>,
    #[serde(default)]
    account_enabled: Option<bool>,
    #[serde(default)]
    user_type: Option<String>,
    #[serde(default)]
    on_premises_sync_enabled: Option<bool>,
    #[serde(default)]
    last_password_change_date_time: Option<String>,
}

impl User {
    /// Reads the body of an answer; `None` if it is not a user.
    #[must_use]
    pub fn read(body: &str) -> Option<Box<Self>> {
        let told: UserJson = serde_json::from_str(body).ok()?;
        let user_principal_name = told.user_principal_name.filter(|name| !name.is_empty())?;
        let is_external = user_principal_name.to_ascii_uppercase().contains("#EXT#");
        is_object_id(&told.id).then(|| {
            Box::new(Self {
                id: told.id.to_ascii_lowercase(),
                is_enabled: told.account_enabled.unwrap_or(true),
                is_guest: is_external || told.user_type.is_some_and(|kind| kind.eq_ignore_ascii_case("guest")),
                is_synced: told.on_premises_sync_enabled.unwrap_or(false),
                password_changed: told.last_password_change_date_time.and_then(|time| time.parse().ok()),
                user_principal_name,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0B8F2A6E-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

    #[test]
    fn reads_users_from_answers() {
        let body = format!(
            r#"{{"@odata.context":"x","id":"{ID}","userPrincipalName":"ann@contoso.com","accountEnabled":false,
                "userType":"Member","onPremisesSyncEnabled":null,"lastPasswordChangeDateTime":"2026-03-18T19:49:35Z"}}"#
        );
        let user = User::read(&body).expect("a user");
        assert_eq!((user.id.as_str(), user.user_principal_name.as_str()), (&*ID.to_lowercase(), "ann@contoso.com"));
        assert!(!user.is_enabled && !user.is_guest && !user.is_synced);
        assert_eq!(user.password_changed.map(Timestamp::as_second), Some(1_773_863_375));
    }

    #[test]
    fn recognizes_guests_by_type_or_name() {
        let guest = |name: &str, kind: &str| {
            let body = format!(r#"{{"id":"{ID}","userPrincipalName":"{name}","userType":{kind}}}"#);
            User::read(&body).expect("a user").is_guest
        };
        assert!(guest("ann@contoso.com", "\"guest\""));
        assert!(guest("bob_fabrikam.com#EXT#@contoso.onmicrosoft.com", "\"Member\""));
        assert!(!guest("ann@contoso.com", "null"));
    }

    #[test]
    fn non_users_parse_as_none() {
        for body in ["", "{}", "[]", r#"{"id":"7","userPrincipalName":"a@b.cc"}"#, "{\"id\":null}"] {
            assert_eq!(User::read(body), None, "{body}");
        }
        assert_eq!(User::read(&format!(r#"{{"id":"{ID}","userPrincipalName":""}}"#)), None);
    }
}
