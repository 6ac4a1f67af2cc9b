//! TLS for the connection to the server. It trusts the system's certificates, or only those in the file that the address
//! names.

use super::{address::Address, error::PostgresError};
use rustls_platform_verifier::Verifier;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer, pki_types::pem::PemObject,
};

/// What makes the TLS sessions of connections to this address.
pub(super) fn connector(address: &Address) -> Result<MakeRustlsConnect, PostgresError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let failed = |why: String| PostgresError::Address(format!("TLS cannot be set up: {why}"));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    let config = match &address.roots {
        Some(file) => {
            let unusable = |why: String| PostgresError::File { file: file.clone(), why };
            let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable("it has no certificate".into()));
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        // Nothing is checked where nothing is encrypted, and reading all certificates takes time.
        None if !address.is_encrypted() => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
        None => {
            let verifier = Verifier::new(provider).map_err(|error| failed(error.to_string()))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}
