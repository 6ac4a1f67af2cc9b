//! The source of each form of password: the settings of a style or a profile, ready to draw from.
//!
//! It does not know who a password is for. Invariant: every draw meets Entra's length and classes.

use super::{
    banned::BannedWords,
    draw::Draws,
    limits::{CHARS_MAX, CHARS_MIN},
    lists::Level,
    profile::Profile,
    random::{self, Alphabet},
    style::{PolicyError, Style},
    words::{Dress, Phrase, WORDS_MAX, WORDS_MIN},
};
use crate::account::language::Language;

/// The separator of a profile's words: a key that needs no Shift on any keyboard of the four languages.
const SEPARATOR: u8 = b'-';
/// Length of an administrator's password.
const ADMIN_LENGTH: usize = 20;

/// How to make passwords of one form.
#[derive(Clone)]
pub(super) enum Recipe {
    Random(Box<Alphabet>),
    Words(Phrase),
}

impl Recipe {
    /// The recipe of a style in a language.
    pub(super) fn of_style(style: &Style, language: Language, banned: &BannedWords) -> Result<Self, PolicyError> {
        match style {
            Style::Random { length, symbols } => Ok(Self::Random(Box::new(alphabet(*length, symbols)?))),
            Style::Words { words, separator } => Ok(Self::Words(phrase(*words, separator, language, banned)?)),
        }
    }

    /// The recipe of a profile in a language.
    pub(super) fn of_profile(profile: Profile, language: Language, banned: &BannedWords) -> Self {
        let words = |level, words, dress| {
            let phrase = Phrase::new((language, level), words, Some(SEPARATOR), dress, banned);
            Self::Words(phrase)
        };
        match profile {
            Profile::EarlyYears => words(Level::Short, 2, Dress::SmallAndPair),
            Profile::Junior => words(Level::Plain, 3, Dress::SmallAndPair),
            Profile::Senior => words(Level::Plain, 4, Dress::CapitalAndPair),
            Profile::Staff => words(Level::Full, 4, Dress::CapitalAndPair),
            Profile::Admin => Self::Random(Box::new(Alphabet::new(ADMIN_LENGTH, random::SYMBOLS_DEFAULT.as_bytes()))),
        }
    }

    /// The logarithm of the number of passwords, all equally likely; 0 if there are none.
    pub(super) fn entropy_bits(&self) -> f64 {
        match self {
            Self::Random(alphabet) => alphabet.entropy_bits(),
            Self::Words(phrase) => phrase.entropy_bits(),
        }
    }

    /// Draws one password into the beginning of `out` and returns its length, or `None` if it is not good enough.
    pub(super) fn draw(&self, draws: &mut Draws, out: &mut [u8]) -> Option<usize> {
        match self {
            Self::Random(alphabet) => alphabet.draw(draws, out),
            Self::Words(phrase) => phrase.draw(draws, out),
        }
    }

    /// Whether it draws single characters, which can happen to form a word.
    pub(super) const fn is_random(&self) -> bool {
        matches!(self, Self::Random(_))
    }

    /// If it uses words and too few are left: how many.
    pub(super) fn too_few_words(&self) -> Option<usize> {
        match self {
            Self::Words(phrase) if !phrase.is_possible() => Some(phrase.choices()),
            _ => None,
        }
    }
}

fn alphabet(length: usize, symbols: &str) -> Result<Alphabet, PolicyError> {
    if !(CHARS_MIN..=CHARS_MAX).contains(&length) {
        return Err(PolicyError::Length(length));
    }
    if let Some(other) = symbols.chars().find(|c| !c.is_ascii_punctuation()) {
        return Err(PolicyError::Symbol(other));
    }
    // A repeated symbol must not be drawn twice as often.
    let mut symbols = symbols.as_bytes().to_vec();
    symbols.sort_unstable();
    symbols.dedup();
    Ok(Alphabet::new(length, &symbols))
}

fn phrase(words: usize, separator: &str, language: Language, banned: &BannedWords) -> Result<Phrase, PolicyError> {
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
    Ok(Phrase::new((language, Level::Full), words, separator, Dress::Digit, banned))
}
