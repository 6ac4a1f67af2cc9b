//! The sign-in endpoint: client credentials in, access tokens out.
//!
//! It speaks as Entra does, errors included. A client assertion (a certificate's or a federated one) is taken on trust
//! if it has the form of a token, since the simulated tenant knows no keys.
//!
//! Invariant: a token opens Graph only while it lives, and only so often as the faults allow.

use super::{
    dice::{Dice, guid_of, hash},
    faults::{Denied, TokenFaults},
    http::Answer,
    refusal::Refusal,
    route::form,
    visit::{Moment, Visit},
};
use crate::graph::guid;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::{collections::HashMap, time::Duration};

/// Whom the simulated tenant lets in.
#[derive(Clone)]
pub struct Credentials {
    /// The tenant's id, a GUID.
    pub tenant_id: String,
    /// The application's id, a GUID.
    pub client_id: String,
    /// Its secret. It opens nothing but this simulator.
    pub client_secret: SecretString,
}

impl Credentials {
    pub(super) fn of(seed: u64) -> Self {
        let secret = format!("sim8Q~{:016x}{:016x}", hash(seed, "secret"), hash(!seed, "secret"));
        Self {
            tenant_id: guid::text(guid_of(seed, "tenant")),
            client_id: guid::text(guid_of(seed, "client")),
            client_secret: SecretString::from(secret),
        }
    }
}

/// A token that was given out.
struct Grant {
    expires: Duration,
    served: u64,
}

/// The tokens that are about, and the rules for them.
pub(super) struct Tokens {
    pub credentials: Credentials,
    grants: HashMap<String, Grant>,
    faults: TokenFaults,
    roles: &'static [&'static str],
    pub issued: u64,
}

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
    roles: &'a [&'a str],
    tid: &'a str,
    uti: String,
    ver: &'static str,
}

#[derive(Serialize)]
struct TokenAnswer {
    token_type: &'static str,
    expires_in: u32,
    ext_expires_in: u32,
    access_token: String,
}

#[derive(Serialize)]
struct TokenError {
    error: &'static str,
    error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: String,
    correlation_id: String,
    error_uri: String,
}

