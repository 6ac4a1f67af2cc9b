//! One request for an authorization code: its PKCE verifier, state and nonce, and the address of the page.
//!
//! Invariant: each request has secrets of its own, and none is used twice.

use crate::graph::client::auth::person::PublicClient;
use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A request for a code.
pub(super) struct Request {
    /// Shows that who redeems the code has asked for it.
    pub verifier: SecretString,
    /// Ties the answer to this request.
    pub state: SecretString,
    /// Ties the token to this request.
    pub nonce: SecretString,
    /// Where the browser comes back to. It has no slash at the end, as it is registered.
    pub redirect_uri: String,
}

impl Request {
    /// A request whose answer comes to the loopback port `port`.
    pub fn new(port: u16) -> Self {
        let [verifier, state, nonce] = [secret(), secret(), secret()];
        Self { verifier, state, nonce, redirect_uri: format!("http://localhost:{port}") }
    }

    /// The page at which the user signs in. Somebody with several accounts chooses one, unless `hint` names it.
    pub(super) fn url(&self, client: &PublicClient, hint: Option<&str>) -> Url {
        let mut url = client.endpoint("authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &client.client_id)
            .append_pair("response_type", "code")
            .append_pair("response_mode", "query")
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &client.scope)
            .append_pair("state", self.state.expose_secret())
            .append_pair("nonce", self.nonce.expose_secret())
            .append_pair("code_challenge", &challenge(&self.verifier))
            .append_pair("code_challenge_method", "S256")
            .append_pair(hint.map_or("prompt", |_| "login_hint"), hint.unwrap_or("select_account"));
        url
    }
}

/// 256 random bits as text.
fn secret() -> SecretString {
    let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
    BASE64.encode(bytes.as_slice()).into()
}

fn challenge(verifier: &SecretString) -> String {
    BASE64.encode(digest(&SHA256, verifier.expose_secret().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn challenge_is_the_hash_of_the_verifier() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn secrets_are_long_and_different() {
        let [one, two] = [Request::new(1), Request::new(1)];
        let all = [&one.verifier, &one.state, &one.nonce, &two.verifier, &two.state, &two.nonce];
        let distinct: std::collections::HashSet<_> = all.iter().map(|secret| secret.expose_secret()).collect();
        assert!(distinct.len() == 6 && distinct.iter().all(|secret| secret.len() == 43));
    }
}
