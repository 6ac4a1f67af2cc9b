//! Why bytes are not readable text.

use super::{Charset, foreign::Foreign};

/// Why bytes are not readable text. Each text is a part of a sentence about the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotText {
    /// They are a file of another kind.
    #[error("{0}")]
    Foreign(Foreign),
    /// This line has NUL characters.
    #[error("line {0} has NUL characters, like programs, pictures and damaged files")]
    Nul(usize),
    /// There are many control characters.
    #[error("it is full of control characters")]
    Control,
    /// They are UTF-7.
    #[error("it is in UTF-7, in which \"@\" is written \"+AEA-\"")]
    Utf7,
    /// They are UTF-32.
    #[error("it is in UTF-32, which no spreadsheet writes")]
    Utf32,
    /// They begin in UTF-16 and continue in another encoding.
    #[error("it begins in UTF-16 and continues in another encoding, like files that were joined")]
    Joined,
    /// They begin in UTF-16 and continue with bytes that are not UTF-16.
    #[error("it begins in UTF-16 and continues with bytes that are not UTF-16")]
    NotUtf16,
    /// They should be UTF-8, and this line has bytes that are not.
    #[error("it is UTF-8 up to line {0}, which has bytes that are not UTF-8")]
    NotUtf8(usize),
    /// They are not in the encoding that was named.
    #[error("{} has bytes that mean nothing in {charset}", line.map_or_else(|| "it".to_owned(), |line| format!("line {line}")))]
    NotInCharset {
        /// The encoding.
        charset: Charset,
        /// The line from 1, if the encoding has lines that can be told apart.
        line: Option<u64>,
    },
    /// They are UTF-8, except for bytes in this line.
    #[error(
        "it is in UTF-8, but line {0} has bytes of another encoding (like files that were joined or cut), so names would be \
         garbled"
    )]
    Mixed(usize),
    /// Their encoding is not known.
    #[error(
        "it is neither UTF-8 nor Windows-1252 (line {line} has the byte {byte:02X}), so names would be garbled; it may be {}",
        any_of(may_be)
    )]
    UnknownCharset {
        /// The line of the first byte that shows this, from 1.
        line: usize,
        /// This byte.
        byte: u8,
        /// Encodings in which the bytes make sense.
        may_be: Vec<&'static str>,
    },
}

/// Code pages of DOS are known by their numbers, and to few people.
fn any_of(names: &[&str]) -> String {
    let is_dos = names.iter().all(|name| name.starts_with("cp"));
    names.join(" or ") + if is_dos { " (DOS)" } else { "" }
}

impl NotText {
    /// Whether it would help to name the right encoding.
    #[must_use]
    pub const fn is_encoding(&self) -> bool {
        match self {
            Self::NotUtf8(_) | Self::NotInCharset { .. } | Self::Mixed(_) | Self::UnknownCharset { .. } => true,
            Self::Foreign(_) | Self::Nul(_) | Self::Control => false,
            Self::Utf7 | Self::Utf32 | Self::Joined | Self::NotUtf16 => false,
        }
    }
}
