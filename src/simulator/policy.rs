//! Entra's rules for a password (Microsoft's page on the self-service password reset policy), without a list of banned
//! words.

/// Minimum length.
const CHARS_MIN: usize = 8;
/// Maximum length.
const CHARS_MAX: usize = 256;
/// How many of lower case, upper case, digits and symbols are required.
const CLASSES_MIN: usize = 3;
/// The symbols that Entra accepts, including the space.
const SYMBOLS: &[u8] = b"@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> ";

/// Whether the directory accepts this password.
pub(super) fn allows(password: &str) -> bool {
    let any = |class: fn(&u8) -> bool| password.as_bytes().iter().any(class);
    let symbol = |byte: &u8| SYMBOLS.contains(byte);
    let known = password.bytes().all(|byte| byte.is_ascii_alphanumeric() || symbol(&byte));
    let classes = [any(u8::is_ascii_lowercase), any(u8::is_ascii_uppercase), any(u8::is_ascii_digit), any(symbol)];
    let held = classes.into_iter().filter(|held| *held).count();
    known && (CHARS_MIN..=CHARS_MAX).contains(&password.len()) && held >= CLASSES_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_match_entra() {
        let long = |n: usize| format!("Aa1{}", "x".repeat(n - 3));
        for (password, good) in [
            ("Abcdef12", true),
            ("abcdef1 ", true),
            ("Abcdef1", false),
            ("abcdefg1", false),
            ("ABCDEFGH", false),
            ("Abcdéf12", false),
            ("Abcdef\t12", false),
            ("#3iczO]d\\A}y", true),
            (&long(256), true),
            (&long(257), false),
        ] {
            assert_eq!(allows(password), good, "{password}");
        }
    }
}
