//! Client assertions: an application proves its identity with a certificate, or with a token of a service that the
//! tenant trusts (RFC 7523).
//!
//! A certificate's signature, thumbprint, audience and times are checked. For a federation, only what the token says is
//! checked: the simulator connects to nothing, so it cannot fetch the keys of another service.
//!
//! Invariant: an assertion is refused unless its certificate, or its issuer and subject, were registered.

use super::error::OAuthError;
use crate::simulator::context::RequestContext;
use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, pem::PemObject};
use serde::Deserialize;
use webpki::{
    EndEntityCert,
    aws_lc_rs::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256_LEGACY_KEY},
};

/// How much the clocks may differ, in seconds.
const SKEW_SECONDS: i64 = 300;
/// The audience of a federation's token.
const FEDERATION: &str = "api://AzureADTokenExchange";

/// A certificate that cannot be registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// No certificate in PEM, or one that is not X.509 version 3.
    #[error("there is no readable certificate in PEM")]
    Unreadable,
}

/// What an application may prove its identity with, besides its secret.
#[derive(Default)]
pub(super) struct Proofs {
    certificates: Vec<CertificateDer<'static>>,
    /// Issuers and subjects.
    federations: Vec<(String, String)>,
}

/// The header of an assertion.
#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    alg: String,
    x5t: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
    kid: Option<String>,
}

/// What an assertion says.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    #[serde(default)]
    aud: Audience,
    exp: Option<f64>,
    nbf: Option<f64>,
}

/// One name or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Audience {
    fn any(&self, is_right: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(name) => is_right(name),
            Self::Several(names) => names.iter().any(|name| is_right(name)),
        }
    }
}

impl Proofs {
    pub(super) fn add_certificates(&mut self, pem: &[u8]) -> Result<(), CertificateError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let read = read.ok().filter(|read| !read.is_empty()).ok_or(CertificateError::Unreadable)?;
        if read.iter().any(|der| EndEntityCert::try_from(der).is_err()) {
            return Err(CertificateError::Unreadable);
        }
        self.certificates.extend(read);
        Ok(())
    }

    pub(super) fn add_federation(&mut self, issuer: String, subject: String) {
        self.federations.push((issuer, subject));
    }

    /// Accepts or refuses an assertion of `client_id` for a request to `tenant`.
    pub(super) fn check(
        &self,
        assertion: &str,
        client_id: &str,
        tenant: &str,
        context: &RequestContext,
    ) -> Result<(), OAuthError> {
        let (header, claims) = read(assertion).ok_or_else(OAuthError::malformed_assertion)?;
        if header.x5t.is_none() && header.x5t_s256.is_none() && !claims.iss.eq_ignore_ascii_case(client_id) {
            return self.check_federation(&claims, context.at.wall);
        }
        self.check_signature(assertion, &header, client_id)?;
        if ![&claims.iss, &claims.sub].iter().all(|name| name.eq_ignore_ascii_case(client_id)) {
            return Err(OAuthError::assertion(
                700_021,
                "Client assertion application identifier doesn't match 'client_id' parameter.".into(),
            ));
        }
        let base = format!("{}/{tenant}", context.base);
        let is_ours = |name: &str| {
            let place = name.strip_prefix(base.as_str());
            place.is_some_and(|place| ["/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/"].contains(&place))
        };
        if !claims.aud.any(is_ours) {
            return Err(OAuthError::assertion(
                700_023,
                "Client assertion audience claim does not match Realm issuer.".into(),
            ));
        }
        check_times(&claims, context.at.wall)
    }

    fn check_signature(&self, assertion: &str, header: &Header, client_id: &str) -> Result<(), OAuthError> {
        let found = self.certificates.iter().find(|der| header.names(der));
        let Some(der) = found else {
            let told = header.x5t.as_ref().or(header.x5t_s256.as_ref()).or(header.kid.as_ref());
            let thumbprint = told.and_then(|told| BASE64.decode(told).ok()).map(|bytes| hex(&bytes));
            return Err(OAuthError::unknown_key(&thumbprint.unwrap_or_default(), client_id));
        };
        let algorithm: &dyn SignatureVerificationAlgorithm = match header.alg.as_str() {
            "PS256" => RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            "RS256" => RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(OAuthError::bad_signature(&thumbprint(der), client_id)),
        };
        let (signed, signature) = assertion.rsplit_once('.').unwrap_or_default();
        let verified = BASE64.decode(signature).ok().and_then(|signature| {
            EndEntityCert::try_from(der).ok()?.verify_signature(algorithm, signed.as_bytes(), &signature).ok()
        });
        verified.ok_or_else(|| OAuthError::bad_signature(&thumbprint(der), client_id))
    }

    fn check_federation(&self, claims: &Claims, now: Timestamp) -> Result<(), OAuthError> {
        let Claims { iss, sub, .. } = claims;
        let no_match = |number, what: &str, value: &str| {
            let said = format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. Check your \
                 federated identity credential Subject, Audience and Issuer against the presented assertion."
            );
            Err(OAuthError::assertion(number, said))
        };
        if !claims.aud.any(|name| name == FEDERATION) {
            let Audience::One(told) = &claims.aud else { return no_match(700_212, "audience", "") };
            return no_match(700_212, "audience", told);
        }
        if !self.federations.iter().any(|(issuer, _)| issuer == iss) {
            return no_match(700_211, "issuer", iss);
        }
        if !self.federations.iter().any(|(issuer, subject)| issuer == iss && subject == sub) {
            return no_match(700_213, "subject", sub);
        }
        check_times(claims, now)
    }
}

