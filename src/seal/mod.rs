//! Sealing: passwords on disk that only the holder of a key reads.
//!
//! The map: [`Sealing`] says to whom, and is kept with the plan. A data key, made anew by each process that writes
//! passwords, seals every value for its [`Binding`]; age carries the data key to the [`Recipients`], and streams the report
//! to them. [`Keyring`] holds the data keys that a process has: its own, and those that [`Identities`] opened.
//!
//! It never touches a file. What it does not promise: anybody who may write to the ledger may seal something else to the
//! same recipients; and a sealed value tells the length of its password.
//!
//! Invariant: a value opens only under its own data key and at its own place, or is refused with its row.

#[cfg(feature = "seal")]
mod age;
#[cfg(not(feature = "seal"))]
#[path = "without.rs"]
mod age;
mod keyring;
mod value;

pub use self::age::{Identities, Recipients};
pub use keyring::{Keyring, MadeKey};
pub use value::{Binding, SEALED_OVERHEAD_BYTES};

use crate::clean;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most bytes of a recipients file or of a key file.
pub const KEY_FILE_BYTES_MAX: u64 = 1 << 20;

/// To whom a run is sealed: part of its settings, and no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    /// Recipients of age, as they are written: `age1…`.
    pub recipients: Vec<String>,
    /// Where there is a passphrase: the secret key of one of the recipients, as a key file that the passphrase locks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// What people call a recipient: the comment above it in a recipients file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
}

/// How many characters of a recipient are shown at its beginning and at its end.
const RECIPIENT_SHOWN: (usize, usize) = (10, 6);
/// Longest name that is kept.
const NAME_CHARS_MAX: usize = 60;

impl Sealing {
    /// Each recipient as people tell it from others: its name, and how it begins and ends. Foreign text.
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        let shown = |recipient: &String| {
            let (first, last) = RECIPIENT_SHOWN;
            let cut = recipient.len().checked_sub(last).filter(|at| *at > first && recipient.is_ascii());
            let key =
                cut.map_or_else(|| recipient.clone(), |at| format!("{}…{}", &recipient[..first], &recipient[at..]));
            self.names.get(recipient).map_or_else(|| key.clone(), |name| format!("{name} ({key})"))
        };
        self.recipients.iter().map(shown).collect()
    }

    /// Adds recipients, each once.
    ///
    /// # Errors
    /// Where one is no recipient of age (X25519).
    pub fn add(&mut self, recipients: impl IntoIterator<Item = String>) -> Result<(), SealError> {
        for recipient in recipients {
            let recipient = recipient.trim().to_owned();
            Recipients::parse(std::slice::from_ref(&recipient))?;
            if !self.recipients.contains(&recipient) {
                self.recipients.push(recipient);
            }
        }
        Ok(())
    }

    /// Adds the recipients of a file as `age -R` reads it: one a line, with blank lines and comments (`#`).
    ///
    /// # Errors
    /// Where a line is no recipient, with its number, or the file names none.
    pub fn add_file(&mut self, name: &str, text: &str) -> Result<(), SealError> {
        let before = self.recipients.len();
        let (mut named, mut comment) = (false, None);
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                // A comment names what stands right below it.
                comment = line.strip_prefix('#').map(str::trim).filter(|name| !name.is_empty());
                continue;
            }
            named = true;
            if let Some(name) = comment.take() {
                let name = name.chars().take(NAME_CHARS_MAX).collect();
                self.names.entry(line.to_owned()).or_insert(name);
            }
            self.add([line.to_owned()]).map_err(|error| {
                self.recipients.truncate(before);
                SealError::Line { file: name.to_owned(), line: at + 1, error: Box::new(error) }
            })?;
        }
        if named { Ok(()) } else { Err(SealError::NobodyNamed(name.to_owned())) }
    }

    /// Adds a passphrase: a new key pair whose secret half the passphrase locks, so that later processes seal without
    /// it. It takes a second and 256 MiB, so that guessing takes as much.
    ///
    /// # Errors
    /// Where it cannot be done.
    pub fn add_passphrase(&mut self, passphrase: &SecretString) -> Result<(), SealError> {
        let (recipient, identity) = age::locked_pair(passphrase)?;
        self.names.insert(recipient.clone(), "a passphrase".into());
        self.recipients.push(recipient);
        self.identity = Some(identity);
        Ok(())
    }
}

/// Why something cannot be sealed or opened. No message holds a secret, or a part of one.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The program lacks it.
    #[error(
        "the passwords are sealed, and this passwave was built without sealing\nhint: use one that was built with the feature `seal`"
    )]
    NotBuilt,
    /// Something else than a recipient.
    #[error(
        "this is no recipient of age\nhint: one begins with age1, and `age-keygen -y KEYFILE` tells it; SSH keys and plugins are not taken"
    )]
    BadRecipient,
    /// A secret key in place of a recipient.
    #[error(
        "a secret key was given where a recipient belongs, and others may have seen it by now\n\
         hint: make a new one (age-keygen -o KEYFILE), and give its recipient: age-keygen -y KEYFILE"
    )]
    SecretKey,
    /// A line of a file.
    #[error("{}, line {line}: {error}", clean::for_terminal(.file))]
    Line {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        error: Box<SealError>,
    },
    /// A recipients file without any.
    #[error("{} names no recipient\nhint: one a line, as `age-keygen -y KEYFILE` tells it", clean::for_terminal(.0))]
    NobodyNamed(String),
    /// A key file that is none.
    #[error("this is no key of age\nhint: a key file is what age-keygen writes; its key begins with AGE-SECRET-KEY-1")]
    NoIdentity,
    /// A passphrase that does not open its file.
    #[error("the passphrase is not the right one, or the file that it locks was changed")]
    WrongPassphrase,
    /// A file that asks for more than a passphrase should.
    #[error(
        "opening this with a passphrase would take far too long; it was refused\nhint: lock the key file anew with `age -p`"
    )]
    TooMuchWork,
    /// A key that was given opens nothing.
    #[error(
        "the key that was given opens nothing of this run\nhint: give the key of one of its recipients, which are in summary.json"
    )]
    WrongKey,
    /// A data key is not what was stored.
    #[error(
        "data key {0} of the ledger is damaged, or comes from elsewhere; it was refused\nhint: restore the run folder from a copy"
    )]
    BadKey(u32),
    /// A data key was made for others than those to whom the run is sealed now.
    #[error(
        "data key {0} of the ledger was not made for the recipients that the run names: somebody changed them; it was refused\n\
         hint: restore the run folder from a copy, or plan again; do not send it to anybody before"
    )]
    OtherRecipients(u32),
    /// A row's password is not what was stored.
    #[error(
        "row {0}: its sealed password is damaged, or belongs elsewhere; it was refused\nhint: restore the run folder from a copy"
    )]
    BadValue(u64),
    /// A row of a sealed run holds a password in the clear, or the other way round.
    #[error(
        "row {0}: its password is not sealed as the run is; it was refused\nhint: the ledger was changed by another program; restore it from a copy"
    )]
    Unsealed(u64),
    /// A row's password is needed, and nobody here can read it.
    #[error("row {0}: its password is sealed, and no key was given\nhint: give the key with --identity")]
    Closed(u64),
    /// Without randomness there are no keys.
    #[error("the operating system gives no randomness, so nothing can be sealed")]
    NoRandomness,
}
