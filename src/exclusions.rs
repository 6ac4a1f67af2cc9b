//! Accounts that are never to be touched, whatever the roster says: break-glass accounts above all.
//!
//! The file is read as a roster is. It never guesses: an entry that cannot be understood is an error, since an account
//! that slips through may be the one that opens the tenant again.

use crate::{
    outcome::Skip,
    roster::{Origin, Refusal, Roster, RosterError, RosterOptions, Row, place},
};
use std::{collections::HashSet, path::Path};

/// Names and object ids, in lower case.
#[derive(Clone, Debug, Default)]
pub struct Exclusions(HashSet<String>);

/// Why exclusions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExclusionsError {
    /// The file cannot be read as a roster.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// It is not certain which column names the accounts. No flag says so for this file.
    #[error(
        "{file}: it is not certain which column names the accounts to leave alone: {found}; nothing was sent\nhint: give --exclude a file with that column alone"
    )]
    Column {
        /// The file's name.
        file: String,
        /// What was found instead.
        found: String,
    },
    /// An entry is no account.
    #[error(
        "{file}: {message}\nhint: every row of --exclude must name an account, or one that must not be touched would be; correct the row"
    )]
    Entry {
        /// The file's name.
        file: String,
        /// What is wrong with which line.
        message: String,
    },
}

impl Exclusions {
    /// Reads a file of user principal names or object ids, a plain list or any CSV that a roster may be.
    ///
    /// # Errors
    /// Where it cannot be read, or a row in it names no account.
    pub fn open(file: &Path) -> Result<Self, ExclusionsError> {
        let options = RosterOptions { only_accounts: true, ..RosterOptions::default() };
        Self::of(&Roster::open(file, &options).map_err(without_flag)?)
    }

    /// The accounts of `roster`.
    ///
    /// # Errors
    /// Where a row names no account.
    pub fn of(roster: &Roster) -> Result<Self, ExclusionsError> {
        let mut keys = HashSet::new();
        for row in roster.rows() {
            match row?.address {
                Ok(address) => drop(keys.insert(address.as_str().to_ascii_lowercase())),
                Err(refusal) if refusal.skip == Skip::Duplicate => {}
                Err(Refusal { message, .. }) => {
                    return Err(ExclusionsError::Entry { file: roster.name().to_owned(), message });
                }
            }
        }
        Ok(Self(keys))
    }

    /// All entries, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether `key`, a name or an object id in any case, is among them.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&key.to_ascii_lowercase())
    }

    /// The row of a roster from `origin`, refused if its account is among them.
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

/// The flags that a roster's error names are those of the roster.
fn without_flag(error: RosterError) -> ExclusionsError {
    match error {
        RosterError::UnclearColumns { name, columns, .. } => {
            ExclusionsError::Column { file: name, found: format!("{columns} could") }
        }
        RosterError::NoColumn { name, .. } => {
            ExclusionsError::Column { file: name, found: "no name in its first row says so".into() }
        }
        other => other.into(),
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
    fn a_plain_list_and_a_table_name_the_same_accounts() {
        for text in ["Glass@contoso.com\n\nGLASS@contoso.com\n", "name;UPN\nx;glass@contoso.com\n"] {
            let exclusions = read(text).expect("exclusions");
            assert!(exclusions.contains("glass@CONTOSO.com") && !exclusions.contains("ann@contoso.com"), "{text}");
        }
    }

    #[test]
    fn a_list_with_two_columns_of_addresses_is_an_error() {
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("keep.csv");
        std::fs::write(&file, "Login,Email\nglass@contoso.com,it@contoso.com\n").expect("written");
        let error = Exclusions::open(&file).expect_err("two columns").to_string();
        assert!(error.contains("\"Login\" and \"Email\"") && error.contains("--exclude"), "{error}");
        assert!(!error.contains("--upn-column"), "{error}");
    }

    #[test]
    fn an_entry_that_names_nobody_is_an_error() {
        let error = read("glass@contoso.com\na@contoso.com\nb@contoso.com\nbreak glass\n");
        let error = error.expect_err("no account").to_string();
        assert!(error.starts_with("keep.txt: ") && error.contains("line 4"), "{error}");
    }
}
