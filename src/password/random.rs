//! The random style: characters drawn one by one, without look-alikes.
//!
//! `l 1 I | O 0 o` are left out. The first character is a letter, because a symbol there could start a formula or an
//! option, or end a quotation. Only four symbols are used by default: see [`SYMBOLS_DEFAULT`].
//!
//! Invariant: all passwords that meet the rules are equally likely, because the others are rejected as a whole.

use super::{
    draw::{Draws, Urn},
    rules::{self, DIGIT, LOWER, SYMBOL, UPPER},
};

/// Default length of a random password: 93 bits with the default symbols.
pub const LENGTH_DEFAULT: usize = 16;

/// Default symbols of a random password: safe wherever passwords are used.
///
/// Hyphen, plus, colon and dot need no quoting inside a word in bash, PowerShell and cmd, nor in CSV, XML, JSON and the
/// userinfo of a URL, and can be read out over the telephone. `=` separates the arguments of a batch file, `_`
/// disappears in underlined text, `,` and `;` separate cells, and all others mean something to some shell.
pub const SYMBOLS_DEFAULT: &str = "-+:.";

const LOWERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz";
const UPPERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &[u8] = b"23456789";

/// The characters of the random style, and the length of a password.
#[derive(Clone)]
pub(super) struct Alphabet {
    length: usize,
    first: Urn,
    any: Urn,
    /// The size of each class, in the order of the bits.
    sizes: [usize; 4],
    /// The classes of which each password needs at least one character.
    required: u8,
}

impl Alphabet {
    /// An alphabet with these checked symbols, each at most once. Without symbols there are three classes.
    pub(super) fn new(length: usize, symbols: &[u8]) -> Self {
        Self::of(length, [LOWERS, UPPERS, DIGITS, symbols])
    }

    fn of(length: usize, classes: [&[u8]; 4]) -> Self {
        let [lowers, uppers, ..] = classes;
        let all = classes.concat();
        Self {
            length,
            first: Urn::new(&[lowers, uppers].concat()),
            any: Urn::new(&all),
            sizes: classes.map(<[u8]>::len),
            required: rules::classes(&all),
        }
    }

    /// Writes one password to the beginning of `out` and returns its length, or `None` if a class is missing.
    pub(super) fn draw(&self, draws: &mut Draws, out: &mut [u8]) -> Option<usize> {
        let password = &mut out[..self.length];
        draws.fill(&self.first, &mut password[..1]);
        draws.fill(&self.any, &mut password[1..]);
        (rules::classes(password) == self.required).then_some(self.length)
    }

    /// The logarithm of the number of passwords, by inclusion and exclusion over the classes that may be missing.
    ///
    /// From about 160 characters on, the number itself would overflow an `f64`, so shares of all texts are added
    /// instead.
    pub(super) fn entropy_bits(&self) -> f64 {
        let (first, any) = (self.without(0, LOWER | UPPER), self.without(0, LOWER | UPPER | DIGIT | SYMBOL));
        let rest = self.length as f64 - 1.0;
        let share = |missing: u8| {
            let letters = self.without(missing, LOWER | UPPER) / first;
            letters * (self.without(missing, LOWER | UPPER | DIGIT | SYMBOL) / any).powf(rest)
        };
        let subsets = (0..16).filter(|missing| missing & !self.required == 0);
        let valid: f64 =
            subsets.map(|set: u8| if set.count_ones().is_multiple_of(2) { share(set) } else { -share(set) }).sum();
        first.log2() + rest * any.log2() + valid.log2()
    }

