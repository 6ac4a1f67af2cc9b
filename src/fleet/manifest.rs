//! `fleet.json`: which tenants a fleet has, and where their runs are.
//!
//! It is written last, so a fleet whose planning was cut off has none. It holds no password and no secret.
//!
//! Invariant: every folder that it names is directly in the fleet's folder.

use super::FleetError;
use crate::{
    JsonError,
    util::{lock_file, private_file},
};
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    io::{ErrorKind, Write},
    path::{Component, Path, PathBuf},
};

/// The file's name in the fleet's folder.
pub const FILE_NAME: &str = "fleet.json";
/// The name of its format.
const SCHEMA: &str = "passwave.fleet.v1";
/// The lock's name in the fleet's folder.
const LOCK_NAME: &str = "fleet.lock";
/// Begins what the fingerprint covers.
const LABEL: &[u8] = b"passwave fleet 1\n";

/// The content of `fleet.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Its format: `schema/fleet.schema.json`.
    pub schema: String,
    /// Version of passwave that planned the fleet.
    pub passwave: String,
    /// Whether no tenant is involved.
    pub rehearsal: bool,
    /// Name of the roster.
    pub roster: String,
    /// The column that names the tenants.
    pub tenant_column: String,
    /// The tenants, in the order in which the roster names them.
    pub tenants: Vec<Member>,
}

/// One tenant of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// How it is called: by a domain of the roster, otherwise by its id. Empty for the rows without a certain tenant.
    pub name: String,
    /// Its id; `None` for the rows without a certain tenant, and in a rehearsal for one that was named by a domain.
    pub tenant_id: Option<String>,
    /// All its names in the roster.
    pub names: Vec<String>,
    /// The folder of its run, in the fleet's folder.
    pub folder: String,
    /// Its rows in the roster.
    pub rows: u64,
}

impl Manifest {
    /// The content for these tenants.
    #[must_use]
    pub fn new(roster: &str, tenant_column: &str, rehearsal: bool, tenants: Vec<Member>) -> Self {
        Self {
            schema: SCHEMA.into(),
            passwave: env!("CARGO_PKG_VERSION").into(),
            rehearsal,
            roster: roster.to_owned(),
            tenant_column: tenant_column.to_owned(),
            tenants,
        }
    }
}

/// The folder of a fleet.
#[derive(Debug)]
pub struct Fleet {
    folder: PathBuf,
    manifest: Manifest,
}

impl Fleet {
    /// Whether there is a fleet in this folder.
    #[must_use]
    pub fn is_at(folder: &Path) -> bool {
        folder.join(FILE_NAME).is_file()
    }

    /// Makes an empty folder for a fleet. It must not exist yet.
    ///
    /// # Errors
    /// Fails if it exists or cannot be made.
    pub fn make_folder(folder: &Path) -> Result<(), FleetError> {
        private_file::create_dir(folder).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => FleetError::Exists(folder.to_owned()),
            _ => FleetError::File { file: folder.to_owned(), source },
        })
    }

    /// Completes a fleet whose runs are planned.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn complete(folder: &Path, manifest: Manifest) -> Result<Self, FleetError> {
        let file = folder.join(FILE_NAME);
        let failed = |source| FleetError::File { file: file.clone(), source };
        let text = serde_json::to_string_pretty(&manifest).map_err(|error| failed(error.into()))?;
        let mut out = private_file::create_file(&file).map_err(failed)?;
        out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.sync_all()).map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Opens a fleet.
    ///
    /// # Errors
    /// Fails if there is none, or if its file cannot be read, is newer, or names other folders than its own.
    pub fn open(folder: &Path) -> Result<Self, FleetError> {
        let file = folder.join(FILE_NAME);
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(FleetError::Unfinished(folder.to_owned())),
            Err(source) => return Err(FleetError::File { file, source }),
        };
        let manifest: Manifest = match serde_json::from_slice(&text) {
            Ok(manifest) => manifest,
            Err(error) => return Err(FleetError::Unreadable { file, source: JsonError(error) }),
        };
        if manifest.schema != SCHEMA {
            return Err(FleetError::Newer { file, schema: manifest.schema });
        }
        if let Some(outside) = manifest.tenants.iter().find(|member| !is_plain(&member.folder)) {
            return Err(FleetError::Outside { file, name: outside.folder.clone() });
        }
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Makes sure that no other process works on the fleet, as long as the file is open.
    ///
    /// # Errors
    /// Fails if another process does, or the lock cannot be taken.
    pub fn lock(&self) -> Result<File, FleetError> {
        let path = self.folder.join(LOCK_NAME);
        let made = match lock_file::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => lock_file::create(&path),
            other => other,
        };
        let file = made.map_err(|source| FleetError::File { file: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(FleetError::Locked(self.folder.clone())),
            Err(TryLockError::Error(source)) => Err(FleetError::File { file: path, source }),
        }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its file says.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder of one of its runs.
    #[must_use]
    pub fn folder_of(&self, member: &Member) -> PathBuf {
        self.folder.join(&member.folder)
    }

    /// The fingerprint of the whole fleet, from those of its runs in order: it names each tenant and its plan.
    #[must_use]
    pub fn fingerprint(&self, of_runs: &[String]) -> String {
        let mut context = Context::new(&SHA256);
        context.update(LABEL);
        for (member, fingerprint) in self.manifest.tenants.iter().zip(of_runs) {
            for part in [member.tenant_id.as_deref().unwrap_or_default(), &member.name, fingerprint] {
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part.as_bytes());
            }
        }
        context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether a name is that of a folder directly within another.
pub(super) fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) && !name.contains(['/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Member {
        Member { name: name.into(), tenant_id: None, names: vec![name.into()], folder: name.into(), rows: 1 }
    }

    #[test]
    fn what_is_written_is_read() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("fleet");
        Fleet::make_folder(&folder).expect("made");
        assert!(matches!(Fleet::make_folder(&folder), Err(FleetError::Exists(_))));
        assert!(matches!(Fleet::open(&folder), Err(FleetError::Unfinished(_))));
        let manifest = Manifest::new("r.csv", "Tenant", false, vec![member("a.com"), member("b.com")]);
        let fleet = Fleet::complete(&folder, manifest).expect("written");
        assert_eq!(Fleet::open(&folder).expect("a fleet").manifest().tenants, fleet.manifest().tenants);
        let held = fleet.lock().expect("locked");
        assert!(matches!(Fleet::open(&folder).expect("a fleet").lock(), Err(FleetError::Locked(_))));
        drop(held);
        let (one, two) = (["x".to_owned(), "y".to_owned()], ["y".to_owned(), "x".to_owned()]);
        assert_ne!(fleet.fingerprint(&one), fleet.fingerprint(&two), "plans belong to their tenants");
    }

    #[test]
    fn foreign_folders_are_refused() {
        for bad in ["..", "../other", "/etc", "a/b", "a\\b", "", ".", "c:x"] {
            assert!(!is_plain(bad), "{bad}");
        }
        assert!(is_plain("contoso.com"));
    }
}
