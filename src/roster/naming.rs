//! How a flag names a column, and how a message does.
//!
//! Invariant: a name that a message suggests for a flag leads to that very column, and works in any shell as it is shown.

use super::{
    RosterError,
    names::{Meaning, normalise, outer},
};
use crate::{clean, nearest::nearest};

/// The flags, as messages name them.
pub(super) const UPN_FLAG: &str = "--upn-column";
pub(super) const PASSWORD_FLAG: &str = "--password-column";
pub(super) const PROFILE_FLAG: &str = "--profile-column";
pub(super) const LANGUAGE_FLAG: &str = "--language-column";
/// Most columns that a message lists.
const LISTED_MAX: usize = 40;
/// What a shell reads even between double quotes, and what ends a command line of Windows.
const SHELL_SIGNS: [char; 7] = ['"', '$', '`', '\\', '!', '%', '^'];

/// The names of a file's columns, to one of which a flag points.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// The file, as shown to people.
    pub(super) file: &'a str,
    pub(super) names: &'a [String],
}

impl Names<'_> {
    /// The column that a flag names: to the letter, else without case, marks and remarks, else without all brackets, else
    /// by its number from 1.
    pub(super) fn named(self, flag: &'static str, wanted: &str) -> Result<usize, RosterError> {
        let plain = normalise(wanted);
        let (name, shown) = (self.file.to_owned(), quoted(wanted));
        match self.matching(wanted).as_deref() {
            Some([only]) => Ok(*only),
            Some(_) => Err(RosterError::ManyColumns { name, wanted: shown, flag }),
            None => {
                let hint = self.meant(&plain).map(|at| format!("\nhint: did you mean {}?", self.shown(at)));
                let (hint, columns) = (hint.unwrap_or_default(), self.list());
                Err(RosterError::UnknownColumn { name, wanted: shown, flag, hint, columns })
            }
        }
    }

    fn matching(self, wanted: &str) -> Option<Vec<usize>> {
        let plain = normalise(wanted);
        let exact = |name: &str| !name.is_empty() && name == clean::trim(wanted);
        let alike = |name: &str| !plain.is_empty() && normalise(name) == plain;
        let bare = |name: &str| !plain.is_empty() && outer(name) == plain;
        self.all(exact).or_else(|| self.all(alike)).or_else(|| self.all(bare)).or_else(|| self.numbered(wanted))
    }

    fn all(self, matches: impl Fn(&str) -> bool) -> Option<Vec<usize>> {
        let found: Vec<_> = (0..self.names.len()).filter(|&at| matches(&self.names[at])).collect();
        (!found.is_empty()).then_some(found)
    }

    fn numbered(self, wanted: &str) -> Option<Vec<usize>> {
        let number: usize = wanted.trim().parse().ok()?;
        (1..=self.names.len()).contains(&number).then(|| vec![number - 1])
    }

    fn meant(self, plain: &str) -> Option<usize> {
        let names: Vec<_> = self.names.iter().map(|name| normalise(name)).collect();
        let meant = nearest(plain, names.iter().map(String::as_str))?;
        names.iter().position(|name| name == meant)
    }

    /// What a flag must say for this column: its name if that is safe to show and to paste, or else its number.
    pub(super) fn choice(self, at: usize) -> String {
        let name = &self.names[at];
        let is_plain = self.may_show(name)
            && !name.starts_with('-')
            && *name == clean::for_terminal(name)
            && !name.contains(SHELL_SIGNS);
        let leads_here = |wanted: &str| self.matching(wanted).as_deref() == Some(&[at]);
        if is_plain && leads_here(name) { name.clone() } else { (at + 1).to_string() }
    }

    /// A column as a message names it: by its name in quotes, or by its number if it has none or that may not be shown.
    pub(super) fn shown(self, at: usize) -> String {
        match self.names[at].as_str() {
            name if self.may_show(name) => quoted(name),
            _ => format!("column {}", at + 1),
        }
    }

    pub(super) fn list(self) -> String {
        let listed: Vec<_> = (0..self.names.len().min(LISTED_MAX)).map(|at| self.shown(at)).collect();
        let more = self.names.len() - listed.len();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        listed.join(", ") + &more
    }

    /// A first row in which no name is known may be a row of data, and hold a password. Then only what reads like a label
    /// is shown of it.
    fn may_show(self, name: &str) -> bool {
        let is_label = |name: &str| name.chars().all(|c| c.is_alphabetic() || " '’-_./()[]*:".contains(c));
        !name.is_empty() && (is_label(name) || self.is_header())
    }

    fn is_header(self) -> bool {
        let is_number = |(at, name): (usize, &String)| *name == unnamed(at);
        self.names.iter().any(|name| Meaning::of(name) != Meaning::Other)
            || self.names.iter().enumerate().all(is_number)
    }
}

/// What a column is called that the file does not name.
pub(super) fn unnamed(at: usize) -> String {
    format!("column {}", at + 1)
}

/// A flag with its value, as it can be pasted.
pub(super) fn flag_with(flag: &str, choice: &str) -> String {
    if choice.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{flag} {choice}")
    } else {
        format!("{flag} \"{choice}\"")
    }
}

/// A foreign text, as a message quotes it.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", clean::for_terminal(text))
}
