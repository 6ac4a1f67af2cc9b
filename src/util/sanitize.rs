//! Makes foreign text safe to show: the words of a file or a server inside our own messages.
//!
//! No control sequence reaches a terminal, no command reaches a pipeline runner, and no single cell fills the screen.
//!
//! Invariant: the result has no control character, no bidirectional override and nothing that a runner obeys, and is no
//! longer than promised. Only [`data`] promises less: it is for files that quote their values.

use std::borrow::Cow;

/// Maximum length of one foreign text in a message, including the closing `…`.
pub const SHOWN_CHARS_MAX: usize = 80;
/// The same limit for a server's message of a sentence or two.
pub const SENTENCE_CHARS_MAX: usize = 400;

/// Replaces everything that could move the cursor, start an escape sequence or change the reading direction with
/// U+FFFD, and shortens the text.
#[must_use]
pub fn for_terminal(text: &str) -> String {
    shortened(text, SHOWN_CHARS_MAX)
}

/// The same for a server's sentence, up to [`SENTENCE_CHARS_MAX`] characters.
#[must_use]
pub fn sentence(text: &str) -> String {
    shortened(text, SENTENCE_CHARS_MAX)
}

/// The same without shortening; line breaks and tabs become spaces.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if is_line(text) {
        return text.into();
    }
    without_commands(text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { harmless(c) })).into()
}

/// Whether [`line`] surely changes nothing. Nearly all cells of a report are such texts, so they are not copied.
fn is_line(text: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'[';
    let is_harmless = text.bytes().all(is_plain) || text.chars().all(|c| c != '[' && harmless(c) == c);
    is_harmless && text.chars().find(|c| c.is_ascii() && *c != ' ') != Some(':')
}

/// Foreign text as a value in a data file (CSV, workbook, JSON). Control characters are dropped; everything else stays,
/// because other programs match these values with their own. Tabs and line breaks stay, because these formats quote
/// them. A lone carriage return would overwrite a line on a terminal, so it becomes a line feed.
#[must_use]
pub fn data(text: &str) -> Cow<'_, str> {
    let is_dropped = |c: char| c.is_control() && !matches!(c, '\t' | '\n');
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.contains(is_dropped) {
        return text.into();
    }
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).peekable();
    while let Some(c) = chars.next() {
        clean.push(if c == '\r' && chars.peek() != Some(&'\n') { '\n' } else { c });
    }
    clean.into()
}

/// A text of several lines, each sanitized as a [`sentence`].
#[must_use]
pub fn paragraph(text: &str) -> String {
    text.lines().map(sentence).collect::<Vec<_>>().join("\n")
}

fn shortened(text: &str, chars_max: usize) -> String {
    let mut shown = without_commands(text.chars().take(chars_max).map(harmless));
    if text.chars().nth(chars_max).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// Breaks everything that a pipeline runner would run as a command: GitHub's `##[` and Azure Pipelines' `##vso[`
/// anywhere in a line, and GitHub's `::` at the start of a line. The character that completes it becomes U+FFFD. The
/// runners' string comparison ignores many characters outside ASCII, so this one ignores all of them.
fn without_commands(text: impl Iterator<Item = char>) -> String {
    let mut ascii = String::new();
    let disarm = |c: char| {
        let is_command = match c {
            '[' => ascii.ends_with("##") || ascii.ends_with("##vso"),
            ':' => ascii == ":",
            _ => false,
        };
        if c.is_ascii() && !(c == ' ' && ascii.is_empty()) {
            ascii.push(c.to_ascii_lowercase());
        }
        if is_command { '\u{FFFD}' } else { c }
    };
    text.map(disarm).collect()
}

/// JSON with the same meaning, but without the `##` that starts a command of a runner.
#[must_use]
pub fn json(text: &str) -> String {
    text.replace("##", r"#\u0023")
}

/// Trims invisible characters at both ends: white space of any width, zero-width marks, reading directions.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

/// Puts an apostrophe before a cell that a spreadsheet would read as a formula, as spreadsheets mark text. A cell that
/// already begins with such an apostrophe gets another, so [`restored`] gives back every cell.
#[must_use]
pub fn defused(cell: &str) -> Cow<'_, str> {
    if begins_a_formula(cell) { format!("'{cell}").into() } else { cell.into() }
}

/// The cell before [`defused`].
#[must_use]
pub fn restored(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| begins_a_formula(rest)).unwrap_or(cell)
}

/// Whether a spreadsheet would read this cell as a formula, or as one that an apostrophe marks as text. A plain number
/// with a sign is not a formula.
fn begins_a_formula(cell: &str) -> bool {
    let cell = cell.trim_start_matches('\'');
    match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => true,
        Some('+' | '-') => {
            cell.len() == 1 || !cell[1..].bytes().all(|byte| byte.is_ascii_digit() || b" .,".contains(&byte))
        }
        _ => false,
    }
}