/// Why nobody is let in: status, `error`, number, and what is said.
struct Denial(u16, &'static str, u32, String);

impl Tokens {
    pub(super) fn new(seed: u64, faults: &TokenFaults, denied: Denied) -> Self {
        let (credentials, roles) = (Credentials::of(seed), roles(denied));
        Self { credentials, grants: HashMap::new(), faults: faults.clone(), roles, issued: 0 }
    }

    /// Answers a `POST` to the token endpoint of `tenant`.
    pub(super) fn sign_in(&mut self, tenant: &str, body: &[u8], visit: &Visit, dice: &mut Dice) -> Answer {
        match self.check(tenant, body) {
            Ok(()) => {
                let access_token = self.issue(visit.at, dice);
                let seconds = self.faults.seconds;
                let answer =
                    TokenAnswer { token_type: "Bearer", expires_in: seconds, ext_expires_in: seconds, access_token };
                Answer::json(200, &answer)
            }
            Err(denial) => denial.answer(visit, dice),
        }
    }

    /// A new token, for whoever has shown the credentials.
    pub(super) fn issue(&mut self, at: Moment, dice: &mut Dice) -> String {
        self.grants.retain(|_, grant| grant.expires > at.elapsed);
        self.issued += 1;
        let token = self.write(at, dice);
        let expires = at.elapsed + Duration::from_secs(self.faults.seconds.into());
        self.grants.insert(token.clone(), Grant { expires, served: 0 });
        token
    }

    /// How long a token lives.
    pub(super) fn life(&self) -> Duration {
        Duration::from_secs(self.faults.seconds.into())
    }

    /// Lets a request to Graph in by its `Authorization` header.
    pub(super) fn admit(&mut self, authorization: Option<&str>, at: Moment) -> Result<(), Refusal> {
        let (scheme, token) = authorization.unwrap_or_default().split_once(' ').unwrap_or_default();
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Refusal::TOKEN_EMPTY);
        }
        let grant = self.grants.get_mut(token).ok_or(Refusal::TOKEN_UNKNOWN)?;
        if grant.expires <= at.elapsed {
            return Err(Refusal::TOKEN_EXPIRED);
        }
        grant.served += 1;
        let most = self.faults.revoked_after_requests;
        if most > 0 && grant.served > most { Err(Refusal::TOKEN_REVOKED) } else { Ok(()) }
    }

    /// An unsigned JWT: nobody but this simulator reads it, and it looks it up whole.
    fn write(&self, at: Moment, dice: &mut Dice) -> String {
        let now = at.wall.as_second();
        let Credentials { tenant_id, client_id, .. } = &self.credentials;
        let claims = Claims {
            aud: "https://graph.microsoft.com",
            iss: format!("https://sts.windows.net/{tenant_id}/"),
            iat: now,
            nbf: now,
            exp: now + i64::from(self.faults.seconds),
            appid: client_id,
            idtyp: "app",
            oid: guid::text(guid_of(1, client_id)),
            roles: self.roles,
            tid: tenant_id,
            uti: dice.guid(),
            ver: "1.0",
        };
        let claims = serde_json::to_vec(&claims).expect("claims are always valid JSON");
        format!("{}.{}.c2ltdWxhdGVk", base64_url(br#"{"typ":"JWT","alg":"none"}"#), base64_url(&claims))
    }

    fn check(&self, tenant: &str, body: &[u8]) -> Result<(), Denial> {
        let fields: HashMap<_, _> = form(std::str::from_utf8(body).unwrap_or_default()).collect();
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let Credentials { tenant_id, client_id, .. } = &self.credentials;
        if !tenant.eq_ignore_ascii_case(tenant_id) {
            return Err(Denial::tenant(tenant));
        }
        for name in ["grant_type", "client_id", "scope"] {
            if field(name).is_empty() {
                return Err(Denial::missing(name));
            }
        }
        if field("grant_type") != "client_credentials" {
            let said = "The app requested an unsupported grant type. Use client_credentials.".to_owned();
            return Err(Denial(400, "unsupported_grant_type", 70_003, said));
        }
        if !field("client_id").eq_ignore_ascii_case(client_id) {
            return Err(Denial::client(field("client_id"), tenant));
        }
        self.check_proof(field("client_secret"), field("client_assertion"))?;
        if field("scope").ends_with("/.default") { Ok(()) } else { Err(Denial::scope(field("scope"))) }
    }

    fn check_proof(&self, secret: &str, assertion: &str) -> Result<(), Denial> {
        let denial = |number, said: String| Err(Denial(401, "invalid_client", number, said));
        if secret.is_empty() && assertion.is_empty() {
            let said = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return denial(7_000_218, said.to_owned());
        }
        if secret.is_empty() {
            let parts = assertion.split('.').filter(|part| !part.is_empty()).count();
            let said = "Client assertion failed signature validation.".to_owned();
            return if parts == 3 { Ok(()) } else { denial(700_027, said) };
        }
        if secret == self.credentials.client_secret.expose_secret() {
            return Ok(());
        }
        let said = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{}'.",
            self.credentials.client_id
        );
        denial(7_000_215, said)
    }
}

impl Denial {
    fn tenant(tenant: &str) -> Self {
        let said = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Self(400, "invalid_tenant", 90_002, said)
    }

    fn client(client: &str, tenant: &str) -> Self {
        let said = format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self(400, "unauthorized_client", 700_016, said)
    }

    fn scope(scope: &str) -> Self {
        let said = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        Self(400, "invalid_scope", 1_002_012, said)
    }

    fn missing(name: &str) -> Self {
        let said = format!("The request body must contain the following parameter: '{name}'.");
        Self(400, "invalid_request", 900_144, said)
    }

    fn answer(self, visit: &Visit, dice: &mut Dice) -> Answer {
        let Self(status, error, number, said) = self;
        let (trace_id, correlation_id) = (dice.guid(), visit.client_request_id.clone());
        let timestamp = visit.at.wall.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let error_description = format!(
            "AADSTS{number}: {said}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
        );
        let error_uri = format!("https://login.microsoftonline.com/error?code={number}");
        let error_codes = [number];
        let body = TokenError { error, error_description, error_codes, timestamp, trace_id, correlation_id, error_uri };
        Answer::json(status, &body)
    }
}

fn roles(denied: Denied) -> &'static [&'static str] {
    match denied {
        Denied::Nothing => &["User-PasswordProfile.ReadWrite.All", "User.Read.All"],
        Denied::Reads => &["User-PasswordProfile.ReadWrite.All"],
        Denied::Writes => &["User.Read.All"],
        Denied::Everything => &[],
    }
}

/// Base64 for URLs, without padding (RFC 4648, section 5).
fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let digits = [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]));
        text.extend(&digits[..=chunk.len()]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64_url;

    #[test]
    fn base64_follows_the_rfc() {
        for (plain, text) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("~~?", "fn4_")]
        {
            assert_eq!(base64_url(plain.as_bytes()), text);
        }
    }
}
