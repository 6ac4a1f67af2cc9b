//! The certificate of a served simulator: a given one, or one that is made for this process.
//!
//! Invariant: the key of the authority that signs it is never written, and forgotten before the first request.

use crate::cli::{args::AddressArgs, failure::Failure, hints};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use passwave::{simulator::ServerTls, util::private_file};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

/// The hosts for which a certificate is made.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long it is valid. Nothing serves that long.
const VALID_DAYS: i64 = 90;
/// How many names for the authority's folder are tried.
const FOLDERS_MAX: u32 = 100;

/// How requests are protected.
pub struct Protection {
    pub tls: ServerTls,
    /// The authority that clients must trust, if it was made for this process.
    pub authority: Option<AuthorityFile>,
}

/// The certificate of an authority, in a folder that only the owner can read. It is removed at the end.
pub struct AuthorityFile(PathBuf);

impl AuthorityFile {
    pub fn file(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// Writes it into a new folder.
    fn write(pem: &str) -> io::Result<Self> {
        let base = env::temp_dir();
        for nth in 0..FOLDERS_MAX {
            let folder = base.join(format!("passwave-simulate-{}-{nth}", process::id()));
            match private_file::create_dir(&folder) {
                Ok(()) => {
                    let authority = Self(folder);
                    private_file::create_file(&authority.file())?.write_all(pem.as_bytes())?;
                    return Ok(authority);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for AuthorityFile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The protection that was asked for; `None` is plain HTTP.
pub fn protection(address: &AddressArgs) -> Result<Option<Protection>, Failure> {
    if let (Some(certificate), Some(key)) = (&address.tls_cert, &address.tls_key) {
        let key = SecretString::from(read(key)?);
        let tls = ServerTls::from_pem(read(certificate)?.as_bytes(), key.expose_secret().as_bytes());
        let tls = tls.map_err(|error| {
            Failure::usage(format!("{}: {error}", certificate.display())).hint(hints::certificate::of(&error))
        })?;
        return Ok(Some(Protection { tls, authority: None }));
    }
    if !address.tls {
        return Ok(None);
    }
    let made =
        make(address.public_url.as_deref()).map_err(|error| Failure::away(format!("no certificate: {error}")))?;
    let tls = ServerTls::from_pem(made.certificate.as_bytes(), made.key.expose_secret().as_bytes());
    let tls = tls.map_err(Failure::away)?;
    let authority = AuthorityFile::write(&made.authority)
        .map_err(|error| Failure::away(format!("cannot write the authority's certificate: {error}")))?;
    Ok(Some(Protection { tls, authority: Some(authority) }))
}

/// The text of a PEM file.
pub fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// A certificate and its authority, all in PEM.
struct Made {
    certificate: String,
    key: SecretString,
    authority: String,
}

/// A new authority and a certificate from it, for loopback and the host of `public_url`.
fn make(public_url: Option<&str>) -> Result<Made, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    dated(&mut params, "passwave simulate: authority of one process");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let mut hosts: Vec<String> = HOSTS.map(str::to_owned).into();
    hosts.extend(public_url.and_then(host).map(str::to_owned));
    let mut params = CertificateParams::new(hosts)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    dated(&mut params, "passwave simulate");
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority)?.pem();
    Ok(Made { certificate, key: SecretString::from(key.serialize_pem()), authority: authority.pem() })
}

/// Sets the name and the time in which it is valid. It begins yesterday, because clocks differ.
fn dated(params: &mut CertificateParams, name: &str) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let at = |date: Date| date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8);
    params.not_before = at(today.saturating_sub(1.day()));
    params.not_after = at(today.saturating_add(VALID_DAYS.days()));
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
}

/// The host in an address, without its port.
fn host(url: &str) -> Option<&str> {
    let (_, host) = url.split_once("://")?;
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    }
}
