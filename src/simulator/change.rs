//! The body of a `PATCH` or a `POST` for an account, read and checked against the type `user`.
//!
//! The password stays apart from everything else, and is never copied.

use super::{
    refusal::Refusal,
    schema::{Access, Property, USER, fits},
};
use crate::password::ForceChange;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;
use std::{borrow::Cow, fmt};

/// What to change.
#[derive(Default)]
pub(super) struct Change<'a> {
    pub profile: Option<Profile<'a>>,
    /// Everything else, as it came.
    members: Vec<(String, Value)>,
}

/// The password and what its user must do.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile<'a> {
    #[serde(borrow, default)]
    pub password: Option<Cow<'a, str>>,
    #[serde(default)]
    force_change_password_next_sign_in: Option<bool>,
    #[serde(default)]
    force_change_password_next_sign_in_with_mfa: Option<bool>,
}

impl<'de> Deserialize<'de> for Change<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Change<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Change<'de>, A::Error> {
                let mut change = Change::default();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    if name == "passwordProfile" {
                        change.profile = map.next_value()?;
                    } else if name.starts_with('@') {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        change.members.push((name.into_owned(), map.next_value()?));
                    }
                }
                Ok(change)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'a> Change<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map_err(|_| Refusal::BAD_BODY)
    }

    /// The properties besides the password, each with a value of its type.
    pub(super) fn properties(&mut self) -> Result<Vec<(&'static Property, Value)>, Refusal> {
        std::mem::take(&mut self.members).into_iter().map(|(name, value)| checked(&name, value)).collect()
    }

    /// Whether it changes more than the password.
    pub(super) fn has_properties(&self) -> bool {
        !self.members.is_empty()
    }
}

fn checked(name: &str, value: Value) -> Result<(&'static Property, Value), Refusal> {
    let Some(property) = USER.property(name) else {
        return Err(if value.is_object() { Refusal::UNTYPED } else { Refusal::undeclared(name) });
    };
    match property.access {
        Access::ReadOnly => Err(Refusal::read_only(property.name)),
        Access::Writable | Access::Sensitive if !fits(&value, property) => {
            Err(Refusal::wrong_type(property.name, &property.kind.name()))
        }
        Access::Writable | Access::Sensitive => Ok((property, value)),
    }
}

impl Profile<'_> {
    pub(super) fn force_change(&self) -> ForceChange {
        if self.force_change_password_next_sign_in_with_mfa == Some(true) {
            ForceChange::NextSignInWithMfa
        } else if self.force_change_password_next_sign_in == Some(true) {
            ForceChange::NextSignIn
        } else {
            ForceChange::No
        }
    }
}
