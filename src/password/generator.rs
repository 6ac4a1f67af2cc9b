//! Makes the passwords of a run: in parallel, checked for the person each is for, and no two the same.
//!
//! Randomness is the operating system's: it seeds one ChaCha12 stream, which seeds one for every few thousand accounts. What is
//! remembered of a password is a keyed hash of 64 bits; two that meet by chance cost one more draw.
//!
//! Invariant: whatever is given out has passed [`PasswordPolicy::check`] and was never given out by this generator.

use super::{CHARS_MAX, Password, PasswordPolicy, Person, Weakness, draw::Draws, fold::Folded, rules};
use rand::{
    CryptoRng, SeedableRng,
    rngs::{StdRng, SysError, SysRng},
};
use rayon::prelude::*;
use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
};
use zeroize::Zeroizing;

/// Accounts that share a stream and a thread at a time. The same everywhere, so a seed gives the same on any machine.
const CHUNK: usize = 4096;
/// Draws for one account before giving up; the narrowest random style needs some fifteen on average.
const DRAWS_MAX: usize = 10_000;
/// Parts of what is remembered; each is filled by one thread.
const SETS: usize = 8;

/// Why passwords could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Without good randomness there are no passwords.
    #[error("the operating system gives no randomness: {0}")]
    NoRandomness(#[from] SysError),
    /// Next to nothing is left that no other account has and that is not banned.
    #[error(
        "no password could be found in {DRAWS_MAX} tries: the settings leave too few; \
         allow longer ones (--length, --words) or ban fewer words (--banned-words)"
    )]
    Exhausted,
}

/// The source of a run's passwords; it remembers all of them, as hashes.
pub struct Generator<'p> {
    policy: &'p PasswordPolicy,
    rng: StdRng,
    used: Used,
}

impl<'p> Generator<'p> {
    /// A generator seeded by the operating system.
    ///
    /// # Errors
    /// [`PasswordError::NoRandomness`] where the system gives none.
    pub fn new(policy: &'p PasswordPolicy) -> Result<Self, PasswordError> {
        Ok(Self::of(policy, StdRng::try_from_rng(&mut SysRng)?))
    }

    /// A generator whose passwords follow from `rng`, for tests and rehearsals.
    ///
    /// Whoever knows the state of `rng` knows the passwords: never use it for a real account with a seed that is written down.
    pub fn seeded_by(policy: &'p PasswordPolicy, rng: &mut impl CryptoRng) -> Self {
        Self::of(policy, StdRng::from_rng(rng))
    }

    fn of(policy: &'p PasswordPolicy, rng: StdRng) -> Self {
        Self { policy, rng, used: Used::default() }
    }

    /// Makes one password for each of `people`, in their order, on all threads of rayon's pool.
    ///
    /// # Errors
    /// [`PasswordError::Exhausted`] where the policy leaves too few passwords; none of this call is given out then.
    pub fn generate(&mut self, people: &[Person<'_>]) -> Result<Vec<Password>, PasswordError> {
        let chunks: Vec<_> = people.chunks(CHUNK).map(|people| (people, self.maker())).collect();
        let made: Vec<Vec<Made>> = chunks
            .into_par_iter()
            .map(|(people, mut maker)| people.iter().map(|person| maker.make(person, &self.used)).collect())
            .collect::<Result<_, _>>()?;
        let mut made: Vec<Made> = made.into_iter().flatten().collect();
        let clashes = self.used.register(&made);
        let mut maker = self.maker();
        for at in clashes {
            made[at] = maker.make(&people[at], &self.used)?;
            self.used.insert(made[at].hash);
        }
        Ok(made.into_iter().map(|made| made.password).collect())
    }

    /// Checks a password that the roster brings, and from now on gives it to nobody else.
    ///
    /// # Errors
    /// What [`PasswordPolicy::check`] finds, a beginning that a spreadsheet takes for a formula, or that this generator
    /// has given out or adopted the same before.
    pub fn adopt(&mut self, password: &Password, person: &Person<'_>) -> Result<(), Weakness> {
        let text = password.expose();
        if rules::is_formula(text) {
            return Err(Weakness::Formula);
        }
        self.policy.check(text, person)?;
        let hash = self.used.hash(text);
        if self.used.insert(hash) { Ok(()) } else { Err(Weakness::Used) }
    }

    fn maker(&mut self) -> Maker<'p> {
        let rng = StdRng::from_rng(&mut self.rng);
        let text = Zeroizing::new([0; CHARS_MAX]);
        Maker { policy: self.policy, draws: Draws::new(rng), text, folded: Folded::new() }
    }
}

/// A password and what is remembered of it.
struct Made {
    password: Password,
    hash: u64,
}

