//! Banned words: the organization's own list, applied by Microsoft's rules.
//!
//! A password is refused if it is a banned word within one edit, or if it scores fewer than five points: one for each
//! banned word in it, and one for each remaining character. This is Microsoft's published account of its own check. Its
//! global list is not published and cannot be queried, so Entra ID may still refuse a password that passes here.
//!
//! Invariant: the words are folded, sorted and unique, so two lists with the same meaning are equal.

use super::fold::fold;
use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};

/// Maximum number of banned words in a list; Microsoft's own takes a thousand.
pub const BANNED_WORDS_MAX: usize = 10_000;

/// Length of a banned word; Microsoft's own list requires at least four characters.
const WORD_CHARS: std::ops::RangeInclusive<usize> = 3..=16;
/// Minimum score of an acceptable password.
const SCORE_MIN: usize = 5;

/// A list of banned words; empty by default.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct BannedWords {
    /// Sorted by length, then alphabetically: see [`BannedWords::is_near`].
    words: Vec<String>,
    finder: AhoCorasick,
}

/// Why a list of banned words cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BannedError {
    /// A word of fewer than 3 or more than 16 characters.
    #[error("line {line} of the banned words has {chars} characters; a banned word has 3 to 16")]
    Length {
        /// Its line, from 1.
        line: usize,
        /// Its length.
        chars: usize,
    },
    /// More words than [`BANNED_WORDS_MAX`].
    #[error("there are {0} banned words; at most {BANNED_WORDS_MAX} can be used")]
    TooMany(usize),
}

impl BannedWords {
    /// Reads a list with one word per line. Blank lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// Names the line of a word that is too short or too long, or the number of words if there are too many.
    pub fn read(text: &str) -> Result<Self, BannedError> {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        Self::new((1..).zip(lines).filter(|(_, word)| !word.is_empty() && !word.starts_with('#')))
    }

    fn new<'a>(numbered: impl Iterator<Item = (usize, &'a str)>) -> Result<Self, BannedError> {
        let mut words = Vec::new();
        for (line, word) in numbered {
            let chars = word.chars().count();
            if !WORD_CHARS.contains(&chars) {
                return Err(BannedError::Length { line, chars });
            }
            words.push(folded(word));
        }
        words.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        words.dedup();
        if words.len() > BANNED_WORDS_MAX {
            return Err(BannedError::TooMany(words.len()));
        }
        Ok(Self::sorted(words))
    }

    fn sorted(words: Vec<String>) -> Self {
        let finder = AhoCorasick::new(&words).expect("ten thousand short words are far below the automaton's limits");
        Self { words, finder }
    }

    /// The number of different words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a folded text contains a banned word.
    pub(super) fn occur_in(&self, text: &[u8]) -> bool {
        !self.is_empty() && self.finder.is_match(text)
    }

    /// Whether Microsoft's rule refuses a folded password that meets Entra's other rules.
    pub(super) fn refuse(&self, password: &[u8]) -> bool {
        !self.is_empty() && (self.is_near(password) || self.score(password) < SCORE_MIN)
    }

    /// Whether a folded password contains a banned word or is close to one. Generated passwords must not, although
    /// Entra might accept them.
    pub(super) fn touch(&self, password: &[u8]) -> bool {
        self.occur_in(password) || self.is_near(password)
    }

    /// Whether the whole password is one of the words within one edit. Only words of about its length can match.
    fn is_near(&self, password: &[u8]) -> bool {
        let longer = self.words.partition_point(|word| word.len() + 1 < password.len());
        let alike = self.words[longer..].iter().take_while(|word| word.len() <= password.len() + 1);
        alike.into_iter().any(|word| is_one_edit(word.as_bytes(), password))
    }

    /// The lowest score of the password when read as banned words and single characters.
    fn score(&self, password: &[u8]) -> usize {
        let mut found = self.finder.find_overlapping_iter(password).peekable();
        let mut best = vec![0; password.len() + 1];
        for end in 1..best.len() {
            best[end] = best[end - 1] + 1;
            while let Some(word) = found.next_if(|word| word.end() == end) {
                best[end] = best[end].min(best[word.start()] + 1);
            }
        }
        best[password.len()]
    }
}

/// Folds a word in the way passwords are compared; letters outside ASCII are only lowercased.
fn folded(word: &str) -> String {
    word.to_lowercase().chars().map(|c| u8::try_from(c).map_or(c, |byte| fold(byte).into())).collect()
}

/// Whether inserting, removing or changing at most one character turns `a` into `b`.
fn is_one_edit(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let rest_of_long = long.get(same + 1..).unwrap_or_default();
    match long.len() - short.len() {
        0 => short.get(same + 1..).unwrap_or_default() == rest_of_long,
        1 => &short[same..] == rest_of_long,
        _ => false,
    }
}

