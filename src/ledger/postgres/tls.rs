//! TLS for the connection to the server. It trusts the system's certificates and those in a file, or only those in the file
//! that the address names. The client can have a certificate of its own.

use super::{
    address::{Address, Trust},
    error::PostgresError,
};
use rustls_platform_verifier::Verifier;
use std::{path::Path, sync::Arc};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{
    ClientConfig, ConfigBuilder, RootCertStore,
    client::WantsClientCert,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// What makes the TLS sessions of connections to this address.
pub(super) fn connector(address: &Address) -> Result<MakeRustlsConnect, PostgresError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    // Nothing is checked where nothing is encrypted, and reading all certificates takes time.
    let builder = match address.is_encrypted() {
        true => checking(provider, &address.trust)?,
        false => versions(provider)?.with_root_certificates(RootCertStore::empty()),
    };
    let config = match address.trust.client.as_ref().filter(|_| address.is_encrypted()) {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, secret)
                .map_err(|error| unusable(certificate, &error))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

type WantsVerifier = ConfigBuilder<ClientConfig, tokio_rustls::rustls::WantsVerifier>;

fn versions(provider: Arc<CryptoProvider>) -> Result<WantsVerifier, PostgresError> {
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.map_err(|error| not_set_up(&error))
}

/// Checks the server's certificate in full.
fn checking(
    provider: Arc<CryptoProvider>,
    trust: &Trust,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, PostgresError> {
    let builder = versions(Arc::clone(&provider))?;
    if let Some(file) = &trust.roots {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(file)? {
            roots.add(certificate).map_err(|error| unusable(file, &error))?;
        }
        return Ok(builder.with_root_certificates(roots));
    }
    let more = trust.more.as_deref().map_or(Ok(Vec::new()), certificates)?;
    let verifier = Verifier::new_with_extra_roots(more, provider).map_err(|error| not_set_up(&error))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

/// The certificates in a PEM file, at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, PostgresError> {
    let found = CertificateDer::pem_file_iter(file).map_err(|error| unusable(file, &error))?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|error| unusable(file, &error))?;
    if found.is_empty() {
        return Err(PostgresError::File { file: file.to_owned(), why: "it has no certificate".into() });
    }
    Ok(found)
}

fn unusable(file: &Path, error: &dyn std::fmt::Display) -> PostgresError {
    PostgresError::File { file: file.to_owned(), why: error.to_string() }
}

fn not_set_up(error: &dyn std::fmt::Display) -> PostgresError {
    PostgresError::Address(format!("TLS cannot be set up: {error}"))
}
