//! A group's value as the name of a file, on every system that an administrator may copy it to.
//!
//! Invariant: no name leads out of its folder, is one that Windows keeps for itself, or is taken for another one's.

use super::collate::file_key;
use crate::clean;
use std::collections::HashSet;

/// Most bytes of a name, without what makes it different and its ending: far below what any system takes.
const BYTES_MAX: usize = 120;
/// What Windows takes for devices, whatever follows after a dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The names of one folder.
#[derive(Default)]
pub(super) struct FileNames(HashSet<String>);

impl FileNames {
    /// A name, without its ending, that no earlier one is taken for: `value`, or `otherwise` where that is empty.
    pub(super) fn add(&mut self, value: &str, otherwise: &str) -> String {
        let base = Some(safe(value)).filter(|name| !name.is_empty()).unwrap_or_else(|| safe(otherwise));
        let numbered = (2..).map(|nth: u64| format!("{base}-{nth}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        names.find(|name| self.0.insert(file_key(name))).expect("numbers do not end")
    }
}

/// What of a text can stand in a file name; it may be empty.
fn safe(text: &str) -> String {
    let fits = |c: char| if "<>:\"/\\|?*\u{FFFD}".contains(c) || c.is_control() { '_' } else { c };
    let mut name: String = clean::line(clean::trim(text)).chars().map(fits).collect();
    while name.len() > BYTES_MAX {
        name.pop();
    }
    // Windows drops dots and blanks at the end; a dot in front hides a file, and a hyphen makes a flag of it.
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    if name.starts_with(['.', '-', '~']) || is_device(&name) {
        name.insert(0, '_');
    }
    name
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let numbered = |kind| {
        stem.strip_prefix(kind).is_some_and(|rest| rest.chars().count() == 1 && !rest.starts_with(char::is_alphabetic))
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_become_names_that_every_system_takes() {
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
    fn names_that_are_taken_for_one_are_numbered() {
        let mut names = FileNames::default();
        let made = ["7A", "7a", "7A-2", "7/B", "7:B", "", "NO-CLASS"].map(|value| names.add(value, "no-class"));
        assert_eq!(made, ["7A", "7a-2", "7A-2-2", "7_B", "7_B-2", "no-class", "NO-CLASS-2"]);
    }

    proptest! {
        #[test]
        fn whatever_comes_stays_in_its_folder(values in proptest::collection::vec(any::<String>(), 1..20)) {
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
