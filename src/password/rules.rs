//! What Entra ID requires of any password, and what its user's names rule out.
//!
//! Sources: the character set, the length and "three of four classes" are from Entra's password policy page. Names are
//! refused as on its page on banned passwords, but from three characters instead of four, because names are often
//! short.
//!
//! Invariant: a [`Weakness`] names the rule, but never the password or the part of it that broke the rule.

use super::{
    fold::Folded,
    limits::{CHARS_MAX, CHARS_MIN},
    profile::Form,
};

/// Shortest part of a name, or of the text before the `@`, that a password must not contain.
const NAME_CHARS_MIN: usize = 3;
/// Shortest part of a domain that a password must not contain: `com` and the like are nobody's name.
const DOMAIN_CHARS_MIN: usize = 4;

pub(super) const LOWER: u8 = 1;
pub(super) const UPPER: u8 = 2;
pub(super) const DIGIT: u8 = 4;
pub(super) const SYMBOL: u8 = 8;
const FOREIGN: u8 = 16;

static CLASS: [u8; 256] = classes_of_bytes();

const fn classes_of_bytes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b' '..=b'~' => SYMBOL,
            _ => FOREIGN,
        };
        byte += 1;
    }
    table
}

/// The classes that occur in `text`, as a bit set.
pub(super) fn classes(text: &[u8]) -> u8 {
    text.iter().fold(0, |seen, &byte| seen | CLASS[usize::from(byte)])
}

/// The user of a password: what it must not contain, and its form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Person<'a> {
    /// The user principal name, or the object id.
    pub upn: &'a str,
    /// Given, family and display name, in any order; empty if the roster does not have them.
    pub names: [&'a str; 3],
    /// The form of the password.
    pub form: Form,
}

impl Person<'_> {
    /// Whether the password contains a part of the names (3 letters and digits or more) or of the domain (4 or more).
    pub(super) fn occurs_in(&self, password: &Folded) -> bool {
        let (local, domain) = self.upn.split_once('@').unwrap_or((self.upn, ""));
        has_part(local, NAME_CHARS_MIN, password)
            || self.names.iter().any(|name| has_part(name, NAME_CHARS_MIN, password))
            || has_part(domain, DOMAIN_CHARS_MIN, password)
    }
}

/// Letters outside ASCII split a name like punctuation does, because no password can contain them.
fn has_part(text: &str, chars_min: usize, password: &Folded) -> bool {
    text.as_bytes()
        .split(|&byte| CLASS[usize::from(byte)] & (LOWER | UPPER | DIGIT) == 0)
        .any(|part| part.len() >= chars_min && password.contains(part))
}

/// Why a password is not good enough. The texts are safe for a report: they never show the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Weakness {
    /// Fewer than 8 characters, or more than 256.
    #[error("the password must have 8 to 256 characters")]
    Length,
    /// A character other than ASCII letters, digits, symbols and the space.
    #[error(
        "the password has a character that Entra ID does not accept: use A-Z, a-z, 0-9 and the symbols of a US keyboard"
    )]
    Character,
    /// Only one or two of the four classes.
    #[error("the password must have three of: a small letter, a capital letter, a digit, a symbol")]
    Classes,
    /// It begins with a character that makes a spreadsheet treat it as a formula.
    #[error(
        "the password begins with = + - @ or a tab, which a spreadsheet reads as a formula: start it with another character"
    )]
    Formula,
    /// It contains a part of the user principal name, the domain or the user's name.
    #[error("the password contains part of the user principal name or of the user's name")]
    Name,
    /// It is a banned word in disguise, or mostly made of banned words.
    #[error("the password is too close to the banned words")]
    Banned,
    /// Another account of this run has the same password.
    #[error("the password is the same as that of another account in this run: each account needs its own")]
    Used,
}

/// Entra's own rules: characters, length, classes.
pub(super) fn check_shape(password: &[u8]) -> Result<(), Weakness> {
    let seen = classes(password);
    if seen & FOREIGN != 0 {
        return Err(Weakness::Character);
    }
    if !(CHARS_MIN..=CHARS_MAX).contains(&password.len()) {
        return Err(Weakness::Length);
    }
    if seen.count_ones() < 3 {
        return Err(Weakness::Classes);
    }
    Ok(())
}

/// Whether a spreadsheet would treat the text as a formula.
pub(super) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entra_password_rules_apply() {
        for (text, verdict) in [
            ("Abcdefg1", Ok(())),
            ("abcdef-1", Ok(())),
            ("A bcdefgh", Ok(())),
            ("Abcdef1", Err(Weakness::Length)),
            ("", Err(Weakness::Length)),
            ("abcdefg1", Err(Weakness::Classes)),
            ("ABCDEFG-", Err(Weakness::Classes)),
            ("Abcdéfg1", Err(Weakness::Character)),
            ("Abcdefg\t1", Err(Weakness::Character)),
            ("Abcdefg\u{7f}1", Err(Weakness::Character)),
        ] {
            assert_eq!(check_shape(text.as_bytes()), verdict, "{text}");
        }
        assert_eq!(check_shape("aB3".repeat(85).as_bytes()), Ok(()));
        assert_eq!(check_shape("aB3-".repeat(65).as_bytes()), Err(Weakness::Length));
    }

    #[test]
    fn us_keyboard_symbols_are_allowed() {
        let symbols = b"@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> ";
        assert_eq!(symbols.len(), 33);
        assert!(symbols.iter().all(|&symbol| classes(&[symbol]) == SYMBOL));
    }

    #[test]
    fn finds_disguised_names() {
        let person = Person {
            upn: "a.smith99@mail.contoso.com",
            names: ["Ángela", "O'Neil-Poll", "Bo Li"],
            ..Person::default()
        };
        let found = |text: &str| {
            let mut folded = Folded::new();
            folded.set(text.as_bytes());
            person.occurs_in(&folded)
        };
        for weak in ["x$miTH99x", "xxC0nt0$oxx", "gh-NGELA-1", "xnei1x", "p0LL23fb", "aM@ilb"] {
            assert!(found(weak), "{weak}");
        }
        for fine in ["Com-Bo-Li-7", "smith-98", "cont-oso", "Ax-7Gh"] {
            assert!(!found(fine), "{fine}");
        }
    }

    #[test]
    fn formulas_are_detected_by_first_character() {
        assert!(["=a", "+a", "-a", "@a", "\ta", "\ra"].into_iter().all(is_formula));
        assert!(!["", "a=", "A-b", " =a"].into_iter().any(is_formula));
    }
}
