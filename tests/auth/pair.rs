//! A certificate and its key, generated for each test.

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};

/// A certificate and its key.
pub struct Pair {
    pub certificate: rcgen::Certificate,
    pub key: KeyPair,
}

impl Pair {
    pub fn rsa() -> Self {
        Self::of(KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key"))
    }

    pub fn elliptic() -> Self {
        Self::of(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"))
    }

    /// An RSA key with an expired certificate.
    pub fn expired() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        let mut parameters = CertificateParams::new(vec!["localhost".into()]).expect("a name");
        parameters.not_after = date_time_ymd(2024, 2, 3);
        Self { certificate: parameters.self_signed(&key).expect("a certificate"), key }
    }

    fn of(key: KeyPair) -> Self {
        let parameters = CertificateParams::new(vec!["localhost".into()]).expect("a name");
        Self { certificate: parameters.self_signed(&key).expect("a certificate"), key }
    }

    /// The key and the certificate in one text.
    pub fn pem(&self) -> String {
        self.key.serialize_pem() + &self.certificate.pem()
    }
}
