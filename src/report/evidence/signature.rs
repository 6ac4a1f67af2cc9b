//! Signatures of the evidence, as `ssh-keygen -Y sign` makes and `ssh-keygen -Y verify` checks them (PROTOCOL.sshsig of
//! OpenSSH).
//!
//! Only Ed25519 keys sign. The file is hashed as a stream. Invariant: a private key never leaves its type.

use aws_lc_rs::digest::{Context, SHA256, SHA512};
use secrecy::{ExposeSecret, SecretString};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// What the signatures are for: `ssh-keygen -Y verify -n passwave-evidence`.
pub const NAMESPACE: &str = "passwave-evidence";
/// The ending of a signature's file, after the name of the signed one.
pub const SIGNATURE_ENDING: &str = ".sig";
/// The largest key or signature that is read, in bytes.
const KEY_BYTES_MAX: u64 = 64 << 10;
/// How much of a file is hashed at once, in bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// Why a key cannot sign.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// It is not a private key of OpenSSH.
    #[error("it is not a private key in the format of OpenSSH")]
    NotAKey,
    /// A key of another kind than Ed25519.
    #[error("it is a key of type {0}, and passwave signs only with Ed25519 keys")]
    OtherKind(String),
    /// The passphrase is wrong.
    #[error("the passphrase does not open it")]
    WrongPassphrase,
    /// The key does not sign.
    #[error("it does not sign")]
    Refused,
}

/// Why a signature does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// A file cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// It is not a signature, or one for something else.
    #[error("it is not a signature of evidence")]
    NotASignature,
    /// A kind of signature that passwave does not know, such as that of an RSA key or a security key.
    #[error("it is a signature of type {0}, which passwave cannot check")]
    OtherKind(String),
    /// The file is not the one that was signed.
    #[error("the file is not the one that was signed")]
    Broken,
}

/// A key file.
pub enum KeyFile {
    /// Its key can sign.
    Open(SigningKey),
    /// It has a passphrase.
    Locked(LockedKey),
}

/// A private key behind a passphrase.
pub struct LockedKey(PrivateKey);

/// A private key that signs evidence.
pub struct SigningKey(PrivateKey);

/// Who has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBy {
    /// The fingerprint of the public key: `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// The public key, as in a file of allowed signers.
    pub public_key: String,
}

impl KeyFile {
    /// Reads a key file.
    ///
    /// # Errors
    /// Fails if the file has no Ed25519 key in OpenSSH's format.
    pub fn read(file: &Path) -> Result<Self, KeyFault> {
        let text = SecretString::from(bounded(file)?);
        let key = PrivateKey::from_openssh(text.expose_secret()).map_err(|_| KeyFault::NotAKey)?;
        match key.algorithm() {
            Algorithm::Ed25519 if key.is_encrypted() => Ok(Self::Locked(LockedKey(key))),
            Algorithm::Ed25519 => Ok(Self::Open(SigningKey(key))),
            other => Err(KeyFault::OtherKind(other.to_string())),
        }
    }
}

impl LockedKey {
    /// The key that the passphrase opens.
    ///
    /// # Errors
    /// Fails if it is the wrong passphrase.
    pub fn unlock(&self, passphrase: &SecretString) -> Result<SigningKey, KeyFault> {
        self.0.decrypt(passphrase.expose_secret()).map(SigningKey).map_err(|_| KeyFault::WrongPassphrase)
    }
}

impl SigningKey {
    /// Signs a file, and writes the signature beside it, over an earlier one.
    ///
    /// # Errors
    /// Fails if a file cannot be read or written.
    pub fn sign(&self, file: &Path) -> Result<SignedBy, KeyFault> {
        let message = to_be_signed(file, HashAlg::Sha512)?;
        let signed = signature::Signer::try_sign(&self.0, &message).map_err(|_| KeyFault::Refused)?;
        let public = self.0.public_key();
        let signature = SshSig::new(public.key_data().clone(), NAMESPACE, HashAlg::Sha512, signed);
        let text = signature.and_then(|made| made.to_pem(LineEnding::LF)).map_err(|_| KeyFault::Refused)?;
        crate::util::replace::replace(&signature_of(file), |out| io::Write::write_all(out, text.as_bytes()))?;
        Ok(SignedBy::of(public))
    }
}

impl SignedBy {
    fn of(key: &PublicKey) -> Self {
        let bare = PublicKey::from(key.key_data().clone());
        Self {
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            public_key: bare.to_openssh().unwrap_or_default(),
        }
    }
}

/// The path of a file's signature.
#[must_use]
pub fn signature_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(SIGNATURE_ENDING);
    name.into()
}

/// Checks the signature beside a file; `None` if there is none. It says who has signed, not whether to trust them.
///
/// # Errors
/// Fails if the signature does not hold.
pub fn verify(file: &Path) -> Result<Option<SignedBy>, SignatureFault> {
    let text = match bounded(&signature_of(file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let signature = SshSig::from_pem(&text).map_err(|_| SignatureFault::NotASignature)?;
    if signature.namespace() != NAMESPACE || !signature.reserved().is_empty() {
        return Err(SignatureFault::NotASignature);
    }
    if signature.algorithm() != Algorithm::Ed25519 {
        return Err(SignatureFault::OtherKind(signature.algorithm().to_string()));
    }
    let message = to_be_signed(file, signature.hash_alg())?;
    let holds = signature::Verifier::verify(signature.public_key(), &message, signature.signature());
    holds.map_err(|_| SignatureFault::Broken)?;
    Ok(Some(SignedBy::of(&PublicKey::from(signature.public_key().clone()))))
}

fn bounded(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(KEY_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// What the key signs for a file: its hash, with what the signature is for (PROTOCOL.sshsig, section 3).
fn to_be_signed(file: &Path, hash: HashAlg) -> io::Result<Vec<u8>> {
    let mut message = b"SSHSIG".to_vec();
    for part in [NAMESPACE.as_bytes(), b"", hash.as_str().as_bytes(), &hash_of(file, hash)?] {
        message.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        message.extend_from_slice(part);
    }
    Ok(message)
}

fn hash_of(file: &Path, hash: HashAlg) -> io::Result<Vec<u8>> {
    let mut context = Context::new(if hash == HashAlg::Sha256 { &SHA256 } else { &SHA512 });
    let (mut file, mut chunk) = (File::open(file)?, vec![0; CHUNK_BYTES]);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(context.finish().as_ref().to_vec()),
            read => context.update(&chunk[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_bytes_are_those_of_the_protocol() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("file");
        for size in [0, 5, CHUNK_BYTES, 3 * CHUNK_BYTES + 7] {
            let content = vec![7; size];
            std::fs::write(&file, &content).expect("written");
            for hash in [HashAlg::Sha256, HashAlg::Sha512] {
                let known = SshSig::signed_data(NAMESPACE, hash, &content).expect("a message");
                assert_eq!(to_be_signed(&file, hash).expect("readable"), known, "{size} {hash}");
            }
        }
    }
}
