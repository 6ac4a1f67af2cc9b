//! The door: signing in with a client secret (OAuth 2.0 client credentials).
//!
//! Other ways in are other [`TokenSource`]s. No message of this room repeats a secret, and what Entra says is cleaned
//! before it is shown.

use super::{Token, TokenSource, below, chain};
use crate::clean;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;

/// Longest token that is believed, in bytes.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// Life of a token whose answer names none.
const LIFE_UNNAMED: Duration = Duration::from_secs(3_600);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The tenant or client id cannot stand in a URL.
    #[error(
        "{variable} is {value:?}, which is no {what}\nhint: copy it from the application's overview page in the Entra admin center"
    )]
    BadId {
        /// The variable.
        variable: &'static str,
        /// What stands in it.
        value: String,
        /// What should.
        what: &'static str,
    },
    /// The sign-in service could not be reached, or is in trouble itself.
    #[error(
        "the sign-in service did not answer ({0})\nhint: check the network, the proxy and --authority-host, then go on with `passwave run`"
    )]
    Away(String),
    /// Entra refused.
    #[error("sign-in was refused: {}{}\nhint: {}", .code.map(|code| format!("AADSTS{code}: ")).unwrap_or_default(), .said, .cure)]
    Refused {
        /// The number behind `AADSTS`.
        code: Option<u64>,
        /// Entra's words.
        said: String,
        /// What to do.
        cure: &'static str,
    },
    /// The answer is no token answer.
    #[error(
        "the sign-in service answered HTTP {0} with something that is no token\nhint: check --authority-host, and whether a proxy answers in its place"
    )]
    Unreadable(u16),
}

impl SignInError {
    /// Whether it may pass by itself.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

/// Signs in as an application with its secret.
pub struct ClientSecret {
    http: reqwest::Client,
    token_url: Url,
    client_id: String,
    secret: SecretString,
    scope: String,
}

impl ClientSecret {
    /// A door into `tenant` for the application `client_id`; tokens are for the Graph root `graph`.
    ///
    /// # Errors
    /// Where an id holds what no id can hold.
    pub fn new(
        http: reqwest::Client,
        authority: &Url,
        graph: &Url,
        tenant: &str,
        client_id: &str,
        secret: SecretString,
    ) -> Result<Self, SignInError> {
        check_id("AZURE_TENANT_ID", tenant, "tenant id (a GUID or a domain name)")?;
        check_id("AZURE_CLIENT_ID", client_id, "application (client) id")?;
        let token_url = below(authority, &format!("{tenant}/oauth2/v2.0/token"));
        let scope = format!("{}/.default", graph.as_str().trim_end_matches('/'));
        Ok(Self { http, token_url, client_id: client_id.into(), secret, scope })
    }
}

fn check_id(variable: &'static str, value: &str, what: &'static str) -> Result<(), SignInError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if (1..=253).contains(&value.len()) && value.bytes().all(fits) && !value.contains("..") {
        return Ok(());
    }
    Err(SignInError::BadId { variable, value: clean::for_terminal(value), what })
}

impl TokenSource for ClientSecret {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let form = [
            ("client_id", self.client_id.as_str()),
            ("scope", &self.scope),
            ("grant_type", "client_credentials"),
            ("client_secret", self.secret.expose_secret()),
        ];
        let answer = self.http.post(self.token_url.clone()).form(&form).send().await;
        let answer = answer.map_err(|error| SignInError::Away(chain(&error)))?;
        let status = answer.status().as_u16();
        let body = super::limited(answer).await.map_err(|error| SignInError::Away(error.to_string()))?;
        read(status, &body)
    }
}

#[derive(Deserialize)]
struct Issued {
    access_token: SecretString,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: String,
    error_codes: Vec<u64>,
}

/// A number, or a string that holds one: managed identities answer the latter.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer).map_err(D::Error::custom)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()))
}

/// Reads the answer of a token endpoint.
fn read(status: u16, body: &[u8]) -> Result<Token, SignInError> {
    match status {
        200 => issued(body).ok_or(SignInError::Unreadable(status)),
        429 | 500..=599 => Err(SignInError::Away(format!("HTTP {status}"))),
        _ => Err(refused(status, body)),
    }
}

