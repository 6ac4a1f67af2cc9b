//! What age does here: it wraps data keys and reports for recipients, reads key files, and locks a key file with a
//! passphrase.
//!
//! The `age` program can open everything that this module writes.

use super::SealError;
use crate::util::secret_text;
use age::{
    DecryptError, Decryptor, Encryptor,
    armor::{ArmoredReader, ArmoredWriter, Format},
    scrypt,
    stream::StreamWriter,
    x25519,
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    io::{self, Read, Write},
    iter,
};
use zeroize::Zeroizing;

/// Cost of a passphrase as a power of two: a second and 256 MiB (128 bytes times 8 times 2^18), like `age -p`.
const WORK: u8 = 18;
/// The highest cost that is accepted for opening a file: 1 GiB.
const WORK_MAX: u8 = 20;
const SECRET_PREFIX: &str = "AGE-SECRET-KEY-";
/// How an age file begins, in its two forms.
const FILE_PREFIXES: [&str; 2] = ["age-encryption.org/", ARMOR_PREFIX];
const ARMOR_PREFIX: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// The recipients who can open what is sealed.
pub struct Recipients(Vec<x25519::Recipient>);

/// Keys that open what was sealed to their recipients. They are wiped when dropped.
#[derive(Default)]
pub struct Identities(Vec<x25519::Identity>);

/// Makes a new key pair: the recipient, and a key file locked with the passphrase.
pub(super) fn locked_pair(passphrase: &SecretString) -> Result<(String, String), SealError> {
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let mut lock = scrypt::Recipient::new(passphrase.clone());
    lock.set_work_factor(WORK);
    let encryptor = Encryptor::with_recipients(iter::once(&lock as _)).expect("a passphrase alone is a recipient");
    let text = identity.to_string();
    let written = || -> io::Result<Vec<u8>> {
        let mut out = encryptor.wrap_output(ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?)?;
        writeln!(out, "# public key: {recipient}\n{}", text.expose_secret())?;
        out.finish()?.finish()
    };
    let file = written().expect("memory takes what is written to it");
    Ok((recipient, String::from_utf8(file).expect("armour is ASCII")))
}

impl Recipients {
    /// Parses recipients (X25519, `age1…`).
    ///
    /// # Errors
    /// Fails if one is not a recipient.
    pub fn parse(recipients: &[String]) -> Result<Self, SealError> {
        let parse = |text: &String| {
            let is_secret =
                text.get(..SECRET_PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(SECRET_PREFIX));
            text.parse().map_err(|_| if is_secret { SealError::SecretKey } else { SealError::BadRecipient })
        };
        recipients.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::new();
        let written = self.stream(&mut sealed, |out| out.write_all(plain));
        written.map(|()| sealed).map_err(|_: io::Error| SealError::BadRecipient)
    }

    /// Seals everything that `write` writes to `out`, as a stream: at most 64 KiB of it are in memory.
    ///
    /// # Errors
    /// Fails if `write` or `out` fails.
    pub fn stream<E: From<io::Error>>(
        &self,
        out: &mut dyn Write,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut sealed = self.writer(out)?;
        write(&mut sealed)?;
        sealed.finish()?;
        Ok(())
    }

    /// Seals everything that is written to the result, as a stream: at most 64 KiB of it are in memory.
    ///
    /// # Errors
    /// Fails if `out` fails.
    pub fn writer<W: Write>(&self, out: W) -> io::Result<SealedWriter<W>> {
        let encryptor = Encryptor::with_recipients(self.0.iter().map(|recipient| recipient as _))
            .map_err(|error| io::Error::other(error.to_string()))?;
        encryptor.wrap_output(out).map(SealedWriter)
    }
}

/// Seals what is written to it. Nobody can open the result unless it is [finished](SealedWriter::finish).
pub struct SealedWriter<W: Write>(StreamWriter<W>);

impl<W: Write> SealedWriter<W> {
    /// Seals the rest, and returns what the whole was written to.
    ///
    /// # Errors
    /// Fails if that fails.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Identities {
    /// Whether a key file is locked with a passphrase.
    #[must_use]
    pub fn is_locked(file: &[u8]) -> bool {
        let text = secret_text::of(file);
        FILE_PREFIXES.iter().any(|prefix| text.trim_start().starts_with(prefix))
    }

    /// Adds the keys of a file in the format of `age-keygen`: one per line, with blank lines and comments.
    ///
    /// # Errors
    /// Fails if the file has no key, or a line is not one.
    pub fn add(&mut self, file: &[u8]) -> Result<(), SealError> {
        let text = secret_text::of(file);
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<_> = keys.map(str::parse).collect::<Result<_, _>>().map_err(|_| SealError::NoIdentity)?;
        if keys.is_empty() {
            return Err(SealError::NoIdentity);
        }
        self.0.extend(keys);
        Ok(())
    }

    /// Adds the keys of a file that is locked with a passphrase.
    ///
    /// # Errors
    /// Fails if the passphrase is wrong, or the file is not a key file.
    pub fn add_locked(&mut self, file: &[u8], passphrase: &SecretString) -> Result<(), SealError> {
        let mut lock = scrypt::Identity::new(passphrase.clone());
        lock.set_max_work_factor(WORK_MAX);
        // An editor may have saved the text form in another encoding.
        let text = secret_text::of(file);
        let file = if text.trim_start().starts_with(ARMOR_PREFIX) { text.as_bytes() } else { file };
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(file)).map_err(|_| SealError::NoIdentity)?;
        if !decryptor.is_scrypt() {
            return Err(SealError::NoIdentity);
        }
        let mut reader = decryptor.decrypt(iter::once(&lock as _)).map_err(|error| match error {
            DecryptError::ExcessiveWork { .. } => SealError::TooMuchWork,
            _ => SealError::WrongPassphrase,
        })?;
        let mut plain = Zeroizing::new(Vec::with_capacity(file.len()));
        reader.read_to_end(&mut plain).map_err(|_| SealError::WrongPassphrase)?;
        self.add(&plain)
    }

    /// Opens what was sealed, up to `most` bytes; `None` if it is sealed to other recipients.
    pub(super) fn open(&self, sealed: &[u8], most: usize) -> Result<Option<Zeroizing<Vec<u8>>>, SealError> {
        let decryptor = Decryptor::new_buffered(sealed).map_err(|_| SealError::NoIdentity)?;
        let reader = match decryptor.decrypt(self.0.iter().map(|identity| identity as _)) {
            Err(DecryptError::NoMatchingKeys) => return Ok(None),
            other => other.map_err(|_| SealError::NoIdentity)?,
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(most));
        reader.take(most as u64).read_to_end(&mut plain).map_err(|_| SealError::NoIdentity)?;
        Ok(Some(plain))
    }

    pub(super) fn include_any(&self, recipients: &Recipients) -> bool {
        let own: Vec<_> = self.0.iter().map(|identity| identity.to_public().to_string()).collect();
        recipients.0.iter().any(|recipient| own.contains(&recipient.to_string()))
    }
}
