//! What a mistyped name was meant to be: the one suggestion after "did you mean".
//!
//! It suggests, and never decides: whoever calls it refuses the name all the same.

use strsim::osa_distance;

/// Letters of which one may be wrong: so many more, and one more may be.
const LETTERS_PER_SLIP: usize = 3;

/// The one of `known` that `wanted` is most likely to mean; none where they have too little in common. Case, blanks and
/// marks count for nothing, so a missing hyphen is no slip, and two letters that changed places are one.
#[must_use]
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(wanted);
    let allowed = wanted.chars().count() / LETTERS_PER_SLIP;
    let slips = |name: &'a str| {
        let name_letters = letters(name);
        // A name that was cut short, or written out, is nearer than its length tells.
        let is_part = allowed > 0 && (name_letters.starts_with(&wanted) || wanted.starts_with(&name_letters));
        let slips = osa_distance(&name_letters, &wanted);
        (!name_letters.is_empty() && (is_part || slips <= allowed)).then_some((slips, name))
    };
    // The first of several that are as near: they are given in the order in which people see them.
    known.into_iter().filter_map(slips).min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_keyboard_find_what_was_meant() {
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
    fn what_has_too_little_in_common_finds_nothing() {
        for wanted in ["Teacher", "Cl", "", "-", "ab", "Class of whom"] {
            let found = nearest(wanted, ["Grade", "Room", "", "zz"]);
            assert_eq!(found, None, "{wanted}");
        }
        assert_eq!(nearest("abcd", ["abcx", "abcy"]), Some("abcx"), "the first of two");
    }
}
