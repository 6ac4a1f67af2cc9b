//! An account as Graph shows it.
//!
//! What was never written is derived from its name and its kind, or is null.

use super::{
    account::AccountKind,
    context::ReadView,
    directory_account::DirectoryAccount,
    record::{Field, Record},
    register::domain_of,
    schema::{Entity, Kind, Property, USER},
};
use crate::{graph::guid, password::ForceChange};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::{borrow::Cow, time::Duration};

/// An account that was never written got its password this long before the simulator started.
const PASSWORD_AGE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How many devices a user may enroll, by default.
const DEVICES_MAX: i64 = 5;

/// An account and what can be seen of it.
pub(super) struct AccountRecord<'a> {
    pub held: &'a DirectoryAccount,
    pub view: ReadView,
    /// The values of its navigation properties, if they are needed.
    pub(super) related: Option<Map<String, Value>>,
}

impl AccountRecord<'_> {
    /// The part of the name before its domain.
    fn local(&self) -> &str {
        self.held.upn.split('@').next().unwrap_or_default()
    }

    fn time(&self, elapsed: Option<Duration>) -> Timestamp {
        let clock = self.view.clock;
        match elapsed {
            Some(elapsed) => clock.wall(elapsed),
            None => clock.epoch.saturating_sub(PASSWORD_AGE).unwrap_or(clock.epoch),
        }
    }

    /// What only accounts from an on-premises directory have.
    fn on_premises(&self, name: &str) -> Option<Field<'_>> {
        if self.held.kind != AccountKind::Synced {
            return None;
        }
        let domain = domain_of(&self.held.upn).unwrap_or_default();
        Some(match name {
            "onPremisesSyncEnabled" => Field::Boolean(true),
            "onPremisesLastSyncDateTime" => Field::Time(self.view.clock.epoch),
            "onPremisesSamAccountName" => Field::text(self.local()),
            "onPremisesUserPrincipalName" => Field::text(&self.held.upn),
            "onPremisesDomainName" => Field::Text(Cow::Owned(domain)),
            "onPremisesDistinguishedName" => {
                let parts: Vec<_> = domain.split('.').map(|part| format!("DC={part}")).collect();
                Field::Text(Cow::Owned(format!("CN={},OU=Users,{}", self.local(), parts.join(","))))
            }
            _ => return None,
        })
    }

    fn profile(&self) -> Value {
        let force = self.held.force_change;
        json!({
            "password": null,
            "forceChangePasswordNextSignIn": force == ForceChange::NextSignIn,
            "forceChangePasswordNextSignInWithMfa": force == ForceChange::NextSignInWithMfa,
        })
    }

    /// Whether the sign-in was successful is not kept, so only the attempt is told.
    fn sign_ins(&self) -> Value {
        let at = self.time(self.held.signed_in());
        json!({
            "lastSignInDateTime": format!("{at:.0}"),
            "lastSignInRequestId": null,
            "lastNonInteractiveSignInDateTime": null,
            "lastNonInteractiveSignInRequestId": null,
            "lastSuccessfulSignInDateTime": null,
            "lastSuccessfulSignInRequestId": null,
        })
    }

    fn identities(&self) -> Value {
        let issuer = domain_of(&self.held.upn).unwrap_or_default();
        json!([{"signInType": "userPrincipalName", "issuer": issuer, "issuerAssignedId": self.held.upn}])
    }
}

impl Record for AccountRecord<'_> {
    fn entity(&self) -> &'static Entity {
        &USER
    }

    fn field(&self, property: &Property) -> Field<'_> {
        let (held, guest) = (self.held, self.held.kind == AccountKind::Guest);
        if let Some(value) = held.written(property.name) {
            return Field::stored(value, property.kind);
        }
        match property.name {
            "id" => Field::Text(Cow::Owned(guid::text(held.id))),
            "userPrincipalName" => Field::text(&held.upn),
            "displayName" | "mailNickname" => Field::text(self.local()),
            "accountEnabled" => Field::Boolean(held.kind != AccountKind::Disabled),
            "userType" => Field::text(if guest { "Guest" } else { "Member" }),
            "lastPasswordChangeDateTime" => Field::Time(self.time(held.changed(self.view.seen))),
            "createdDateTime" => Field::Time(self.time(held.created())),
            "deletedDateTime" if held.deleted().is_some() => Field::Time(self.time(held.deleted())),
            "signInSessionsValidFromDateTime" => Field::Time(self.time(held.revoked().or(held.created()))),
            "creationType" if guest => Field::text("Invitation"),
            "externalUserState" if guest => Field::text("Accepted"),
            "externalUserStateChangeDateTime" if guest => Field::Time(self.time(held.created())),
            "signInActivity" if held.signed_in().is_some() => Field::Json(Cow::Owned(self.sign_ins())),
            "passwordProfile" => Field::Json(Cow::Owned(self.profile())),
            "identities" => Field::Json(Cow::Owned(self.identities())),
            "onPremisesExtensionAttributes" => Field::Json(Cow::Owned(extension_attributes())),
            "securityIdentifier" => Field::Text(Cow::Owned(security_identifier(held.id))),
            "authorizationInfo" => Field::Json(Cow::Owned(json!({"certificateUserIds": []}))),
            "deviceEnrollmentLimit" => Field::Number(DEVICES_MAX),
            // The value of times that were never set.
            "birthday" | "hireDate" => Field::text("0001-01-01T00:00:00Z"),
            name => match self.on_premises(name) {
                Some(field) => field,
                None if matches!(property.kind, Kind::Texts | Kind::Objects(_)) => Field::empty_list(),
                None => Field::Null,
            },
        }
    }

    fn related(&self, navigation: &str) -> Option<Value> {
        self.related.as_ref()?.get(navigation).cloned()
    }
}

fn extension_attributes() -> Value {
    (1..=15).map(|number| (format!("extensionAttribute{number}"), Value::Null)).collect::<Map<_, _>>().into()
}

/// The identifier that Windows uses, which has the same bits as the object id.
fn security_identifier(id: u128) -> String {
    let bytes = guid::windows_bytes(id);
    let part = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    format!("S-1-12-1-{}-{}-{}-{}", part(0), part(4), part(8), part(12))
}
