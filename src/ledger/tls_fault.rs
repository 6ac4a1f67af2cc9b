//! Why the connection to a server could not be protected.

use std::{error::Error, fmt, io};
use tokio_rustls::rustls::{self, CertificateError};

/// What is wrong with TLS at a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFault {
    /// The server does not offer it.
    NotOffered,
    /// No trusted authority has signed its certificate.
    UnknownAuthority,
    /// Its certificate is for another host.
    OtherHost,
    /// Its certificate is not valid now.
    NotValidNow,
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOffered => "the server does not offer TLS",
            Self::UnknownAuthority => "no authority that is trusted here has signed its certificate",
            Self::OtherHost => "its certificate is for another host",
            Self::NotValidNow => "its certificate is not valid now",
        })
    }
}

impl TlsFault {
    /// The fault in an error of the driver, if it is one of these.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(fault) = Self::in_one(error) {
                return Some(fault);
            }
            next = error.source();
        }
        None
    }

    fn in_one(error: &(dyn Error + 'static)) -> Option<Self> {
        if error.to_string() == "server does not support TLS" {
            return Some(Self::NotOffered);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let rustls::Error::InvalidCertificate(fault) = inner?.downcast_ref::<rustls::Error>()? else { return None };
        match fault {
            CertificateError::UnknownIssuer => Some(Self::UnknownAuthority),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Some(Self::OtherHost)
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Some(Self::NotValidNow),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found_below_other_errors() {
        for (fault, found) in [
            (CertificateError::UnknownIssuer, Some(TlsFault::UnknownAuthority)),
            (CertificateError::NotValidForName, Some(TlsFault::OtherHost)),
            (CertificateError::Expired, Some(TlsFault::NotValidNow)),
            (CertificateError::NotValidYet, Some(TlsFault::NotValidNow)),
            (CertificateError::Revoked, None),
        ] {
            let error = io::Error::other(rustls::Error::InvalidCertificate(fault));
            assert_eq!(TlsFault::of(&error), found, "{error}");
        }
        assert_eq!(TlsFault::of(&io::Error::other("server does not support TLS")), Some(TlsFault::NotOffered));
    }
}
