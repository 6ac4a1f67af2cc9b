//! Authorities and certificates for the tests, in files that the server can read.

use crate::server::give_to_the_server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// An authority.
pub type Authority = CertifiedIssuer<'static, KeyPair>;

/// A folder with certificates.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
        Self(folder)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that only its owner can read.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.file(name);
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
        file
    }

    /// The same for the server.
    pub fn write_for_the_server(&self, name: &str, text: &str) -> PathBuf {
        let file = self.write(name, text);
        give_to_the_server(&file);
        file
    }

    /// A new authority, with its certificate in a file.
    pub fn authority(&self, name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, format!("the authority {name}"));
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
        self.write(&format!("{name}.pem"), &authority.pem());
        authority
    }
}

/// A certificate with its key, for a host or a role; valid in these years.
pub fn certificate(authority: &Authority, host: &str, years: (i32, i32)) -> (String, String) {
    let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, host);
    let key = KeyPair::generate().expect("a key");
    (params.signed_by(&key, authority).expect("signed").pem(), key.serialize_pem())
}

/// A path in a URL.
pub fn in_url(file: &Path) -> String {
    file.display().to_string().replace('/', "%2F")
}
