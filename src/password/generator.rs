//! Makes the passwords of a run: checked for each user, and all different.
//!
//! The operating system's randomness seeds one ChaCha12 stream, which seeds another for each call. One thread makes
//! millions of passwords a second, far more than the ledger can store. The generator remembers each password as a keyed hash of 64 bits; a collision costs one more draw.
//!
//! Invariant: every password it returns has passed [`PasswordPolicy::check`] and was never returned before.

use super::{CHARS_MAX, Password, PasswordPolicy, Person, Weakness, draw::Draws, fold::Folded, rules};
use rand::{
    CryptoRng, SeedableRng,
    rngs::{StdRng, SysError, SysRng},
};
use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
};
use zeroize::Zeroizing;

/// Draws for one account before giving up. The narrowest random style needs about fifteen on average.
const DRAWS_MAX: usize = 10_000;

/// Why passwords could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// There are no passwords without good randomness.
    #[error("the operating system provides no randomness: {0}")]
    NoRandomness(#[from] SysError),
    /// Nearly every password left is in use or banned.
    #[error("no password could be found in {DRAWS_MAX} tries: the settings allow too few")]
    Exhausted,
}

/// The source of a run's passwords. It remembers all of them as hashes.
pub struct Generator<'p> {
    policy: &'p PasswordPolicy,
    rng: StdRng,
    used: Used,
}

impl<'p> Generator<'p> {
    /// A generator seeded by the operating system.
    ///
    /// # Errors
    /// Returns [`PasswordError::NoRandomness`] if the system has none.
    pub fn new(policy: &'p PasswordPolicy) -> Result<Self, PasswordError> {
        Ok(Self::of(policy, StdRng::try_from_rng(&mut SysRng)?))
    }

    /// A generator whose passwords follow from `rng`, for tests and rehearsals.
    ///
    /// Anyone who knows the state of `rng` knows the passwords: never use it for real accounts with a seed that is
    /// stored.
    pub fn seeded_by(policy: &'p PasswordPolicy, rng: &mut impl CryptoRng) -> Self {
        Self::of(policy, StdRng::from_rng(rng))
    }

    /// A generator whose passwords follow from a secret seed. Whoever knows the seed and the policy knows the passwords.
    #[must_use]
    pub fn of_seed(policy: &'p PasswordPolicy, seed: [u8; 32]) -> Self {
        Self::of(policy, StdRng::from_seed(seed))
    }

    fn of(policy: &'p PasswordPolicy, rng: StdRng) -> Self {
        Self { policy, rng, used: Used::default() }
    }

    /// Makes one password for each of `people`, in order.
    ///
    /// # Errors
    /// Returns [`PasswordError::Exhausted`] if the policy leaves too few passwords. Then the call returns none at all.
    pub fn generate(&mut self, people: &[Person<'_>]) -> Result<Vec<Password>, PasswordError> {
        let mut maker = self.maker();
        people.iter().map(|person| maker.make(person, &mut self.used)).collect()
    }

    /// Checks a password from the roster, and reserves it, so no other account gets it.
    ///
    /// # Errors
    /// Fails if [`PasswordPolicy::check`] does, if the password begins like a spreadsheet formula, or if this generator
    /// returned or adopted the same one before.
    pub fn adopt(&mut self, password: &Password, person: &Person<'_>) -> Result<(), Weakness> {
        let text = password.expose();
        if rules::is_formula(text) {
            return Err(Weakness::Formula);
        }
        self.policy.check(text, person)?;
        if self.used.insert(text) { Ok(()) } else { Err(Weakness::Used) }
    }

    fn maker(&mut self) -> Maker<'p> {
        let rng = StdRng::from_rng(&mut self.rng);
        let text = Zeroizing::new([0; CHARS_MAX]);
        Maker { policy: self.policy, draws: Draws::new(rng), text, folded: Folded::new() }
    }
}

/// One stream of randomness with buffers for making passwords; all of it is wiped at the end.
struct Maker<'p> {
    policy: &'p PasswordPolicy,
    draws: Draws,
    text: Zeroizing<[u8; CHARS_MAX]>,
    folded: Folded,
}

