//! How users and messages name columns.
//!
//! Invariant: a name that an error suggests selects exactly that column, and works in any shell as shown.

use super::{
    RosterError,
    names::{Meaning, normalize, outer},
    quote::quoted,
    role::ColumnRole,
};
use crate::util::{sanitize, suggest::nearest};

/// Characters that a shell interprets even inside double quotes, or that end a Windows command line.
const SHELL_SIGNS: [char; 7] = ['"', '$', '`', '\\', '!', '%', '^'];

/// The names of a file's columns, of which the user selects one.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// The file's name, for display.
    pub(super) file: &'a str,
    pub(super) names: &'a [String],
}

impl Names<'_> {
    /// The column that `wanted` selects: by exact name, otherwise without case, punctuation and remarks, otherwise
    /// without any brackets, otherwise by number from 1.
    pub(super) fn named(self, role: ColumnRole, wanted: &str) -> Result<usize, RosterError> {
        let (name, shown) = (self.file.to_owned(), wanted.to_owned());
        match self.matching(wanted).as_deref() {
            Some([only]) => Ok(*only),
            Some(_) => Err(RosterError::ManyColumns { name, wanted: shown, role }),
            None => {
                let near = self.meant(&normalize(wanted)).map(|at| self.choice(at));
                let (columns, found) = (self.all_shown(), Box::default());
                Err(RosterError::UnknownColumn { name, wanted: shown, role, near, columns, found })
            }
        }
    }

    fn matching(self, wanted: &str) -> Option<Vec<usize>> {
        let plain = normalize(wanted);
        let exact = |name: &str| !name.is_empty() && name == sanitize::trim(wanted);
        let alike = |name: &str| !plain.is_empty() && normalize(name) == plain;
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
        let names: Vec<_> = self.names.iter().map(|name| normalize(name)).collect();
        let meant = nearest(plain, names.iter().map(String::as_str))?;
        names.iter().position(|name| name == meant)
    }

    /// What selects this column: its name if that is safe to show and to paste, otherwise its number.
    pub(super) fn choice(self, at: usize) -> String {
        let name = &self.names[at];
        let is_plain = self.may_show(name)
            && !name.starts_with('-')
            && *name == sanitize::for_terminal(name)
            && !name.contains(SHELL_SIGNS);
        let leads_here = |wanted: &str| self.matching(wanted).as_deref() == Some(&[at]);
        if is_plain && leads_here(name) { name.clone() } else { (at + 1).to_string() }
    }

    /// A column in a message: its name in quotes, or its number if it has no name or may not be shown.
    pub(super) fn shown(self, at: usize) -> String {
        match self.names[at].as_str() {
            name if self.may_show(name) => quoted(name),
            _ => format!("column {}", at + 1),
        }
    }

    /// All columns, each as it can be shown in a message.
    pub(super) fn all_shown(self) -> Vec<String> {
        (0..self.names.len()).map(|at| self.shown(at)).collect()
    }

    /// If no name in the first row is known, it may be a data row and contain a password. Then only names that read
    /// like a label are shown.
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

/// The name of a column that has none in the file.
pub(super) fn unnamed(at: usize) -> String {
    format!("column {}", at + 1)
}
