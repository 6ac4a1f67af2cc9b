//! Which column names the account: by a flag, by its name and by what its values look like, in this order.
//!
//! It never guesses between two: a wrong column writes to other people's accounts, so two that could be meant are both
//! named and the roster is refused.
//!
//! Invariant: a column is chosen only where no other could be meant as well.

use super::{
    RosterError,
    names::{Meaning, normalise},
};
use crate::{clean, nearest::nearest, upn::Upn};

/// The flags, as messages name them.
pub(super) const UPN_FLAG: &str = "--upn-column";
pub(super) const PASSWORD_FLAG: &str = "--password-column";
pub(super) const PROFILE_FLAG: &str = "--profile-column";
pub(super) const LANGUAGE_FLAG: &str = "--language-column";
/// Most columns that a message lists.
const LISTED_MAX: usize = 40;

/// What the first values of one column look like, cells without any left aside.
#[derive(Clone, Copy, Default)]
pub(super) struct Shape {
    /// Values looked at.
    pub(super) seen: u32,
    /// User principal names among them.
    pub(super) names: u32,
    /// Object ids among them.
    pub(super) ids: u32,
}

impl Shape {
    /// Takes one more trimmed value into account.
    pub(super) fn add(&mut self, value: &str) {
        if value.is_empty() {
            return;
        }
        self.seen += 1;
        if let Ok(address) = Upn::parse(value) {
            *(if address.is_object_id() { &mut self.ids } else { &mut self.names }) += 1;
        }
    }

    const fn has_addresses(self) -> bool {
        self.names + self.ids > 0
    }

    const fn is_mostly_names(self) -> bool {
        self.names * 2 > self.seen
    }

    const fn is_mostly_addresses(self) -> bool {
        (self.names + self.ids) * 2 > self.seen
    }

    const fn is_ids_only(self) -> bool {
        self.seen > 0 && self.ids == self.seen
    }
}

/// The columns of one file: their names and the shapes of their values.
pub(super) struct Columns<'a> {
    /// The file, as shown to people.
    pub(super) file: &'a str,
    pub(super) names: &'a [String],
    /// Whether the file itself names them.
    pub(super) labelled: bool,
    pub(super) shapes: &'a [Shape],
}

impl Columns<'_> {
    /// The column of the accounts: the one that the flag names, or else the only one that can be meant.
    pub(super) fn upn(&self, wanted: Option<&str>) -> Result<usize, RosterError> {
        match wanted {
            Some(wanted) => self.named(UPN_FLAG, wanted),
            None if self.labelled => self.by_name(),
            None => self.only_of((0..self.names.len()).filter(|&at| self.shapes[at].is_mostly_addresses())),
        }
    }

    fn by_name(&self) -> Result<usize, RosterError> {
        let candidates: Vec<_> = (0..self.names.len()).filter(|&at| self.meaning(at).is_account()).collect();
        let usable: Vec<_> = candidates.iter().copied().filter(|&at| self.shapes[at].has_addresses()).collect();
        // Names without one good value stand only where no column is better: then the rows are refused one by one.
        let kept = if usable.is_empty() && self.looks_like_names().is_none() { candidates } else { usable };
        let best = kept.iter().map(|&at| self.meaning(at)).min();
        self.only_of(kept.into_iter().filter(|&at| Some(self.meaning(at)) == best))
    }

    /// Exports name a column of object ids `UserId`, as others do a column of user names: the values tell them apart.
    fn meaning(&self, at: usize) -> Meaning {
        match Meaning::of(&self.names[at]) {
            Meaning::Account if self.shapes[at].is_ids_only() => Meaning::ObjectId,
            meaning => meaning,
        }
    }

    fn only_of(&self, mut columns: impl Iterator<Item = usize>) -> Result<usize, RosterError> {
        let file = || self.file.to_owned();
        match (columns.next(), columns.next()) {
            (Some(only), None) => Ok(only),
            (Some(first), Some(second)) => {
                Err(RosterError::TwoColumns { name: file(), first: self.shown(first), second: self.shown(second) })
            }
            (None, _) => Err(RosterError::NoColumn { name: file(), columns: self.list(), hint: self.hint() }),
        }
    }

    /// The only column whose values look like user principal names.
    fn looks_like_names(&self) -> Option<usize> {
        let mut columns = (0..self.names.len()).filter(|&at| self.shapes[at].is_mostly_names());
        columns.next().filter(|_| columns.next().is_none())
    }

    fn hint(&self) -> String {
        let Some(at) = self.looks_like_names() else { return String::new() };
        let value = if self.names[at].is_empty() { (at + 1).to_string() } else { self.shown(at) };
        format!("; the values of one look like user principal names: --upn-column {value}")
    }

    /// The column that a flag names: see [`Names::named`].
    pub(super) fn named(&self, flag: &'static str, wanted: &str) -> Result<usize, RosterError> {
        self.names().named(flag, wanted)
    }

    /// A column as a message names it.
    pub(super) fn shown(&self, at: usize) -> String {
        self.names().shown(at)
    }

    fn list(&self) -> String {
        self.names().list()
    }

    const fn names(&self) -> Names<'_> {
        Names { file: self.file, names: self.names }
    }
}

/// The names of a file's columns, to one of which a flag points.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// The file, as shown to people.
    pub(super) file: &'a str,
    pub(super) names: &'a [String],
}