impl Header {
    /// Whether it names this certificate: by a thumbprint in one of the headers that Entra reads.
    fn names(&self, der: &CertificateDer<'_>) -> bool {
        let sum = |algorithm: &'static Algorithm| BASE64.encode(digest(algorithm, der).as_ref());
        let is = |told: &Option<String>, sum: &str| told.as_ref().map(|told| told.trim_end_matches('=') == sum);
        let by_s256 = is(&self.x5t_s256, &sum(&SHA256));
        let by_sha1 = || is(&self.x5t, &sum(&SHA1_FOR_LEGACY_USE_ONLY));
        let by_id = || self.kid.as_ref().is_some_and(|id| id.eq_ignore_ascii_case(&thumbprint(der)));
        by_s256.or_else(by_sha1).unwrap_or_else(by_id)
    }
}

/// The thumbprint as the portal shows it.
fn thumbprint(der: &CertificateDer<'_>) -> String {
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Header and claims of a token; `None` if it has not the form of one.
fn read(assertion: &str) -> Option<(Header, Claims)> {
    let mut parts = assertion.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if signature.is_empty() || parts.next().is_some() {
        return None;
    }
    let json = |part: &str| BASE64.decode(part.trim_end_matches('=')).ok();
    Some((serde_json::from_slice(&json(header)?).ok()?, serde_json::from_slice(&json(claims)?).ok()?))
}

#[expect(clippy::cast_possible_truncation, reason = "a time in seconds, compared with the clock")]
fn check_times(claims: &Claims, now: Timestamp) -> Result<(), OAuthError> {
    let now_seconds = now.as_second();
    let begins = claims.nbf.map_or(i64::MIN, |seconds| seconds as i64);
    let ends = claims.exp.map_or(i64::MIN, |seconds| seconds as i64);
    if begins.saturating_sub(SKEW_SECONDS) <= now_seconds && now_seconds < ends.saturating_add(SKEW_SECONDS) {
        return Ok(());
    }
    let told =
        |seconds: i64| Timestamp::from_second(seconds).map_or_else(|_| "unset".to_owned(), |time| time.to_string());
    let said = format!(
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {}, expiry time \
         of assertion {}.",
        told(begins),
        told(ends)
    );
    Err(OAuthError::assertion(700_024, said))
}
