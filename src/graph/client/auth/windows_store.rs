//! A certificate of the Windows store, chosen by its thumbprint. Its private key signs where it is: it can be marked as not
//! exportable, or be in hardware.
//!
//! The store `My` of the current user is searched first, then that of the machine. Only keys of CNG are used, the system's
//! own interface for keys; nothing asks the user.

use super::key_file::Fault;

/// Where certificates with keys are, as `certmgr.msc` and PowerShell (`Cert:\CurrentUser\My`) have it.
#[cfg(windows)]
const STORE: &str = "My";

/// The private key of a certificate in the store.
pub(super) struct StoreKey {
    #[cfg(windows)]
    key: rustls_cng::key::NCryptKey,
    #[cfg(not(windows))]
    never: std::convert::Infallible,
}

/// The hash of a certificate, as Windows shows it: 40 hexadecimal digits (SHA-1), or 64 (SHA-256).
///
/// Spaces, colons and the invisible mark that Windows puts before a copied thumbprint are ignored.
fn thumbprint(text: &str) -> Option<Vec<u8>> {
    let is_between = |c: &char| c.is_whitespace() || matches!(c, ':' | '-' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !is_between(c))
        .map(|c| Some(u8::try_from(c.to_digit(16)?).unwrap_or_default()))
        .collect();
    let digits = digits.filter(|digits| matches!(digits.len(), 40 | 64))?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// The certificate with this thumbprint in DER, and its key.
pub(super) fn find(text: &str) -> Result<(StoreKey, Vec<u8>), Fault> {
    let thumbprint = thumbprint(text).ok_or_else(|| Fault {
        what: "it is not a thumbprint of 40 or 64 hexadecimal digits".into(),
        hint: r"copy it from (Get-ChildItem Cert:\CurrentUser\My, Cert:\LocalMachine\My).Thumbprint".into(),
    })?;
    in_stores(&thumbprint)
}

#[cfg(not(windows))]
fn in_stores(_thumbprint: &[u8]) -> Result<(StoreKey, Vec<u8>), Fault> {
    Err(Fault {
        what: "only Windows has this certificate store".into(),
        hint: "set AZURE_CLIENT_CERTIFICATE_PATH to a PEM or PFX file instead".into(),
    })
}

#[cfg(windows)]
fn in_stores(thumbprint: &[u8]) -> Result<(StoreKey, Vec<u8>), Fault> {
    use rustls_cng::store::{CertStore, CertStoreType};
    let mut without_key = None;
    for place in [CertStoreType::CurrentUser, CertStoreType::LocalMachine] {
        // A store that does not exist, or may not be opened, has no certificate for us.
        let Ok(store) = CertStore::open(place, STORE) else { continue };
        let found =
            if thumbprint.len() == 20 { store.find_by_sha1(thumbprint) } else { store.find_by_sha256(thumbprint) };
        for certificate in found.unwrap_or_default() {
            match StoreKey::of(&certificate) {
                Ok(key) => return Ok((key, certificate.as_der().to_vec())),
                Err(fault) => without_key = Some(fault),
            }
        }
    }
    Err(without_key.unwrap_or_else(|| Fault {
        what: r"no certificate in Cert:\CurrentUser\My or Cert:\LocalMachine\My has this thumbprint".into(),
        hint: "import it there for the account that runs passwave, with its private key".into(),
    }))
}

#[cfg(windows)]
impl StoreKey {
    /// The RSA key of a certificate, if this account may use it.
    fn of(certificate: &rustls_cng::cert::CertContext) -> Result<Self, Fault> {
        use rustls_cng::key::AlgorithmGroup;
        let key = certificate.acquire_key(true).map_err(|error| Fault {
            what: format!("the private key of this certificate cannot be used ({error:?})"),
            hint: "let this account read it (certlm.msc: All Tasks, Manage Private Keys), and import it into the Microsoft \
                   Software Key Storage Provider"
                .into(),
        })?;
        match key.algorithm_group() {
            Ok(AlgorithmGroup::Rsa) => Ok(Self { key }),
            _ => Err(Fault {
                what: "the key of this certificate is not an RSA key".into(),
                hint: "Entra ID accepts only RSA: make a certificate with an RSA key".into(),
            }),
        }
    }

    /// Signs a SHA-256 digest with RSA-PSS.
    pub(super) fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Fault> {
        use rustls_cng::key::SignaturePadding;
        self.key.sign(digest, SignaturePadding::Pss).map_err(|error| Fault {
            what: format!("the private key of this certificate does not sign ({error:?})"),
            hint: "let this account use it (certlm.msc: All Tasks, Manage Private Keys)".into(),
        })
    }
}

#[cfg(not(windows))]
impl StoreKey {
    /// Never called: there is no such key here.
    pub(super) fn sign(&self, _digest: &[u8]) -> Result<Vec<u8>, Fault> {
        match self.never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_are_read_as_windows_shows_them() {
        let (sha1, sha256) = ("0a".repeat(20), "fE".repeat(32));
        assert_eq!(thumbprint(&sha1), Some(vec![0x0a; 20]));
        assert_eq!(thumbprint(&sha256), Some(vec![0xfe; 32]));
        let copied = format!("\u{200e}{}", ["0A"; 20].join(" "));
        assert_eq!(thumbprint(&copied), Some(vec![0x0a; 20]));
        assert_eq!(thumbprint(&["0A"; 20].join(":")), Some(vec![0x0a; 20]));
        for wrong in ["", "0a", &sha1[1..], &format!("{sha1}00"), &sha1.replace('a', "g"), &sha1.replace('a', "ä")] {
            assert!(thumbprint(wrong).is_none(), "{wrong}");
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn other_systems_have_no_store() {
        let fault = find(&"0a".repeat(20)).err().expect("refused");
        assert!(fault.what.contains("only Windows") && fault.hint.contains("AZURE_CLIENT_CERTIFICATE_PATH"));
    }

    /// Wine has no keys of CNG.
    #[cfg(all(windows, feature = "pfx"))]
    #[test]
    fn keys_sign_where_they_are() {
        use aws_lc_rs::{
            digest,
            signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey},
        };
        use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
        use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
        use rustls_cng::store::{CertStore, Pkcs12Flags};
        if windows_registry::CURRENT_USER.open(r"Software\Wine").is_ok() {
            return;
        }
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        let certificate = CertificateParams::new(["localhost".into()]).and_then(|own| own.self_signed(&key));
        let certificate = Certificate::from_der(certificate.expect("a certificate").der()).expect("a certificate");
        let private = PrivateKey::from_der(&key.serialize_der()).expect("a key");
        let mut file = KeyStore::new();
        file.add_entry("own", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("1", private, [certificate])));
        let file = file.writer("password").write().expect("a file");
        let flags = Pkcs12Flags::ALWAYS_CNG_KSP | Pkcs12Flags::NO_PERSIST_KEY;
        let store = CertStore::from_pkcs12(&file, "password", flags).expect("a store");
        let found = store.find_all().expect("certificates");
        let own = StoreKey::of(&found[0]).unwrap_or_else(|fault| panic!("{}", fault.what));
        let signature = own.sign(digest::digest(&digest::SHA256, b"text").as_ref());
        let signature = signature.unwrap_or_else(|fault| panic!("{}", fault.what));
        let pair = RsaKeyPair::from_pkcs8(&key.serialize_der()).expect("a key");
        let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref());
        public.verify(b"text", &signature).expect("a good signature");
    }

    #[cfg(windows)]
    #[test]
    fn unknown_thumbprints_are_not_found() {
        let fault = find(&"0a".repeat(20)).err().expect("refused");
        assert!(fault.what.contains("has this thumbprint"), "{}", fault.what);
    }
}