fn issued(body: &[u8]) -> Option<Token> {
    let issued: Issued = serde_json::from_slice(body).ok()?;
    let token = issued.access_token.expose_secret();
    let fits = !token.is_empty() && token.len() <= TOKEN_BYTES_MAX && token.bytes().all(|byte| byte.is_ascii_graphic());
    let life = issued.expires_in.map_or(LIFE_UNNAMED, Duration::from_secs).min(Duration::from_secs(86_400 * 2));
    fits.then(|| Token::new(issued.access_token, life))
}

fn refused(status: u16, body: &[u8]) -> SignInError {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(body) else { return SignInError::Unreadable(status) };
    if refusal.error.is_empty() && refusal.error_description.is_empty() {
        return SignInError::Unreadable(status);
    }
    let said = refusal.error_description.lines().next().unwrap_or(&refusal.error);
    let code = refusal.error_codes.first().copied().or_else(|| code_in(said));
    let said = said.split_once(": ").filter(|(mark, _)| mark.starts_with("AADSTS")).map_or(said, |(_, rest)| rest);
    SignInError::Refused { code, said: clean::sentence(said), cure: cure(code) }
}

fn code_in(said: &str) -> Option<u64> {
    let digits = said.split_once("AADSTS")?.1;
    digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
}

/// What to do about an AADSTS code (Microsoft's list of authentication error codes).
fn cure(code: Option<u64>) -> &'static str {
    match code {
        Some(7_000_215) => "AZURE_CLIENT_SECRET is wrong: set the secret's value, not its id",
        Some(7_000_222) => "the client secret has expired: make a new one in the application's registration",
        Some(700_016) => "AZURE_CLIENT_ID names no application of this tenant: check both ids",
        Some(90_002) => "AZURE_TENANT_ID names no tenant here: check it, and --cloud",
        Some(900_023) => "AZURE_TENANT_ID must be the tenant's GUID or one of its domain names",
        Some(700_027) => "the application does not know this certificate: upload it to the registration",
        Some(70_011 | 1_002_012) => {
            "the Graph endpoint does not belong to this cloud: check --cloud and --graph-endpoint"
        }
        Some(50_049) => "the sign-in host does not belong to this cloud: check --cloud and --authority-host",
        Some(53_003) => "a Conditional Access policy forbids it: ask who keeps the policies for an exception",
        Some(7_000_112) => "the application is disabled in this tenant: enable it under Enterprise applications",
        _ => "look the code up at https://login.microsoftonline.com/error, and check the AZURE_ variables",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_token_endpoint_are_told_apart() {
        let good =
            read(200, br#"{"token_type":"Bearer","expires_in":"3599","access_token":"a.b.c"}"#).expect("a token");
        assert_eq!(good.header().as_bytes(), b"Bearer a.b.c");
        assert!(read(503, b"").err().expect("away").is_passing());
        for unreadable in [&b"<html>"[..], b"", b"{}", br#"{"access_token":""}"#, b"{\"access_token\":\"a\\nb\"}"] {
            assert!(matches!(read(200, unreadable), Err(SignInError::Unreadable(200))));
        }
        assert!(matches!(read(302, b""), Err(SignInError::Unreadable(302))));
    }

    #[test]
    fn a_refusal_names_the_code_and_the_cure() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x","error_codes":[7000215]}"#;
        let text = read(401, body).err().expect("refused").to_string();
        assert_eq!(
            text,
            "sign-in was refused: AADSTS7000215: Invalid client secret provided.\n\
             hint: AZURE_CLIENT_SECRET is wrong: set the secret's value, not its id"
        );
        let old = br#"{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'x' not found."}"#;
        assert!(matches!(read(400, old), Err(SignInError::Refused { code: Some(90_002), .. })));
    }

    #[test]
    fn ids_cannot_lead_elsewhere() {
        for bad in ["", "a/b", "..", "a?b", "a b", "contoso.com/../x"] {
            assert!(check_id("AZURE_TENANT_ID", bad, "tenant id").is_err(), "{bad}");
        }
        assert!(check_id("AZURE_TENANT_ID", "contoso.onmicrosoft.com", "tenant id").is_ok());
    }
}
