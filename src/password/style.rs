//! How passwords look: the style that a policy is made of, and why a policy refuses its settings.

use super::{
    limits::{CHARS_MAX, CHARS_MIN},
    random,
    words::{WORDS_MAX, WORDS_MIN},
};
use serde::{Deserialize, Serialize};

/// The style of passwords.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Random characters without look-alikes, a letter first, at least one of each class.
    Random {
        /// Length, 8 to 256.
        length: usize,
        /// The allowed symbols, from those on a US keyboard; if empty, only letters and digits are used.
        symbols: String,
    },
    /// Words of one language, all different, the first capitalized, and a digit at the end.
    Words {
        /// Number of words, 2 to 20.
        words: usize,
        /// The separator: one symbol, space or digit, or empty.
        separator: String,
    },
}

impl Default for Style {
    fn default() -> Self {
        Self::Random { length: random::LENGTH_DEFAULT, symbols: random::SYMBOLS_DEFAULT.to_owned() }
    }
}

/// Why these settings cannot make passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Outside Entra's limits.
    #[error("a password of {0} characters is not possible: Entra ID accepts {CHARS_MIN} to {CHARS_MAX}")]
    Length(usize),
    /// Not a symbol of a US keyboard.
    #[error(
        "{0:?} is not a symbol that Entra ID accepts in a password: it accepts those of a US keyboard, without the space"
    )]
    Symbol(char),
    /// Too few or too many words.
    #[error("a password of {0} words is not possible: use {WORDS_MIN} to {WORDS_MAX}")]
    Words(usize),
    /// More than one character, a letter, or a character that Entra does not accept.
    #[error("the separator must be one symbol of a US keyboard, a space or a digit, or empty")]
    Separator,
    /// Two words can be shorter than Entra's eight characters.
    #[error("two words without a separator can be too short for Entra ID")]
    Short,
    /// The banned words remove too many words from the list.
    #[error("the banned words leave {0} words to choose from, too few for a password")]
    FewWords(usize),
}
