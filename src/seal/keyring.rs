//! The data keys that a process has: the one that it made, and those that an identity opened.
//!
//! It never stores anything. Whoever makes a key stores it before anything is sealed under it: [`Keyring::adopt`].

use super::{
    Binding, Identities, Recipients, SealError, Sealing,
    value::{DataKey, KEY_BYTES, context, number_of},
};
use crate::password::Password;
use aws_lc_rs::digest::{Context, SHA256};
use std::collections::BTreeMap;
use zeroize::{Zeroize, Zeroizing};

/// Before a data key and its number, in what the recipients get.
const LABEL: &[u8] = b"passwave data key 2";
/// The same of releases that did not bind the recipients.
const LABEL_1: &[u8] = b"passwave data key 1";
/// Most bytes of a data key with all that belongs to it.
const OPENED_BYTES_MAX: usize = 1 << 10;

/// What a process can seal and open.
pub struct Keyring {
    run: String,
    recipients: Recipients,
    /// Of the recipients: each data key says for whom it was made.
    digest: Vec<u8>,
    /// Whether data keys of an older release are opened, too.
    takes_older: bool,
    keys: BTreeMap<u32, DataKey>,
    /// The one under which it seals.
    own: Option<u32>,
    /// Whether somebody has given a key that opens all of them.
    unlocked: bool,
}

/// A data key that nobody uses yet.
pub struct MadeKey {
    number: u32,
    key: DataKey,
    wrapped: Vec<u8>,
}

impl MadeKey {
    /// What is to be stored under its number: an age file for the recipients.
    #[must_use]
    pub fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }
}

impl Keyring {
    /// An empty one for the run of that id.
    ///
    /// # Errors
    /// Where a recipient is none.
    pub fn new(run: String, sealing: &Sealing) -> Result<Self, SealError> {
        Ok(Self {
            run,
            recipients: Recipients::parse(&sealing.recipients)?,
            digest: digest(&sealing.recipients),
            takes_older: false,
            keys: BTreeMap::new(),
            own: None,
            unlocked: false,
        })
    }

    /// From now on opens data keys of a release that did not bind the recipients, too.
    pub fn take_older(&mut self) {
        self.takes_older = true;
    }

    /// To whom everything is sealed.
    #[must_use]
    pub fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// The number of the key under which this process seals, once it has one.
    #[must_use]
    pub fn own(&self) -> Option<u32> {
        self.own
    }

    /// Makes a data key of that number.
    ///
    /// # Errors
    /// Without randomness.
    pub fn make(&self, number: u32) -> Result<MadeKey, SealError> {
        let (key, bytes) = DataKey::made()?;
        let head = self.head(LABEL, number);
        let mut plain = Zeroizing::new(Vec::with_capacity(head.len() + self.digest.len() + KEY_BYTES));
        plain.extend_from_slice(&head);
        plain.extend_from_slice(&self.digest);
        plain.extend_from_slice(bytes.as_slice());
        Ok(MadeKey { number, key, wrapped: self.recipients.seal(&plain)? })
    }

    /// From now on seals under a key that is stored.
    pub fn adopt(&mut self, made: MadeKey) {
        self.own = Some(made.number);
        self.keys.insert(made.number, made.key);
    }

    /// Opens a data key as it was stored, for reading; false where it is not sealed to `identities`.
    ///
    /// # Errors
    /// Where it was changed, or is another's.
    pub fn unlock(&mut self, number: u32, wrapped: &[u8], identities: &Identities) -> Result<bool, SealError> {
        let bad = || SealError::BadKey(number);
        let Some(plain) = identities.open(wrapped, OPENED_BYTES_MAX).map_err(|_| bad())? else {
            // It is sealed to all recipients of the run: what is not, was changed.
            return if identities.include_any(&self.recipients) { Err(bad()) } else { Ok(false) };
        };
        let bytes = match plain.strip_prefix(self.head(LABEL, number).as_slice()) {
            Some(bound) => bound.strip_prefix(self.digest.as_slice()).ok_or(SealError::OtherRecipients(number))?,
            None if self.takes_older => plain.strip_prefix(self.head(LABEL_1, number).as_slice()).ok_or_else(bad)?,
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

    /// Seals a password for its place.
    ///
    /// # Errors
    /// Without randomness, or where this process has no key of its own.
    pub fn seal(&self, place: &Binding<'_>, password: &Password) -> Result<Vec<u8>, SealError> {
        let own = self.own.and_then(|number| Some((number, self.keys.get(&number)?)));
        let (number, key) = own.ok_or(SealError::Closed(place.row))?;
        key.seal(number, context(&self.run, number, place), password)
    }

    /// Opens a password at its place; none where no key was given.
    ///
    /// # Errors
    /// Where it was changed, or was sealed for another place, or names a data key that is not there.
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
