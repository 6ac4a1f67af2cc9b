//! Replaces `age.rs` in a program without sealing: none of its types can have a value.

use super::SealError;
use secrecy::SecretString;
use std::{
    convert::Infallible,
    io::{self, Write},
    marker::PhantomData,
};
use zeroize::Zeroizing;

/// The recipients who can open what is sealed.
pub struct Recipients(Infallible);

/// Keys that open what was sealed to their recipients.
pub struct Identities(Infallible);

/// Fails: there is no sealing.
pub(super) fn locked_pair(_passphrase: &SecretString) -> Result<(String, String), SealError> {
    Err(SealError::NotBuilt)
}

impl Recipients {
    /// Refuses every recipient.
    ///
    /// # Errors
    /// Always fails.
    pub fn parse(_recipients: &[String]) -> Result<Self, SealError> {
        Err(SealError::NotBuilt)
    }

    pub(super) fn seal(&self, _plain: &[u8]) -> Result<Vec<u8>, SealError> {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never fails.
    pub fn stream<E: From<io::Error>>(
        &self,
        _out: &mut dyn Write,
        _write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never fails.
    pub fn writer<W: Write>(&self, _out: W) -> io::Result<SealedWriter<W>> {
        match self.0 {}
    }
}

/// Seals what is written to it.
pub struct SealedWriter<W>(Infallible, PhantomData<W>);

impl<W> SealedWriter<W> {
    /// Never called.
    ///
    /// # Errors
    /// Never fails.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {}
    }
}

impl<W> Write for SealedWriter<W> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0 {}
    }
}

impl Identities {
    pub(super) fn open(&self, _sealed: &[u8], _most: usize) -> Result<Option<Zeroizing<Vec<u8>>>, SealError> {
        match self.0 {}
    }

    pub(super) fn include_any(&self, _recipients: &Recipients) -> bool {
        match self.0 {}
    }
}
