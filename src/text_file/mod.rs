//! Text files from anywhere: read up to a limit, and decoded from whatever encoding they are in.
//!
//! Rosters, lists of exclusions and lists of banned words all come through here. UTF-8 is taken over without a copy. It
//! never repairs: bytes that are no text are refused rather than replaced, since they are people's names.
//!
//! Invariant: the text begins after any byte order mark, holds no NUL, and does not end with the end-of-file character of
//! DOS.

mod bounded;
mod charset;
mod decode;
pub mod foreign;

pub use bounded::{ReadError, read, read_from};
pub use charset::{Charset, UnknownCharset};
pub use decode::decode;

/// In which encoding a file is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The one that is found out. Bytes that would garble letters are refused.
    #[default]
    Found,
    /// The one that is found out; letters outside ASCII do not matter.
    Roughly,
    /// This one, unless the file begins with a mark of another.
    Named(Charset),
}

/// How the encoding of a text is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The text begins with a mark, or is UTF-8.
    Surely,
    /// It was asked for.
    Told,
    /// By what the bytes look like.
    Guessed,
    /// The same, and the letters look like those of another encoding.
    Doubted,
}

/// A text, and how it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text itself.
    pub text: String,
    /// The encoding that it was in.
    pub charset: Charset,
    /// How that is known.
    pub known: Known,
}

/// Why bytes are no text that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found}. {cure}")]
pub struct NotText {
    /// What they are, as a part of a sentence.
    pub found: String,
    /// A sentence that says how to get a file that can be read.
    pub cure: &'static str,
    /// Whether naming the right encoding would be a cure, too.
    pub is_encoding: bool,
}
