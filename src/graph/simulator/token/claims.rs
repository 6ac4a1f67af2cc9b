//! What an access token says: an unsigned JWT, since nobody but this simulator reads it, and it looks it up whole.

use super::{Credentials, Subject, service_principal};
use crate::graph::{
    guid,
    simulator::{base64, directory::USER_ADMINISTRATOR, visit::Moment},
};
use serde::Serialize;

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'static str,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    appid: &'a str,
    idtyp: &'static str,
    oid: String,
    /// What an application may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [&'a str]>,
    /// What an application may do for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    scp: Option<String>,
    tid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    upn: Option<&'a str>,
    uti: String,
    ver: &'static str,
    /// The roles that the person holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    wids: Option<[String; 1]>,
}

/// A token for `subject`, which may do what `permissions` name, as good for `seconds`.
pub(super) fn token(
    credentials: &Credentials,
    subject: &Subject<'_>,
    permissions: &[&'static str],
    (at, seconds): (Moment, u32),
    uti: String,
) -> String {
    let now = at.wall.as_second();
    let Credentials { tenant_id, client_id, .. } = credentials;
    let claims = Claims {
        aud: "https://graph.microsoft.com",
        iss: format!("https://sts.windows.net/{tenant_id}/"),
        iat: now,
        nbf: now,
        exp: now + i64::from(seconds),
        appid: client_id,
        idtyp: "app",
        oid: guid::text(service_principal(client_id)),
        roles: None,
        scp: None,
        tid: tenant_id,
        upn: None,
        uti,
        ver: "1.0",
        wids: None,
    };
    let claims = match subject {
        Subject::Application => Claims { roles: Some(permissions), ..claims },
        Subject::Person { id, upn, client_id } => Claims {
            appid: client_id,
            idtyp: "user",
            oid: guid::text(*id),
            scp: Some(permissions.join(" ")),
            upn: Some(upn),
            wids: Some([guid::text(USER_ADMINISTRATOR)]),
            ..claims
        },
    };
    let claims = serde_json::to_vec(&claims).expect("claims are always valid JSON");
    let header = base64::url(br#"{"typ":"JWT","alg":"none"}"#);
    format!("{header}.{}.c2ltdWxhdGVk", base64::url(&claims))
}
