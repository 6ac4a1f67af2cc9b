//! The first password of a row as the ledger holds it, and the form in which it is part of the row's plan.
//!
//! Invariant: no two parts read the same, since each begins with its kind and its length.

use aws_lc_rs::digest;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A SHA-256.
pub(super) type Hash = [u8; digest::SHA256_OUTPUT_LEN];

/// The first password of a row, as the ledger has it.
#[derive(Clone, Copy)]
pub(super) enum First<'a> {
    /// In the clear.
    Clear(&'a [u8]),
    Sealed(&'a [u8]),
    /// The ledger has only the hash of the sealed password.
    Hash(&'a [u8]),
}

impl<'a> First<'a> {
    pub(super) fn of(stored: ValueRef<'a>) -> Option<Self> {
        match stored {
            ValueRef::Text(bytes) => Some(Self::Clear(bytes)),
            ValueRef::Blob(bytes) => Some(Self::Sealed(bytes)),
            _ => None,
        }
    }

    /// The same for a password that is about to be stored.
    pub(super) fn to_be_stored(password: &'a ToSqlOutput<'_>) -> Option<Self> {
        match password {
            ToSqlOutput::Borrowed(password) => Self::of(*password),
            ToSqlOutput::Owned(value) => Self::of(value.into()),
            _ => None,
        }
    }

    /// What is kept of a sealed password that is not kept itself.
    pub(super) fn hash(self) -> Hash {
        let (Self::Clear(bytes) | Self::Sealed(bytes) | Self::Hash(bytes)) = self;
        let mut hash = Hash::default();
        hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        hash
    }

    pub(super) fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Clear(bytes) => part(out, Some(bytes)),
            Self::Sealed(_) => hash_part(out, &self.hash()),
            Self::Hash(hash) => hash_part(out, hash),
        }
    }
}

fn hash_part(out: &mut Vec<u8>, hash: &[u8]) {
    out.push(2);
    out.extend_from_slice(&(hash.len() as u64).to_be_bytes());
    out.extend_from_slice(hash);
}

/// Adds a part with its length, or that there is none.
pub(super) fn part(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(0),
        Some(bytes) => {
            let mut head = [1; 9];
            head[1..].copy_from_slice(&(bytes.len() as u64).to_be_bytes());
            out.extend_from_slice(&head);
            out.extend_from_slice(bytes);
        }
    }
}
