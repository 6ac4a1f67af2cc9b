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
    lists,
    profile::{Form, Profile},
    random,
    recipe::Recipe,
    rules::{self, CHARS_MAX, CHARS_MIN, Person, Weakness},
    words::{WORDS_MAX, WORDS_MIN},
};
use crate::language::Language;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Under this many bits of entropy a password can be guessed by somebody who steals its hash; ask before using it. To name a
/// profile is to have been asked: those of young children are below, and lean on Entra ID, which locks an account after a
/// few wrong guesses (its page on smart lockout).
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
    /// Words of somebody's language, none twice in a password, the first with a capital, and a digit at the end.
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

/// How passwords are made and what they must not be: a [`Style`], for those who have no [`Profile`], and [`BannedWords`],
/// checked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct PasswordPolicy {
    settings: Settings,
    /// For each language in order, without a profile and then for each profile.
    recipes: Arc<[Recipe]>,
}

/// What of a policy is written down; the rest follows from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Settings {
    style: Style,
    banned_words: BannedWords,
}

impl PasswordPolicy {
    /// Checks the settings.
    ///
    /// # Errors
    /// Says which of them cannot be, and the flag that changes it.
    pub fn new(style: Style, banned: BannedWords) -> Result<Self, PolicyError> {
        let own = Language::ALL.map(|language| Recipe::of_style(&style, language, &banned));
        let mut recipes = own.into_iter().collect::<Result<Vec<_>, _>>()?;
        // Where only some languages have too few words left, the generator says so when it meets one.
        if let Some(few) = recipes.iter().map(Recipe::too_few_words).min().flatten() {
            return Err(PolicyError::FewWords(few));
        }
        for profile in Profile::ALL {
            recipes.extend(Language::ALL.map(|language| Recipe::of_profile(profile, language, &banned)));
        }
        Ok(Self { settings: Settings { style, banned_words: banned }, recipes: recipes.into() })
    }

