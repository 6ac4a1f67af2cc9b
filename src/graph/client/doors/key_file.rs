//! A file with a private key and its certificates, as people have it: PEM, or PFX (PKCS #12).
//!
//! What the file is shows in its bytes, not in its name. No fault repeats anything of its contents.
//!
//! Invariant: every copy of the private key that is made here is wiped.

use aws_lc_rs::signature::RsaKeyPair;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::SecretString;
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

/// Most bytes of such a file; a key with a chain is some ten thousand.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What the file holds.
pub(super) struct KeyFile {
    key: Key,
    pub certificates: Vec<Vec<u8>>,
}

enum Key {
    Pkcs1(Zeroizing<Vec<u8>>),
    Pkcs8(Zeroizing<Vec<u8>>),
}

/// Why it is of no use.
pub(super) struct Fault {
    pub what: String,
    pub hint: String,
}

fn fault(what: &str, hint: &str) -> Fault {
    Fault { what: what.into(), hint: hint.into() }
}

/// Reads the file.
pub(super) fn read(file: &Path, password: Option<&SecretString>) -> Result<KeyFile, Fault> {
    let unreadable = |error: std::io::Error| fault(&error.to_string(), "check the path, and who may read the file");
    if std::fs::metadata(file).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(fault("it is far too large for a certificate", "check the path"));
    }
    let bytes = Zeroizing::new(std::fs::read(file).map_err(unreadable)?);
    // A PFX file is one DER sequence; text never begins with this byte and a length of two bytes or more.
    if matches!(bytes[..], [0x30, 0x80..=0x84, ..]) { pfx(&bytes, password) } else { pem(&bytes) }
}

fn pem(bytes: &[u8]) -> Result<KeyFile, Fault> {
    let Ok(mut key) = PrivateKeyDer::from_pem_slice(bytes) else {
        let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
        return Err(if bytes.windows(encrypted.len()).any(|window| window == encrypted) {
            fault("its private key is encrypted", "decrypt it first: openssl pkey -in FILE -out key.pem")
        } else {
            fault(
                "it holds no private key",
                "the file must hold certificate and private key, one after the other, in PEM",
            )
        });
    };
    let owned = match &key {
        PrivateKeyDer::Pkcs1(der) => Some(Key::Pkcs1(Zeroizing::new(der.secret_pkcs1_der().to_vec()))),
        PrivateKeyDer::Pkcs8(der) => Some(Key::Pkcs8(Zeroizing::new(der.secret_pkcs8_der().to_vec()))),
        _ => None,
    };
    key.zeroize();
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let certificates = certificates.map_err(|_| fault("a certificate in it is damaged", "export it again"))?;
    let certificates: Vec<Vec<u8>> = certificates.iter().map(|der| der.to_vec()).collect();
    if certificates.is_empty() {
        return Err(fault("it holds no certificate", "put the certificate into the file, beside the private key"));
    }
    Ok(KeyFile { key: owned.ok_or_else(no_rsa)?, certificates })
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

fn no_rsa() -> Fault {
    fault(
        "its private key is no RSA key of 2048 to 8192 bits, and Entra takes no other of an application",
        "make one: openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=passwave -keyout key.pem -out cert.pem",
    )
}

impl KeyFile {
    pub fn rsa_key(&self) -> Result<RsaKeyPair, Fault> {
        let read = match &self.key {
            Key::Pkcs1(der) => RsaKeyPair::from_der(der),
            Key::Pkcs8(der) => RsaKeyPair::from_pkcs8(der),
        };
        read.map_err(|_| no_rsa())
    }
}
