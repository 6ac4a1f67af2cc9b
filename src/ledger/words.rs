//! Enums that the ledger stores as words: writes them and parses them.
//!
//! Only this module turns a column's word into a value. It is tolerant, because anyone may edit the file: an unknown word
//! gives `None`, and the caller decides what that means.
//!
//! Invariant: every value parses back from its word.

use crate::outcome::{Cause, Kind};
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

/// An enum whose values are words in a column.
pub(super) trait Word: Copy + 'static {
    /// The word of a value.
    fn word(self) -> &'static str;
    /// The value of a word.
    fn parse(word: &str) -> Option<Self>;
}

/// A value that goes into a column as its word.
pub(super) struct Written<T>(pub T);

/// A value of a column: `None` if the column is empty, or if its word is unknown.
pub(super) struct Found<T>(pub Option<T>);

impl<T: Word> ToSql for Written<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0.word().as_bytes())))
    }
}

impl<T: Word> FromSql for Found<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Null => Ok(Self(None)),
            ValueRef::Text(_) => Ok(Self(T::parse(value.as_str()?))),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// Finds the value of a word among all values.
pub(super) fn among<T: Word>(all: &[T], word: &str) -> Option<T> {
    all.iter().copied().find(|value| value.word() == word)
}

impl Word for Kind {
    fn word(self) -> &'static str {
        self.as_str()
    }

    fn parse(word: &str) -> Option<Self> {
        Self::from_word(word)
    }
}

impl Word for Cause {
    fn word(self) -> &'static str {
        self.as_str()
    }

    fn parse(word: &str) -> Option<Self> {
        among(&Self::ALL, word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::{
            Verdict,
            state::{SessionState, State},
        },
        outcome::Skip,
    };
    use rusqlite::Connection;
    use std::fmt::Debug;

    fn reads_back<T: Word + PartialEq + Debug>(values: impl IntoIterator<Item = T>) {
        let connection = Connection::open_in_memory().expect("a database");
        for value in values {
            let found = connection.query_row("SELECT ?1", [Written(value)], |row| row.get::<_, Found<T>>(0));
            assert_eq!(found.expect("a word").0, Some(value));
        }
    }

    #[test]
    fn every_value_reads_back() {
        reads_back(State::ALL);
        reads_back(SessionState::ALL);
        reads_back(Verdict::ALL);
        reads_back(Cause::ALL);
        reads_back([Kind::Ready, Kind::Disabled].into_iter().chain(Skip::ALL.map(Kind::Reason)));
    }

    #[test]
    fn unknown_words_parse_as_none() {
        let connection = Connection::open_in_memory().expect("a database");
        for sql in ["SELECT NULL", "SELECT 'Reset'", "SELECT ''"] {
            let found = connection.query_row(sql, (), |row| row.get::<_, Found<State>>(0));
            assert_eq!(found.expect("a text or nothing").0, None, "{sql}");
        }
        assert!(connection.query_row("SELECT 7", (), |row| row.get::<_, Found<State>>(0)).is_err());
    }
}