/// One stream of randomness, with room to make passwords in; all of it is wiped at the end.
struct Maker<'p> {
    policy: &'p PasswordPolicy,
    draws: Draws,
    text: Zeroizing<[u8; CHARS_MAX]>,
    folded: Folded,
}

impl Maker<'_> {
    /// A password for `person` that was not used before this call; another thread may be making the same.
    fn make(&mut self, person: &Person<'_>, used: &Used) -> Result<Made, PasswordError> {
        for _ in 0..DRAWS_MAX {
            let drawn = self.policy.draw(&mut self.draws, self.text.as_mut_slice(), person, &mut self.folded);
            let Some(len) = drawn else { continue };
            let text = std::str::from_utf8(&self.text[..len]).expect("policies draw ASCII only");
            let hash = used.hash(text);
            if !used.contains(hash) {
                // An owned copy has no spare capacity, so nothing is moved and left behind.
                return Ok(Made { password: Password::new(text.to_owned()), hash });
            }
        }
        Err(PasswordError::Exhausted)
    }
}

/// The passwords given out, as keyed hashes: a million take some twenty megabytes.
#[derive(Default)]
struct Used {
    key: RandomState,
    /// Each hash is in the set that some of its bits name, so that all threads can register at once.
    sets: [HashSet<u64, BuildHasherDefault<AsIs>>; SETS],
}

impl Used {
    fn hash(&self, text: &str) -> u64 {
        self.key.hash_one(text)
    }

    fn contains(&self, hash: u64) -> bool {
        self.sets[set_of(hash)].contains(&hash)
    }

    fn insert(&mut self, hash: u64) -> bool {
        self.sets[set_of(hash)].insert(hash)
    }

    /// Registers all that were made, and returns the places of those that somebody before them has already, in order.
    fn register(&mut self, made: &[Made]) -> Vec<usize> {
        let clashes_in = |(at, set): (usize, &mut HashSet<u64, _>)| -> Vec<usize> {
            set.reserve(made.len() / SETS);
            let own = made.iter().enumerate().filter(|(_, made)| set_of(made.hash) == at);
            own.filter(|(_, made)| !set.insert(made.hash)).map(|(place, _)| place).collect()
        };
        let mut clashes: Vec<usize> = self.sets.par_iter_mut().enumerate().flat_map_iter(clashes_in).collect();
        clashes.sort_unstable();
        clashes
    }
}

/// From bits in the middle: the table itself goes by those at both ends.
const fn set_of(hash: u64) -> usize {
    (hash >> 40) as usize % SETS
}

/// The set's entries are hashes already.
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
        language::Language,
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
    fn a_seed_gives_the_same_passwords_and_the_system_gives_others() -> Result<(), PasswordError> {
        let policy = PasswordPolicy::default();
        let people = vec![NOBODY; 2 * CHUNK + 7];
        let (a, b) = (seeded(&policy, 3).generate(&people)?, seeded(&policy, 3).generate(&people)?);
        assert!(texts(&a) == texts(&b));
        assert_eq!(distinct(&a), people.len());
        let mut both = [seeded(&policy, 4).generate(&people)?, Generator::new(&policy)?.generate(&people)?].concat();
        both.extend(a);
        assert_eq!(distinct(&both), 3 * people.len());
        Ok(())
    }

    #[test]
    fn a_space_is_used_up_to_the_last_password_and_not_beyond() {
        let policy = PasswordPolicy::of_few_words(&["acorn", "basket", "cow"], 2);
        let mut generator = seeded(&policy, 1);
        let first = generator.generate(&[NOBODY; 20]).expect("half of them");
        let rest = generator.generate(&[NOBODY; 28]).expect("all of them");
        assert_eq!(distinct(&[first, rest].concat()), 3 * 2 * 8);
        assert!(matches!(generator.generate(&[NOBODY]), Err(PasswordError::Exhausted)));
        assert!(matches!(seeded(&policy, 2).generate(&[NOBODY; 49]), Err(PasswordError::Exhausted)));
    }

    #[test]
    fn a_person_whose_name_is_every_word_ends_in_an_error() {
        let policy = PasswordPolicy::of_few_words(&["acorn", "basket", "cow"], 2);
        let person = Person { upn: "c.ow@contoso.com", names: ["Acorn", "B@sket", "Basket-Cow"], ..NOBODY };
        assert!(matches!(seeded(&policy, 1).generate(&[person]), Err(PasswordError::Exhausted)));
    }

    #[test]
    fn what_the_roster_brings_is_checked_and_taken() {
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
    fn nobodys_name_and_no_banned_word_is_in_a_password() {
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
    fn each_person_has_a_password_of_the_own_form() {
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
        fn whatever_is_made_passes_its_own_check(
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
        fn whatever_a_profile_makes_passes_its_own_check(
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