impl Names<'_> {
    /// The column that a flag names: to the letter, else without case and marks, else by its number from 1.
    pub(super) fn named(self, flag: &'static str, wanted: &str) -> Result<usize, RosterError> {
        let plain = normalise(wanted);
        let exact = |name: &str| !name.is_empty() && name == clean::trim(wanted);
        let alike = |name: &str| !plain.is_empty() && normalise(name) == plain;
        let found = self.all(exact).or_else(|| self.all(alike)).or_else(|| self.numbered(wanted));
        let (name, shown) = (self.file.to_owned(), quoted(wanted));
        match found.as_deref() {
            Some([only]) => Ok(*only),
            Some(_) => Err(RosterError::ManyColumns { name, wanted: shown, flag }),
            None => {
                let hint = self.meant(&plain).map(|at| format!("\nhint: did you mean {}?", self.shown(at)));
                let (hint, columns) = (hint.unwrap_or_default(), self.list());
                Err(RosterError::UnknownColumn { name, wanted: shown, flag, hint, columns })
            }
        }
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

    /// A column as a message names it: by its name in quotes, or by its number where it has none.
    fn shown(self, at: usize) -> String {
        match self.names[at].as_str() {
            "" => format!("column {}", at + 1),
            name => quoted(name),
        }
    }

    fn list(self) -> String {
        let listed: Vec<_> = (0..self.names.len().min(LISTED_MAX)).map(|at| self.shown(at)).collect();
        let more = self.names.len() - listed.len();
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        listed.join(", ") + &more
    }
}

/// A foreign text, as a message quotes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", clean::for_terminal(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

    /// Columns as `name=value value`, in words.
    fn choose(columns: &[(&str, &[&str])], wanted: Option<&str>) -> Result<usize, String> {
        let names: Vec<_> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let mut shapes = vec![Shape::default(); columns.len()];
        for (shape, (_, values)) in shapes.iter_mut().zip(columns) {
            values.iter().for_each(|value| shape.add(value));
        }
        let columns = Columns { file: "r.csv", names: &names, labelled: true, shapes: &shapes };
        columns.upn(wanted).map_err(|error| error.to_string())
    }

    #[test]
    fn the_best_that_can_be_meant_is_taken() {
        let upns: &[&str] = &["a@c.com", "b@c.com"];
        for (columns, chosen) in [
            (vec![("mail", upns), ("id", &[ID]), ("userPrincipalName", upns)], 2),
            (vec![("mail", upns), ("id", &[ID])], 1),
            (vec![("id", &["1", "2"]), ("mail", upns)], 1),
            (vec![("username", &["jsmith"]), ("UPN", upns)], 1),
            (vec![("username", &["jsmith", "a@c.com"]), ("mail", upns)], 0),
            (vec![("UserId", &[ID, ID]), ("User principal name", upns)], 1),
            (vec![("UserId", &[ID, ID]), ("mail", upns)], 0),
            (vec![("username", &["jsmith"])], 0),
        ] {
            assert_eq!(choose(&columns, None), Ok(chosen), "{columns:?}");
        }
    }

    #[test]
    fn two_that_could_be_meant_are_refused_and_named() {
        let upns: &[&str] = &["a@c.com"];
        for columns in [
            [("User name", upns), ("UPN", upns)],
            [("Object Id", &[ID]), ("id", &[ID])],
            [("mail", upns), ("Work email", upns)],
        ] {
            let error = choose(&columns, None).expect_err("two");
            assert!(columns.iter().all(|(name, _)| error.contains(&format!("\"{name}\""))), "{error}");
            assert!(error.contains("--upn-column") && error.contains("nothing was sent"), "{error}");
        }
    }

    #[test]
    fn without_a_column_the_message_shows_the_way() {
        let error = choose(&[("Login", &["a@c.com"]), ("Room", &["7"])], None).expect_err("none");
        assert!(error.contains("--upn-column \"Login\"") && error.contains("Columns: \"Login\", \"Room\""), "{error}");
        let error = choose(&[("username", &["ann"]), ("Login", &["a@c.com"])], None).expect_err("a better one");
        assert!(error.contains("--upn-column \"Login\""), "{error}");
        let error = choose(&[("A", &["a@c.com"]), ("B", &["a@c.com"])], None).expect_err("none");
        assert!(!error.contains("look like"), "{error}");
    }

    #[test]
    fn a_flag_is_matched_to_the_letter_then_alike_then_by_number() {
        let columns: &[(&str, &[&str])] =
            &[("upn", &[]), ("UPN", &[]), ("3", &[]), ("Log-in", &[]), ("x", &[]), ("x", &[]), ("", &[])];
        for (wanted, found) in [("UPN", 1), ("upn", 0), ("3", 2), ("login", 3), ("log in ", 3), ("7", 6), ("4", 3)] {
            assert_eq!(choose(columns, Some(wanted)), Ok(found), "{wanted}");
        }
        for (wanted, word) in [
            ("Upn", "more than one"),
            ("x", "number"),
            ("Lokin", "did you mean \"Log-in\""),
            ("Lgoin", "did you mean \"Log-in\""),
            ("8", "Columns: "),
            ("0", "no column"),
            ("", "column 7"),
            (" ", "no column"),
        ] {
            let error = choose(columns, Some(wanted)).expect_err(wanted);
            assert!(error.contains(word) && error.contains("--upn-column"), "{error}");
        }
    }
}
