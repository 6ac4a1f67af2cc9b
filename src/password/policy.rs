//! What passwords are made of: the settings of a run, checked once.
//!
//! A policy holds no secret, so it stands in the ledger as JSON, and a later run makes a replacement by the same rules.
//! It never draws by itself: that is the generator's work.
//!
//! Invariant: there is no policy, read back or new, by which a password could be made that Entra's own rules refuse.

use super::{
    banned::BannedWords,
    draw::Draws,
    fold::Folded,
    random::{self, Alphabet},
    rules::{self, CHARS_MAX, CHARS_MIN, Person, Weakness},
    words::{Phrase, WORDS_MAX, WORDS_MIN},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Under this many bits of entropy a password can be guessed by somebody who steals its hash; ask before using it.
pub const ENTROPY_BITS_MIN: f64 = 40.0;

/// How passwords look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Characters at random, without look-alikes, a letter first, at least one of each class.
    Random {
        /// Characters of a password, 8 to 256.
        length: usize,
        /// The symbols that may stand in it, of those on a US keyboard; with none, only letters and digits are used.
        symbols: String,
    },
    /// English words, none twice in a password, the first with a capital, and a digit at the end.
    Words {
        /// How many, 2 to 20.
        words: usize,
        /// What stands between them: one symbol, blank or digit, or nothing.
        separator: String,
    },
}

impl Default for Style {
    fn default() -> Self {
        Self::Random { length: random::LENGTH_DEFAULT, symbols: random::SYMBOLS_DEFAULT.to_owned() }
    }
}

/// Why no passwords can be made by these settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Outside Entra's limits.
    #[error("a password of {0} characters is not possible: Entra ID takes {CHARS_MIN} to {CHARS_MAX} (--length)")]
    Length(usize),
    /// Not a symbol of a US keyboard.
    #[error(
        "{0:?} is not a symbol that Entra ID takes in a password: use those of a US keyboard, without the blank (--symbols)"
    )]
    Symbol(char),
    /// Too few or too many words.
    #[error("a password of {0} words is not possible: take {WORDS_MIN} to {WORDS_MAX} (--words)")]
    Words(usize),
    /// More than one character, a letter, or something that Entra does not take.
    #[error("the separator must be one symbol of a US keyboard, a blank or a digit, or empty (--separator)")]
    Separator,
    /// Two words can be shorter than Entra's eight characters.
    #[error(
        "two words without a separator can be too short for Entra ID: take three (--words), or a separator (--separator)"
    )]
    Short,
    /// The banned words take too many words out of the list.
    #[error("the banned words leave {0} words to choose from, too few for a password: ban fewer (--banned-words)")]
    FewWords(usize),
}

/// How passwords are made and what they must not be: a [`Style`] and [`BannedWords`], checked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct PasswordPolicy {
    settings: Settings,
    recipe: Recipe,
}

/// What of a policy is written down; the rest follows from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Settings {
    style: Style,
    banned_words: BannedWords,
}

#[derive(Clone)]
enum Recipe {
    Random(Box<Alphabet>),
    Words(Box<Phrase>),
}

impl PasswordPolicy {
    /// Checks the settings.
    ///
    /// # Errors
    /// Says which of them cannot be, and the flag that changes it.
    pub fn new(style: Style, banned: BannedWords) -> Result<Self, PolicyError> {
        let recipe = match &style {
            Style::Random { length, symbols } => Recipe::Random(Box::new(alphabet(*length, symbols)?)),
            Style::Words { words, separator } => Recipe::Words(Box::new(phrase(*words, separator, &banned)?)),
        };
        Ok(Self { settings: Settings { style, banned_words: banned }, recipe })
    }

    /// How passwords look.
    #[must_use]
    pub fn style(&self) -> &Style {
        &self.settings.style
    }

    /// The words that they must not hold.
    #[must_use]
    pub fn banned_words(&self) -> &BannedWords {
        &self.settings.banned_words
    }

    /// The base-2 logarithm of the number of passwords that the style can bring forth, all of them equally likely.
    ///
    /// Exact for the style and the words left in the list. What is thrown away for an account's name, or because
    /// letters happen to form a banned word, is not counted: it is a small fraction of a bit.
    #[must_use]
    pub fn entropy_bits(&self) -> f64 {
        match &self.recipe {
            Recipe::Random(alphabet) => alphabet.entropy_bits(),
            Recipe::Words(phrase) => phrase.entropy_bits(),
        }
    }

