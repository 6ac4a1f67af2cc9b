//! Sign-in with a certificate: the application signs an assertion (Microsoft's page on certificate credentials).
//!
//! The assertion is a JSON web token, signed with RSA-PSS and SHA-256, with the certificate's SHA-256 thumbprint. Entra
//! accepts only RSA keys.
//!
//! The certificate is in a file, or in the Windows store.
//!
//! Invariant: the private key leaves this module only as signatures.

use super::{
    Endpoints, Method, SignInError, Variables,
    application::Application,
    key_file::{self, Fault, KeyFile},
    windows_store::{self, StoreKey},
};
use crate::{
    graph::{
        client::{Token, TokenSource},
        guid,
    },
    util::sanitize,
};
use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{KeyPair, RSA_PSS_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::path::Path;

/// The variable with the file's path.
pub(super) const PATH: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
/// The variable with the thumbprint of a certificate in the Windows store.
pub(super) const THUMBPRINT: &str = "AZURE_CLIENT_CERTIFICATE_THUMBPRINT";
/// The variable with the password of a PFX file.
const PASSWORD: &str = "AZURE_CLIENT_CERTIFICATE_PASSWORD";
/// Lifetime of an assertion in seconds.
const LIFE_SECONDS: i64 = 600;

/// Signs in as an application with a certificate from its registration.
pub struct ClientCertificate {
    pub(super) application: Application,
    key: Key,
    thumbprint: String,
}

/// A private key.
enum Key {
    /// From a file.
    File(Box<RsaKeyPair>),
    /// In the Windows store, which signs with it.
    Store(StoreKey),
}

impl ClientCertificate {
    /// Signs in to `tenant` as the application `client_id`, with the certificate and key in `file`: PEM, or PFX with
    /// `password`.
    ///
    /// # Errors
    /// Fails if an id has invalid characters, or the file has no RSA key with its certificate.
    pub fn new(
        endpoints: &Endpoints,
        tenant: &str,
        client_id: &str,
        file: &Path,
        password: Option<&SecretString>,
    ) -> Result<Self, SignInError> {
        let application = Application::new(endpoints, tenant, client_id)?;
        let shown = format!("{PATH}, {}", sanitize::for_terminal(&file.display().to_string()));
        let (key, thumbprint) = key_file::read(file, password)
            .and_then(|found| matching(&found))
            .map_err(|Fault { what, hint }| SignInError::unready(format!("{shown}: {what}"), hint))?;
        Ok(Self { application, key: Key::File(Box::new(key)), thumbprint })
    }

    /// The same with the certificate in the Windows store that has this thumbprint, in hexadecimal (SHA-1 or SHA-256).
    ///
    /// # Errors
    /// Fails if an id has invalid characters, there is no such certificate with an RSA key that this account may use, or
    /// this is not Windows.
    pub fn in_windows_store(
        endpoints: &Endpoints,
        tenant: &str,
        client_id: &str,
        thumbprint: &str,
    ) -> Result<Self, SignInError> {
        let application = Application::new(endpoints, tenant, client_id)?;
        let (key, certificate) = windows_store::find(thumbprint)
            .and_then(|found| key_file::must_hold(&found.1, jiff::Timestamp::now()).map(|()| found))
            .map_err(unusable)?;
        Ok(Self { application, key: Key::Store(key), thumbprint: hash(&certificate) })
    }

    pub(super) fn open(endpoints: &Endpoints, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let (tenant, client_id) = variables.application(Method::Certificate)?;
        if let (None, Some(thumbprint)) = (variables.get(PATH), variables.get(THUMBPRINT)) {
            return Self::in_windows_store(endpoints, &tenant, &client_id, &thumbprint);
        }
        let file = variables.needed(PATH, Method::Certificate)?;
        let password = variables.get(PASSWORD).map(SecretString::from);
        Self::new(endpoints, &tenant, &client_id, Path::new(&file), password.as_ref())
    }

    /// The variable that names the certificate.
    pub(super) const fn variable(&self) -> &'static str {
        match self.key {
            Key::File(_) => PATH,
            Key::Store(_) => THUMBPRINT,
        }
    }

    /// An assertion that is valid from `now`, in seconds since 1970.
    fn assertion(&self, now: i64) -> Result<SecretString, SignInError> {
        let client_id = self.application.client_id();
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": self.application.audience(),
            "iss": client_id,
            "sub": client_id,
            "jti": guid::text(guid::version_4(rand::random())),
            "nbf": now,
            "iat": now,
            "exp": now + LIFE_SECONDS,
        });
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.key.sign(signed.as_bytes()).map_err(unusable)?;
        Ok(format!("{signed}.{}", BASE64.encode(signature)).into())
    }
}

impl Key {
    /// A signature with RSA-PSS and SHA-256.
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Fault> {
        match self {
            Self::File(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text, &mut signature)
                    .expect("a key of 2,048 bits or more has room for this padding");
                Ok(signature)
            }
            Self::Store(key) => key.sign(digest::digest(&digest::SHA256, text).as_ref()),
        }
    }
}

/// The error about a certificate of the store.
fn unusable(fault: Fault) -> SignInError {
    SignInError::unready(format!("{THUMBPRINT}: {}", fault.what), fault.hint)
}

/// The thumbprint of a certificate as an assertion has it.
fn hash(certificate: &[u8]) -> String {
    BASE64.encode(digest::digest(&digest::SHA256, certificate))
}

/// The key, and the thumbprint of its certificate.
fn matching(found: &KeyFile) -> Result<(RsaKeyPair, String), Fault> {
    let key = found.rsa_key()?;
    // A certificate contains its public key verbatim, so nothing else in it has to be parsed.
    let public = key.public_key().as_ref();
    let own = found.certificates.iter().find(|der| der.windows(public.len()).any(|window| window == public));
    let own = own.ok_or(Fault {
        what: "no certificate in it belongs to its private key".into(),
        hint: "put the key together with the certificate that was made from it".into(),
    })?;
    key_file::must_hold(own, jiff::Timestamp::now())?;
    let thumbprint = hash(own);
    Ok((key, thumbprint))
}

impl TokenSource for ClientCertificate {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let assertion = self.assertion(jiff::Timestamp::now().as_second())?;
        self.application.assert(Method::Certificate, assertion.expose_secret()).await
    }
}