impl Maker<'_> {
    /// Makes a password for `person` that was not used before, and marks it as used.
    fn make(&mut self, person: &Person<'_>, used: &mut Used) -> Result<Password, PasswordError> {
        for _ in 0..DRAWS_MAX {
            let drawn = self.policy.draw(&mut self.draws, self.text.as_mut_slice(), person, &mut self.folded);
            let Some(len) = drawn else { continue };
            let text = std::str::from_utf8(&self.text[..len]).expect("policies draw ASCII only");
            if used.insert(text) {
                // An owned copy has no spare capacity, so no reallocation leaves a copy behind.
                return Ok(Password::new(text.to_owned()));
            }
        }
        Err(PasswordError::Exhausted)
    }
}

/// The passwords in use, as keyed hashes: a million take about twenty megabytes.
#[derive(Default)]
struct Used {
    key: RandomState,
    hashes: HashSet<u64, BuildHasherDefault<AsIs>>,
}

impl Used {
    /// Marks a password as used; returns false if it was before.
    fn insert(&mut self, text: &str) -> bool {
        self.hashes.insert(self.key.hash_one(text))
    }
}

/// A hasher that passes through the entries, which are already hashes.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::language::Language,
        password::{BannedWords, Form, Profile, Style},
    };
    use proptest::prelude::*;

    const NOBODY: Person<'_> = Person { upn: "", names: [""; 3], form: Form { profile: None, language: Language::En } };

    fn seeded(policy: &PasswordPolicy, seed: u64) -> Generator<'_> {
        Generator::seeded_by(policy, &mut StdRng::seed_from_u64(seed))
    }

    fn texts(passwords: &[Password]) -> Vec<&str> {
        passwords.iter().map(Password::expose).collect()
    }

    fn distinct(passwords: &[Password]) -> usize {
        texts(passwords).into_iter().collect::<HashSet<_>>().len()
    }

    #[test]
    fn seeds_are_reproducible() -> Result<(), PasswordError> {
        let policy = PasswordPolicy::default();
        let people = vec![NOBODY; 9_000];
        let (a, b) = (seeded(&policy, 3).generate(&people)?, seeded(&policy, 3).generate(&people)?);
        assert!(texts(&a) == texts(&b));
        assert_eq!(distinct(&a), people.len());
        let mut both = [seeded(&policy, 4).generate(&people)?, Generator::new(&policy)?.generate(&people)?].concat();
        both.extend(a);
        assert_eq!(distinct(&both), 3 * people.len());
        Ok(())
    }

    #[test]
    fn uses_up_small_spaces_exactly() {
        let policy = PasswordPolicy::of_few_words(&["acorn", "basket", "cow"], 2);
        let mut generator = seeded(&policy, 1);
        let first = generator.generate(&[NOBODY; 20]).expect("half of them");
        let rest = generator.generate(&[NOBODY; 28]).expect("all of them");
        assert_eq!(distinct(&[first, rest].concat()), 3 * 2 * 8);
        assert!(matches!(generator.generate(&[NOBODY]), Err(PasswordError::Exhausted)));
        assert!(matches!(seeded(&policy, 2).generate(&[NOBODY; 49]), Err(PasswordError::Exhausted)));
    }

    #[test]
    fn unavoidable_name_is_an_error() {
        let policy = PasswordPolicy::of_few_words(&["acorn", "basket", "cow"], 2);
        let person = Person { upn: "c.ow@contoso.com", names: ["Acorn", "B@sket", "Basket-Cow"], ..NOBODY };
        assert!(matches!(seeded(&policy, 1).generate(&[person]), Err(PasswordError::Exhausted)));
    }

    #[test]
    fn roster_passwords_are_checked_and_reserved() {
        let policy = PasswordPolicy::of_few_words(&["acorn", "basket"], 2);
        let mut generator = seeded(&policy, 1);
        let mut adopt = |text: &str| generator.adopt(&Password::new(text.to_owned()), &NOBODY);
        assert_eq!(adopt("Acorn-basket2"), Ok(()));
        assert_eq!(adopt("Acorn-basket2"), Err(Weakness::Used));
        assert_eq!(adopt("=Acorn-basket2"), Err(Weakness::Formula));
        assert_eq!(adopt("\tAcorn-basket2"), Err(Weakness::Formula));
        assert_eq!(adopt("short"), Err(Weakness::Length));
        let passwords = generator.generate(&[NOBODY; 15]).expect("all that are left");
        assert_eq!(distinct(&passwords), 15);
        assert!(!texts(&passwords).contains(&"Acorn-basket2"));
        assert_eq!(generator.adopt(&passwords[0], &NOBODY), Err(Weakness::Used));
    }

    #[test]
    fn no_names_or_banned_words() {
        let banned = BannedWords::read("ing\nabb\n2aa").expect("a good list");
        let policies = [
            Style::Words { words: 4, separator: String::new() },
            Style::Random { length: 8, symbols: "@$".to_owned() },
        ]
        .map(|style| PasswordPolicy::new(style, banned.clone()).expect("good settings"));
        let person = Person { upn: "ted.art@asset.com", names: ["Ada", "st", "Ann"], ..NOBODY };
        for policy in &policies {
            let passwords = seeded(policy, 9).generate(&[person; 5_000]).expect("passwords");
            for text in texts(&passwords) {
                let plain = text.to_lowercase().replace('@', "a").replace('$', "s");
                for part in ["ted", "art", "asset", "ada", "ann", "ing", "abb", "2aa"] {
                    assert!(!plain.contains(part), "{part} in {text}");
                }
            }
        }
    }

    #[test]
    fn each_user_gets_their_form() {
        let policy = PasswordPolicy::default();
        let forms = Profile::ALL.map(|profile| Form { profile: Some(profile), language: Language::De });
        let people: Vec<_> = forms.iter().map(|&form| Person { form, ..NOBODY }).collect();
        let passwords = seeded(&policy, 6).generate(&people).expect("passwords");
        let words: Vec<usize> = texts(&passwords).iter().map(|text| text.split('-').count()).collect();
        assert_eq!(words[..4], [3, 4, 5, 5]);
        assert_eq!(texts(&passwords)[4].len(), 20);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn generated_passwords_pass_the_check(
            length in 8_usize..=256, symbols in "[!-/:-@\\[-`{-~]{0,32}", words in 3_usize..=20, separator in "[ -@]?", seed: u64,
        ) {
            let person = Person { upn: "ann.smith@contoso.com", names: ["Ann", "Smith", ""], ..NOBODY };
            for style in [Style::Random { length, symbols }, Style::Words { words, separator }] {
                let policy = PasswordPolicy::new(style, BannedWords::read("fabrikam").expect("a good list")).expect("good settings");
                for password in seeded(&policy, seed).generate(&[person; 20]).expect("passwords") {
                    prop_assert_eq!(policy.check(password.expose(), &person), Ok(()));
                    prop_assert!(password.expose().starts_with(|c: char| c.is_ascii_alphabetic()));
                }
            }
        }

        #[test]
        fn profile_passwords_pass_the_check(
            profile in proptest::sample::select(&Profile::ALL[..]), language in proptest::sample::select(&Language::ALL[..]),
            seed: u64,
        ) {
            let form = Form { profile: Some(profile), language };
            let person = Person { upn: "marta.sol@contoso.com", names: ["Marta", "Sol", "Martin"], form };
            let policy = PasswordPolicy::new(Style::default(), BannedWords::read("panda\nlune").expect("a good list"));
            let policy = policy.expect("good settings");
            for password in seeded(&policy, seed).generate(&[person; 40]).expect("passwords") {
                let text = password.expose();
                prop_assert_eq!(policy.check(text, &person), Ok(()));
                prop_assert!(text.starts_with(|c: char| c.is_ascii_alphabetic()), "{}", text);
                prop_assert!(["panda", "lune", "marta", "martin"].iter().all(|word| !text.to_lowercase().contains(word)), "{}", text);
                let has_capital = text.contains(|c: char| c.is_ascii_uppercase());
                prop_assert_eq!(has_capital, profile >= Profile::Senior, "{}", text);
            }
        }
    }
}
