//! Turns a group's value into a file name that works on every system.
//!
//! Invariant: no name leaves its folder, is reserved by Windows, or collides with another.

use super::collate::file_key;
use crate::util::{sanitize, windows_name::is_device};
use std::collections::HashSet;

/// Maximum length of a name in bytes, without the suffix that makes it unique and the extension: far below every
/// system's limit.
const BYTES_MAX: usize = 120;
/// The names in one folder.
#[derive(Default)]
pub(super) struct FileNames(HashSet<String>);

impl FileNames {
    /// A name without extension that collides with no earlier one: made from `value`, or from `otherwise` if `value` is
    /// empty.
    pub(super) fn add(&mut self, value: &str, otherwise: &str) -> String {
        let base = Some(safe(value)).filter(|name| !name.is_empty()).unwrap_or_else(|| safe(otherwise));
        let numbered = (2..).map(|nth: u64| format!("{base}-{nth}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        names.find(|name| self.0.insert(file_key(name))).expect("numbers do not end")
    }
}

/// The characters of a text that are allowed in a file name; may be empty.
fn safe(text: &str) -> String {
    let fits = |c: char| if "<>:\"/\\|?*\u{FFFD}".contains(c) || c.is_control() { '_' } else { c };
    let mut name: String = sanitize::line(sanitize::trim(text)).chars().map(fits).collect();
    while name.len() > BYTES_MAX {
        name.pop();
    }
    // Windows drops dots and spaces at the end. A leading dot hides a file, and a leading hyphen looks like a flag.
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    if name.starts_with(['.', '-', '~']) || is_device(&name) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_become_portable_file_names() {
        for (value, name) in [
            ("7A", "7A"),
            ("Année 7 – β", "Année 7 – β"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("a/b\\c:d", "a_b_c_d"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("Com1", "_Com1"),
            ("LPT²", "_LPT²"),
            ("Comb", "Comb"),
            ("console", "console"),
            ("7A. ", "7A"),
            ("...", "no-Class"),
            (".hidden", "_.hidden"),
            ("-rf", "_-rf"),
            ("", "no-Class"),
            ("x\u{202e}y\tz", "x_y z"),
        ] {
            assert_eq!(FileNames::default().add(value, "no-Class"), name, "{value}");
        }
    }

    #[test]
    fn colliding_names_are_numbered() {
        let mut names = FileNames::default();
        let made = ["7A", "7a", "7A-2", "7/B", "7:B", "", "NO-CLASS"].map(|value| names.add(value, "no-class"));
        assert_eq!(made, ["7A", "7a-2", "7A-2-2", "7_B", "7_B-2", "no-class", "NO-CLASS-2"]);
    }

    proptest! {
        #[test]
        fn file_names_stay_in_their_folder(values in proptest::collection::vec(any::<String>(), 1..20)) {
            let (mut names, mut keys) = (FileNames::default(), HashSet::new());
            for value in &values {
                let name = names.add(value, "none");
                prop_assert!(!name.is_empty() && name.len() <= BYTES_MAX + 8);
                prop_assert!(!name.contains(['/', '\\', ':', '\0']) && !name.starts_with('.') && !name.ends_with(['.', ' ']));
                prop_assert!(keys.insert(file_key(&name)));
            }
        }
    }
}
