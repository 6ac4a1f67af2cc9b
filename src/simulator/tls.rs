//! The certificate with which a simulator is served over TLS.
//!
//! Both HTTP/1.1 and HTTP/2 are offered; the client chooses.
//!
//! Invariant: neither the key nor anything that holds it can be printed.

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::sync::Arc;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs},
};

/// A certificate with its private key, ready to serve.
#[derive(Clone)]
pub struct ServerTls(pub(super) TlsAcceptor);

/// A certificate or a key that cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerTlsError {
    /// No certificate in PEM.
    #[error("there is no readable certificate in PEM")]
    Certificate,
    /// No private key in PEM.
    #[error("there is no readable private key in PEM")]
    Key,
    /// The key is of another certificate, or of a kind that TLS does not use.
    #[error("the certificate and the private key cannot be used together ({0})")]
    Pair(String),
}

impl ServerTls {
    /// Reads a certificate, followed by the certificates that vouch for it, and its private key, all in PEM. Both may be
    /// the same text.
    ///
    /// # Errors
    /// Fails if one of them is missing, or if they do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, ServerTlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(ServerTlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| ServerTlsError::Key)?;
        let pair = |error: tokio_rustls::rustls::Error| ServerTlsError::Pair(error.to_string());
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(pair)?.with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}
