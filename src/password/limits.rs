//! How long a password in Entra ID can be.

/// Minimum length of a password in Entra ID.
pub const CHARS_MIN: usize = 8;
/// Maximum length of a password in Entra ID.
pub const CHARS_MAX: usize = 256;