impl Default for BannedWords {
    fn default() -> Self {
        Self::sorted(Vec::new())
    }
}

impl std::fmt::Debug for BannedWords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BannedWords").field(&self.words).finish()
    }
}

impl TryFrom<Vec<String>> for BannedWords {
    type Error = BannedError;

    /// Accepts any list of words. The "line" of an error is the position in the list.
    fn try_from(words: Vec<String>) -> Result<Self, BannedError> {
        Self::new((1..).zip(words.iter().map(String::as_str)))
    }
}

impl From<BannedWords> for Vec<String> {
    fn from(banned: BannedWords) -> Self {
        banned.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn banned(words: &[&str]) -> BannedWords {
        BannedWords::read(&words.join("\n")).expect("a good list")
    }

    fn score(words: &[&str], password: &str) -> usize {
        banned(words).score(folded(password).as_bytes())
    }

    #[test]
    fn microsofts_own_examples_score_as_published() {
        let words = ["contoso", "blank"];
        for (password, points) in [("C0ntos0Blank12", 4), ("ContoS0Bl@nkf9!", 5)] {
            assert_eq!(score(&words, password), points, "{password}");
            assert_eq!(banned(&words).refuse(folded(password).as_bytes()), points < SCORE_MIN, "{password}");
        }
    }

    #[test]
    fn best_cover_decides_the_score() {
        for (words, password, points) in [
            (&["contoso"][..], "", 0),
            (&[], "Abcdefg1", 8),
            (&["abc", "cdefgh"], "abcdefgh", 3),
            (&["abcd", "cdefgh", "efgh"], "abcdefgh", 2),
            (&["blank", "blanket"], "Bl@nk3tBlanket", 4),
            (&["aaa"], "aaaaaaaa", 4),
        ] {
            assert_eq!(score(words, password), points, "{password}");
        }
    }

    #[test]
    fn near_matches_are_refused() {
        let list = banned(&["abcdefgh", "fabrikam"]);
        for weak in ["abcdefgh", "AbcdefghX", "bcdefgh", "abcdefg", "abcXefgh", "abcdXefgh", "F@br1kam", "f@brik@m!"] {
            assert!(list.is_near(folded(weak).as_bytes()), "{weak}");
        }
        for fine in ["", "abcd", "abcdefghXY", "abXdeXgh", "bacdefgh", "abcdefXYgh"] {
            assert!(!list.is_near(folded(fine).as_bytes()), "{fine}");
        }
    }

    #[test]
    fn parses_lists_and_names_faults() {
        let list =
            BannedWords::read("\u{feff}# ours\r\n\r\n Contoso \r\nC0NT0SO\r\nbl@nk\r\nmüller").expect("a good list");
        assert_eq!(list.words, ["blank", "contoso", "müller"]);
        assert_eq!((list.len(), list.is_empty()), (3, false));
        assert_eq!(format!("{list:?}"), r#"BannedWords(["blank", "contoso", "müller"])"#);
        let fault = |text| BannedWords::read(text).expect_err("a bad list");
        assert_eq!(fault("abc\n\nab"), BannedError::Length { line: 3, chars: 2 });
        assert_eq!(fault("abcdefghijklmnopq"), BannedError::Length { line: 1, chars: 17 });
        let many: String = (0..=BANNED_WORDS_MAX).map(|n| format!("x{:04x}\n", n + 0x2222)).collect();
        assert!(matches!(fault(&many), BannedError::TooMany(_)));
        assert!(BannedWords::read("").expect("an empty list").is_empty());
    }

    #[test]
    fn finds_words_anywhere() {
        assert!(banned(&["contoso"]).occur_in(b"xxcontosoxx"));
        assert!(!banned(&["contoso"]).occur_in(b"contos"));
        assert!(!BannedWords::default().occur_in(b"contoso"));
        assert!(!BannedWords::default().refuse(b"abc"));
    }

    proptest! {
        #[test]
        fn one_edit_matches_the_textbook(a in "[ab]{0,6}", b in "[ab]{0,6}") {
            let mut row: Vec<usize> = (0..=b.len()).collect();
            for (i, x) in a.bytes().enumerate() {
                let mut diagonal = std::mem::replace(&mut row[0], i + 1);
                for (j, y) in b.bytes().enumerate() {
                    let cell = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
                    diagonal = std::mem::replace(&mut row[j + 1], cell);
                }
            }
            prop_assert_eq!(is_one_edit(a.as_bytes(), b.as_bytes()), row[b.len()] <= 1);
        }
    }
}
