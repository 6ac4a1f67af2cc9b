//! The hash chain over the lines of the evidence.
//!
//! The first link is the SHA-256 of the first line's object; each further one is the SHA-256 of the link before it, in
//! hexadecimal, followed by the row's object. An object is hashed as it stands in the file, but without its own `chain`,
//! which is its last field. So a few lines of any language can check it.
//!
//! Invariant: the lines that it makes are the only ones that [`super::check`] accepts, byte for byte.

use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write;

/// Between an object's own text and its link.
pub(super) const FIELD: &str = ",\"chain\":\"";
/// After the link of the first line.
pub(super) const ROWS: &str = "\",\"rows\":[";
/// After the link of a row.
pub(super) const ROW_ENDS: &str = "\"}";
/// Characters of a link.
pub(super) const LINK_CHARS: usize = 64;

/// The chain so far.
pub(crate) struct Chain(String);

impl Chain {
    /// The first line and the chain that it begins, for the object `text`.
    pub(crate) fn begin(text: &str) -> (String, Self) {
        let link = hash("", text);
        (format!("{}{FIELD}{link}{ROWS}", open(text)), Self(link))
    }

    /// The line of the row `text`.
    pub(crate) fn add(&mut self, text: &str) -> String {
        self.0 = hash(&self.0, text);
        format!("{}{FIELD}{}{ROW_ENDS}", open(text), self.0)
    }

    /// The last line.
    pub(crate) fn end(&self, rows: u64) -> String {
        format!("],\"row_count\":{rows},\"final_chain\":\"{}\"}}", self.0)
    }

    /// The last link.
    pub(crate) fn link(&self) -> &str {
        &self.0
    }
}

/// An object without the brace that closes it.
fn open(text: &str) -> &str {
    text.strip_suffix('}').unwrap_or(text)
}

fn hash(link: &str, text: &str) -> String {
    let hash = digest(&SHA256, [link, text].concat().as_bytes());
    hash.as_ref().iter().fold(String::with_capacity(LINK_CHARS), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
