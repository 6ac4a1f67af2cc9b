//! The tables that the working copy and the database have in common, column by column, and how a value gets from one to
//! the other.
//!
//! It sends nothing. Invariant: a row that went to the database and back is the same row, byte for byte.

use crate::ledger::LedgerError;
use rusqlite::{
    Row,
    types::{ToSqlOutput, Value, ValueRef},
};
use std::{borrow::Cow, fmt::Write as _};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Bytes,
    /// A text, or bytes, which have a column of their own in the database.
    Either(&'static str),
}

/// A table of both.
pub(super) struct Table {
    pub name: &'static str,
    /// The column that is the row's number in the working copy. It is first in the database's key after the run.
    pub key: &'static str,
    /// Whether the key is a column of the working copy, or only its hidden row number.
    pub has_key: bool,
    pub columns: &'static [(&'static str, Kind)],
}

use Kind::{Bytes, Either, Number, Text};

/// All tables whose rows are numbered, parents first.
pub(super) const TABLES: [Table; 11] = [
    Table {
        name: "roster",
        key: "row",
        has_key: true,
        columns: &[
            ("line", Number),
            ("user_principal_name", Text),
            ("cells", Text),
            ("profile", Text),
            ("language", Text),
        ],
    },
    Table {
        name: "looked_up",
        key: "row",
        has_key: true,
        columns: &[("kind", Text), ("object_id", Text), ("user_principal_name", Text), ("password_changed_at", Number)],
    },
    Table { name: "data_key", key: "number", has_key: true, columns: &[("wrapped", Bytes), ("made_at", Number)] },
    Table {
        name: "account",
        key: "row",
        has_key: true,
        columns: &[
            ("state", Text),
            ("password", Either("sealed")),
            ("nth", Number),
            ("doubt", Number),
            ("attempts", Number),
            ("troubles", Number),
            ("not_before", Number),
            ("sent_at", Number),
            ("settled_at", Number),
            ("error_code", Text),
            ("error_message", Text),
            ("request_id", Text),
            ("sessions", Text),
            ("sessions_code", Text),
            ("verified_at", Number),
            ("verdict", Text),
            ("commitment", Bytes),
            ("mark", Number),
            ("proof", Number),
            ("cause", Text),
            ("method", Text),
        ],
    },
    Table {
        name: "writeback",
        key: "row",
        has_key: true,
        columns: &[
            ("operation", Text),
            ("accepted_at", Number),
            ("is_accepted", Number),
            ("polls", Number),
            ("tag", Number),
        ],
    },
    Table {
        name: "replaced",
        key: "entry",
        has_key: false,
        columns: &[
            ("row", Number),
            ("nth", Number),
            ("password", Either("sealed")),
            ("doubt", Number),
            ("at", Number),
            ("why", Text),
        ],
    },
    Table {
        name: "session",
        key: "entry",
        has_key: false,
        columns: &[
            ("began_at", Number),
            ("ended_at", Number),
            ("first_write", Number),
            ("last_write", Number),
            ("batches", Number),
            ("writes", Number),
            ("throttled", Number),
            ("settled", Number),
            ("revoked", Number),
            ("write_quota", Text),
        ],
    },
    Table {
        name: "moment",
        key: "entry",
        has_key: false,
        columns: &[("at", Number), ("hold", Text), ("millis", Number), ("throttled", Number)],
    },
    Table { name: "claim", key: "row", has_key: true, columns: &[("claimed", Text), ("claimed_at", Number)] },
    Table {
        name: "audit",
        key: "row",
        has_key: true,
        columns: &[("record", Text), ("activity", Text), ("at", Number), ("result", Text), ("matched", Text)],
    },
    Table {
        name: "sweep",
        key: "entry",
        has_key: false,
        columns: &[("at", Number), ("yes", Number), ("no", Number), ("unread", Number)],
    },
];

impl Table {
    /// The table with this name in the working copy.
    pub(super) fn named(name: &str) -> Option<usize> {
        TABLES.iter().position(|table| table.name == name)
    }

    fn columns_of_copy(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The columns of the database after the run, the key first.
    fn columns_of_database(&self) -> Vec<&'static str> {
        let mut names = vec![self.key];
        for (name, kind) in self.columns {
            names.push(name);
            if let Either(other) = kind {
                names.push(other);
            }
        }
        names
    }

    /// Selects a row of the working copy by its number.
    pub(super) fn select(&self) -> String {
        format!("SELECT rowid, {} FROM {} WHERE rowid = ?1", self.columns_of_copy(), self.name)
    }

    /// Selects all rows of the working copy.
    pub(super) fn select_all(&self) -> String {
        format!("SELECT rowid, {} FROM {} ORDER BY rowid", self.columns_of_copy(), self.name)
    }

    /// Inserts a row into the working copy.
    pub(super) fn insert(&self) -> String {
        let key = if self.has_key { self.key } else { "rowid" };
        let places = (1..=self.columns.len() + 1).map(|nth| format!("?{nth}")).collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {} ({key}, {}) VALUES ({places})", self.name, self.columns_of_copy())
    }

