//! Texts as people take them for alike: for lists by name, and for file names that some systems do not tell apart.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Puts names in order without regard to case and accents: the letters alone, with those that no accent makes written out.
///
/// It is one order for all languages; that Swedish puts Å behind Z, say, it does not know.
pub(super) fn sort_key(name: &str) -> String {
    let plain = DecomposingNormalizerBorrowed::new_nfd().normalize(name);
    let mut key = String::with_capacity(plain.len());
    for c in plain.chars().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => key.push_str("ss"),
            'æ' => key.push_str("ae"),
            'œ' => key.push_str("oe"),
            'þ' => key.push_str("th"),
            'ø' => key.push('o'),
            'ł' => key.push('l'),
            'đ' | 'ð' => key.push('d'),
            'ı' => key.push('i'),
            '\'' | '’' | '-' => key.push(' '),
            c => key.push(c),
        }
    }
    key
}

/// What two file names share that a file system may take for one: case and the two ways to write an accent do not count.
pub(super) fn file_key(name: &str) -> String {
    let lower: String = name.chars().flat_map(char::to_lowercase).collect();
    let plain: String = DecomposingNormalizerBorrowed::new_nfd().normalize(&lower).chars().collect();
    // Case folding makes one of these; lower case does not.
    plain.replace('ß', "ss").replace('ς', "σ")
}

/// The marks that decomposing takes off Latin, Greek and Cyrillic letters.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_the_order_of_their_letters() {
        let mut names =
            ["Zoë", "Émile", "eva", "Łukasz", "Martin", "Øyvind", "Oz", "Strauß", "Strausz", "adam", "Ōno", "田中"];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(
            names,
            ["adam", "Émile", "eva", "Łukasz", "Martin", "Ōno", "Øyvind", "Oz", "Strauß", "Strausz", "Zoë", "田中"]
        );
        assert_eq!(sort_key("O’Brien-Smith"), sort_key("O'BRIEN SMITH"));
    }

    #[test]
    fn files_that_one_system_takes_for_one_are_one() {
        assert_eq!(file_key("E\u{301}COLE"), file_key("école"));
        assert_ne!(file_key("ecole"), file_key("école"));
        assert_eq!(file_key("STRASSE"), file_key("straße"));
    }
}