    /// Whether `password`, wherever it comes from, is good enough for `person`: Entra's characters, length and classes, no
    /// part of the person's names, and Microsoft's scoring of the banned words.
    ///
    /// # Errors
    /// Names the rule that is broken, never the password.
    pub fn check(&self, password: &str, person: &Person<'_>) -> Result<(), Weakness> {
        let mut folded = Folded::new();
        keep_rules(password.as_bytes(), person, &mut folded)?;
        if self.banned_words().refuse(folded.as_bytes()) { Err(Weakness::Banned) } else { Ok(()) }
    }

    /// Draws one password into the beginning of `out` (of 256 bytes) and tells its length, or nothing if it is not good
    /// enough for `person`. A password made here holds no banned word at all.
    pub(super) fn draw(
        &self,
        draws: &mut Draws,
        out: &mut [u8],
        person: &Person<'_>,
        folded: &mut Folded,
    ) -> Option<usize> {
        let len = match &self.recipe {
            Recipe::Random(alphabet) => alphabet.draw(draws, out)?,
            Recipe::Words(phrase) => phrase.draw(draws, out),
        };
        keep_rules(&out[..len], person, folded).ok()?;
        (!self.banned_words().touch(folded.as_bytes())).then_some(len)
    }

    /// A policy over a handful of words, so that a test can use all its passwords up.
    #[cfg(test)]
    pub(super) fn of_few_words(list: &[&'static str], words: usize) -> Self {
        let style = Style::Words { words, separator: "-".to_owned() };
        let recipe = Recipe::Words(Box::new(Phrase::of(list.into(), words, Some(b'-'))));
        Self { settings: Settings { style, banned_words: BannedWords::default() }, recipe }
    }
}

/// The rules that hold under any policy; the password stands in `folded` afterwards.
fn keep_rules(password: &[u8], person: &Person<'_>, folded: &mut Folded) -> Result<(), Weakness> {
    rules::check_shape(password)?;
    folded.set(password);
    if person.occurs_in(folded) { Err(Weakness::Name) } else { Ok(()) }
}

fn alphabet(length: usize, symbols: &str) -> Result<Alphabet, PolicyError> {
    if !(CHARS_MIN..=CHARS_MAX).contains(&length) {
        return Err(PolicyError::Length(length));
    }
    if let Some(other) = symbols.chars().find(|c| !c.is_ascii_punctuation()) {
        return Err(PolicyError::Symbol(other));
    }
    // A symbol that stands twice must not be drawn twice as often.
    let mut symbols = symbols.as_bytes().to_vec();
    symbols.sort_unstable();
    symbols.dedup();
    Ok(Alphabet::new(length, &symbols))
}

fn phrase(words: usize, separator: &str, banned: &BannedWords) -> Result<Phrase, PolicyError> {
    let separator = match separator.as_bytes() {
        [] => None,
        [byte @ b' '..=b'~'] if !byte.is_ascii_alphabetic() => Some(*byte),
        _ => return Err(PolicyError::Separator),
    };
    if !(WORDS_MIN..=WORDS_MAX).contains(&words) {
        return Err(PolicyError::Words(words));
    }
    if words == WORDS_MIN && separator.is_none() {
        return Err(PolicyError::Short);
    }
    let phrase = Phrase::new(words, separator, banned);
    if phrase.choices() < words {
        return Err(PolicyError::FewWords(phrase.choices()));
    }
    Ok(phrase)
}

impl Default for PasswordPolicy {
    /// The default style, nothing banned.
    fn default() -> Self {
        Self::new(Style::default(), BannedWords::default()).expect("the default settings are within the limits")
    }
}

impl fmt::Debug for PasswordPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasswordPolicy").field(&self.settings).finish()
    }
}

impl TryFrom<Settings> for PasswordPolicy {
    type Error = PolicyError;

    fn try_from(settings: Settings) -> Result<Self, PolicyError> {
        Self::new(settings.style, settings.banned_words)
    }
}

