//! The key that signs tokens, and its public half for those who verify them.
//!
//! One key serves all simulators of a process. It is made when it is first needed, because a rehearsal needs none.
//!
//! Invariant: the private half leaves this file only as signatures.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey> = LazyLock::new(SigningKey::new);

struct SigningKey {
    pair: RsaKeyPair,
    id: String,
}

impl SigningKey {
    fn new() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("the system has random numbers");
        let id = BASE64.encode(&digest(&SHA256, pair.public_key().as_ref()).as_ref()[..20]);
        Self { pair, id }
    }
}

/// A signed token with these claims.
pub(super) fn sign(claims: &impl Serialize) -> String {
    let key = &*KEY;
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": key.id});
    let claims = serde_json::to_vec(claims).expect("claims are always valid JSON");
    let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims));
    let mut signature = vec![0; key.pair.public_modulus_len()];
    let done = key.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
    done.expect("a signature is as long as the modulus");
    format!("{signed}.{}", BASE64.encode(signature))
}

/// The public key as a JSON Web Key Set (RFC 7517).
pub(super) fn key_set(issuer: &str) -> Value {
    let (id, public) = (&KEY.id, KEY.pair.public_key());
    let modulus = BASE64.encode(public.modulus().big_endian_without_leading_zero());
    let exponent = BASE64.encode(public.exponent().big_endian_without_leading_zero());
    let key =
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": modulus, "e": exponent, "issuer": issuer});
    json!({"keys": [key]})
}
