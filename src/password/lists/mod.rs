//! The words for passwords: a list for each language in three levels, and the words that no password may contain.
//!
//! The lists are files in this folder, each with its source and licence at the top; `README.md` there explains how they
//! were made. Every word uses only the letters a to z, which every keyboard of its language has. Words with accents are
//! left out, because nobody should learn them misspelt.
//!
//! Invariant: no word in a list is rude or unkind, and no two of them are when placed side by side.

use crate::account::language::Language;
use aho_corasick::AhoCorasick;
use std::sync::{Arc, LazyLock};

/// Reading level. Each level includes the words of the levels before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// A child who is learning to read: 3 to 5 letters in English and Spanish, up to 7 in French and 6 in German, spelt
    /// as they sound.
    Short,
    /// A child of eight.
    Plain,
    /// An adult.
    Full,
}

impl Level {
    const HEADINGS: [&str; 3] = ["short", "plain", "full"];
}

const FILES: [&str; 4] =
    [include_str!("en.txt"), include_str!("fr.txt"), include_str!("es.txt"), include_str!("de.txt")];
const UNFIT: &str = include_str!("unfit.txt");

/// By language, then by level.
static LISTS: LazyLock<[[Arc<[&str]>; 3]; 4]> = LazyLock::new(|| FILES.map(read));
/// What no random password may contain, in any language.
static RUDE: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let rude = sections(UNFIT).flat_map(|(_, words)| words.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase())));
    AhoCorasick::new(rude).expect("a hundred short words are far below the automaton's limits")
});

/// The words of a language and level, each once.
pub(super) fn words(language: Language, level: Level) -> &'static Arc<[&'static str]> {
    &LISTS[language as usize][level as usize]
}

/// Whether a folded password contains a word that no random password may contain.
pub(super) fn is_rude(password: &[u8]) -> bool {
    RUDE.is_match(password)
}

/// The sections of a file: the heading in brackets, and the words after it.
fn sections(file: &'static str) -> impl Iterator<Item = (&'static str, impl Iterator<Item = &'static str>)> {
    file.split("\n[").skip(1).map(|section| {
        let (heading, words) = section.split_once(']').expect("a heading ends with a bracket");
        (heading, words.split_whitespace())
    })
}

