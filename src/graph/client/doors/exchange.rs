//! One question to a sign-in service, and what its answer means.
//!
//! Nothing is asked twice here: who asked for the token decides whether to ask again.
//!
//! Invariant: a body that may hold a token is wiped when it has been read.

use super::{Method, Service, SignInError, cure::cure};
use crate::{
    clean,
    graph::{
        client::{Token, web},
        json,
    },
    scrub::Scrub,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest token that is believed, in bytes.
const TOKEN_BYTES_MAX: usize = 64 << 10;
/// Life of a token whose answer names none.
const LIFE_UNNAMED: Duration = Duration::from_secs(3_600);
/// Longest life that is believed.
const LIFE_MAX: Duration = Duration::from_secs(86_400 * 2);

/// An answer, whole.
pub(super) struct Reply {
    pub service: Service,
    pub status: u16,
    pub body: Zeroizing<Vec<u8>>,
    /// What it must not be made to repeat.
    pub scrub: Scrub,
}

/// Asks `service`, showing it `secrets`; trouble of the network, and of a service that says it is in trouble, may pass.
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
    Ok(Reply { service, status, body: Zeroizing::new(body), scrub: Scrub::of(secrets.iter().copied()) })
}

/// A token as the endpoints of Entra, of App Service and of virtual machines issue it.
#[derive(Deserialize)]
pub(super) struct Issued {
    access_token: SecretString,
    #[serde(default, deserialize_with = "number")]
    expires_in: Option<u64>,
    /// Seconds since 1970, where the life is not told.
    #[serde(default, deserialize_with = "number")]
    expires_on: Option<u64>,
    /// What the next token is asked for with, where a person has signed in.
    #[serde(default)]
    pub refresh_token: Option<SecretString>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: String,
    error_description: String,
    error_codes: Vec<u64>,
    /// What App Service says in their place.
    message: String,
}

/// A number, or a string that holds one: managed identities answer the latter.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer).map_err(D::Error::custom)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()))
}

impl Issued {
    /// The token, if it can stand in a header.
    pub fn token(self) -> Option<Token> {
        match self.expires_in {
            Some(seconds) => token_for(Duration::from_secs(seconds), self.access_token),
            None => token_until(self.expires_on, self.access_token),
        }
    }
}

/// A token that ends at `end`, in seconds since 1970, if it can stand in a header.
pub(super) fn token_until(end: Option<u64>, secret: SecretString) -> Option<Token> {
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
    token_for(end.map_or(LIFE_UNNAMED, |end| Duration::from_secs(end.saturating_sub(now))), secret)
}

fn token_for(life: Duration, secret: SecretString) -> Option<Token> {
    usable(&secret).then(|| Token::new(secret, life.min(LIFE_MAX)))
}

/// Whether a token or assertion has the form of one.
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

    /// The token that was issued, or why there is none.
    pub fn token(&self, method: Method) -> Result<Token, SignInError> {
        self.issued(method)?.token().ok_or_else(|| self.unreadable())
    }

    /// The OAuth `error` of a refusal, or nothing.
    pub fn error(&self) -> String {
        self.json::<Refusal>().unwrap_or_default().error
    }

    pub fn unreadable(&self) -> SignInError {
        SignInError::Unreadable { service: self.service, status: self.status }
    }

    /// The refusal, with its cure.
    pub fn refused(&self, method: Method) -> SignInError {
        let Ok(refusal) = self.json::<Refusal>() else { return self.unreadable() };
        let texts = [&refusal.error_description, &refusal.message, &refusal.error];
        let Some(said) = texts.into_iter().find_map(|text| text.lines().next()) else { return self.unreadable() };
        let mut said = said.to_owned();
        self.scrub.scrub(&mut said);
        refusal_of(method, &said, refusal.error_codes.first().copied(), &refusal.error)
    }
}

/// A refusal in the words `said`, which may name its number.
pub(super) fn refusal_of(method: Method, said: &str, code: Option<u64>, error: &str) -> SignInError {
    let code = code.or_else(|| code_in(said));
    let said = match code.and_then(|code| said.split_once(&format!("AADSTS{code}: "))) {
        Some((_, words)) => words,
        None => said,
    };
    SignInError::Refused { code, said: clean::sentence(said), cure: cure(method, code, error) }
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
            Reply { service: Service::SignIn, status, body: Zeroizing::new(body.to_vec()), scrub: Scrub::of([]) };
        reply.token(Method::Secret)
    }

    #[test]
    fn answers_of_the_token_endpoint_are_told_apart() {
        let good =
            read(200, br#"{"token_type":"Bearer","expires_in":"3599","access_token":"a.b.c"}"#).expect("a token");
        assert_eq!(good.header().as_bytes(), b"Bearer a.b.c");
        let marked = read(200, b"\xEF\xBB\xBF{\"access_token\":\"a.b.c\"}").expect("a token behind a byte order mark");
        assert_eq!(marked.header().as_bytes(), b"Bearer a.b.c");
        for unreadable in [&b"<html>"[..], b"", b"{}", br#"{"access_token":""}"#, b"{\"access_token\":\"a\\nb\"}"] {
            assert!(matches!(read(200, unreadable), Err(SignInError::Unreadable { status: 200, .. })));
        }
        assert!(matches!(read(302, b""), Err(SignInError::Unreadable { status: 302, .. })));
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
    fn a_life_can_be_told_by_its_end() {
        let issued = |end: i64| {
            let end = jiff::Timestamp::now().as_second() + end;
            serde_json::from_str::<Issued>(&format!(r#"{{"access_token":"a","expires_on":"{end}"}}"#)).expect("JSON")
        };
        assert!(issued(3_600).token().is_some() && issued(-5).token().is_some());
    }

    proptest! {
        #[test]
        fn whatever_is_answered_is_told_in_words_that_harm_no_terminal(
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