impl From<PasswordPolicy> for Settings {
    fn from(policy: PasswordPolicy) -> Self {
        policy.settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(length: usize, symbols: &str) -> Result<PasswordPolicy, PolicyError> {
        PasswordPolicy::new(Style::Random { length, symbols: symbols.to_owned() }, BannedWords::default())
    }

    fn words(words: usize, separator: &str, banned: &str) -> Result<PasswordPolicy, PolicyError> {
        let banned = BannedWords::read(banned).expect("a good list");
        PasswordPolicy::new(Style::Words { words, separator: separator.to_owned() }, banned)
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        for (policy, fault) in [
            (random(7, "-"), PolicyError::Length(7)),
            (random(257, "-"), PolicyError::Length(257)),
            (random(16, "-é"), PolicyError::Symbol('é')),
            (random(16, "-x"), PolicyError::Symbol('x')),
            (random(16, "- "), PolicyError::Symbol(' ')),
            (words(1, "-", ""), PolicyError::Words(1)),
            (words(21, "-", ""), PolicyError::Words(21)),
            (words(4, "--", ""), PolicyError::Separator),
            (words(4, "x", ""), PolicyError::Separator),
            (words(4, "é", ""), PolicyError::Separator),
            (words(2, "", ""), PolicyError::Short),
        ] {
            assert_eq!(policy.expect_err("refused"), fault);
        }
        assert!([random(8, ""), random(256, "\"|~"), words(2, " ", ""), words(20, "", "")].iter().all(Result::is_ok));
    }

    #[test]
    fn a_list_of_which_too_little_is_left_is_refused() {
        let letters = |n: u32| (0..3).map(|at| char::from(b'a' + (n / 26_u32.pow(at) % 26) as u8)).collect::<String>();
        let pairs: Vec<_> = (0..26 * 26 * 26).map(letters).collect();
        let vowels = |word: &str| word.contains(['a', 'e', 'i', 'o', 'u', 'y']);
        let banned =
            pairs.iter().filter(|word| vowels(word)).take(10_000).fold(String::new(), |all, word| all + word + "\n");
        assert!(matches!(words(4, "-", &banned), Err(PolicyError::FewWords(0..4))));
    }

    #[test]
    fn a_symbol_named_twice_counts_once() {
        let bits = |symbols| random(12, symbols).expect("good settings").entropy_bits();
        assert_eq!(bits("--+"), bits("+-"));
    }

    #[test]
    fn few_words_are_told_by_their_entropy() {
        assert!(words(3, "-", "").expect("good settings").entropy_bits() > ENTROPY_BITS_MIN);
        assert!(words(2, "-", "").expect("good settings").entropy_bits() < ENTROPY_BITS_MIN);
        assert!(random(8, "").expect("good settings").entropy_bits() > ENTROPY_BITS_MIN);
    }

    #[test]
    fn a_policy_reads_back_what_was_written() {
        for policy in [words(5, "", "contoso\nb1ank").expect("good settings"), PasswordPolicy::default()] {
            let json = serde_json::to_string(&policy).expect("JSON");
            let back: PasswordPolicy = serde_json::from_str(&json).expect("a policy");
            assert_eq!(serde_json::to_string(&back).expect("JSON"), json);
            assert_eq!((back.style(), back.entropy_bits()), (policy.style(), policy.entropy_bits()));
            assert_eq!(format!("{back:?}"), format!("{policy:?}"));
        }
        let json = serde_json::to_string(&words(4, "-", "Bl@nk").expect("good settings")).expect("JSON");
        assert_eq!(json, r#"{"style":{"words":{"words":4,"separator":"-"}},"banned_words":["blank"]}"#);
        assert!(serde_json::from_str::<PasswordPolicy>(&json.replace(":4,", ":1,")).is_err());
    }

    #[test]
    fn a_check_names_the_rule_and_not_the_password() {
        let policy = words(4, "-", "contoso\nblank").expect("good settings");
        let person = Person { upn: "ann.smith@fabrikam.com", names: ["Ann", "Smith", ""] };
        for (password, weakness) in [
            ("Short-1", Weakness::Length),
            ("Päßwort-123", Weakness::Character),
            ("lowercase-only", Weakness::Classes),
            ("Xy-$mith-2345", Weakness::Name),
            ("xx-F@brik@m-99", Weakness::Name),
            ("C0ntos0Blank12", Weakness::Banned),
        ] {
            assert_eq!(policy.check(password, &person), Err(weakness), "{password}");
            assert!(!weakness.to_string().to_lowercase().contains(&password.to_lowercase()));
        }
        assert_eq!(policy.check("ContoS0Bl@nkf9!", &person), Ok(()));
    }
}
