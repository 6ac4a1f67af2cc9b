//! Keyed hashes over what the ledger holds, so that a change by somebody else shows.
//!
//! Each run has a random key of 32 bytes, which is kept in its ledger. Three hashes (HMAC-SHA256, cut) are made with it:
//! the *commitment* of a password (128 bits; over its row, its number and its bytes as they are stored, so over the sealed
//! bytes in a sealed run), the *mark* of a row (64 bits; over all that was planned for it, the commitment included), and
//! the *proof* of how a row ended (64 bits; over its state and its password).
//!
//! The plan's fingerprint covers the key and each commitment in full, so nobody can find another password for an approved
//! one. Whoever sees only the fingerprint, a report or JSON learns nothing about a password, not even its length or that
//! two are equal: a hash depends on its row and on a key that he does not have. Whoever has the ledger has the key, and in
//! a clear run the passwords, too. Marks and proofs find changes and name rows; by themselves they do not stop a forger who
//! knows this code and has the ledger. Only an approved fingerprint does.

use super::LedgerError;
use aws_lc_rs::{hmac, rand};
use rusqlite::{
    Row,
    types::{ToSqlOutput, Value, ValueRef},
};
use std::fmt::Write as _;

/// Under which the key is noted.
pub(super) const KEY: &str = "marks_key";
const KEY_BYTES: usize = 32;
const COMMITMENT_BYTES: usize = 16;

/// A cut keyed hash of a password as it is stored.
pub(super) type Commitment = [u8; COMMITMENT_BYTES];

/// The columns that [`Planned::read`] reads, in its order.
macro_rules! planned_columns {
    () => {
        "roster.row, roster.line, roster.user_principal_name, roster.cells, roster.profile, roster.language,
         iif(state = 'skipped', coalesce(error_code, ''), NULL), commitment, mark,
         kind, object_id, looked_up.user_principal_name, password_changed_at"
    };
}
pub(super) use planned_columns;

/// How many columns [`planned_columns`] has.
pub(super) const PLANNED_COLUMNS: usize = 13;

/// The key of a run, and the hashes that are made with it.
pub(super) struct Marks {
    key: hmac::Key,
    bytes: [u8; KEY_BYTES],
}

/// What was planned for a row.
pub(super) struct Planned<'a> {
    pub row: u64,
    pub line: u64,
    pub name: &'a str,
    pub cells: &'a str,
    pub profile: Option<&'a str>,
    pub language: &'a str,
    /// Why it is skipped, if it is.
    pub skip: Option<&'a str>,
    pub commitment: Option<&'a [u8]>,
    pub looked: Option<LookedUp<'a>>,
}

/// What the directory said of a row's account.
pub(super) struct LookedUp<'a> {
    pub kind: &'a str,
    pub object_id: Option<&'a str>,
    pub user_principal_name: Option<&'a str>,
    pub password_changed_at: Option<i64>,
}

impl<'a> Planned<'a> {
    /// Reads the columns of [`planned_columns`], and the mark beside them.
    pub(super) fn read(row: &'a Row<'_>) -> Result<(Self, i64), LedgerError> {
        let text = |at: usize| row.get_ref(at)?.as_str_or_null().map_err(rusqlite::Error::from);
        let kind = text(9)?;
        let looked = match kind {
            None => None,
            Some(kind) => Some(LookedUp {
                kind,
                object_id: text(10)?,
                user_principal_name: text(11)?,
                password_changed_at: row.get(12)?,
            }),
        };
        let planned = Self {
            row: row.get(0)?,
            line: row.get(1)?,
            name: text(2)?.unwrap_or_default(),
            cells: text(3)?.unwrap_or_default(),
            profile: text(4)?,
            language: text(5)?.unwrap_or_default(),
            skip: text(6)?,
            commitment: row.get_ref(7)?.as_blob_or_null().map_err(rusqlite::Error::from)?,
            looked,
        };
        Ok((planned, row.get(8)?))
    }

    /// One form for each plan of a row: every part has its length, so no two plans read the same.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.row.to_be_bytes());
        out.extend_from_slice(&self.line.to_be_bytes());
        let texts = [Some(self.name), Some(self.cells), self.profile, Some(self.language), self.skip];
        texts.into_iter().for_each(|text| part(out, text.map(str::as_bytes)));
        part(out, self.commitment);
        let Some(looked) = &self.looked else { return out.push(0) };
        out.push(1);
        let texts = [Some(looked.kind), looked.object_id, looked.user_principal_name];
        texts.into_iter().for_each(|text| part(out, text.map(str::as_bytes)));
        part(out, looked.password_changed_at.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
    }
}

fn part(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(0),
        Some(bytes) => {
            out.push(1);
            out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            out.extend_from_slice(bytes);
        }
    }
}

impl Marks {
    /// A new key.
    pub(super) fn generate() -> Result<Self, LedgerError> {
        let mut bytes = [0; KEY_BYTES];
        rand::fill(&mut bytes).map_err(|_| crate::seal::SealError::NoRandomness)?;
        Ok(Self::of(bytes))
    }

