//! Compares passwords with words like Microsoft does: ignores case and undoes the usual substitutions.
//!
//! The substitutions are the four on its page on banned passwords (0 for o, 1 for l, $ for s, @ for a); the full list
//! is not published. Folded text never leaves this module, and is wiped when dropped.
//!
//! Invariant: folding keeps the length, so positions and counts are those of the password.

use super::limits::CHARS_MAX;
use zeroize::Zeroizing;

static FOLD: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0' => b'o',
            b'1' => b'l',
            b'$' => b's',
            b'@' => b'a',
            other => other.to_ascii_lowercase(),
        };
        byte += 1;
    }
    table
}

/// One byte in its form for comparison.
pub(super) fn fold(byte: u8) -> u8 {
    FOLD[usize::from(byte)]
}

/// A password in its form for comparison.
pub(super) struct Folded {
    bytes: Zeroizing<[u8; CHARS_MAX]>,
    len: usize,
    /// One bit for each sequence of three characters (many share a bit): rules out nearly every word at once.
    threes: Zeroizing<[u64; 16]>,
}

impl Folded {
    pub(super) fn new() -> Self {
        Self { bytes: Zeroizing::new([0; CHARS_MAX]), len: 0, threes: Zeroizing::new([0; 16]) }
    }

    /// Replaces the content with the folded `text`, of at most [`CHARS_MAX`] bytes.
    pub(super) fn set(&mut self, text: &[u8]) {
        self.len = text.len();
        *self.threes = [0; 16];
        let mut last = [0; 3];
        for (slot, &byte) in self.bytes.iter_mut().zip(text) {
            *slot = fold(byte);
            last = [last[1], last[2], *slot];
            let (at, bit) = place(last);
            self.threes[at] |= bit;
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Whether the password contains `word`, which must be folded and have at least three characters.
    pub(super) fn contains(&self, word: &[u8]) -> bool {
        let &[first, second, third, ..] = word else { return false };
        self.may_contain([fold(first), fold(second), fold(third)])
            && self.as_bytes().windows(word.len()).any(|part| part.iter().zip(word).all(|(&a, &b)| a == fold(b)))
    }

    /// Whether the password may contain these three in sequence; `false` for nearly all that it does not contain.
    fn may_contain(&self, three: [u8; 3]) -> bool {
        let (at, bit) = place(three);
        self.threes[at] & bit != 0
    }
}

/// The position of a sequence's bit among 1,024.
fn place([first, second, third]: [u8; 3]) -> (usize, u64) {
    let place = usize::from((first ^ second) & 31) << 5 | usize::from((second ^ third) & 31);
    (place >> 6, 1 << (place & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Folded {
        let mut folded = Folded::new();
        folded.set(b"longer than what follows, which must not shine through");
        folded.set(text.as_bytes());
        folded
    }

    #[test]
    fn case_and_substitutions_are_folded() {
        assert_eq!(folded("C0nt0$o-Bl@nK1!").as_bytes(), b"contoso-blankl!");
        assert_eq!(folded("").as_bytes(), b"");
    }

    #[test]
    fn bits_rule_out_most_words() {
        let letters = b'a'..=b'z';
        let twos = letters.clone().flat_map(|first| letters.clone().map(move |second| (first, second)));
        let threes: Vec<_> =
            twos.flat_map(|(first, second)| letters.clone().map(move |third| [first, second, third])).collect();
        for text in ["kd7-Wq2m.Rt9+xb4", "acorn-basket-thunder7", "ABCDEFGHJKLMNPQRSTUVWXYZ"] {
            let password = folded(text);
            let left = threes.iter().filter(|three| password.may_contain(**three)).count();
            assert!(left * 20 < threes.len(), "{text}: {left} of {}", threes.len());
            let own = password.as_bytes().windows(3);
            assert!(own.into_iter().all(|three| password.may_contain([three[0], three[1], three[2]])), "{text}");
        }
    }

    #[test]
    fn finds_words_in_any_spelling() {
        assert!(folded("p0LL23fb").contains(b"Poll"));
        assert!(folded("23p@$$word").contains(b"PA$S"));
        assert!(folded("xxann").contains(b"Ann"));
        assert!(!folded("xxnan").contains(b"ann"));
        assert!(!folded("an").contains(b"ann"));
        assert!(folded("").as_bytes().is_empty() && !folded("").contains(b"ann"));
    }
}
