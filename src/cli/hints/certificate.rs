//! What to do about a certificate that the simulator cannot use.

use passwave::simulator::{CertificateError, ServerTlsError};

/// What to do about a certificate that cannot be served.
pub const fn of(error: &ServerTlsError) -> &'static str {
    match error {
        ServerTlsError::Certificate => "--tls-cert takes a file with \"BEGIN CERTIFICATE\"; --tls makes one",
        ServerTlsError::Key => "--tls-key takes a file with \"BEGIN PRIVATE KEY\", without a password; --tls makes one",
        ServerTlsError::Pair(_) => "give the key with which the certificate was made, or use --tls",
        _ => "--tls makes a certificate",
    }
}

/// What to do about a certificate that the application cannot sign in with.
pub const fn of_application(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Unreadable => "--app-certificate takes a file with \"BEGIN CERTIFICATE\", and needs no key",
        _ => "--app-certificate takes a certificate in PEM",
    }
}
