//! One request to a sign-in service, and the meaning of its answer.
//!
//! Nothing is retried here: the caller decides.
//!
//! Invariant: a body that may contain a token is wiped after it was read.

use super::{Method, Service, SignInError};
use crate::{
    graph::{
        client::{Token, web},
        json,
    },
    util::{redact::Redactor, sanitize},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;
use zeroize::Zeroizing;

/// Maximum length of a token in bytes.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// Lifetime of a token if the answer does not say.
const LIFE_UNNAMED: Duration = Duration::from_secs(3_600);
/// Maximum lifetime that is accepted.
const LIFE_MAX: Duration = Duration::from_secs(86_400 * 2);

/// A complete answer.
pub(super) struct Reply {
    pub service: Service,
    pub status: u16,
    pub body: Zeroizing<Vec<u8>>,
    /// Redacts what the answer must not make us repeat.
    pub redact: Redactor,
}

/// Sends `secrets` to `service`. Failures of the network, and of a service that reports trouble, may pass.
pub(super) async fn ask(
    service: Service,
    request: reqwest::RequestBuilder,
    secrets: &[&str],
) -> Result<Reply, SignInError> {
    let answer = request.send().await.map_err(|error| {
        let why = web::chain(&error);
        if web::is_untrusted(&why) {
            SignInError::Untrusted { service, why }
        } else {
            SignInError::Away { service, why }
        }
    })?;
    let status = answer.status().as_u16();
    if status == 429 || status >= 500 {
        return Err(SignInError::Away { service, why: format!("HTTP {status}") });
    }
    let body = web::limited(answer).await.map_err(|error| SignInError::Away { service, why: error.to_string() })?;
    Ok(Reply { service, status, body: Zeroizing::new(body), redact: Redactor::of(secrets.iter().copied()) })
}

/// A token as the endpoints of Entra, App Service and virtual machines issue it.
#[derive(Deserialize)]
pub(super) struct Issued {
    access_token: SecretString,
    #[serde(default, deserialize_with = "number")]
    expires_in: Option<u64>,
    /// Seconds since 1970, if the lifetime is missing.
    #[serde(default, deserialize_with = "number")]
    expires_on: Option<u64>,
    /// Requests the next token, if a user has signed in.
    #[serde(default)]
    pub refresh_token: Option<SecretString>,
    /// Says for which request the user has signed in.
    #[serde(default)]
    pub id_token: Option<SecretString>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: String,
    error_codes: Vec<u64>,
    /// App Service's field for its message.
    message: String,
}

/// A number, or a string with one, as managed identities send it.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer).map_err(D::Error::custom)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()))
}

impl Issued {
    /// The token, if it is valid in a header.
    pub fn token(self) -> Option<Token> {
        match self.expires_in {
            Some(seconds) => token_for(Duration::from_secs(seconds), self.access_token),
            None => token_until(self.expires_on, self.access_token),
        }
    }
}

/// A token that expires at `end`, in seconds since 1970, if it is valid in a header.
pub(super) fn token_until(end: Option<u64>, secret: SecretString) -> Option<Token> {
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
    token_for(end.map_or(LIFE_UNNAMED, |end| Duration::from_secs(end.saturating_sub(now))), secret)
}

fn token_for(life: Duration, secret: SecretString) -> Option<Token> {
    usable(&secret).then(|| Token::new(secret, life.min(LIFE_MAX)))
}

