//! Accounts that must never be touched, whatever the roster says: above all break-glass accounts.
//!
//! The file is read like a roster. It never guesses: an entry that it cannot understand is an error, because a missed
//! account may be the one needed to recover the tenant.

use crate::{
    outcome::Skip,
    roster::{Origin, Refusal, Roster, RosterError, RosterOptions, Row, place},
};
use std::{collections::HashSet, path::Path};

/// Names and object ids in lower case.
#[derive(Clone, Debug, Default)]
pub struct Exclusions(HashSet<String>);

/// Why the exclusions cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExclusionsError {
    /// The file cannot be read as a roster.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// A row does not name an account.
    #[error("{file}: {}", .refusal.message)]
    Entry {
        /// The file's name.
        file: String,
        /// What is wrong with which line.
        refusal: Refusal,
    },
}

impl Exclusions {
    /// Reads a file of user principal names or object ids: a plain list, or any CSV that works as a roster.
    ///
    /// # Errors
    /// Fails if it cannot be read, or if a row names no account.
    pub fn open(file: &Path) -> Result<Self, ExclusionsError> {
        let options = RosterOptions { only_accounts: true, ..RosterOptions::default() };
        Self::of(&Roster::open(file, &options)?)
    }

    /// The accounts of `roster`.
    ///
    /// # Errors
    /// Fails if a row names no account.
    pub fn of(roster: &Roster) -> Result<Self, ExclusionsError> {
        let mut keys = HashSet::new();
        for row in roster.rows() {
            match row?.address {
                Ok(address) => drop(keys.insert(address.as_str().to_ascii_lowercase())),
                Err(refusal) if refusal.skip == Skip::Duplicate => {}
                Err(refusal) => return Err(ExclusionsError::Entry { file: roster.name().to_owned(), refusal }),
            }
        }
        Ok(Self(keys))
    }

    /// All entries, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether `key`, a name or an object id in any case, is excluded.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&key.to_ascii_lowercase())
    }

    /// The row of a roster from `origin`, refused if its account is excluded.
    #[must_use]
    pub fn applied(&self, row: Row, origin: Origin<'_>) -> Row {
        match &row.address {
            Ok(address) if self.contains(address.as_str()) => {
                let message = format!("{}: the account is excluded", place(origin, row.line));
                Row { address: Err(Refusal { skip: Skip::Excluded, message }), ..row }
            }
            _ => row,
        }
    }
}

impl Extend<String> for Exclusions {
    fn extend<I: IntoIterator<Item = String>>(&mut self, keys: I) {
        self.0.extend(keys.into_iter().map(|key| key.to_ascii_lowercase()));
    }
}

impl FromIterator<String> for Exclusions {
    fn from_iter<I: IntoIterator<Item = String>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| key.to_ascii_lowercase()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Exclusions, ExclusionsError> {
        let bytes = text.as_bytes().to_vec();
        Exclusions::of(&Roster::from_bytes("keep.txt", bytes, &RosterOptions::default()).expect("a list"))
    }

    #[test]
    fn lists_and_tables_are_equivalent() {
        for text in ["Glass@contoso.com\n\nGLASS@contoso.com\n", "name;UPN\nx;glass@contoso.com\n"] {
            let exclusions = read(text).expect("exclusions");
            assert!(exclusions.contains("glass@CONTOSO.com") && !exclusions.contains("ann@contoso.com"), "{text}");
        }
    }

    #[test]
    fn two_address_columns_are_an_error() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("keep.csv");
        std::fs::write(&file, "Login,Email\nglass@contoso.com,it@contoso.com\n").expect("written");
        let error = Exclusions::open(&file).expect_err("two columns").to_string();
        assert!(error.contains("\"Login\" and \"Email\""), "{error}");
    }

    #[test]
    fn nameless_entries_are_an_error() {
        let error = read("glass@contoso.com\na@contoso.com\nb@contoso.com\nbreak glass\n");
        let error = error.expect_err("no account").to_string();
        assert!(error.starts_with("keep.txt: ") && error.contains("line 4"), "{error}");
    }
}
