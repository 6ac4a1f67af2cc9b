//! Quotes for PowerShell and `cmd`. Both read a word in double quotes alike, unless it has certain characters.
//!
//! A program would read a backslash before the closing quote as part of the word, so none is left there.

use passwave::util::sanitize;
use std::iter;

/// Characters that have a meaning for `cmd` outside of quotes. A caret before one takes it away.
const SPECIAL: &str = "()%!^\"<>&|";

/// A word for PowerShell: in double quotes, which `cmd` reads alike, or in single quotes if it has something that
/// PowerShell would expand.
pub(super) fn for_powershell(text: &str) -> String {
    let text = without_slash(text);
    let is_quote = |c: char| ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'].contains(&c);
    let is_expanded = |c: char| "$`\"".contains(c) || ['\u{201c}', '\u{201d}', '\u{201e}'].contains(&c);
    if !text.contains(is_expanded) {
        return format!("\"{text}\"");
    }
    let doubled = text.chars().flat_map(|c| iter::repeat_n(c, 1 + usize::from(is_quote(c))));
    format!("'{}'", doubled.collect::<String>())
}

/// A word for `cmd`: in double quotes; if it has a percent sign or a quote, everything special has a caret before it,
/// because `cmd` expands variables in quotes, too.
pub(super) fn for_cmd(text: &str) -> String {
    let text = without_slash(text);
    if !text.contains(['%', '"']) {
        return format!("\"{text}\"");
    }
    let quoted = format!("\"{}\"", for_program(&text));
    let marked = quoted.chars().flat_map(|c| SPECIAL.contains(c).then_some('^').into_iter().chain([c]));
    marked.collect()
}

/// A quote in a word gets a backslash, and backslashes before it are doubled.
fn for_program(text: &str) -> String {
    let (mut escaped, mut slashes) = (String::new(), 0);
    for c in text.chars() {
        if c == '"' {
            escaped.extend(iter::repeat_n('\\', slashes + 1));
        }
        slashes = if c == '\\' { slashes + 1 } else { 0 };
        escaped.push(c);
    }
    escaped
}

/// The same path without backslashes at its end.
fn without_slash(text: &str) -> String {
    let text = sanitize::line(text);
    match text.strip_suffix('\\') {
        Some(rest) if rest.ends_with(':') => format!("{text}."),
        Some(rest) => rest.trim_end_matches('\\').to_owned(),
        None => text.into_owned(),
    }
}
