//! Keyed hashes over the content of the ledger, to detect changes by others.
//!
//! Each run has a random key of 32 bytes, stored in its ledger. It makes two kinds of hashes (HMAC-SHA256): the *tag*
//! of a row's plan, over everything planned for the row, including its first password as stored; and the *proof* of how
//! a row ended (64 bits, over its state and its password). The ledger stores the first 64 bits of each tag, the row's
//! *mark*.
//!
//! The plan's fingerprint covers the key and each full tag, so nobody can find another password for an approved one.
//! Someone who sees only the fingerprint, a report or JSON learns nothing about a password, not even its length or that
//! two are equal, because a hash depends on its row and on the key. Someone who has the ledger also has the key, and in
//! an unsealed run the passwords, too. Marks and proofs detect changes and name the rows. On their own they do not stop
//! a forger who knows this code and has the ledger; only an approved fingerprint does.
//!
//! A sealed password goes into the tag as its SHA-256. That hash is kept when another password replaces it, because the
//! password itself is not kept if it was never sent and nobody could read it.

pub(super) use super::first::First;
use super::{
    LedgerError,
    first::{Hash, part},
};
use aws_lc_rs::{hmac, rand};
use rusqlite::{
    Row,
    types::{ToSqlOutput, Value, ValueRef},
};
use std::{cell::RefCell, fmt::Write as _};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const COMMITMENT_BYTES: usize = 16;

/// A truncated keyed hash of a password that this process made, as stored.
pub(super) type Commitment = [u8; COMMITMENT_BYTES];

/// The tag of a row's plan.
pub(super) type Tag = Hash;

/// The columns that [`Planned::read`] reads, in order.
macro_rules! planned_columns {
    () => {
        "roster.row, roster.line, roster.user_principal_name, roster.cells, roster.profile, roster.language,
         iif(state = 'skipped', coalesce(error_code, ''), NULL),
         iif(nth = 0, account.password, (SELECT password FROM replaced WHERE replaced.row = account.row AND nth = 0)),
         mark, kind, object_id, looked_up.user_principal_name, password_changed_at, iif(nth = 0, NULL, commitment)"
    };
}
pub(super) use planned_columns;

/// The number of columns in [`planned_columns`].
pub(super) const PLANNED_COLUMNS: usize = 14;

/// The key of a run, and the hashes made with it.
pub(super) struct Marks {
    key: hmac::Key,
    bytes: [u8; KEY_BYTES],
    /// A buffer that is reused for each row.
    encoded: RefCell<Vec<u8>>,
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
    /// `None` if it has none, or none is left.
    pub first: Option<First<'a>>,
    pub looked: Option<LookedUp<'a>>,
}

/// What the directory said about a row's account.
pub(super) struct LookedUp<'a> {
    pub kind: &'a str,
    pub object_id: Option<&'a str>,
    pub user_principal_name: Option<&'a str>,
    pub password_changed_at: Option<i64>,
}

