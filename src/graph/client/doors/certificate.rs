//! The certificate: an assertion that this application signs for itself (Microsoft's page on certificate credentials).
//!
//! The assertion is a JSON web token, signed with RSA-PSS and SHA-256 and marked with the certificate's SHA-256
//! thumbprint. Entra takes RSA keys only.
//!
//! Invariant: the private key leaves this room only as signatures.

use super::{
    Method, SignInError, Site, Variables,
    application::Application,
    key_file::{self, KeyFile},
};
use crate::{
    clean,
    graph::{
        client::{Token, TokenSource},
        guid,
    },
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

/// The variable that names the file.
pub(super) const PATH: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
/// The variable that holds the password of a PFX file.
const PASSWORD: &str = "AZURE_CLIENT_CERTIFICATE_PASSWORD";
/// Seconds for which an assertion holds.
const LIFE_SECONDS: i64 = 600;

/// Signs in as an application with a certificate that its registration knows.
pub struct ClientCertificate {
    pub(super) application: Application,
    key: RsaKeyPair,
    thumbprint: String,
}

impl ClientCertificate {
    /// A door into `tenant` for the application `client_id`, with the certificate and key in `file`: PEM, or PFX under
    /// `password`.
    ///
    /// # Errors
    /// Where an id holds what no id can hold, or the file holds no RSA key with its certificate.
    pub fn new(
        site: &Site,
        tenant: &str,
        client_id: &str,
        file: &Path,
        password: Option<&SecretString>,
    ) -> Result<Self, SignInError> {
        let application = Application::new(site, tenant, client_id)?;
        let shown = format!("{PATH}, {}", clean::for_terminal(&file.display().to_string()));
        let (key, thumbprint) = key_file::read(file, password)
            .and_then(|found| matching(&found))
            .map_err(|key_file::Fault { what, hint }| SignInError::unready(format!("{shown}: {what}"), hint))?;
        Ok(Self { application, key, thumbprint })
    }

    pub(super) fn open(site: &Site, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let (tenant, client_id) = variables.application(Method::Certificate)?;
        let file = variables.needed(PATH, Method::Certificate)?;
        let password = variables.get(PASSWORD).map(SecretString::from);
        Self::new(site, &tenant, &client_id, Path::new(&file), password.as_ref())
    }

    /// An assertion that holds from `now`, in seconds since 1970.
    fn assertion(&self, now: i64) -> SecretString {
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
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .expect("a key of 2,048 bits or more has room for this padding");
        format!("{signed}.{}", BASE64.encode(signature)).into()
    }
}

/// The key, and the thumbprint of the certificate that is its own.
fn matching(found: &KeyFile) -> Result<(RsaKeyPair, String), key_file::Fault> {
    let key = found.rsa_key()?;
    // A certificate holds its public key as it is, so that nothing else of it needs to be understood.
    let public = key.public_key().as_ref();
    let own = found.certificates.iter().find(|der| der.windows(public.len()).any(|window| window == public));
    let own = own.ok_or(key_file::Fault {
        what: "no certificate in it belongs to its private key".into(),
        hint: "put the key together with the certificate that was made from it".into(),
    })?;
    key_file::must_hold(own, jiff::Timestamp::now())?;
    let thumbprint = BASE64.encode(digest::digest(&digest::SHA256, own));
    Ok((key, thumbprint))
}

impl TokenSource for ClientCertificate {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let assertion = self.assertion(jiff::Timestamp::now().as_second());
        self.application.assert(Method::Certificate, assertion.expose_secret()).await
    }
}
