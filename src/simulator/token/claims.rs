//! The content of tokens: access tokens for Graph, and the id token for the application that signs a user in.

use super::{Subject, apps::display_name, service_principal};
use crate::{
    graph::guid,
    simulator::{builtin_roles::USER_ADMINISTRATOR, context::TimePoint, random::guid_of},
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::Serialize;
use serde_json::json;

/// What all tokens of one answer share.
pub(super) struct Life {
    pub at: TimePoint,
    pub seconds: u32,
    /// Identifies the token.
    pub uti: String,
}

#[derive(Serialize)]
struct AccessClaims<'a> {
    aud: &'a str,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    app_displayname: &'static str,
    appid: &'a str,
    /// How the application proved its identity: not at all, with a secret, or with a certificate or a federation.
    appidacr: &'static str,
    idp: String,
    idtyp: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    oid: String,
    /// The permissions of an application.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [&'a str]>,
    /// The permissions of an application on behalf of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    scp: Option<&'a str>,
    sub: String,
    tid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upn: Option<&'a str>,
    uti: &'a str,
    ver: &'static str,
    /// The roles of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    wids: Option<Vec<String>>,
}

/// The claims of an access token for `subject` with `permissions` on `audience`.
pub(super) fn access<'a>(
    tenant: &'a str,
    subject: &'a Subject<'a>,
    audience: &'a str,
    permissions: &'a [&'a str],
    life: &'a Life,
) -> impl Serialize + 'a {
    let now = life.at.wall.as_second();
    let issuer = format!("https://sts.windows.net/{tenant}/");
    let (client_id, appidacr, oid) = match subject {
        Subject::Application { client_id, proof } => (*client_id, *proof, service_principal(client_id)),
        Subject::Person(person) => (person.client_id, "0", person.id),
    };
    let claims = AccessClaims {
        aud: audience,
        idp: issuer.clone(),
        iss: issuer,
        iat: now,
        nbf: now,
        exp: now + i64::from(life.seconds),
        app_displayname: display_name(client_id),
        appid: client_id,
        appidacr,
        idtyp: "app",
        name: None,
        oid: guid::text(oid),
        roles: None,
        scp: None,
        sub: guid::text(oid),
        tid: tenant,
        unique_name: None,
        upn: None,
        uti: &life.uti,
        ver: "1.0",
        wids: None,
    };
    match subject {
        Subject::Application { .. } => AccessClaims { roles: Some(permissions), ..claims },
        Subject::Person(person) => AccessClaims {
            idtyp: "user",
            name: Some(person.name()),
            scp: Some(person.scp),
            sub: pairwise(person.client_id, person.id),
            unique_name: Some(person.upn),
            upn: Some(person.upn),
            wids: Some(if person.is_administrator { vec![guid::text(USER_ADMINISTRATOR)] } else { Vec::new() }),
            ..claims
        },
    }
}

/// A user who has signed in to an application.
pub(in crate::simulator) struct Person<'a> {
    pub id: u128,
    pub upn: &'a str,
    pub is_administrator: bool,
    pub client_id: &'a str,
    /// The permissions in an access token.
    pub scp: &'a str,
}

impl Person<'_> {
    fn name(&self) -> &str {
        self.upn.split_once('@').map_or(self.upn, |(name, _)| name)
    }
}

#[derive(Serialize)]
struct IdClaims<'a> {
    aud: &'a str,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    nonce: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    oid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    sub: String,
    tid: &'a str,
    uti: &'a str,
    ver: &'static str,
}

/// What an id token may tell about the user, and to whom.
pub(super) struct Telling<'a> {
    pub base: &'a str,
    pub nonce: &'a str,
    pub email: bool,
    pub profile: bool,
}

/// The claims of an id token of the sign-in service's second version.
pub(super) fn id<'a>(
    tenant: &'a str,
    person: &'a Person<'a>,
    telling: &'a Telling<'a>,
    life: &'a Life,
) -> impl Serialize + 'a {
    let now = life.at.wall.as_second();
    IdClaims {
        aud: person.client_id,
        iss: format!("{}/{tenant}/v2.0", telling.base),
        iat: now,
        nbf: now,
        exp: now + i64::from(life.seconds),
        email: telling.email.then_some(person.upn),
        name: telling.profile.then_some(person.name()),
        nonce: telling.nonce,
        oid: telling.profile.then(|| guid::text(person.id)),
        preferred_username: telling.profile.then_some(person.upn),
        sub: pairwise(person.client_id, person.id),
        tid: tenant,
        uti: &life.uti,
        ver: "2.0",
    }
}

/// Who the user is for a client library's cache.
pub(super) fn client_info(tenant: &str, user: u128) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json!({"uid": guid::text(user), "utid": tenant}).to_string())
}

/// The user's name for this application alone.
fn pairwise(client_id: &str, user: u128) -> String {
    let seed = (user >> 64) as u64 ^ user as u64;
    BASE64_URL_SAFE_NO_PAD.encode(guid_of(seed, client_id).to_be_bytes())
}

/// A token without a signature: only the simulator's own client gets it.
pub(super) fn unsigned(claims: &impl Serialize) -> String {
    let claims = serde_json::to_vec(claims).expect("claims are always valid JSON");
    let header = BASE64_URL_SAFE_NO_PAD.encode(br#"{"typ":"JWT","alg":"none"}"#);
    format!("{header}.{}.c2ltdWxhdGVk", BASE64_URL_SAFE_NO_PAD.encode(&claims))
}