fn harmless(c: char) -> char {
    if c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFFE}' | '\u{FFFF}') {
        '\u{FFFD}'
    } else {
        c
    }
}

/// Zero-width spaces and joiners, bidirectional marks, embeddings, overrides and isolates, and the byte order mark.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(for_terminal("Zoë O'Brien 你"), "Zoë O'Brien 你");
        assert_eq!(
            for_terminal("a\x1b[2Jb\u{9b}c\r\nd\u{202e}e\u{7f}"),
            "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}\u{FFFD}d\u{FFFD}e\u{FFFD}"
        );
        assert_eq!(for_terminal(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(for_terminal(&"x".repeat(81)), format!("{}…", "x".repeat(79)));
    }

    #[test]
    fn line_breaks_become_spaces() {
        assert_eq!(line("a\r\nb\tc\u{1b}[2J\u{202e}\u{2028}"), "a  b c\u{FFFD}[2J\u{FFFD}\u{FFFD}");
        assert_eq!(line(&"x".repeat(1_000)).len(), 1_000);
    }

    #[test]
    fn data_loses_only_control_characters() {
        for same in ["", "Zoë 日本 🦀", "two\nlines\r\nor\tthree", "a\u{200D}b\u{202e}c\u{2028}", "  =1+1  "] {
            assert_eq!(data(same), same);
        }
        assert_eq!(data("\u{1b}[31ma\u{1b}]0;x\u{7}\u{9b}2J\0b\u{7f}\u{85}"), "[31ma]0;x2Jb");
        assert_eq!(data("a\rb\r\n\r"), "a\nb\r\n\n");
        assert_eq!(data("\r\u{1b}\n"), "\r\n", "what is dropped does not part a line break");
    }

    #[test]
    fn no_command_reaches_a_runner() {
        for (text, shown) in [
            ("::error::x", ":\u{FFFD}error::x"),
            ("  ::add-mask::x", "  :\u{FFFD}add-mask::x"),
            ("\n\u{AD}:\u{AD}:set-env::", "\u{FFFD}\u{AD}:\u{AD}\u{FFFD}set-env::"),
            ("a ##[add-path]x", "a ##\u{FFFD}add-path]x"),
            ("a##VSO[task.setvariable]", "a##VSO\u{FFFD}task.setvariable]"),
            ("##\u{AD}vso[x] ##[y]", "##\u{AD}vso\u{FFFD}x] ##\u{FFFD}y]"),
        ] {
            assert_eq!(for_terminal(text), shown);
            assert_eq!(sentence(text), shown);
        }
        for text in ["Resource 'a::b' [x] #1", "fe80::1", "# [a]", "a: b", ":", "vso[", "# #[x]"] {
            assert_eq!(line(text), text);
        }
        assert_eq!(line("\t::x"), " :\u{FFFD}x");
    }

    #[test]
    fn json_keeps_meaning_without_commands() {
        let foreign = "##vso[task.setvariable]###[x]#EXT#";
        let text = json(&serde_json::to_string(foreign).expect("JSON"));
        assert!(!text.contains("##") && text.contains("#EXT#"), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).expect("JSON"), foreign);
    }

    #[test]
    fn only_the_ends_are_trimmed() {
        assert_eq!(trim("\u{FEFF}\u{A0} a\u{202F}b\t\u{200B}\u{2060}"), "a\u{202F}b");
        assert_eq!(trim(" \u{A0}\u{200B} "), "");
    }

    #[test]
    fn only_formulas_are_defused() {
        for formula in [
            "=1+3",
            "+1+cmd|' /C calc'!A0",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "+",
            "-",
            "＝1",
            "=",
            "-x@y.zz",
            "'=1",
            "''-x@y.zz",
        ] {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for text in ["", "Ann", "1=1", "-5", "+44 20 7946 0958", "-1,5", "a@b.cc", " =1", "'x"] {
            assert_eq!(defused(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_line_that_is_kept_needs_no_change(text in prop_oneof![any::<String>(), "[ -~\u{AD}ü]{0,12}", "[ü #vso:\\[]{0,9}"]) {
            let same = without_commands(text.chars().map(harmless));
            prop_assert!(!is_line(&text) || text == same, "{text:?} became {same:?}");
            prop_assert_eq!(&*data(&text), text.replace(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'), "")
                .replace("\r\n", "\0").replace('\r', "\n").replace('\0', "\r\n"));
        }

        #[test]
        fn defused_cells_are_restored(cell in "['=+@\t\r-]{0,3}[a-z0-9' ]{0,5}") {
            let written = defused(&cell);
            prop_assert_eq!(restored(&written), cell.as_str());
        }

        #[test]
        fn shown_text_is_short_and_harmless(text in any::<String>()) {
            let shown = for_terminal(&text);
            prop_assert!(shown.chars().count() <= SHOWN_CHARS_MAX);
            prop_assert!(shown.chars().all(|c| !c.is_control() && !is_invisible(c)));
        }
    }
}
