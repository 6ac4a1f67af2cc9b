//! Passwords: the rules for them, their forms, and the one type that holds one.
//!
//! The map: a [`PasswordPolicy`] (settings, entropy) has a [`Style`], random or words, and [`BannedWords`]. A
//! [`Profile`] says who a password is for; it replaces the style and uses the words in `lists`. `rules` has the
//! requirements of Entra ID and what a [`Person`] rules out. `fold` compares like Microsoft. `draw` turns the operating
//! system's randomness into unbiased choices. [`Generator`] combines them in parallel, and never returns a password
//! twice.
//!
//! Nothing here prints, logs or stores a password. Invariant: no error and no `Debug` text contains a password or a
//! part of one.

mod banned;
mod draw;
mod fold;
mod generator;
mod limits;
mod lists;
mod policy;
mod profile;
mod random;
mod recipe;
mod rules;
mod style;
mod words;

pub use banned::{BANNED_WORDS_MAX, BannedError, BannedWords};
pub use generator::{Generator, PasswordError};
pub use limits::{CHARS_MAX, CHARS_MIN};
pub use policy::{ENTROPY_BITS_MIN, PasswordPolicy};
pub use profile::{ForceChange, Form, Profile, UnknownProfile};
pub use random::{LENGTH_DEFAULT, SYMBOLS_DEFAULT};
pub use rules::{Person, Weakness};
pub use style::{PolicyError, Style};
pub use words::{SEPARATOR_DEFAULT, WORDS_DEFAULT, WORDS_MAX, WORDS_MIN};

use secrecy::{ExposeSecret, SecretString};

/// A password in clear text. It wipes itself when dropped and cannot be printed.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// Takes ownership of `text`; its buffer is wiped with the password.
    ///
    /// Pass a string without spare capacity: shrinking it would move it and leave a copy behind.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The clear text. At every call, a password leaves the protection of this type.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
