//! Compares texts as people do: lists sorted by name, classes in natural order, and file names that some systems treat
//! as equal.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The sort key of a name: its letters without case and accents; special letters are written out.
///
/// There is one order for all languages. For example, it does not know that Å comes after Z in Swedish.
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

/// The sort key of a group's name in natural order: numbers compare by value, so 7B comes before 10A. The rest is as in
/// [`sort_key`].
pub(super) fn natural_key(name: &str) -> String {
    let plain: String = DecomposingNormalizerBorrowed::new_nfkd().normalize(name).chars().map(digit).collect();
    let (mut key, mut rest) = (String::with_capacity(plain.len() + 4), sort_key(&plain));
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        key.push_str(&rest[..at]);
        let number = rest.split_off(at);
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let value = number[..end].trim_start_matches('0');
        // A number with more digits is larger; numbers of the same length compare as text.
        key.push_str(&format!("{:05}{value}", value.len()));
        number[end..].clone_into(&mut rest);
    }
    key + &rest
}

/// A decimal digit of the scripts that schools here use, as ASCII.
fn digit(c: char) -> char {
    let zero = match c {
        '\u{660}'..='\u{669}' => 0x660,
        '\u{6F0}'..='\u{6F9}' => 0x6F0,
        '\u{966}'..='\u{96F}' => 0x966,
        _ => return c,
    };
    char::from_digit(u32::from(c) - zero, 10).unwrap_or(c)
}

/// The part of a file name that every file system distinguishes: case and the encoding of accents are ignored.
pub(super) fn file_key(name: &str) -> String {
    let lower: String = name.chars().flat_map(char::to_lowercase).collect();
    let plain: String = DecomposingNormalizerBorrowed::new_nfd().normalize(&lower).chars().collect();
    // Case folding makes these equal; lower case does not.
    plain.replace('ß', "ss").replace('ς', "σ")
}

/// Combining marks that decomposition separates from Latin, Greek and Cyrillic letters.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_letters() {
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
    fn groups_come_in_natural_order() {
        let mut groups = [
            "10A",
            "7B",
            "7A",
            "Année 10",
            "année 9",
            "7a",
            "12",
            "007",
            "100",
            "Q2",
            "Q1",
            "７Ç",
            "٨ا",
            "Q1 b",
            "K-2",
            "K-10",
        ];
        groups.sort_by_key(|group| (natural_key(group), *group));
        assert_eq!(
            groups,
            [
                "007",
                "7A",
                "7a",
                "7B",
                "７Ç",
                "٨ا",
                "10A",
                "12",
                "100",
                "année 9",
                "Année 10",
                "K-2",
                "K-10",
                "Q1",
                "Q1 b",
                "Q2"
            ]
        );
        assert!(natural_key(&"9".repeat(30)) < natural_key(&format!("1{}", "0".repeat(30))));
    }

    #[test]
    fn equal_file_names_share_a_key() {
        assert_eq!(file_key("E\u{301}COLE"), file_key("école"));
        assert_ne!(file_key("ecole"), file_key("école"));
        assert_eq!(file_key("STRASSE"), file_key("straße"));
    }
}