    /// Puts rows of the run `$1` into the database, if `mine` has a row. The rows are in the parameter `nth`, as JSON.
    pub(super) fn put(&self, nth: usize) -> String {
        let columns: Vec<String> = self.columns_of_database().into_iter().map(quoted).collect();
        let sets = columns[1..].iter().map(|name| format!("{name} = excluded.{name}")).collect::<Vec<_>>().join(", ");
        let (names, key) = (columns.join(", "), &columns[0]);
        format!(
            "INSERT INTO passwave.{0} (run, {names}) SELECT $1, {names}
             FROM mine CROSS JOIN json_populate_recordset(NULL::passwave.{0}, ${nth}::json)
             ON CONFLICT (run, {key}) DO UPDATE SET {sets}",
            self.name
        )
    }

    /// Removes rows of the run `$1` from the database, if `mine` has a row. Their numbers are in the parameter `nth`.
    pub(super) fn cut(&self, nth: usize) -> String {
        format!(
            "DELETE FROM passwave.{} AS old USING mine WHERE old.run = $1 AND old.{} = ANY(${nth})",
            self.name,
            quoted(self.key)
        )
    }

    /// Selects up to `$3` rows of the run `$1` from the database whose numbers are higher than `$2`.
    pub(super) fn page(&self) -> String {
        let columns = self.columns_of_database().into_iter().map(quoted).collect::<Vec<_>>().join(", ");
        let key = quoted(self.key);
        format!("SELECT {columns} FROM passwave.{} WHERE run = $1 AND {key} > $2 ORDER BY {key} LIMIT $3", self.name)
    }

    /// Writes a selected row as a JSON object.
    pub(super) fn write(&self, row: &Row<'_>, json: &mut String) -> Result<(), LedgerError> {
        let key: i64 = row.get(0)?;
        write!(json, "{{\"{}\":{key}", self.key).expect("a string takes everything");
        for (at, (name, kind)) in self.columns.iter().enumerate() {
            let value = row.get_ref(at + 1)?;
            let name = match (kind, value) {
                (Either(other), ValueRef::Blob(_)) => other,
                _ => name,
            };
            if value != ValueRef::Null {
                write!(json, ",\"{name}\":").expect("a string takes everything");
                write_value(value, json)?;
            }
        }
        json.push('}');
        Ok(())
    }
}

/// A column's name in a statement for the database: some are words of its language.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn write_value(value: ValueRef<'_>, json: &mut String) -> Result<(), LedgerError> {
    match value {
        ValueRef::Null => json.push_str("null"),
        ValueRef::Integer(number) => write!(json, "{number}").expect("a string takes everything"),
        ValueRef::Real(number) => write!(json, "{number}").expect("a string takes everything"),
        ValueRef::Text(_) => write_text(value.as_str().map_err(rusqlite::Error::from)?, json)?,
        ValueRef::Blob(bytes) => {
            json.push_str("\"\\\\x");
            bytes.iter().for_each(|byte| write!(json, "{byte:02x}").expect("a string takes everything"));
            json.push('"');
        }
    }
    Ok(())
}

/// Writes a text as a JSON string.
pub(super) fn write_text(text: &str, json: &mut String) -> Result<(), LedgerError> {
    json.push_str(&serde_json::to_string(&escaped(text))?);
    Ok(())
}

/// Begins an escape. No assigned character; a text that has it gets it escaped.
const ESCAPE: char = '\u{F0000}';

/// The text without NUL, which PostgreSQL does not store.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return text.into();
    }
    text.replace(ESCAPE, "\u{F0000}1").replace('\0', "\u{F0000}0").into()
}

/// The reverse of [`escaped`].
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return text.into();
    }
    text.replace("\u{F0000}0", "\0").replace("\u{F0000}1", "\u{F0000}").into()
}

/// A value from the database, for the working copy.
pub(super) enum Loaded<'a> {
    Nothing,
    Number(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl rusqlite::ToSql for Loaded<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Nothing => ToSqlOutput::Owned(Value::Null),
            Self::Number(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => match unescaped(text) {
                Cow::Borrowed(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
                Cow::Owned(text) => ToSqlOutput::Owned(Value::Text(text)),
            },
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::schema;
    use rusqlite::Connection;

    #[test]
    fn every_column_of_a_ledger_is_mirrored() {
        let connection = Connection::open_in_memory().expect("memory");
        connection.execute_batch(&schema::tables()).expect("our schema");
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('run', 'exclusion')";
        let mut select = connection.prepare(sql).expect("a statement");
        let names: Vec<String> =
            select.query_map((), |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("names");
        assert_eq!(names.len(), TABLES.len());
        for name in names {
            let table = &TABLES[Table::named(&name).expect("a mirrored table")];
            let mut columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
            if table.has_key {
                columns.insert(0, table.key);
            }
            let all = connection.prepare(&format!("SELECT * FROM {name}")).expect("a statement");
            assert_eq!(all.column_names().collect::<Vec<_>>(), columns, "{name}");
        }
    }

    #[test]
    fn texts_survive_the_way_there_and_back() {
        for text in ["", "plain", "a\0b", "\u{F0000}", "\u{F0000}0", "\0\u{F0000}1\0", "\u{F0000}\u{F0000}0"] {
            assert_eq!(unescaped(&escaped(text)), text, "{text:?}");
            assert!(!escaped(text).contains('\0'));
        }
    }
}
