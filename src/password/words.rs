//! The style of words: a few plain English words and a digit, for people who have to keep a password in their heads.
//!
//! The words are the EFF's long list, made to be remembered, without its four hyphenated entries, which blur with a
//! separator, and without a few that no school wants to hand out. The first letter is a capital, and a digit (none that looks like a letter) ends the password, so
//! three of Entra's four classes are always there. Without a separator every word begins with a capital.
//!
//! Invariant: all choices of different words are equally likely, and no two choices give the same password.

use super::{
    banned::BannedWords,
    draw::{Draws, Urn},
};
use diceware_wordlists::EFF_LONG_WORDLIST;
use std::sync::Arc;

/// Words in a password, unless told otherwise: 54 bits.
pub const WORDS_DEFAULT: usize = 4;
/// Fewest words in a password.
pub const WORDS_MIN: usize = 2;
/// Most words in a password; the longest of them still fit into 256 characters.
pub const WORDS_MAX: usize = 20;
/// What stands between two words, unless told otherwise.
pub const SEPARATOR_DEFAULT: &str = "-";

const DIGITS: &[u8] = b"23456789";

/// Words of the list that some office would have to apologise for.
const UNFIT: &str = "arousal backstab badass bribe cannabis daredevil dynamite enslave entomb gore gory graves graveyard \
                     handgun hardcore junkie lustfully lustily lustiness lusty marxism opium overkill pureblood racism \
                     smoked smokiness smoking smoky thong undying unisexual";

fn is_unfit(word: &str) -> bool {
    UNFIT.split(' ').any(|unfit| unfit == word)
}

/// What the style of words draws from.
#[derive(Clone)]
pub(super) struct Phrase {
    /// At most as many as a `u16` can tell apart.
    list: Arc<[&'static str]>,
    words: usize,
    separator: Option<u8>,
    digit: Urn,
}

impl Phrase {
    /// With words that hold no banned one; settings were checked.
    pub(super) fn new(words: usize, separator: Option<u8>, banned: &BannedWords) -> Self {
        let fits = |word: &&str| !word.contains('-') && !is_unfit(word) && !banned.occur_in(word.as_bytes());
        Self::of(EFF_LONG_WORDLIST.into_iter().filter(fits).collect(), words, separator)
    }

    pub(super) fn of(list: Arc<[&'static str]>, words: usize, separator: Option<u8>) -> Self {
        Self { list, words, separator, digit: Urn::new(DIGITS) }
    }

    /// How many words there are to choose from.
    pub(super) fn choices(&self) -> usize {
        self.list.len()
    }

    /// Writes one password to the beginning of `out` and tells its length.
    pub(super) fn draw(&self, draws: &mut Draws, out: &mut [u8]) -> usize {
        let mut chosen = [0; WORDS_MAX];
        let mut len = 0;
        for nth in 0..self.words {
            chosen[nth] = self.draw_another(draws, &chosen[..nth]);
            if let Some(separator) = self.separator.filter(|_| nth > 0) {
                out[len] = separator;
                len += 1;
            }
            let word = self.list[usize::from(chosen[nth])].as_bytes();
            out[len..len + word.len()].copy_from_slice(word);
            if nth == 0 || self.separator.is_none() {
                out[len].make_ascii_uppercase();
            }
            len += word.len();
        }
        draws.fill(&self.digit, &mut out[len..=len]);
        len + 1
    }

    /// The index of a word that is not among the chosen.
    fn draw_another(&self, draws: &mut Draws, chosen: &[u16]) -> u16 {
        loop {
            let index = draws.below(self.list.len() as u16);
            if !chosen.contains(&index) {
                return index;
            }
        }
    }

    /// The logarithm of the number of passwords: ordered choices of different words, times the digits.
    pub(super) fn entropy_bits(&self) -> f64 {
        let words: f64 = (0..self.words).map(|chosen| ((self.list.len() - chosen) as f64).log2()).sum();
        words + (DIGITS.len() as f64).log2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{CHARS_MAX, CHARS_MIN, rules};
    use rand::{SeedableRng, rngs::StdRng};
    use std::collections::HashSet;

    fn made(phrase: &Phrase, n: usize) -> Vec<String> {
        let mut draws = Draws::new(StdRng::seed_from_u64(5));
        let mut out = [0; CHARS_MAX];
        (0..n)
            .map(|_| {
                let len = phrase.draw(&mut draws, &mut out);
                String::from_utf8_lossy(&out[..len]).into()
            })
            .collect()
    }

    #[test]
    fn the_list_is_what_the_limits_were_made_for() {
        let phrase = Phrase::new(4, Some(b'-'), &BannedWords::default());
        assert_eq!(phrase.choices(), 7_776 - 4 - UNFIT.split(' ').count());
        assert!(phrase.list.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
        let shortest = phrase.list.iter().map(|word| word.len()).min().expect("words");
        let longest = phrase.list.iter().map(|word| word.len()).max().expect("words");
        assert!(WORDS_MIN * (shortest + 1) >= CHARS_MIN);
        assert!(WORDS_MAX * (longest + 1) <= CHARS_MAX);
    }

    #[test]
    fn words_never_repeat_and_entras_classes_are_there() {
        let words: Arc<[&str]> = ["acorn", "basket", "cow", "dune"].into();
        for password in made(&Phrase::of(words, 3, Some(b'.')), 3_000) {
            assert_eq!(rules::check_shape(password.as_bytes()), Ok(()), "{password}");
            let (text, digit) = password.split_at(password.len() - 1);
            assert!(DIGITS.contains(&digit.as_bytes()[0]), "{password}");
            assert!(text.starts_with(|c: char| c.is_ascii_uppercase()), "{password}");
            let lower = text.to_lowercase();
            assert_eq!(lower.split('.').collect::<HashSet<_>>().len(), 3, "{password}");
        }
    }

    #[test]
    fn entropy_counts_what_comes_out() {
        for separator in [Some(b'-'), None] {
            let words: Arc<[&str]> = ["in", "put", "input", "output", "out"].into();
            let phrase = Phrase::of(words, 2, separator);
            let distinct: HashSet<_> = made(&phrase, 8_000).into_iter().collect();
            assert_eq!(distinct.len(), 5 * 4 * 8);
            assert!((phrase.entropy_bits() - 160_f64.log2()).abs() < 1e-9);
        }
        let default = Phrase::new(WORDS_DEFAULT, Some(b'-'), &BannedWords::default());
        assert!((54.0..55.0).contains(&default.entropy_bits()), "{}", default.entropy_bits());
    }

    #[test]
    fn without_a_separator_every_word_begins_with_a_capital() {
        for password in made(&Phrase::new(5, None, &BannedWords::default()), 500) {
            assert_eq!(password.bytes().filter(u8::is_ascii_uppercase).count(), 5, "{password}");
        }
    }

    #[test]
    fn banned_words_are_taken_out_of_the_list() {
        let banned = BannedWords::read("acorn\nc0rn").expect("a good list");
        let phrase = Phrase::new(4, Some(b'-'), &banned);
        assert!(phrase.choices() < 7_772);
        assert!(!phrase.list.iter().any(|word| word.contains("corn")));
    }
}