    fn of(bytes: [u8; KEY_BYTES]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &bytes), bytes }
    }

    /// The key as it was noted; none if that is no key.
    pub(super) fn parse(noted: &str) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES];
        if noted.len() != 2 * KEY_BYTES || !noted.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&noted[2 * at..2 * at + 2], 16).ok()?;
        }
        let marks = Self::of(bytes);
        (marks.noted() == noted).then_some(marks)
    }

    /// As it is noted.
    pub(super) fn noted(&self) -> String {
        hex(&self.bytes)
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.bytes
    }

    /// The commitment of the `nth` password of a row, as it is stored.
    pub(super) fn commitment(&self, row: u64, nth: u32, stored: &[u8]) -> Commitment {
        let tag = self.tag(b"password", &[&row.to_be_bytes(), &nth.to_be_bytes(), stored]);
        let mut commitment = [0; COMMITMENT_BYTES];
        commitment.copy_from_slice(&tag.as_ref()[..COMMITMENT_BYTES]);
        commitment
    }

    /// The mark of a row, from its encoded plan.
    pub(super) fn mark(&self, encoded: &[u8]) -> i64 {
        number(self.tag(b"row", &[encoded]))
    }

    /// The proof of how a row ended.
    pub(super) fn proof(&self, row: u64, end: &End<'_>) -> i64 {
        let settled_at = end.settled_at.unwrap_or(i64::MIN);
        let password = stored(end.password);
        let parts = [
            &row.to_be_bytes()[..],
            end.state.as_bytes(),
            &[0, end.doubt, u8::from(password.is_some())],
            &end.nth.to_be_bytes(),
            &settled_at.to_be_bytes(),
            password.unwrap_or_default(),
        ];
        number(self.tag(b"end", &parts))
    }

    fn tag(&self, label: &[u8], parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(label);
        context.update(&[0]);
        parts.iter().for_each(|part| context.update(part));
        context.sign()
    }
}

/// How a row ended, as far as a report may say that a password is in force.
pub(super) struct End<'a> {
    pub state: &'a str,
    pub nth: u32,
    pub doubt: u8,
    pub settled_at: Option<i64>,
    pub password: ValueRef<'a>,
}

/// The bytes of a password as it is stored; none if there is none.
pub(super) fn stored(password: ValueRef<'_>) -> Option<&[u8]> {
    match password {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    }
}

/// The same of one that is about to be stored.
pub(super) fn to_be_stored<'a>(password: &'a ToSqlOutput<'_>) -> &'a [u8] {
    match password {
        ToSqlOutput::Borrowed(password) => stored(*password),
        ToSqlOutput::Owned(Value::Text(text)) => Some(text.as_bytes()),
        ToSqlOutput::Owned(Value::Blob(bytes)) => Some(bytes.as_slice()),
        _ => None,
    }
    .unwrap_or_default()
}

fn number(tag: hmac::Tag) -> i64 {
    tag.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(name: &str, cells: &str, profile: Option<&str>, skip: Option<&str>, id: Option<&str>) -> Vec<u8> {
        let looked = id.map(|id| LookedUp {
            kind: "ready",
            object_id: Some(id),
            user_principal_name: None,
            password_changed_at: None,
        });
        let mut out = Vec::new();
        let planned = Planned { row: 1, line: 2, name, cells, profile, language: "en", skip, commitment: None, looked };
        planned.encode(&mut out);
        out
    }

    proptest! {
        #[test]
        fn different_plans_have_different_forms(
            one in ("[ab]{0,3}", "[ab]{0,3}", proptest::option::of("[ab]{0,2}"), proptest::option::of("[ab]{0,2}"), proptest::option::of("[ab]{0,2}")),
            two in ("[ab]{0,3}", "[ab]{0,3}", proptest::option::of("[ab]{0,2}"), proptest::option::of("[ab]{0,2}"), proptest::option::of("[ab]{0,2}")),
        ) {
            let form = |plan: &(String, String, Option<String>, Option<String>, Option<String>)| {
                encoded(&plan.0, &plan.1, plan.2.as_deref(), plan.3.as_deref(), plan.4.as_deref())
            };
            prop_assert_eq!(form(&one) == form(&two), one == two);
        }
    }

    #[test]
    fn a_commitment_depends_on_key_row_number_and_bytes() {
        let (marks, other) = (Marks::of([7; 32]), Marks::of([8; 32]));
        let first = marks.commitment(1, 0, b"Secret-1");
        assert_eq!(first, marks.commitment(1, 0, b"Secret-1"));
        for different in [
            marks.commitment(2, 0, b"Secret-1"),
            marks.commitment(1, 1, b"Secret-1"),
            marks.commitment(1, 0, b"Secret-2"),
            other.commitment(1, 0, b"Secret-1"),
        ] {
            assert_ne!(first, different);
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_noted() {
        let marks = Marks::generate().expect("randomness");
        assert_eq!(Marks::parse(&marks.noted()).expect("a key").bytes, marks.bytes);
        let noted = "ab".repeat(32);
        for bad in ["", "ab", &noted[1..], &noted.to_uppercase(), &"zz".repeat(32), &"+a".repeat(32)] {
            assert!(Marks::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_proof_depends_on_all_that_a_report_says() {
        let marks = Marks::of([7; 32]);
        let end = |state: &'static str, nth, doubt, settled_at, password| {
            marks.proof(1, &End { state, nth, doubt, settled_at, password })
        };
        let first = end("reset", 0, 0, Some(5), ValueRef::Text(b"Secret-1"));
        for other in [
            end("failed", 0, 0, Some(5), ValueRef::Text(b"Secret-1")),
            end("reset", 1, 0, Some(5), ValueRef::Text(b"Secret-1")),
            end("reset", 0, 1, Some(5), ValueRef::Text(b"Secret-1")),
            end("reset", 0, 0, None, ValueRef::Text(b"Secret-1")),
            end("reset", 0, 0, Some(5), ValueRef::Text(b"Secret-2")),
            end("reset", 0, 0, Some(5), ValueRef::Null),
        ] {
            assert_ne!(first, other);
        }
    }
}