    /// How many characters are in `classes` but not in `missing`.
    fn without(&self, missing: u8, classes: u8) -> f64 {
        let counted = classes & !missing;
        self.sizes.iter().enumerate().filter(|(class, _)| counted >> class & 1 == 1).map(|(_, &size)| size as f64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};
    use std::collections::{HashMap, HashSet};

    fn made(alphabet: &Alphabet, n: usize) -> Vec<String> {
        let mut draws = Draws::new(StdRng::seed_from_u64(11));
        let mut out = [0; 256];
        std::iter::repeat_with(|| {
            alphabet.draw(&mut draws, &mut out).map(|len| String::from_utf8_lossy(&out[..len]).into())
        })
        .flatten()
        .take(n)
        .collect()
    }

    fn chi_square(seen: impl Iterator<Item = u32>, expected: f64) -> f64 {
        seen.map(|n| (f64::from(n) - expected).powi(2) / expected).sum()
    }

    #[test]
    fn passwords_have_all_classes() {
        for symbols in ["", "-", SYMBOLS_DEFAULT, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"] {
            for password in made(&Alphabet::new(8, symbols.as_bytes()), 2_000) {
                assert_eq!(rules::classes(password.as_bytes()).count_ones(), if symbols.is_empty() { 3 } else { 4 });
                assert!(password.starts_with(|c: char| c.is_ascii_alphabetic()), "{password}");
                assert!(!password.contains(['l', '1', 'I', 'O', '0', 'o']), "{password}");
                assert!(password.chars().all(|c| c.is_ascii_alphanumeric() || symbols.contains(c)), "{password}");
            }
        }
    }

    #[test]
    fn entropy_matches_a_manual_count() {
        for (length, classes) in [
            (4, ["ab", "C", "23", "-"]),
            (5, ["ab", "CDE", "2", "-+"]),
            (6, ["a", "B", "2", "-"]),
            (5, ["abc", "D", "23", ""]),
        ] {
            let alphabet = Alphabet::of(length, classes.map(str::as_bytes));
            let all = classes.concat();
            let mut texts = vec![String::new()];
            for _ in 0..length {
                texts = texts.iter().flat_map(|text| all.chars().map(move |c| format!("{text}{c}"))).collect();
            }
            texts.retain(|text| {
                text.starts_with(|c: char| c.is_alphabetic())
                    && classes.iter().all(|class| class.is_empty() || text.contains(|c| class.contains(c)))
            });
            assert!((alphabet.entropy_bits() - (texts.len() as f64).log2()).abs() < 1e-9, "{classes:?}");
            let distinct: HashSet<_> = made(&alphabet, texts.len() * 30).into_iter().collect();
            assert_eq!(distinct, texts.into_iter().collect::<HashSet<_>>(), "{classes:?}");
        }
    }

    #[test]
    fn entropy_grows_and_stays_finite() {
        let bits = |length| Alphabet::new(length, SYMBOLS_DEFAULT.as_bytes()).entropy_bits();
        assert!((93.0..94.0).contains(&bits(LENGTH_DEFAULT)), "{}", bits(LENGTH_DEFAULT));
        assert!((8..256).all(|length| bits(length + 1) > bits(length) + 5.0));
        assert!(bits(256).is_finite());
    }

    /// Six standard deviations of chi-square above its mean: a fair urn fails once in a hundred million seeds.
    #[test]
    fn all_passwords_are_equally_likely() {
        let tiny = Alphabet::of(4, ["ab", "C", "23", "-"].map(str::as_bytes));
        let count = tiny.entropy_bits().exp2().round();
        let mut seen: HashMap<String, u32> = HashMap::new();
        made(&tiny, 40_000).into_iter().for_each(|password| *seen.entry(password).or_default() += 1);
        assert_eq!(seen.len() as f64, count);
        let chi = chi_square(seen.into_values(), 40_000.0 / count);
        assert!(chi < count - 1.0 + 6.0 * (2.0 * (count - 1.0)).sqrt(), "{chi}");
    }

    #[test]
    fn characters_in_a_class_are_equal() {
        let mut seen = [0_u32; 256];
        let passwords = made(&Alphabet::new(LENGTH_DEFAULT, SYMBOLS_DEFAULT.as_bytes()), 50_000);
        passwords.iter().flat_map(|password| password.bytes()).for_each(|byte| seen[usize::from(byte)] += 1);
        for class in [LOWERS, UPPERS, DIGITS, SYMBOLS_DEFAULT.as_bytes()] {
            let total: u32 = class.iter().map(|&byte| seen[usize::from(byte)]).sum();
            let expected = f64::from(total) / class.len() as f64;
            let freedom = class.len() as f64 - 1.0;
            let chi = chi_square(class.iter().map(|&byte| seen[usize::from(byte)]), expected);
            assert!(chi < freedom + 6.0 * (2.0 * freedom).sqrt(), "{chi}");
        }
    }
}
