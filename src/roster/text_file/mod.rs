//! Text files from anywhere: read up to a limit, and decoded from their encoding.
//!
//! Rosters, exclusion lists and lists of banned words all come through here. UTF-8 is used without a copy. It never
//! repairs: bytes that are not valid text are refused, not replaced, because they are people's names.
//!
//! Invariant: the text begins after any byte order mark, contains no NUL, and does not end with the end-of-file
//! character of DOS.

mod bounded;
mod charset;
mod decode;
pub mod foreign;
mod not_text;

pub use bounded::{ReadError, read, read_from};
pub use charset::{Charset, UnknownCharset};
pub use decode::{decode, decode_plain};
pub use not_text::NotText;

/// The encoding to read a file in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The detected one. Bytes that would garble letters are refused.
    #[default]
    Found,
    /// The detected one. Letters outside ASCII do not matter.
    Roughly,
    /// This one, unless the file begins with another encoding's mark.
    Named(Charset),
}

/// How the encoding of a text is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The text begins with a mark, or is UTF-8.
    Surely,
    /// The user named it.
    Told,
    /// Guessed from the bytes.
    Guessed,
    /// Guessed, and the letters look like another encoding.
    Doubted,
}

/// A text and how it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text itself.
    pub text: String,
    /// Its encoding.
    pub charset: Charset,
    /// How that is known.
    pub known: Known,
}
