//! Passwords: the rules they must keep, the forms in which they are made, and the one type that holds one.
//!
//! The map: [`PasswordPolicy`] (settings, entropy) has a [`Style`], random or words, and [`BannedWords`]; a [`Profile`] says
//! for whom a password is, in place of the style, out of the words in `lists`; `rules` says what
//! Entra ID asks and what a [`Person`] forbids; `fold` compares as Microsoft does; `draw` turns the operating system's
//! randomness into unbiased choices; [`Generator`] puts them together, in parallel, and lets no password out twice.
//!
//! Nothing here prints, logs or stores a password. Invariant: no error and no `Debug` text holds one, or a part of one.

mod banned;
mod draw;
mod fold;
mod generator;
mod lists;
mod policy;
mod profile;
mod random;
mod recipe;
mod rules;
mod words;

pub use banned::{BANNED_WORDS_MAX, BannedError, BannedWords};
pub use generator::{Generator, PasswordError};
pub use policy::{ENTROPY_BITS_MIN, PasswordPolicy, PolicyError, Style};
pub use profile::{ForceChange, Form, Profile, UnknownProfile};
pub use random::{LENGTH_DEFAULT, SYMBOLS_DEFAULT};
pub use rules::{CHARS_MAX, CHARS_MIN, Person, Weakness};
pub use words::{SEPARATOR_DEFAULT, WORDS_DEFAULT, WORDS_MAX, WORDS_MIN};

use secrecy::{ExposeSecret, SecretString};

/// A password in clear text that wipes itself when dropped and cannot be printed.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// Takes over `text`; its buffer is wiped with the password.
    ///
    /// Give a string without spare capacity: one that has to be moved to shed it leaves a copy behind.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The clear text. Every caller is a place where a password leaves the program's keeping.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
