//! The languages of the users whose passwords are set: for the words in passwords, and for printed slips.
//!
//! Text for administrators stays English. Invariant: each language has one code, and parses back from everything it
//! displays.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A language that a user reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// German.
    De,
}

/// A text that names no supported language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("passwave knows the languages en, fr, es and de")]
pub struct UnknownLanguage;

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::En, Self::Fr, Self::Es, Self::De];

    /// Its ISO 639-1 code, in lower case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::De => "de",
        }
    }

    /// Its names in the four languages and its three-letter code (ISO 639-2), in lower case.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::En => &["en", "eng", "english", "anglais", "inglés", "ingles", "englisch"],
            Self::Fr => &["fr", "fra", "fre", "french", "français", "francais", "francés", "frances", "französisch"],
            Self::Es => &["es", "spa", "spanish", "espagnol", "español", "espanol", "castellano", "spanisch"],
            Self::De => &["de", "deu", "ger", "german", "allemand", "alemán", "aleman", "deutsch"],
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Parses a code, a tag with a region or script (`fr-CA`, `de_AT.UTF-8`), or a name in one of the four languages.
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let text = text.trim().to_lowercase();
        let is_named = |name: &str| Self::ALL.into_iter().find(|language| language.names().contains(&name));
        let tag = text.split(['-', '_', '.']).next().filter(|tag| tag.len() <= 3);
        is_named(&text).or_else(|| is_named(tag?)).ok_or(UnknownLanguage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tags_and_names_are_read() {
        for (texts, language) in [
            (&["en", "EN", " en-GB ", "English", "eng", "Englisch", "anglais"][..], Language::En),
            (
                &["fr", "fr-CA", "fr_FR.UTF-8", "French", "Français", "FRANÇAIS", "francais", "französisch"],
                Language::Fr,
            ),
            (&["es", "es-MX", "es-419", "Spanish", "Español", "castellano", "spa"], Language::Es),
            (&["de", "de-AT", "de_CH", "German", "Deutsch", "ger", "deu", "alemán"], Language::De),
        ] {
            for text in texts {
                assert_eq!(text.parse(), Ok(language), "{text}");
            }
        }
        for text in ["", " ", "-", "nl", "english-like", "e", "fr ca", "desk", "espresso", "de;DROP"] {
            assert_eq!(text.parse::<Language>(), Err(UnknownLanguage), "{text}");
        }
    }

    #[test]
    fn displayed_names_parse_back() {
        for language in Language::ALL {
            assert_eq!(language.to_string().parse(), Ok(language));
            let json = serde_json::to_string(&language).expect("JSON");
            assert_eq!(json, format!("\"{language}\""));
            assert_eq!(serde_json::from_str::<Language>(&json).expect("a language"), language);
        }
        assert_eq!(format!("{:>4}", Language::Fr), "  fr");
    }
}
