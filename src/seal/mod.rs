//! Sealing: only the holder of a key can read the passwords on disk.
//!
//! [`Sealing`] names the recipients and is stored with the plan. Each process that writes passwords makes its own data
//! key, and seals every value with it for its [`Binding`]. age wraps the data key for the [`Recipients`], and streams
//! the report to them. [`Keyring`] holds the data keys of a process: its own, and those that [`Identities`] opened.
//!
//! It never touches a file. Two things it does not promise: anyone who can write to the ledger can seal another value
//! to the same recipients, and a sealed value reveals the length of its password.
//!
//! Invariant: a value opens only with its own data key and for its own row. Otherwise it is refused, and the error
//! names the row.

#[cfg(feature = "seal")]
mod age;
#[cfg(not(feature = "seal"))]
#[path = "without.rs"]
mod age;
mod keyring;
mod value;

pub use self::age::{Identities, Recipients, SealedWriter};
pub use keyring::{Keyring, MadeKey};
pub use value::{Binding, SEALED_OVERHEAD_BYTES};

use crate::util::sanitize;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Maximum size of a recipients file or a key file.
pub const KEY_FILE_BYTES_MAX: u64 = 1 << 20;

/// The recipients of a run: part of its settings, and not secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    /// age recipients as text: `age1…`.
    pub recipients: Vec<String>,
    /// The secret key of one of the recipients, in a key file locked with the passphrase. `None` without a passphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Names of recipients: the comment above each in a recipients file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
}

/// How many characters of a recipient are shown at its beginning and its end.
const RECIPIENT_SHOWN: (usize, usize) = (10, 6);
/// Maximum length of a name.
const NAME_CHARS_MAX: usize = 60;

impl Sealing {
    /// Each recipient as users recognize it: its name, and its first and last characters. The names are foreign text.
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
    /// Fails if one is not an age recipient (X25519).
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

    /// Adds the recipients of a file in the format of `age -R`: one per line, with blank lines and comments (`#`).
    ///
    /// # Errors
    /// Fails if a line is not a recipient (the error has its number), or the file names none.
    pub fn add_file(&mut self, name: &str, text: &str) -> Result<(), SealError> {
        let before = self.recipients.len();
        let (mut named, mut comment) = (false, None);
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                // A comment names the recipient right below it.
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

    /// Adds a passphrase. It makes a new key pair and locks the secret half with the passphrase, so later processes can
    /// seal without it. This takes a second and 256 MiB, and so does every guess.
    ///
    /// # Errors
    /// Fails if the key pair cannot be made.
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
#[non_exhaustive]
pub enum SealError {
    /// This build has no sealing.
    #[error("the passwords are sealed, but this build of passwave cannot seal or open passwords")]
    NotBuilt,
    /// The text is not a recipient.
    #[error("this is not an age recipient")]
    BadRecipient,
    /// The text is a secret key, not a recipient.
    #[error("a secret key was given instead of a recipient, and others may have seen it by now")]
    SecretKey,
    /// A line of a file is wrong.
    #[error("{}, line {line}: {error}", sanitize::for_terminal(.file))]
    Line {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// The problem.
        error: Box<SealError>,
    },
    /// A recipients file has no recipients.
    #[error("{} contains no recipient", sanitize::for_terminal(.0))]
    NobodyNamed(String),
    /// A key file contains no key.
    #[error("this is not an age key")]
    NoIdentity,
    /// The passphrase does not open its file.
    #[error("the passphrase is wrong, or the file that it protects was changed")]
    WrongPassphrase,
    /// A file asks for more work than a passphrase should need.
    #[error("opening this with a passphrase would take far too long; it was refused")]
    TooMuchWork,
    /// The given key opens nothing.
    #[error("the given key does not open the passwords of this run")]
    WrongKey,
    /// A data key was changed after it was stored.
    #[error("data key {0} of the ledger is damaged, or is from another run; it was refused")]
    BadKey(u32),
    /// A data key was made for recipients other than the run's current ones.
    #[error(
        "data key {0} of the ledger was not made for the recipients that the run names: somebody changed them; it was refused"
    )]
    OtherRecipients(u32),
    /// A row's password was changed after it was stored.
    #[error("row {0}: its sealed password is damaged, or belongs to another row or run; it was refused")]
    BadValue(u64),
    /// A row of a sealed run has an unsealed password, or the reverse.
    #[error("row {0}: its password is not sealed like the rest of the run; it was refused")]
    Unsealed(u64),
    /// A row's password is needed, but cannot be read here.
    #[error("row {0}: its password is sealed, but no key was given")]
    Closed(u64),
    /// There is no randomness, so no keys can be made.
    #[error("the operating system provides no randomness, so nothing can be sealed")]
    NoRandomness,
}
