//! Guesses what a mistyped name was meant to be: the one suggestion after "did you mean".
//!
//! It only suggests; callers still refuse the name.

use strsim::osa_distance;

/// One typo is allowed for this many letters, and one more for each such number.
const LETTERS_PER_SLIP: usize = 3;

/// The entry of `known` that `wanted` most likely means; `None` if all are too different. Case, spaces and punctuation
/// are ignored, so a missing hyphen is not a typo, and two swapped letters are one.
#[must_use]
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(wanted);
    let allowed = wanted.chars().count() / LETTERS_PER_SLIP;
    let slips = |name: &'a str| {
        let name_letters = letters(name);
        // A shortened or extended name is closer than its length suggests.
        let is_part = allowed > 0 && (name_letters.starts_with(&wanted) || wanted.starts_with(&name_letters));
        let slips = osa_distance(&name_letters, &wanted);
        (!name_letters.is_empty() && (is_part || slips <= allowed)).then_some((slips, name))
    };
    // On a tie, the first wins: they are given in the order in which users see them.
    known.into_iter().filter_map(slips).min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_the_intended_name() {
        let columns = ["User Principal Name", "Class", "Building", "Prénom", ""];
        for (wanted, meant) in [
            ("Clas", "Class"),
            ("Calss", "Class"),
            ("klass", "Class"),
            ("UserPrincipleName", "User Principal Name"),
            ("Build", "Building"),
            ("building (old)", "Building"),
            ("prenom", "Prénom"),
        ] {
            assert_eq!(nearest(wanted, columns), Some(meant), "{wanted}");
        }
    }

    #[test]
    fn unrelated_names_find_nothing() {
        for wanted in ["Teacher", "Cl", "", "-", "ab", "Class of whom"] {
            let found = nearest(wanted, ["Grade", "Room", "", "zz"]);
            assert_eq!(found, None, "{wanted}");
        }
        assert_eq!(nearest("abcd", ["abcx", "abcy"]), Some("abcx"), "the first of two");
    }
}
