//! placeholder
use secrecy::{ExposeSecret, SecretString};

/// A password in clear text that wipes itself when dropped and cannot be printed.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    /// Takes over `text`; its buffer is wiped with the password.
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