fn read(file: &'static str) -> [Arc<[&'static str]>; 3] {
    let mut all = Vec::new();
    let mut sections = sections(file);
    Level::HEADINGS.map(|level| {
        let (heading, words) = sections.next().expect("a section for each level");
        assert_eq!(heading, level, "the sections come in the order of the levels");
        all.extend(words);
        all.as_slice().into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashSet};

    const LEVELS: [Level; 3] = [Level::Short, Level::Plain, Level::Full];

    /// The words in `unfit.txt` for a language with this mark.
    fn unfit(language: Language, mark: Option<char>) -> Vec<&'static str> {
        let own = |heading: &&str| *heading == language.code();
        let words = sections(UNFIT).filter(|(heading, _)| own(heading)).flat_map(|(_, words)| words);
        match mark {
            Some(mark) => words.filter_map(|word| word.strip_prefix(mark)).collect(),
            None => words.filter(|word| !word.starts_with(['~', '='])).collect(),
        }
    }

    /// The words that are rude to a reader of this language: its own, and the English ones.
    fn rude(language: Language) -> BTreeSet<&'static str> {
        [language, Language::En].into_iter().flat_map(|language| unfit(language, None)).collect()
    }

    #[test]
    fn words_are_plain_and_unique() {
        let letters = |language, level| match (language, level) {
            (Language::En | Language::Es, Level::Short) => 3..=5,
            (Language::Fr, Level::Short) => 5..=7,
            (Language::De, Level::Short) => 5..=6,
            _ => 3..=9,
        };
        for language in Language::ALL {
            for level in LEVELS {
                let list = words(language, level);
                assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len(), "{language} {level:?}");
                for word in list.iter() {
                    assert!(word.bytes().all(|byte| byte.is_ascii_lowercase()), "{language}: {word}");
                    assert!(letters(language, level).contains(&word.len()), "{language}: {word}");
                }
            }
        }
    }

    #[test]
    fn list_lengths_match_the_documents() {
        let lengths = Language::ALL.map(|language| LEVELS.map(|level| words(language, level).len()));
        assert_eq!(lengths, [[375, 1013, 6295], [384, 924, 1359], [435, 1059, 1271], [730, 1014, 2294]]);
        assert!(lengths.as_flattened().iter().all(|&length| length <= usize::from(u16::MAX)));
    }

    #[test]
    fn no_word_is_rude_or_unkind() {
        for language in Language::ALL {
            let parts: Vec<&str> = rude(language).into_iter().chain(unfit(language, Some('~'))).collect();
            let whole: HashSet<&str> = unfit(language, Some('=')).into_iter().collect();
            assert!(!whole.is_empty() && !parts.is_empty(), "{language}");
            for word in words(language, Level::Full).iter() {
                let found = parts.iter().find(|part| word.contains(**part));
                assert!(found.is_none() && !whole.contains(word), "{language}: {word} ({found:?})");
            }
        }
    }

    /// One or two words of each kind, so that a rebuilt list cannot bring back a whole kind.
    #[test]
    fn harmful_kinds_are_absent() {
        let kinds: [(Language, &[&str]); 4] = [
            (
                Language::En,
                &[
                    "mutilated",
                    "mutilator",
                    "weapon",
                    "battalion",
                    "lubricant",
                    "celibacy",
                    "morphine",
                    "absinthe",
                    "obituary",
                    "coroner",
                    "caucasian",
                    "apache",
                    "obese",
                    "lankiness",
                    "epileptic",
                    "helpless",
                    "blasphemy",
                ],
            ),
            (Language::Fr, &["bistouri", "carnage", "maigre", "tabac", "ethnie"]),
            (Language::Es, &["muerte", "sangre", "gordo", "droga", "ateo"]),
            (Language::De, &["mundtot", "drohung", "umtrunk", "mollig", "sarg"]),
        ];
        for (language, kind) in kinds {
            let all = words(language, Level::Full);
            for word in kind {
                assert!(!all.contains(word), "{language}: {word}");
            }
        }
    }

    #[test]
    fn no_adjacent_words_are_rude() {
        for language in Language::ALL {
            let list = words(language, Level::Full);
            let ends = |part: &str| list.iter().any(|word| word.ends_with(part));
            let begins = |part: &str| list.iter().any(|word| word.starts_with(part));
            for part in rude(language) {
                for (before, after) in (1..part.len()).map(|at| part.split_at(at)) {
                    assert!(!ends(before) || !begins(after), "{language}: {before} {after}");
                    // The same with a short word between the two.
                    let around = list.iter().filter_map(|word| Some((before.strip_suffix(*word)?, word)));
                    for (first, word) in around.filter(|(first, _)| !first.is_empty()) {
                        assert!(!ends(first) || !begins(after), "{language}: {first} {word} {after}");
                    }
                }
            }
        }
    }

    #[test]
    fn shortest_lists_have_no_rude_pairs() {
        for language in Language::ALL {
            let finder = AhoCorasick::new(rude(language)).expect("a few words");
            let list = words(language, Level::Short);
            for one in list.iter() {
                for other in list.iter() {
                    let pair = format!("{one}{other}");
                    assert!(!finder.is_match(&pair), "{language}: {pair}");
                }
            }
        }
    }

    #[test]
    fn rude_words_are_found() {
        for language in Language::ALL {
            for word in unfit(language, None) {
                assert!(is_rude(format!("7x{word}K").to_lowercase().as_bytes()), "{word}");
            }
        }
        assert!(!is_rude(b"xk7-mrt9"));
    }
}
