//! The client secret and the certificate: form fields, and the assertion with its signature.

use crate::{
    CLIENT, SECRET, TENANT,
    desk::{self, Desk},
    open,
    pair::Pair,
    refusal,
};
use aws_lc_rs::{
    digest,
    signature::{KeyPair, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use passwave::graph::client::{TokenSource, doors::Method};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn file(bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("application.bin");
    fs::write(&file, bytes).expect("written");
    (place, file)
}

fn variables(file: &Path) -> [(&'static str, String); 3] {
    let path = file.to_str().expect("text").to_owned();
    [("AZURE_TENANT_ID", TENANT.into()), ("AZURE_CLIENT_ID", CLIENT.into()), ("AZURE_CLIENT_CERTIFICATE_PATH", path)]
}

/// Signs in with the file, and returns the desk that saw it.
pub async fn sign_in(bytes: impl AsRef<[u8]>, password: &str) -> Desk {
    let desk = Desk::new(|_| desk::token("a.b.c"));
    let (_place, file) = file(bytes);
    let variables = variables(&file);
    let mut set: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    set.push(("AZURE_CLIENT_CERTIFICATE_PASSWORD", password));
    let door = open(Method::Certificate, &desk, &set).expect("a door");
    fs::remove_file(&file).expect("it is read once");
    door.fetch().await.expect("a token");
    desk
}

/// Checks the assertion that `desk` saw, to the last claim and the signature.
pub fn check_assertion(desk: &Desk, pair: &Pair) {
    let seen = desk.only();
    assert_eq!(seen.line(), format!("POST /{TENANT}/oauth2/v2.0/token"));
    assert_eq!(seen.fields(), ["client_assertion", "client_assertion_type", "client_id", "grant_type", "scope"]);
    assert_eq!((seen.field("client_id").as_str(), seen.field("client_assertion_type").as_str()), (CLIENT, ASSERTION));
    assert_eq!(seen.field("grant_type"), "client_credentials");
    assert_eq!(seen.field("scope"), format!("{}/.default", desk.url));
    let assertion = seen.field("client_assertion");
    let (signed, signature) = assertion.rsplit_once('.').expect("three parts");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let decode = |text: &str| BASE64.decode(text).expect("base64 for URLs, without padding");
    let json = |text: &str| serde_json::from_slice::<Value>(&decode(text)).expect("JSON");
    let thumbprint = BASE64.encode(digest::digest(&digest::SHA256, pair.certificate.der()));
    assert_eq!(json(header), serde_json::json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
    let claims = json(claims);
    let names: Vec<_> = claims.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"]);
    assert_eq!(claims["aud"], format!("{}/{TENANT}/oauth2/v2.0/token", desk.url));
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some(CLIENT), Some(CLIENT)));
    assert!(passwave::upn::is_object_id(claims["jti"].as_str().expect("a text")));
    let time = |name: &str| claims[name].as_i64().expect("a number");
    assert!((jiff::Timestamp::now().as_second() - time("nbf")).abs() < 60);
    assert_eq!((time("iat"), time("exp")), (time("nbf"), time("nbf") + 600));
    let key = RsaKeyPair::from_pkcs8(&pair.key.serialize_der()).expect("a key");
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref())
        .verify(signed.as_bytes(), &decode(signature))
        .expect("PS256 by the certificate's key");
}

#[tokio::test]
async fn a_secret_arrives_whole_and_shows_nowhere() {
    let desk = Desk::new(|_| desk::refused(401, "invalid_client", 7_000_215, "Invalid client secret provided."));
    let set = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)];
    let error = open(Method::Secret, &desk, &set).expect("a door").fetch().await.err().expect("refused");
    let seen = desk.only();
    assert_eq!(seen.line(), format!("POST /{TENANT}/oauth2/v2.0/token"));
    assert_eq!(seen.fields(), ["client_id", "client_secret", "grant_type", "scope"]);
    assert_eq!(seen.field("client_secret"), SECRET);
    let told = format!("{error} {error:?}");
    assert!(told.contains("AADSTS7000215") && !told.contains(SECRET), "{told}");
}

#[tokio::test]
async fn a_certificate_signs_an_assertion_that_verifies() {
    let pair = Pair::rsa();
    check_assertion(&sign_in(pair.pem(), "").await, &pair);
}

#[tokio::test]
async fn of_a_chain_the_certificate_of_the_key_is_named() {
    let (pair, other) = (Pair::rsa(), Pair::rsa());
    let pem = other.certificate.pem() + &pair.certificate.pem() + &pair.key.serialize_pem();
    check_assertion(&sign_in(pem.replace('\n', "\r\n"), "").await, &pair);
}

/// A PFX file with key and certificate.
#[cfg(feature = "pfx")]
pub fn pfx(pair: &Pair, password: &str) -> Vec<u8> {
    use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
    let key = PrivateKey::from_der(&pair.key.serialize_der()).expect("a key");
    let certificate = Certificate::from_der(pair.certificate.der()).expect("a certificate");
    let mut store = KeyStore::new();
    store.add_entry("application", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("1", key, [certificate])));
    store.writer(password).write().expect("a file")
}

#[cfg(feature = "pfx")]
#[tokio::test]
async fn a_pfx_file_opens_with_its_password() {
    let pair = Pair::rsa();
    let pfx = pfx(&pair, SECRET);
    check_assertion(&sign_in(&pfx, SECRET).await, &pair);

    let desk = Desk::new(|_| desk::token("a.b.c"));
    let (_place, file) = file(&pfx);
    let variables = variables(&file);
    let set: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = refusal(Method::Certificate, &desk, &set);
    assert!(told.contains("does not open") && told.contains("AZURE_CLIENT_CERTIFICATE_PASSWORD"), "{told}");
}

#[cfg(not(feature = "pfx"))]
#[test]
fn without_the_feature_a_pfx_file_is_refused_with_a_way_out() {
    let told = told_of(&[0x30, 0x82, 0x0a, 0x00]);
    assert!(told.contains("feature `pfx`") && told.contains("openssl pkcs12"), "{told}");
}

pub fn told_of(bytes: &[u8]) -> String {
    let desk = Desk::new(|_| desk::token("a.b.c"));
    let (_place, file) = file(bytes);
    let variables = variables(&file);
    let set: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = refusal(Method::Certificate, &desk, &set);
    assert!(told.contains("application.bin") && desk.seen().is_empty(), "{told}");
    told
}

#[test]
fn files_of_no_use_are_named_with_what_is_wrong() {
    let (pair, other, elliptic) = (Pair::rsa(), Pair::rsa(), Pair::elliptic());
    let encrypted = pair.pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (bytes, expected) in [
        (String::new(), "no private key"),
        (pair.certificate.pem(), "no private key"),
        (pair.key.serialize_pem(), "no certificate"),
        (other.key.serialize_pem() + &pair.certificate.pem(), "belongs to its private key"),
        (elliptic.pem(), "Entra takes no other"),
        (encrypted, "openssl pkey"),
    ] {
        let told = told_of(bytes.as_bytes());
        assert!(told.contains(expected), "{expected}: {told}");
        let lines = bytes.lines().filter(|line| line.len() > 20 && !line.starts_with("--"));
        assert!(lines.into_iter().all(|line| !told.contains(line)), "{told}");
    }
    let desk = Desk::new(|_| desk::token("a.b.c"));
    let absent = PathBuf::from("absent.pem");
    let variables = variables(&absent);
    let set: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(refusal(Method::Certificate, &desk, &set).contains("absent.pem"));
}
