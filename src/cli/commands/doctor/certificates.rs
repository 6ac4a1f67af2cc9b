//! The authorities whose certificates this machine trusts.

use super::Examination;
use crate::cli::{
    args::ConnectArgs,
    hints::system::{Limit, of},
};
use passwave::util::format::counted;
use std::env;

const CHECK: &str = "certificates";
/// Variables that name other certificates. Windows and macOS check certificates themselves, and ignore them.
const PLACES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
const USES_VARIABLES: bool = cfg!(all(unix, not(target_os = "macos")));

/// Counts them.
pub(super) fn examine(examination: &mut Examination<'_>, connect: &ConnectArgs) {
    let set: Vec<&str> = PLACES.into_iter().filter(|name| env::var_os(name).is_some()).collect();
    let effect = if USES_VARIABLES { "is set" } else { "has no effect on this system" };
    let more = connect.ca_file.iter().map(|file| format!("and --ca-file {}", file.display()));
    let notes: Vec<String> = set.iter().map(|name| format!("{name} {effect}")).chain(more).collect();
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    match roots() {
        Ok(0) if connect.ca_file.is_none() => {
            examination.problem(CHECK, format!("none is trusted{notes}"), Some(of(Limit::Certificates).into()));
        }
        Ok(count) => {
            let roots = counted(count as u64, "trusted root certificate", "trusted root certificates");
            examination.fine(CHECK, format!("{roots}{notes}"));
        }
        Err(error) => examination.warning(CHECK, format!("{error}{notes}"), of(Limit::Certificates)),
    }
}

/// How many the system trusts. Certificates that cannot be read are left out, as the HTTP client does.
#[cfg(unix)]
fn roots() -> Result<usize, String> {
    let found = rustls_native_certs::load_native_certs();
    match found.errors.first() {
        Some(error) if found.certs.is_empty() => Err(error.to_string()),
        _ => Ok(found.certs.len()),
    }
}

/// How many the system trusts: those of the user, which include those of the machine. Windows fetches others when it
/// needs them.
#[cfg(windows)]
fn roots() -> Result<usize, String> {
    use rustls_cng::store::{CertStore, CertStoreType};
    let found = CertStore::open(CertStoreType::CurrentUser, "ROOT").and_then(|store| store.find_all());
    found
        .map(|certificates| certificates.len())
        .map_err(|error| format!("the store of Windows cannot be read ({error:?})"))
}
