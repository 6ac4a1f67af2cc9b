//! The data keys of a process: the one that it made, and those that an identity opened.
//!
//! It stores nothing. A caller that makes a key stores it before anything is sealed under it: [`Keyring::adopt`].

use super::{
    Binding, Identities, Recipients, SealError, Sealing,
    value::{DataKey, KEY_BYTES, context, number_of},
};
use crate::password::Password;
use aws_lc_rs::digest::{Context, SHA256};
use std::collections::BTreeMap;
use zeroize::{Zeroize, Zeroizing};

/// Precedes a data key and its number in what the recipients get.
const LABEL: &[u8] = b"passwave data key 2";
/// The label of releases that did not bind the recipients.
const LABEL_1: &[u8] = b"passwave data key 1";
/// Maximum size of a data key with its label and number.
const OPENED_BYTES_MAX: usize = 1 << 10;

/// The keys with which a process seals and opens.
pub struct Keyring {
    run: String,
    recipients: Recipients,
    /// Digest of the recipients. Each data key contains it.
    digest: Vec<u8>,
    /// Whether to open data keys of an older release, too.
    accepts_older: bool,
    keys: BTreeMap<u32, DataKey>,
    /// The number of the key that this process seals with.
    own: Option<u32>,
    /// Whether a key was given that opens all of them.
    unlocked: bool,
}

/// A data key that is not in use yet.
pub struct MadeKey {
    number: u32,
    key: DataKey,
    wrapped: Vec<u8>,
}

impl MadeKey {
    /// What has to be stored under its number: an age file for the recipients.
    #[must_use]
    pub fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }
}

impl Keyring {
    /// An empty keyring for the run with that id.
    ///
    /// # Errors
    /// Fails if a recipient is not valid.
    pub fn new(run: String, sealing: &Sealing) -> Result<Self, SealError> {
        Ok(Self {
            run,
            recipients: Recipients::parse(&sealing.recipients)?,
            digest: digest(&sealing.recipients),
            accepts_older: false,
            keys: BTreeMap::new(),
            own: None,
            unlocked: false,
        })
    }

    /// From now on, also opens data keys of a release that did not bind the recipients.
    pub fn accept_older(&mut self) {
        self.accepts_older = true;
    }

    /// The recipients of everything that is sealed.
    #[must_use]
    pub fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// The number of the key that this process seals with, once it has one.
    #[must_use]
    pub fn own(&self) -> Option<u32> {
        self.own
    }

    /// Makes a data key with that number.
    ///
    /// # Errors
    /// Fails if the system has no randomness.
    pub fn make(&self, number: u32) -> Result<MadeKey, SealError> {
        let (key, bytes) = DataKey::made()?;
        let head = self.head(LABEL, number);
        let mut plain = Zeroizing::new(Vec::with_capacity(head.len() + self.digest.len() + KEY_BYTES));
        plain.extend_from_slice(&head);
        plain.extend_from_slice(&self.digest);
        plain.extend_from_slice(bytes.as_slice());
        Ok(MadeKey { number, key, wrapped: self.recipients.seal(&plain)? })
    }

    /// From now on, seals with this key. It must be stored already.
    pub fn adopt(&mut self, made: MadeKey) {
        self.own = Some(made.number);
        self.keys.insert(made.number, made.key);
    }

    /// Opens a stored data key for reading. Returns `false` if it is not sealed to `identities`.
    ///
    /// # Errors
    /// Fails if the key was changed, or belongs to another run.
    pub fn unlock(&mut self, number: u32, wrapped: &[u8], identities: &Identities) -> Result<bool, SealError> {
        let bad = || SealError::BadKey(number);
        let Some(plain) = identities.open(wrapped, OPENED_BYTES_MAX).map_err(|_| bad())? else {
            // Every data key is sealed to all recipients of the run. If one is not, somebody changed it.
            return if identities.include_any(&self.recipients) { Err(bad()) } else { Ok(false) };
        };
        let bytes = match plain.strip_prefix(self.head(LABEL, number).as_slice()) {
            Some(bound) => bound.strip_prefix(self.digest.as_slice()).ok_or(SealError::OtherRecipients(number))?,
            None if self.accepts_older => plain.strip_prefix(self.head(LABEL_1, number).as_slice()).ok_or_else(bad)?,
            None => return Err(bad()),
        };
        let mut bytes: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| bad())?;
        self.keys.entry(number).or_insert_with(|| DataKey::of(&bytes));
        bytes.zeroize();
        self.unlocked = true;
        Ok(true)
    }

    /// Whether the key of a sealed form is at hand, or should be.
    #[must_use]
    pub fn reads(&self, sealed: &[u8]) -> bool {
        self.unlocked || number_of(sealed).is_some_and(|number| self.keys.contains_key(&number))
    }

    /// Seals a password for its row.
    ///
    /// # Errors
    /// Fails without randomness, or if this process has no key of its own.
    pub fn seal(&self, place: &Binding<'_>, password: &Password) -> Result<Vec<u8>, SealError> {
        let own = self.own.and_then(|number| Some((number, self.keys.get(&number)?)));
        let (number, key) = own.ok_or(SealError::Closed(place.row))?;
        key.seal(number, context(&self.run, number, place), password)
    }

    /// Opens a password at its place; `None` if no key was given.
    ///
    /// # Errors
    /// Fails if it was changed, was sealed for another place, or names a missing data key.
    pub fn open(&self, place: &Binding<'_>, sealed: &[u8]) -> Result<Option<Password>, SealError> {
        let bad = || SealError::BadValue(place.row);
        let number = number_of(sealed).ok_or_else(bad)?;
        match self.keys.get(&number) {
            Some(key) => key.open(context(&self.run, number, place), sealed).map(Some).ok_or_else(bad),
            None if self.unlocked => Err(bad()),
            None => Ok(None),
        }
    }

    fn head(&self, label: &[u8], number: u32) -> Vec<u8> {
        let length = (self.run.len() as u64).to_be_bytes();
        [label, &number.to_be_bytes(), &length, self.run.as_bytes()].concat()
    }
}

/// Each recipient has its length, so no two lists read the same.
fn digest(recipients: &[String]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for recipient in recipients {
        context.update(&(recipient.len() as u64).to_be_bytes());
        context.update(recipient.as_bytes());
    }
    context.finish().as_ref().to_vec()
}