/// Whether a token or assertion has the right form.
pub(super) fn usable(secret: &SecretString) -> bool {
    let text = secret.expose_secret();
    !text.is_empty() && text.len() <= TOKEN_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Reply {
    /// The body as JSON.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_slice(json::unmarked(&self.body))
    }

    /// What was issued, or why nothing was.
    pub fn issued(&self, method: Method) -> Result<Issued, SignInError> {
        match self.status {
            200 => self.json().map_err(|_| self.unreadable()),
            _ => Err(self.refused(method)),
        }
    }

    /// The token, or why there is none.
    pub fn token(&self, method: Method) -> Result<Token, SignInError> {
        self.issued(method)?.token().ok_or_else(|| self.unreadable())
    }

    /// The OAuth `error` of a refusal; empty if there is none.
    pub fn error(&self) -> String {
        self.json::<Refusal>().unwrap_or_default().error
    }

    pub fn unreadable(&self) -> SignInError {
        SignInError::Unreadable { service: self.service, status: self.status }
    }

    /// The refusal.
    pub fn refused(&self, method: Method) -> SignInError {
        let Ok(refusal) = self.json::<Refusal>() else { return self.unreadable() };
        let texts = [&refusal.error_description, &refusal.message, &refusal.error];
        let Some(said) = texts.into_iter().find_map(|text| text.lines().next()) else { return self.unreadable() };
        let mut said = said.to_owned();
        self.redact.redact(&mut said);
        refusal_of(method, &said, refusal.error_codes.first().copied(), &refusal.error)
    }
}

/// A refusal with the message `said`, which may contain its code.
pub(super) fn refusal_of(method: Method, said: &str, code: Option<u64>, error: &str) -> SignInError {
    let code = code.or_else(|| code_in(said));
    let said = match code.and_then(|code| said.split_once(&format!("AADSTS{code}: "))) {
        Some((_, words)) => words,
        None => said,
    };
    SignInError::Refused { method, code, error: sanitize::sentence(error), said: sanitize::sentence(said) }
}

fn code_in(said: &str) -> Option<u64> {
    let digits = said.split_once("AADSTS")?.1;
    digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(status: u16, body: &[u8]) -> Result<Token, SignInError> {
        let reply =
            Reply { service: Service::SignIn, status, body: Zeroizing::new(body.to_vec()), redact: Redactor::of([]) };
        reply.token(Method::Secret)
    }

    #[test]
    fn distinguishes_token_endpoint_answers() {
        let good =
            read(200, br#"{"token_type":"Bearer","expires_in":"3599","access_token":"a.b.c"}"#).expect("a token");
        assert_eq!(good.header().as_bytes(), b"Bearer a.b.c");
        assert!(good.header().is_sensitive());
        let marked = read(200, b"\xEF\xBB\xBF{\"access_token\":\"a.b.c\"}").expect("a token behind a byte order mark");
        assert_eq!(marked.header().as_bytes(), b"Bearer a.b.c");
        for unreadable in [&b"<html>"[..], b"", b"{}", br#"{"access_token":""}"#, b"{\"access_token\":\"a\\nb\"}"] {
            assert!(matches!(read(200, unreadable), Err(SignInError::Unreadable { status: 200, .. })));
        }
        assert!(matches!(read(302, b""), Err(SignInError::Unreadable { status: 302, .. })));
    }

    #[test]
    fn a_refusal_names_its_code() {
        let body = br#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x","error_codes":[7000215]}"#;
        let text = read(401, body).err().expect("refused").to_string();
        assert_eq!(text, "sign-in was refused: AADSTS7000215: Invalid client secret provided.");
        let old = br#"{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'x' not found."}"#;
        assert!(matches!(read(400, old), Err(SignInError::Refused { code: Some(90_002), .. })));
    }

    #[test]
    fn lifetime_follows_from_expiry() {
        let issued = |end: i64| {
            let end = jiff::Timestamp::now().as_second() + end;
            serde_json::from_str::<Issued>(&format!(r#"{{"access_token":"a","expires_on":"{end}"}}"#)).expect("JSON")
        };
        assert!(issued(3_600).token().is_some() && issued(-5).token().is_some());
    }

    proptest! {
        #[test]
        fn any_answer_is_safe_to_print(
            status in 100_u16..600,
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..99),
                any::<(String, String, u64)>().prop_map(|(error, said, code)| {
                    let said = format!("AADSTS{code}: {said}");
                    serde_json::json!({"error": error, "error_description": said}).to_string().into_bytes()
                }),
            ],
        ) {
            if let Err(error) = read(status, &body) {
                prop_assert!(error.to_string().chars().all(|c| c == '\n' || !c.is_control()));
            }
        }
    }
}
