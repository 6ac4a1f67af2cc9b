//! The location of the configuration file.
//!
//! The current folder is never searched: a file placed beside a roster must not decide where passwords go.

use super::Environment;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Its folder and name, inside the platform's configuration folder.
const PATH: [&str; 2] = ["passwave", "config.toml"];

/// Which file to read.
pub(super) enum Choice {
    /// The one in the platform's folder, if it exists.
    Usual,
    /// This one, which must exist.
    This(PathBuf),
    /// No file.
    Nowhere,
}

impl Choice {
    /// The file; `None` if none is to be read, or the platform has no folder for it.
    pub(super) fn file(&self, environment: &Environment) -> Option<PathBuf> {
        match self {
            Self::Usual => folder(environment).map(|folder| PATH.iter().fold(folder, |path, part| path.join(part))),
            Self::This(path) => Some(path.clone()),
            Self::Nowhere => None,
        }
    }
}

#[cfg(not(any(windows, target_os = "macos")))]
fn folder(environment: &Environment) -> Option<PathBuf> {
    variable(environment, "XDG_CONFIG_HOME").or_else(|| Some(variable(environment, "HOME")?.join(".config")))
}

#[cfg(target_os = "macos")]
fn folder(environment: &Environment) -> Option<PathBuf> {
    Some(variable(environment, "HOME")?.join("Library/Application Support"))
}

#[cfg(windows)]
fn folder(environment: &Environment) -> Option<PathBuf> {
    variable(environment, "APPDATA")
}

/// The folder in a variable; by the specification, relative paths are ignored.
fn variable(environment: &Environment, name: &str) -> Option<PathBuf> {
    let is_it = |(key, _): &&(OsString, OsString)| key.eq_ignore_ascii_case(name);
    environment.iter().find(is_it).map(|(_, value)| PathBuf::from(value)).filter(|path| Path::is_absolute(path))
}