impl<'a> Planned<'a> {
    /// Reads the columns of [`planned_columns`], and the mark after them.
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
            first: match First::of(row.get_ref(7)?) {
                None => row.get_ref(13)?.as_blob_or_null().map_err(rusqlite::Error::from)?.map(First::Hash),
                first => first,
            },
            looked,
        };
        Ok((planned, row.get(8)?))
    }

    /// Encodes a row's plan unambiguously: every part has its length, so two plans never encode alike. A skipped row
    /// counts as having no password, even if the ledger still has one.
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.row.to_be_bytes());
        out.extend_from_slice(&self.line.to_be_bytes());
        let texts = [Some(self.name), Some(self.cells), self.profile, Some(self.language), self.skip];
        texts.into_iter().for_each(|text| part(out, text.map(str::as_bytes)));
        match self.first.filter(|_| self.skip.is_none()) {
            Some(first) => first.encode(out),
            None => out.push(0),
        }
        let Some(looked) = &self.looked else { return out.push(0) };
        out.push(1);
        let texts = [Some(looked.kind), looked.object_id, looked.user_principal_name];
        texts.into_iter().for_each(|text| part(out, text.map(str::as_bytes)));
        part(out, looked.password_changed_at.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
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
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &bytes), bytes, encoded: RefCell::default() }
    }

    /// Parses the key from its note; `None` if it is not a key.
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

    /// The key as a note.
    pub(super) fn noted(&self) -> String {
        hex(&self.bytes)
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.bytes
    }

    /// The commitment of the `nth` password of a row, as stored, for the memory of the process that made it.
    pub(super) fn commitment(&self, row: u64, nth: u32, stored: &[u8]) -> Commitment {
        let tag = self.tag(b"password", &[&row.to_be_bytes(), &nth.to_be_bytes(), stored]);
        let mut commitment = [0; COMMITMENT_BYTES];
        commitment.copy_from_slice(&tag.as_ref()[..COMMITMENT_BYTES]);
        commitment
    }

    /// The tag of a row's plan.
    pub(super) fn tag_of(&self, planned: &Planned<'_>) -> Tag {
        let mut tag = Tag::default();
        tag.copy_from_slice(self.sign(b"row", |encoded| planned.encode(encoded)).as_ref());
        tag
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
        mark_of(self.tag(b"end", &parts).as_ref())
    }

    /// The mark of a password that the service has accepted, or may have accepted, for the on-premises directory.
    pub(super) fn writeback_mark(&self, row: u64, operation: Option<&str>, accepted_at: i64, is_accepted: bool) -> i64 {
        let parts = [
            &row.to_be_bytes()[..],
            &accepted_at.to_be_bytes(),
            &[u8::from(is_accepted), u8::from(operation.is_some())],
            operation.unwrap_or_default().as_bytes(),
        ];
        mark_of(self.tag(b"writeback", &parts).as_ref())
    }

    /// The seed of the `nth` password of a row, which the run makes itself; another one for each attempt.
    pub(super) fn reissue_seed(&self, row: u64, nth: u32, attempt: u32) -> Zeroizing<[u8; 32]> {
        let parts = [&row.to_be_bytes()[..], &nth.to_be_bytes(), &attempt.to_be_bytes()];
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(self.tag(b"reissue", &parts).as_ref());
        seed
    }

    fn tag(&self, label: &[u8], parts: &[&[u8]]) -> hmac::Tag {
        self.sign(label, |encoded| parts.iter().for_each(|part| encoded.extend_from_slice(part)))
    }

    /// Hashes what `encode` writes: collected first, since each call of the library costs more than copying it.
    fn sign(&self, label: &[u8], encode: impl FnOnce(&mut Vec<u8>)) -> hmac::Tag {
        let mut encoded = self.encoded.borrow_mut();
        encoded.clear();
        encoded.extend_from_slice(label);
        encoded.push(0);
        encode(&mut encoded);
        hmac::sign(&self.key, &encoded)
    }
}

/// How a row ended, as far as it decides whether a report shows a password as valid.
pub(super) struct End<'a> {
    pub state: &'a str,
    pub nth: u32,
    pub doubt: u8,
    pub settled_at: Option<i64>,
    pub password: ValueRef<'a>,
}

/// The bytes of a password as stored; `None` if there is none.
pub(super) fn stored(password: ValueRef<'_>) -> Option<&[u8]> {
    match password {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    }
}

/// The same for a password that is about to be stored.
pub(super) fn to_be_stored<'a>(password: &'a ToSqlOutput<'_>) -> &'a [u8] {
    match password {
        ToSqlOutput::Borrowed(password) => stored(*password),
        ToSqlOutput::Owned(Value::Text(text)) => Some(text.as_bytes()),
        ToSqlOutput::Owned(Value::Blob(bytes)) => Some(bytes.as_slice()),
        _ => None,
    }
    .unwrap_or_default()
}

/// The part of a tag that the ledger stores.
pub(super) fn mark_of(tag: &[u8]) -> i64 {
    tag.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
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
        let planned = Planned { row: 1, line: 2, name, cells, profile, language: "en", skip, first: None, looked };
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
    fn commitment_depends_on_every_input() {
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
    fn seed_depends_on_every_input() {
        let (marks, other) = (Marks::of([7; 32]), Marks::of([8; 32]));
        let seeds = [
            marks.reissue_seed(1, 1, 0),
            marks.reissue_seed(2, 1, 0),
            marks.reissue_seed(1, 2, 0),
            marks.reissue_seed(1, 1, 1),
            other.reissue_seed(1, 1, 0),
        ];
        for (at, seed) in seeds.iter().enumerate() {
            assert!(seeds[..at].iter().all(|earlier| earlier != seed));
        }
        assert_eq!(seeds[0], marks.reissue_seed(1, 1, 0));
    }

    #[test]
    fn keys_parse_from_their_notes() {
        let marks = Marks::generate().expect("randomness");
        assert_eq!(Marks::parse(&marks.noted()).expect("a key").bytes, marks.bytes);
        let noted = "ab".repeat(32);
        for bad in ["", "ab", &noted[1..], &noted.to_uppercase(), &"zz".repeat(32), &"+a".repeat(32)] {
            assert!(Marks::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn proof_covers_the_whole_report() {
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
