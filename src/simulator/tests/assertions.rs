//! Tests signing in with a certificate and with a federation.

use super::*;
use aws_lc_rs::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair},
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use rcgen::{CertifiedKey, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

const SCOPE: (&str, &str) = ("scope", "https%3A%2F%2Fgraph.microsoft.com%2F.default");
const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const JWT: (&str, &str) = ("client_assertion_type", "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");

/// A certificate with its key.
struct Pair {
    pem: String,
    der: Vec<u8>,
    key: RsaKeyPair,
}

impl Pair {
    fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        let cert =
            rcgen::CertificateParams::new(Vec::new()).expect("parameters").self_signed(&key).expect("a certificate");
        let pair = CertifiedKey { cert, signing_key: key };
        let key = RsaKeyPair::from_pkcs8(&pair.signing_key.serialize_der()).expect("an RSA key");
        Self { pem: pair.cert.pem(), der: pair.cert.der().to_vec(), key }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encoding: &'static dyn RsaEncoding =
            if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signed");
        format!("{signed}.{}", BASE64.encode(signature))
    }

    fn s256(&self) -> Value {
        json!({"alg": "PS256", "x5t#S256": BASE64.encode(digest(&SHA256, &self.der))})
    }

    fn sha1(&self) -> Value {
        json!({"alg": "RS256", "x5t": BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der))})
    }
}

/// The error number of an answer; 0 if it is a token.
fn number(said: &Said) -> u64 {
    assert_eq!(said.status == 200, said.body["error_codes"][0].is_null());
    said.body["error_codes"][0].as_u64().unwrap_or_default()
}

#[test]
fn certificates_are_verified() {
    let epoch = "2026-09-01T07:00:00Z".parse::<Timestamp>().expect("a time");
    let client = Client::of(SimulatorConfig { epoch, ..SimulatorConfig::default() });
    let (pair, stranger) = (Pair::new(), Pair::new());
    let Credentials { tenant_id, client_id, .. } = client.sim.credentials();
    let now = epoch.as_second();
    let aud = format!("http://localhost/{tenant_id}/oauth2/v2.0/token");
    let claims = json!({"aud": aud, "iss": client_id, "sub": client_id, "exp": now + 600, "nbf": now, "jti": "1"});
    let but = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let ask = |assertion: String| {
        let fields = [GRANT, ("client_id", client_id), JWT, ("client_assertion", &assertion), SCOPE];
        client.sign_in(tenant_id, &fields)
    };
    let unknown = ask(pair.sign(&pair.s256(), &claims));
    let description = unknown.body["error_description"].as_str().expect("a description");
    assert!(number(&unknown) == 700_027 && description.contains("The key was not found"), "{description}");

    client.sim.register_certificates(pair.pem.as_bytes()).expect("a certificate");
    assert!(client.sim.register_certificates(b"nonsense").is_err());
    let mut forged = pair.s256();
    forged["alg"] = json!("RS256");
    for (assertion, expected) in [
        (pair.sign(&pair.s256(), &claims), 0),
        (pair.sign(&pair.sha1(), &claims), 0),
        (pair.sign(&json!({"alg": "RS256", "kid": hex(&pair)}), &claims), 0),
        (pair.sign(&pair.s256(), &but("aud", json!([aud]))), 0),
        (pair.sign(&pair.s256(), &but("aud", json!(format!("http://localhost/{tenant_id}/v2.0")))), 0),
        (stranger.sign(&pair.s256(), &claims), 700_027),
        (stranger.sign(&stranger.s256(), &claims), 700_027),
        (pair.sign(&forged, &claims), 0),
        (pair.sign(&json!({"alg": "none", "kid": hex(&pair)}), &claims), 700_027),
        (pair.sign(&pair.s256(), &but("sub", json!("x"))), 700_021),
        (pair.sign(&pair.s256(), &but("aud", json!("https://login.microsoftonline.com/x"))), 700_023),
        (pair.sign(&pair.s256(), &but("exp", json!(now - 301))), 700_024),
        (pair.sign(&pair.s256(), &but("exp", Value::Null)), 700_024),
        (pair.sign(&pair.s256(), &but("nbf", json!(now + 400))), 700_024),
        ("aa.bb.cc".to_owned(), 50_027),
        ("x".to_owned(), 50_027),
    ] {
        assert_eq!(number(&ask(assertion.clone())), expected, "{assertion}");
    }
}

fn hex(pair: &Pair) -> String {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, &pair.der).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn federations_are_known_by_issuer_and_subject() {
    let client = Client::new(Faults::calm());
    let Credentials { tenant_id, client_id, .. } = client.sim.credentials();
    let now = Timestamp::now().as_second();
    let ask = |iss: &str, sub: &str, aud: &str| {
        let claims = json!({"iss": iss, "sub": sub, "aud": aud, "exp": now + 300});
        let assertion = format!("{}.{}.eA", BASE64.encode(r#"{"alg":"RS256"}"#), BASE64.encode(claims.to_string()));
        number(
            &client
                .sign_in(tenant_id, &[GRANT, ("client_id", client_id), JWT, ("client_assertion", &assertion), SCOPE]),
        )
    };
    let (issuer, subject, audience) = ("https://ci.example", "repo:one", "api://AzureADTokenExchange");
    assert_eq!(ask(issuer, subject, audience), 700_211);
    client.sim.trust_federation(issuer, subject);
    assert_eq!(ask(issuer, subject, audience), 0);
    assert_eq!(ask(issuer, "repo:two", audience), 700_213);
    assert_eq!(ask(issuer, subject, "elsewhere"), 700_212);
}