    fn recipe(&self, form: Form) -> &Recipe {
        let group = form.profile.map_or(0, |profile| profile as usize + 1);
        &self.recipes[group * Language::ALL.len() + form.language as usize]
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

    /// The base-2 logarithm of the number of passwords that can come forth in this form, all of them equally likely; 0 where
    /// none can, since the banned words leave too few.
    ///
    /// Exact for the form and the words left in the list. What is thrown away for an account's name, or because
    /// letters happen to form a banned or a rude word, is not counted: it is a small fraction of a bit.
    #[must_use]
    pub fn entropy_bits(&self, form: Form) -> f64 {
        self.recipe(form).entropy_bits()
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
    /// enough for `person`. A password made here holds no banned word at all, and no rude one.
    pub(super) fn draw(
        &self,
        draws: &mut Draws,
        out: &mut [u8],
        person: &Person<'_>,
        folded: &mut Folded,
    ) -> Option<usize> {
        let recipe = self.recipe(person.form);
        let len = recipe.draw(draws, out)?;
        keep_rules(&out[..len], person, folded).ok()?;
        // The lists hold nothing rude to begin with.
        let is_rude = recipe.is_random() && lists::is_rude(folded.as_bytes());
        (!is_rude && !self.banned_words().touch(folded.as_bytes())).then_some(len)
    }

    /// A policy over a handful of words, so that a test can use all its passwords up.
    #[cfg(test)]
    pub(super) fn of_few_words(list: &[&'static str], words: usize) -> Self {
        let style = Style::Words { words, separator: "-".to_owned() };
        let phrase = super::words::Phrase::of(list.into(), words, Some(b'-'), super::words::Dress::Digit);
        let recipe = Recipe::Words(phrase);
        let recipes = vec![recipe; Language::ALL.len()].into();
        Self { settings: Settings { style, banned_words: BannedWords::default() }, recipes }
    }
}

/// The rules that hold under any policy; the password stands in `folded` afterwards.
fn keep_rules(password: &[u8], person: &Person<'_>, folded: &mut Folded) -> Result<(), Weakness> {
    rules::check_shape(password)?;
    folded.set(password);
    if person.occurs_in(folded) { Err(Weakness::Name) } else { Ok(()) }
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

    /// By profile, then by language: English, French, Spanish, German.
    const TOLD: [[f64; 4]; 5] = [
        [23.1, 23.1, 23.5, 25.0],
        [35.9, 35.5, 36.1, 35.9],
        [45.9, 45.4, 46.1, 45.9],
        [56.4, 47.6, 47.2, 50.6],
        [117.3; 4],
    ];

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

    /// All three letters of which one is a vowel: they stand in nearly every word.
    fn every_vowel() -> String {
        let letters = |n: u32| (0..3).map(|at| char::from(b'a' + (n / 26_u32.pow(at) % 26) as u8)).collect::<String>();
        let vowels = |word: &String| word.contains(['a', 'e', 'i', 'o', 'u', 'y']);
        (0..26 * 26 * 26).map(letters).filter(vowels).fold(String::new(), |all, word| all + &word + "\n")
    }

    #[test]
    fn a_list_of_which_too_little_is_left_is_refused() {
        assert!(matches!(words(4, "-", &every_vowel()), Err(PolicyError::FewWords(0..4))));
    }

    #[test]
    fn a_symbol_named_twice_counts_once() {
        let bits = |symbols| random(12, symbols).expect("good settings").entropy_bits(Form::default());
        assert_eq!(bits("--+"), bits("+-"));
    }

    #[test]
    fn few_words_are_told_by_their_entropy() {
        assert!(words(3, "-", "").expect("good settings").entropy_bits(Form::default()) > ENTROPY_BITS_MIN);
        assert!(words(2, "-", "").expect("good settings").entropy_bits(Form::default()) < ENTROPY_BITS_MIN);
        assert!(random(8, "").expect("good settings").entropy_bits(Form::default()) > ENTROPY_BITS_MIN);
    }

    #[test]
    fn characters_that_happen_to_form_a_rude_word_are_drawn_again() {
        let policy = random(64, "").expect("good settings");
        let nobody = Person { upn: "", names: [""; 3], form: Form::default() };
        let mut draws = Draws::new(rand::SeedableRng::seed_from_u64(9));
        let (mut text, mut folded) = ([0; CHARS_MAX], Folded::new());
        for _ in 0..2_000 {
            // It stays in `folded`.
            if policy.draw(&mut draws, &mut text, &nobody, &mut folded).is_some() {
                assert!(!lists::is_rude(folded.as_bytes()));
            }
        }
    }

    #[test]
    fn a_policy_reads_back_what_was_written() {
        let five = Style::Words { words: 5, separator: String::new() };
        for (policy, style) in [
            (words(5, "", "contoso\nb1ank").expect("good settings"), five),
            (PasswordPolicy::default(), Style::default()),
        ] {
            let json = serde_json::to_string(&policy).expect("JSON");
            let back: PasswordPolicy = serde_json::from_str(&json).expect("a policy");
            assert_eq!(serde_json::to_string(&back).expect("JSON"), json);
            assert_eq!(
                (back.style(), back.entropy_bits(Form::default())),
                (policy.style(), policy.entropy_bits(Form::default()))
            );
            assert_eq!(policy.style(), &style);
            let shown = format!("{policy:?}");
            assert!(shown.contains(&format!("{style:?}")) && shown.contains("BannedWords"), "{shown}");
            assert_eq!(format!("{back:?}"), shown);
        }
        let json = serde_json::to_string(&words(4, "-", "Bl@nk").expect("good settings")).expect("JSON");
        assert_eq!(json, r#"{"style":{"words":{"words":4,"separator":"-"}},"banned_words":["blank"]}"#);
        assert!(serde_json::from_str::<PasswordPolicy>(&json.replace(":4,", ":1,")).is_err());
    }

    #[test]
    fn a_check_names_the_rule_and_not_the_password() {
        let policy = words(4, "-", "contoso\nblank").expect("good settings");
        let person = Person { upn: "ann.smith@fabrikam.com", names: ["Ann", "Smith", ""], ..Person::default() };
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

    #[test]
    fn each_profile_has_the_entropy_that_the_documents_tell() {
        let policy = PasswordPolicy::default();
        let bits = Profile::ALL.map(|profile| {
            Language::ALL.map(|language| {
                let bits = policy.entropy_bits(Form { profile: Some(profile), language });
                (bits * 10.0).round() / 10.0
            })
        });
        assert_eq!(bits, TOLD);
        let least = bits.map(|bits| bits.into_iter().fold(f64::INFINITY, f64::min));
        assert!(least.is_sorted(), "the older have the stronger passwords");
        assert!(
            least[Profile::Senior as usize] > ENTROPY_BITS_MIN && least[Profile::Junior as usize] < ENTROPY_BITS_MIN
        );
    }

    #[test]
    fn a_form_without_words_left_says_so() {
        let policy = PasswordPolicy::new(Style::default(), BannedWords::read(&every_vowel()).expect("a good list"));
        let policy = policy.expect("random passwords need no words");
        let form = Form { profile: Some(Profile::EarlyYears), language: Language::Es };
        assert_eq!(policy.entropy_bits(form), 0.0);
    }
}
