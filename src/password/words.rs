//! The word style: a few plain words and a digit or two, for users who have to remember a password.
//!
//! Characters other than letters come last and are the same key everywhere: the hyphen, which needs no Shift on any
//! keyboard here, and digits without 0 and 1, which look like letters. If no word is capitalized, Shift is not needed
//! at all (except for the digits on French keyboards). With a separator only the first word is capitalized, without one
//! every word is.
//!
//! Invariant: all choices of different words are equally likely, and no two choices give the same password.

use super::{banned::BannedWords, draw::Draws, lists, lists::Level};
use crate::account::language::Language;
use std::sync::Arc;

/// Default number of words in a password: 53 bits in English.
pub const WORDS_DEFAULT: usize = 4;
/// Minimum number of words in a password.
pub const WORDS_MIN: usize = 2;
/// Maximum number of words in a password; even the longest words fit into 256 characters.
pub const WORDS_MAX: usize = 20;
/// Default separator between words.
pub const SEPARATOR_DEFAULT: &str = "-";

const DIGITS: [[u8; 1]; 8] = [*b"2", *b"3", *b"4", *b"5", *b"6", *b"7", *b"8", *b"9"];
/// All pairs of the digits 2 to 9. 69 and 88 are left out because of their meanings.
const PAIRS: [[u8; 2]; 62] = pairs();

const fn pairs() -> [[u8; 2]; 62] {
    let mut pairs = [[0; 2]; 62];
    let (mut filled, mut number) = (0, 22);
    while filled < pairs.len() {
        let pair = [b'0' + number / 10, b'0' + number % 10];
        if pair[1] >= b'2' && number != 69 && number != 88 {
            pairs[filled] = pair;
            filled += 1;
        }
        number += 1;
    }
    pairs
}

/// Which words are capitalized, and how the password ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dress {
    /// The first word is capitalized, or every word without a separator; a digit follows the last: `Acorn-basket-cow2`.
    Digit,
    /// All lower case; one more separator and two digits follow: `acorn-basket-22`.
    SmallAndPair,
    /// The first word is capitalized; one more separator and two digits follow: `Acorn-basket-22`.
    CapitalAndPair,
}

/// The source of the word style.
#[derive(Clone)]
pub(super) struct Phrase {
    /// At most as many as a `u16` can index.
    list: Arc<[&'static str]>,
    words: usize,
    separator: Option<u8>,
    dress: Dress,
}

impl Phrase {
    /// Takes a list and removes the words that contain a banned one; the settings are already checked.
    pub(super) fn new(
        (language, level): (Language, Level),
        words: usize,
        separator: Option<u8>,
        dress: Dress,
        banned: &BannedWords,
    ) -> Self {
        let list = lists::words(language, level);
        let list = if banned.is_empty() {
            Arc::clone(list)
        } else {
            list.iter().copied().filter(|word| !banned.occur_in(word.as_bytes())).collect()
        };
        Self::of(list, words, separator, dress)
    }

    pub(super) const fn of(list: Arc<[&'static str]>, words: usize, separator: Option<u8>, dress: Dress) -> Self {
        Self { list, words, separator, dress }
    }

    /// The number of words to choose from.
    pub(super) fn choices(&self) -> usize {
        self.list.len()
    }

    /// Whether there are enough words for a password.
    pub(super) fn is_possible(&self) -> bool {
        self.choices() >= self.words
    }

    /// Writes one password to the beginning of `out` and returns its length, or `None` if there are too few words.
    pub(super) fn draw(&self, draws: &mut Draws, out: &mut [u8]) -> Option<usize> {
        if !self.is_possible() {
            return None;
        }
        let mut chosen = [0; WORDS_MAX];
        let mut text = Text { out, len: 0 };
        for nth in 0..self.words {
            chosen[nth] = self.draw_another(draws, &chosen[..nth]);
            text.push(self.between(nth > 0));
            let start = text.len;
            text.push(self.list[usize::from(chosen[nth])].as_bytes());
            if self.has_capital(nth) {
                text.out[start].make_ascii_uppercase();
            }
        }
        text.push(self.between(self.dress != Dress::Digit));
        text.push(self.ending(draws));
        Some(text.len)
    }

    /// The separator, if one is due and set.
    fn between(&self, is_due: bool) -> &[u8] {
        self.separator.as_ref().filter(|_| is_due).map_or(&[], std::slice::from_ref)
    }

    fn has_capital(&self, nth: usize) -> bool {
        self.dress != Dress::SmallAndPair && (nth == 0 || self.separator.is_none())
    }

    fn ending(&self, draws: &mut Draws) -> &'static [u8] {
        let nth = usize::from(draws.below(self.endings()));
        if self.dress == Dress::Digit { &DIGITS[nth] } else { &PAIRS[nth] }
    }

    fn endings(&self) -> u16 {
        (if self.dress == Dress::Digit { DIGITS.len() } else { PAIRS.len() }) as u16
    }

    /// The index of a word that is not chosen yet.
    fn draw_another(&self, draws: &mut Draws, chosen: &[u16]) -> u16 {
        loop {
            let index = draws.below(self.list.len() as u16);
            if !chosen.contains(&index) {
                return index;
            }
        }
    }

    /// The logarithm of the number of passwords: ordered choices of different words, times the endings. 0 if there are
    /// too few words.
    pub(super) fn entropy_bits(&self) -> f64 {
        if !self.is_possible() {
            return 0.0;
        }
        let words: f64 = (0..self.words).map(|chosen| ((self.list.len() - chosen) as f64).log2()).sum();
        words + f64::from(self.endings()).log2()
    }
}

/// A password under construction.
struct Text<'o> {
    out: &'o mut [u8],
    len: usize,
}

