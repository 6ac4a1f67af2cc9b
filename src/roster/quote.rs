//! Foreign names inside messages: in quotation marks, without control characters, and never too many.

use crate::util::sanitize;

/// Maximum number of names that a message lists.
const LISTED_MAX: usize = 40;

/// Foreign text in quotation marks.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", sanitize::for_terminal(text))
}

/// Names in quotation marks, with commas between them.
pub(super) fn list(names: &[impl AsRef<str>]) -> String {
    joined(names, quoted)
}

/// Texts that can be shown as they are, with commas between them.
pub(super) fn listed(texts: &[impl AsRef<str>]) -> String {
    joined(texts, str::to_owned)
}

fn joined(texts: &[impl AsRef<str>], shown: impl Fn(&str) -> String) -> String {
    let mut listed: Vec<String> = texts.iter().take(LISTED_MAX).map(|text| shown(text.as_ref())).collect();
    if texts.len() > LISTED_MAX {
        listed.push(format!("and {} more", texts.len() - LISTED_MAX));
    }
    listed.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(list(&["7A", "7\u{1b}B"]), "\"7A\", \"7\u{FFFD}B\"");
        let many: Vec<String> = (0..42).map(|nth| format!("column {nth}")).collect();
        assert!(listed(&many).ends_with("column 39, and 2 more"), "{}", listed(&many));
    }
}
