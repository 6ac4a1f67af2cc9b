//! What an access token says about itself: who signed in, where, and with which permissions.
//!
//! Tokens for Graph are officially opaque to clients, so a claim is only a hint: it may cause a warning, but never
//! decides. Signatures are not checked, and nothing here is an error: a missing or strange claim counts as absent.
//!
//! Invariant: only these claims of the token, and the nonce of an id token, leave this module.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value};

/// Base64 for URLs, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The relevant claims of an access token (Microsoft's access token claims reference).
///
/// All texts are as in the token: sanitize them before they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    /// The tenant's id (`tid`).
    pub tenant_id: Option<String>,
    /// The application that signed in (`appid`, or `azp` in tokens of version 2).
    pub client_id: Option<String>,
    /// The user or service principal that signed in (`oid`).
    pub object_id: Option<String>,
    /// The user's name (`upn`, otherwise `preferred_username`, otherwise `unique_name`).
    pub user_principal_name: Option<String>,
    /// Whether an application signed in as itself (`idtyp` says so, or there is no `scp`).
    pub is_application: bool,
    /// The permissions of the application itself (`roles`).
    pub roles: Vec<String>,
    /// The permissions of the application on behalf of the user (`scp`, split at spaces).
    pub scopes: Vec<String>,
    /// The template ids of the user's directory roles (`wids`).
    pub directory_roles: Vec<String>,
    /// The audience of the token (`aud`).
    pub audience: Option<String>,
}

impl Claims {
    /// The claims of `token`, if it is a JSON web token. Its signature is not checked.
    #[must_use]
    pub fn of(token: &str) -> Option<Self> {
        payload(token).map(|payload| Self::from_payload(&payload))
    }

    fn from_payload(payload: &Map<String, Value>) -> Self {
        let scopes = text(payload, "scp");
        Self {
            tenant_id: text(payload, "tid"),
            client_id: text(payload, "appid").or_else(|| text(payload, "azp")),
            object_id: text(payload, "oid"),
            user_principal_name: ["upn", "preferred_username", "unique_name"]
                .into_iter()
                .find_map(|name| text(payload, name)),
            is_application: text(payload, "idtyp").map_or(scopes.is_none(), |kind| kind == "app"),
            roles: texts(payload, "roles"),
            scopes: scopes.map_or_else(Vec::new, |all| all.split_whitespace().map(str::to_owned).collect()),
            directory_roles: texts(payload, "wids"),
            audience: text(payload, "aud"),
        }
    }
}

/// The nonce in an id token, if it has one. Its signature is not checked: it comes from the service itself, over TLS.
pub(super) fn nonce(token: &str) -> Option<String> {
    text(&payload(token)?, "nonce")
}

fn payload(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = BASE64.decode(payload).ok().filter(|_| parts.next().is_none())?;
    serde_json::from_slice(&payload).ok()
}

/// A claim that is a non-empty text.
fn text(payload: &Map<String, Value>, name: &str) -> Option<String> {
    payload.get(name)?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// The texts of a claim that is a list.
fn texts(payload: &Map<String, Value>, name: &str) -> Vec<String> {
    let list = payload.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn token(payload: &[u8]) -> String {
        format!("eyJ0eXAiOiJKV1QifQ.{}.c2ln", BASE64.encode(payload))
    }

    fn claims(payload: &str) -> Claims {
        Claims::of(&token(payload.as_bytes())).expect("a token")
    }

    #[test]
    fn an_application_has_roles() {
        let read = claims(
            r#"{"aud":"https://graph.microsoft.com","appid":"a","idtyp":"app","oid":"o","tid":"t",
                "roles":["User-PasswordProfile.ReadWrite.All","User.Read.All"]}"#,
        );
        let expected = Claims {
            tenant_id: Some("t".into()),
            client_id: Some("a".into()),
            object_id: Some("o".into()),
            is_application: true,
            roles: vec!["User-PasswordProfile.ReadWrite.All".into(), "User.Read.All".into()],
            audience: Some("https://graph.microsoft.com".into()),
            ..Claims::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn users_have_scopes_and_roles() {
        let read = claims(
            r#"{"azp":"a","scp":" User.Read  openid","wids":["62e90394-69f5-4237-9190-012177145e10"],
                "unique_name":"x","preferred_username":"ann@contoso.com","upn":""}"#,
        );
        assert_eq!(read.scopes, ["User.Read", "openid"]);
        assert_eq!((read.client_id.as_deref(), read.directory_roles.len()), (Some("a"), 1));
        assert_eq!((read.user_principal_name.as_deref(), read.is_application), (Some("ann@contoso.com"), false));
    }

    #[test]
    fn two_claims_show_the_kind() {
        for (payload, is_application) in [
            ("{}", true),
            (r#"{"scp":"a"}"#, false),
            (r#"{"idtyp":"app","scp":"a"}"#, true),
            (r#"{"idtyp":"user"}"#, false),
        ] {
            assert_eq!(claims(payload).is_application, is_application, "{payload}");
        }
    }

    #[test]
    fn malformed_claims_are_absent() {
        let read = claims(
            r#"{"tid":7,"appid":null,"azp":[],"roles":"User.Read.All","scp":{},"wids":[1,"w",null],"aud":true}"#,
        );
        assert_eq!(read, Claims { is_application: true, directory_roles: vec!["w".into()], ..Claims::default() });
    }

    #[test]
    fn non_tokens_have_no_claims() {
        let padded = format!("h.{}=.s", BASE64.encode("{}"));
        assert!(Claims::of(&padded).is_some_and(|claims| claims.is_application), "padding harms nothing");
        for opaque in ["", "EwBwA8l6BAAU", "a.b", "a.b.c", "a.b.c.d.e", "..", "a.e30.c.d", "a.W10.c", "h.!.s"] {
            assert_eq!(Claims::of(opaque), None, "{opaque:?}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let name = prop_oneof!["tid|appid|azp|oid|upn|scp|roles|wids|aud|idtyp", ".{0,4}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,9}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 6, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::from),
                vec((name.clone(), inner), 0..9).prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn arbitrary_answers_parse_or_vanish(text in any::<String>(), bytes in vec(any::<u8>(), 0..200)) {
            let _ = Claims::of(&text);
            let _ = Claims::of(&token(&bytes));
        }

        #[test]
        fn every_object_is_read(value in json()) {
            prop_assert_eq!(Claims::of(&token(value.to_string().as_bytes())).is_some(), value.is_object());
        }
    }
}
