//! The client secret and the certificate: form fields, and the assertion with its signature.

use crate::{
    CLIENT, SECRET, TENANT,
    fake_server::{self, FakeServer},
    open,
    pair::Pair,
    refusal,
};
use aws_lc_rs::{
    digest,
    signature::{KeyPair, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use passwave::graph::client::{TokenSource, auth::Method};
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

/// Signs in with the file, and returns the server that received the request.
pub async fn sign_in(bytes: impl AsRef<[u8]>, password: &str) -> FakeServer {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let (_place, file) = file(bytes);
    let variables = variables(&file);
    let mut set: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    set.push(("AZURE_CLIENT_CERTIFICATE_PASSWORD", password));
    let credential = open(Method::Certificate, &server, &set).expect("a credential");
    fs::remove_file(&file).expect("it is read once");
    credential.fetch().await.expect("a token");
    server
}

/// Checks every claim and the signature of the assertion that `server` received.
pub fn check_assertion(server: &FakeServer, pair: &Pair) {
    let seen = server.only();
    assert_eq!(seen.line(), format!("POST /{TENANT}/oauth2/v2.0/token"));
    assert_eq!(seen.fields(), ["client_assertion", "client_assertion_type", "client_id", "grant_type", "scope"]);
    assert_eq!((seen.field("client_id").as_str(), seen.field("client_assertion_type").as_str()), (CLIENT, ASSERTION));
    assert_eq!(seen.field("grant_type"), "client_credentials");
    assert_eq!(seen.field("scope"), format!("{}/.default", server.url));
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
    assert_eq!(claims["aud"], format!("{}/{TENANT}/oauth2/v2.0/token", server.url));
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some(CLIENT), Some(CLIENT)));
    assert!(passwave::account::upn::is_object_id(claims["jti"].as_str().expect("a text")));
    let time = |name: &str| claims[name].as_i64().expect("a number");
    assert!((jiff::Timestamp::now().as_second() - time("nbf")).abs() < 60);
    assert_eq!((time("iat"), time("exp")), (time("nbf"), time("nbf") + 600));
    let key = RsaKeyPair::from_pkcs8(&pair.key.serialize_der()).expect("a key");
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref())
        .verify(signed.as_bytes(), &decode(signature))
        .expect("PS256 by the certificate's key");
}

#[tokio::test]
async fn secret_arrives_whole_and_stays_hidden() {
    let server =
        FakeServer::new(|_| fake_server::refused(401, "invalid_client", 7_000_215, "Invalid client secret provided."));
    let set = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)];
    let error = open(Method::Secret, &server, &set).expect("a credential").fetch().await.err().expect("refused");
    let seen = server.only();
    assert_eq!(seen.line(), format!("POST /{TENANT}/oauth2/v2.0/token"));
    assert_eq!(seen.fields(), ["client_id", "client_secret", "grant_type", "scope"]);
    assert_eq!(seen.field("client_secret"), SECRET);
    let told = format!("{error} {error:?}");
    assert!(told.contains("AADSTS7000215") && !told.contains(SECRET), "{told}");
}

#[tokio::test]
async fn certificate_signs_a_valid_assertion() {
    let pair = Pair::rsa();
    check_assertion(&sign_in(pair.pem(), "").await, &pair);
}

#[tokio::test]
async fn names_the_keys_own_certificate() {
    let (pair, other) = (Pair::rsa(), Pair::rsa());
    let pem = other.certificate.pem() + &pair.certificate.pem() + &pair.key.serialize_pem();
    check_assertion(&sign_in(pem.replace('\n', "\r\n"), "").await, &pair);
}

/// A PFX file with a key and a certificate.
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
async fn pfx_file_needs_its_password() {
    let pair = Pair::rsa();
    let pfx = pfx(&pair, SECRET);
    check_assertion(&sign_in(&pfx, SECRET).await, &pair);

    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let (_place, file) = file(&pfx);
    let variables = variables(&file);
    let set: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = refusal(Method::Certificate, &server, &set);
    assert!(told.contains("does not open") && told.contains("AZURE_CLIENT_CERTIFICATE_PASSWORD"), "{told}");
}

#[cfg(not(feature = "pfx"))]
#[test]
fn pfx_needs_the_feature() {
    let told = told_of(&[0x30, 0x82, 0x0a, 0x00]);
    assert!(told.contains("feature `pfx`") && told.contains("openssl pkcs12"), "{told}");
}

pub fn told_of(bytes: &[u8]) -> String {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let (_place, file) = file(bytes);
    let variables = variables(&file);
    let set: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let told = refusal(Method::Certificate, &server, &set);
    assert!(told.contains("application.bin") && server.seen().is_empty(), "{told}");
    told
}

#[test]
fn useless_files_are_explained() {
    let (pair, other, elliptic) = (Pair::rsa(), Pair::rsa(), Pair::elliptic());
    let encrypted = pair.pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (bytes, expected) in [
        (String::new(), "no private key"),
        (pair.certificate.pem(), "no private key"),
        (pair.key.serialize_pem(), "no certificate"),
        (other.key.serialize_pem() + &pair.certificate.pem(), "belongs to its private key"),
        (elliptic.pem(), "Entra accepts only"),
        (encrypted, "openssl pkey"),
    ] {
        let told = told_of(bytes.as_bytes());
        assert!(told.contains(expected), "{expected}: {told}");
        let lines = bytes.lines().filter(|line| line.len() > 20 && !line.starts_with("--"));
        assert!(lines.into_iter().all(|line| !told.contains(line)), "{told}");
    }
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let absent = PathBuf::from("absent.pem");
    let variables = variables(&absent);
    let set: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(refusal(Method::Certificate, &server, &set).contains("absent.pem"));
}