impl Text<'_> {
    fn push(&mut self, part: &[u8]) {
        self.out[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{CHARS_MAX, CHARS_MIN, rules};
    use rand::{SeedableRng, rngs::StdRng};
    use std::collections::{HashMap, HashSet};

    const DRESSES: [Dress; 3] = [Dress::Digit, Dress::SmallAndPair, Dress::CapitalAndPair];

    fn made(phrase: &Phrase, n: usize) -> Vec<String> {
        let mut draws = Draws::new(StdRng::seed_from_u64(5));
        let mut out = [0; CHARS_MAX];
        (0..n)
            .map(|_| {
                let len = phrase.draw(&mut draws, &mut out).expect("words enough");
                String::from_utf8_lossy(&out[..len]).into()
            })
            .collect()
    }

    fn english(words: usize, separator: Option<u8>, banned: &str) -> Phrase {
        let banned = BannedWords::read(banned).expect("a good list");
        Phrase::new((Language::En, Level::Full), words, separator, Dress::Digit, &banned)
    }

    #[test]
    fn lists_fit_the_limits() {
        for language in Language::ALL {
            let list = lists::words(language, Level::Full);
            let shortest = list.iter().map(|word| word.len()).min().expect("words");
            let longest = list.iter().map(|word| word.len()).max().expect("words");
            assert!(WORDS_MIN * (shortest + 1) + 2 >= CHARS_MIN, "{language}");
            assert!(WORDS_MAX * (longest + 1) + 2 <= CHARS_MAX, "{language}");
        }
    }

    #[test]
    fn words_are_unique_and_classes_present() {
        let words: Arc<[&str]> = ["acorn", "basket", "cow", "dune"].into();
        for dress in DRESSES {
            for password in made(&Phrase::of(Arc::clone(&words), 3, Some(b'.'), dress), 3_000) {
                assert_eq!(rules::check_shape(password.as_bytes()), Ok(()), "{password}");
                let lower = password.trim_end_matches(|c: char| c.is_ascii_digit()).to_lowercase();
                let parts: HashSet<_> = lower.split_terminator('.').collect();
                assert_eq!(parts.len(), 3, "{password}");
            }
        }
    }

    #[test]
    fn passwords_have_the_typed_form() {
        let look = |dress, separator| made(&Phrase::of(["cow", "cow"].into(), 2, separator, dress), 1).remove(0);
        let digits = |text: String| text.replace(|c: char| ('2'..='9').contains(&c), "#");
        for (dress, separator, text) in [
            (Dress::Digit, Some(b'-'), "Cow-cow#"),
            (Dress::Digit, None, "CowCow#"),
            (Dress::SmallAndPair, Some(b'-'), "cow-cow-##"),
            (Dress::CapitalAndPair, Some(b'-'), "Cow-cow-##"),
        ] {
            assert_eq!(digits(look(dress, separator)), text);
        }
    }

    #[test]
    fn digit_pairs_are_harmless() {
        let pairs: HashSet<&str> = PAIRS.iter().map(|pair| std::str::from_utf8(pair).expect("digits")).collect();
        assert_eq!(pairs.len(), 8 * 8 - 2);
        assert!(pairs.iter().all(|pair| pair.bytes().all(|digit| (b'2'..=b'9').contains(&digit))));
        assert!(!pairs.contains("69") && !pairs.contains("88"));
    }

    #[test]
    fn entropy_matches_the_outcomes() {
        for (dress, endings) in [(Dress::Digit, 8), (Dress::SmallAndPair, 62), (Dress::CapitalAndPair, 62)] {
            for separator in [Some(b'-'), None] {
                let words: Arc<[&str]> = ["in", "put", "input", "output", "out"].into();
                let phrase = Phrase::of(words, 2, separator, dress);
                let (space, each) = (5 * 4 * endings, 40);
                let mut seen: HashMap<String, u32> = HashMap::new();
                made(&phrase, space * each).into_iter().for_each(|password| *seen.entry(password).or_default() += 1);
                // Without separator and capitals, the words could be split in several ways; no profile does that.
                if dress != Dress::SmallAndPair || separator.is_some() {
                    assert_eq!(seen.len(), space);
                    let away = |n: &u32| (f64::from(*n) - each as f64).powi(2) / each as f64;
                    let chi_square: f64 = seen.values().map(away).sum();
                    let freedom = space as f64 - 1.0;
                    assert!(chi_square < freedom + 6.0 * (2.0 * freedom).sqrt(), "{chi_square}");
                }
                assert!((phrase.entropy_bits() - (space as f64).log2()).abs() < 1e-9);
            }
        }
        let default = english(WORDS_DEFAULT, Some(b'-'), "").entropy_bits();
        assert!((53.4..53.5).contains(&default), "{default}");
    }

    #[test]
    fn no_separator_capitalizes_every_word() {
        for password in made(&english(5, None, ""), 500) {
            assert_eq!(password.bytes().filter(u8::is_ascii_uppercase).count(), 5, "{password}");
        }
    }

    #[test]
    fn banned_words_leave_the_list() {
        let (all, left) = (english(4, Some(b'-'), ""), english(4, Some(b'-'), "apple\nc0rn"));
        assert!(left.choices() < all.choices());
        assert!(!left.list.iter().any(|word| word.contains("corn")));
    }

    #[test]
    fn too_few_words_make_no_password() {
        let phrase = Phrase::of(["cow"].into(), 2, Some(b'-'), Dress::Digit);
        assert_eq!(phrase.draw(&mut Draws::new(StdRng::seed_from_u64(1)), &mut [0; CHARS_MAX]), None);
        assert_eq!(phrase.entropy_bits(), 0.0);
    }
}
