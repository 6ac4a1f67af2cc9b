//! Decides by the letters whether a user name without a domain and a mail address belong to the same person.
//!
//! It says yes only if one can be built from parts of the other: `asmith` and `ann.smith@contoso.com`. Invariant: two
//! names without a common part never match.

/// Length of a Unique Pupil Number, which schools in England assign to pupils.
const PUPIL_NUMBER_LENGTH: usize = 13;

/// Whether a value is a Unique Pupil Number: a letter, eleven digits, and one more digit or letter.
pub(super) fn is_pupil_number(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() == PUPIL_NUMBER_LENGTH
        && bytes[0].is_ascii_alphabetic()
        && bytes[1..PUPIL_NUMBER_LENGTH - 1].iter().all(u8::is_ascii_digit)
        && bytes[PUPIL_NUMBER_LENGTH - 1].is_ascii_alphanumeric()
}

/// Whether a user name and a mail address belong to the same person. Text before a `\` is the name of a domain. A value
/// with spaces is a person's name, and proves nothing.
pub(super) fn is_same_person(user: &str, mail: &str) -> bool {
    let user = user.rsplit('\\').next().unwrap_or(user).to_ascii_lowercase();
    let local = mail.split('@').next().unwrap_or_default().to_ascii_lowercase();
    if user.contains(char::is_whitespace) || user == local {
        return true;
    }
    let (user, local) = (parts(&user), parts(&local));
    is_made_of(&user.concat(), &local) || is_made_of(&local.concat(), &user)
}

/// The runs of letters and digits.
fn parts(name: &str) -> Vec<&str> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect()
}

/// Whether `whole` is one part, or two parts in either order, one of them complete and at least the first letter of the
/// other.
fn is_made_of(whole: &str, parts: &[&str]) -> bool {
    let joined = parts.concat();
    if whole.is_empty() || whole == joined {
        return !whole.is_empty();
    }
    parts.iter().enumerate().any(|(at, full)| {
        let others = || parts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, part)| part);
        let is_beginning = |rest: &str| !rest.is_empty() && others().any(|part| part.starts_with(rest));
        whole.strip_prefix(full).is_some_and(is_beginning) || whole.strip_suffix(full).is_some_and(is_beginning)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_person_is_recognized() {
        for (user, mail) in [
            ("ann", "ann@contoso.com"),
            ("ANN.Smith", "ann.smith@contoso.com"),
            ("asmith", "ann.smith@contoso.com"),
            ("smitha", "ann.smith@contoso.com"),
            ("annsmith", "ann_smith@contoso.com"),
            ("ann.smith", "asmith@contoso.com"),
            ("CONTOSO\\ann", "ann@contoso.com"),
            ("Ann Smith", "head@contoso.com"),
        ] {
            assert!(is_same_person(user, mail), "{user} {mail}");
        }
        for (user, mail) in [
            ("pupil1", "head.teacher@contoso.com"),
            ("jsmith", "mary.smith@fabrikam.com"),
            ("ann", "ann.jones@contoso.com"),
            ("100234", "ann@contoso.com"),
            ("a", "ann@contoso.com"),
            ("ann", ""),
        ] {
            assert!(!is_same_person(user, mail), "{user} {mail}");
        }
    }

    #[test]
    fn pupil_numbers_have_one_form() {
        assert!(is_pupil_number("A123456789012") && is_pupil_number("H80120000400A"));
        assert!(!is_pupil_number("A12345678901") && !is_pupil_number("ann.smith.7a1"));
    }
}
