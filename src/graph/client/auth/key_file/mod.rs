//! A file with a private key and its certificates, as users have it: PEM or PFX (PKCS #12), plain or in base64.
//!
//! The content decides what the file is, not its name. If it cannot be used, the error says what it is. No error
//! repeats any of the content.
//!
//! Invariant: every copy of the private key made here is wiped.

mod der;
mod faults;
mod pem;

pub(super) use faults::Fault;

use crate::util::secret_text;
use aws_lc_rs::signature::RsaKeyPair;
use der::Kind;
use faults::{fault, no_rsa};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use std::path::Path;
use zeroize::Zeroizing;

/// Maximum size of such a file; a key with its chain has about ten thousand bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Maximum number of base64 layers that are removed: a vault adds one, and a secret store may add another.
const LAYERS_MAX: u32 = 3;
/// How much clocks may differ.
const CLOCKS_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The content of the file.
pub(super) struct KeyFile {
    key: Key,
    pub certificates: Vec<Vec<u8>>,
}

enum Key {
    Pkcs1(Zeroizing<Vec<u8>>),
    Pkcs8(Zeroizing<Vec<u8>>),
}

/// Reads the file.
pub(super) fn read(file: &Path, password: Option<&SecretString>) -> Result<KeyFile, Fault> {
    let unreadable = |error: std::io::Error| fault(&error.to_string(), "check the path, and who may read the file");
    if std::fs::metadata(file).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(fault("it is far too long for a key and its certificates", "check the path"));
    }
    let bytes = Zeroizing::new(std::fs::read(file).map_err(unreadable)?);
    parse(&bytes, password, LAYERS_MAX)
}

/// Reads the content of a file, with at most `layers` of base64 around it.
fn parse(bytes: &[u8], password: Option<&SecretString>, layers: u32) -> Result<KeyFile, Fault> {
    match der::kind(bytes) {
        Kind::Unknown if matches!(bytes, [0x30, 0x80..=0x84, ..]) => return pfx(bytes, password),
        Kind::Unknown => {}
        Kind::Pfx => return pfx(bytes, password),
        kind => return Err(faults::of_der(kind)),
    }
    let text = secret_text::of(bytes);
    if pem::is_pem(&text) {
        return of_blocks(pem::blocks(&text));
    }
    faults::named(&text).map_or(Ok(()), Err)?;
    match base64(&text).filter(|decoded| layers > 0 && is_promising(decoded)) {
        Some(decoded) => parse(&decoded, password, layers - 1),
        None => Err(faults::nothing(&text)),
    }
}

/// The decoded bytes of base64 that is alone, in quotes, or after `data:…;base64,`.
fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim().trim_matches(['"', '\'']);
    pem::decode(text.rsplit_once("base64,").map_or(text, |(_, data)| data))
}

/// Whether it may be DER, PEM, or another layer of base64 around them: most words are valid base64.
fn is_promising(bytes: &[u8]) -> bool {
    let text = secret_text::of(bytes);
    bytes.starts_with(b"\x30") || pem::is_pem(&text) || text.starts_with("MI") || text.starts_with("LS0tLS1CRUdJ")
}

fn of_blocks(blocks: Vec<pem::Block>) -> Result<KeyFile, Fault> {
    let (mut key, mut certificates, mut others) = (None, Vec::new(), Vec::new());
    for pem::Block { label, is_encrypted, der } in blocks {
        let kind = match &der {
            Some(der) if label.ends_with("CERTIFICATE") => der::kind(der::first(der)),
            Some(_) if label == "ENCRYPTED PRIVATE KEY" => Kind::EncryptedKey,
            Some(der) => der::kind(der),
            None => Kind::Unknown,
        };
        match (kind, der) {
            (Kind::Certificate, Some(der)) => certificates.push(der::first(&der).to_vec()),
            (Kind::RsaKey, Some(der)) => key = key.or(Some(Key::Pkcs1(der))),
            (Kind::WrappedRsaKey, Some(der)) => key = key.or(Some(Key::Pkcs8(der))),
            (kind, _) => others.push(faults::Other { label, is_encrypted, kind }),
        }
    }
    match key {
        Some(key) if !certificates.is_empty() => Ok(KeyFile { key, certificates }),
        Some(_) => Err(faults::key_alone(&others)),
        None => Err(faults::no_key(&others, !certificates.is_empty())),
    }
}

#[cfg(feature = "pfx")]
fn pfx(bytes: &[u8], password: Option<&SecretString>) -> Result<KeyFile, Fault> {
    use p12_keystore::Pkcs12Archive;
    use secrecy::ExposeSecret;
    let hint = "check AZURE_CLIENT_CERTIFICATE_PASSWORD, and export the certificate with its private key";
    let archive = Pkcs12Archive::from_pkcs12(bytes, password.map_or("", |password| password.expose_secret()))
        .map_err(|_| fault("this PFX file does not open", hint))?;
    let key = archive.keys.first().ok_or_else(|| fault("this PFX file holds no private key", hint))?;
    let certificates = archive.certs.iter().map(|bag| bag.cert.as_der().to_vec()).collect();
    Ok(KeyFile { key: Key::Pkcs8(Zeroizing::new(key.key.as_der().to_vec())), certificates })
}

#[cfg(not(feature = "pfx"))]
fn pfx(_bytes: &[u8], _password: Option<&SecretString>) -> Result<KeyFile, Fault> {
    Err(fault(
        "it is a PFX file, which this build does not read (feature `pfx`)",
        "turn it into PEM: openssl pkcs12 -in FILE -nodes -out both.pem",
    ))
}

impl KeyFile {
    pub fn rsa_key(&self) -> Result<RsaKeyPair, Fault> {
        let (read, der) = match &self.key {
            Key::Pkcs1(der) => (RsaKeyPair::from_der(der), der),
            Key::Pkcs8(der) => (RsaKeyPair::from_pkcs8(der), der),
        };
        read.map_err(|_| no_rsa(der::kind(der)))
    }
}

/// Whether a certificate is valid at `now`, if that can be parsed.
pub(super) fn must_hold(certificate: &[u8], now: Timestamp) -> Result<(), Fault> {
    let Some((from, until)) = der::validity(certificate) else { return Ok(()) };
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let clock = "if that is not so, set this machine's clock right";
    if until < now {
        let hint = format!("make a new one and upload it to the application's registration; {clock}");
        return Err(fault(&format!("its certificate expired on {}", day(until)), &hint));
    }
    if from.saturating_sub(CLOCKS_WITHIN).is_ok_and(|from| from > now) {
        return Err(fault(&format!("its certificate is valid only from {} on", day(from)), clock));
    }
    Ok(())
}
