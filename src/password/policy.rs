//! How passwords are made: the settings of a run, checked once.
//!
//! A policy has no secret, so the ledger stores it as JSON, and a later run makes replacements by the same rules. It
//! draws nothing itself; the generator does.
//!
//! Invariant: no policy, new or read back, can make a password that Entra's own rules refuse.

use super::{
    banned::BannedWords,
    draw::Draws,
    fold::Folded,
    lists,
    profile::{Form, Profile},
    recipe::Recipe,
    rules::{self, Person, Weakness},
    style::{PolicyError, Style},
};
use crate::account::language::Language;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// With fewer bits of entropy, someone who steals a password's hash can guess it, so the user must confirm. Choosing a
/// profile counts as confirmation: those for young children have fewer bits, and rely on Entra ID, which locks an
/// account after a few wrong guesses (see its page on smart lockout).
pub const ENTROPY_BITS_MIN: f64 = 40.0;

/// How passwords are made and what they must not contain: a [`Style`] for users without a [`Profile`], and
/// [`BannedWords`]. The settings are checked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct PasswordPolicy {
    settings: Settings,
    /// For each language in order: without a profile, then for each profile.
    recipes: Arc<[Recipe]>,
}

/// The settings that are stored; the rest follows from them.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Settings {
    style: Style,
    banned_words: BannedWords,
}

impl PasswordPolicy {
    /// Checks the settings.
    ///
    /// # Errors
    /// Names the setting that is not possible, and the flag that changes it.
    pub fn new(style: Style, banned: BannedWords) -> Result<Self, PolicyError> {
        let own = Language::ALL.map(|language| Recipe::of_style(&style, language, &banned));
        let mut recipes = own.into_iter().collect::<Result<Vec<_>, _>>()?;
        // If only some languages have too few words left, the generator reports it when it needs one of them.
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

    /// The style of passwords.
    #[must_use]
    pub fn style(&self) -> &Style {
        &self.settings.style
    }

    /// The words that passwords must not contain.
    #[must_use]
    pub fn banned_words(&self) -> &BannedWords {
        &self.settings.banned_words
    }

    /// The base-2 logarithm of the number of possible passwords in this form, all equally likely; 0 if there are none,
    /// because the banned words leave too few words.
    ///
    /// Exact for the form and the words left in the list. It does not subtract passwords that are rejected for an
    /// account's name, or because their letters happen to form a banned or rude word: that is a small fraction of a
    /// bit.
    #[must_use]
    pub fn entropy_bits(&self, form: Form) -> f64 {
        self.recipe(form).entropy_bits()
    }

    /// Whether `password`, from any source, is good enough for `person`: Entra's characters, length and classes, no
    /// part of the user's names, and Microsoft's scoring of banned words.
    ///
    /// # Errors
    /// Names the rule that it breaks, never the password.
    pub fn check(&self, password: &str, person: &Person<'_>) -> Result<(), Weakness> {
        let mut folded = Folded::new();
        keep_rules(password.as_bytes(), person, &mut folded)?;
        if self.banned_words().refuse(folded.as_bytes()) { Err(Weakness::Banned) } else { Ok(()) }
    }

    /// Draws one password into the beginning of `out` (256 bytes) and returns its length, or `None` if it is not good
    /// enough for `person`. A generated password contains no banned word and no rude one.
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
        // The lists contain nothing rude in the first place.
        let is_rude = recipe.is_random() && lists::is_rude(folded.as_bytes());
        (!is_rude && !self.banned_words().touch(folded.as_bytes())).then_some(len)
    }

    /// A policy with a handful of words, so that a test can use up all its passwords.
    #[cfg(test)]
    pub(super) fn of_few_words(list: &[&'static str], words: usize) -> Self {
        let style = Style::Words { words, separator: "-".to_owned() };
        let phrase = super::words::Phrase::of(list.into(), words, Some(b'-'), super::words::Dress::Digit);
        let recipe = Recipe::Words(phrase);
        let recipes = vec![recipe; Language::ALL.len()].into();
        Self { settings: Settings { style, banned_words: BannedWords::default() }, recipes }
    }
}

/// The rules of every policy. Afterwards `folded` contains the password.
fn keep_rules(password: &[u8], person: &Person<'_>, folded: &mut Folded) -> Result<(), Weakness> {
    rules::check_shape(password)?;
    folded.set(password);
    if person.occurs_in(folded) { Err(Weakness::Name) } else { Ok(()) }
}

impl Default for PasswordPolicy {
    /// The default style, with no banned words.
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
    use crate::password::CHARS_MAX;

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
    fn impossible_settings_are_refused() {
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

    /// All sequences of three letters with a vowel: nearly every word contains one.
    fn every_vowel() -> String {
        let letters = |n: u32| (0..3).map(|at| char::from(b'a' + (n / 26_u32.pow(at) % 26) as u8)).collect::<String>();
        let vowels = |word: &String| word.contains(['a', 'e', 'i', 'o', 'u', 'y']);
        (0..26 * 26 * 26).map(letters).filter(vowels).fold(String::new(), |all, word| all + &word + "\n")
    }

    #[test]
    fn exhausted_lists_are_refused() {
        assert!(matches!(words(4, "-", &every_vowel()), Err(PolicyError::FewWords(0..4))));
    }

    #[test]
    fn a_symbol_named_twice_counts_once() {
        let bits = |symbols| random(12, symbols).expect("good settings").entropy_bits(Form::default());
        assert_eq!(bits("--+"), bits("+-"));
    }

    #[test]
    fn few_words_have_low_entropy() {
        assert!(words(3, "-", "").expect("good settings").entropy_bits(Form::default()) > ENTROPY_BITS_MIN);
        assert!(words(2, "-", "").expect("good settings").entropy_bits(Form::default()) < ENTROPY_BITS_MIN);
        assert!(random(8, "").expect("good settings").entropy_bits(Form::default()) > ENTROPY_BITS_MIN);
    }

    #[test]
    fn rude_random_passwords_are_redrawn() {
        let policy = random(64, "").expect("good settings");
        let nobody = Person { upn: "", names: [""; 3], form: Form::default() };
        let mut draws = Draws::new(rand::SeedableRng::seed_from_u64(9));
        let (mut text, mut folded) = ([0; CHARS_MAX], Folded::new());
        for _ in 0..2_000 {
            // The password stays in `folded`.
            if policy.draw(&mut draws, &mut text, &nobody, &mut folded).is_some() {
                assert!(!lists::is_rude(folded.as_bytes()));
            }
        }
    }

    #[test]
    fn policies_survive_serialization() {
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
    fn checks_never_show_the_password() {
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
    fn profile_entropy_matches_the_documents() {
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
    fn exhausted_form_is_reported() {
        let policy = PasswordPolicy::new(Style::default(), BannedWords::read(&every_vowel()).expect("a good list"));
        let policy = policy.expect("random passwords need no words");
        let form = Form { profile: Some(Profile::EarlyYears), language: Language::Es };
        assert_eq!(policy.entropy_bits(form), 0.0);
    }
}
