//! What a lookup reports about an account.
//!
//! It never looks anything up. Invariant: each kind has one word, and parses back from it.

use super::Skip;
use serde::{Serialize, Serializer};

/// What a lookup reports about an account, or the reason for which a row is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing special.
    Ready,
    /// The user cannot sign in until the account is enabled.
    Disabled,
    /// A reason for skipping the row. Not every such row is skipped: if the plan includes administrators, for example,
    /// an administrator's account is reset, but it is still of this kind.
    Reason(Skip),
}

impl Kind {
    /// The word in JSON and in the ledger: for a reason, its code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Disabled => "disabled",
            Self::Reason(skip) => skip.code(),
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "ready" => Some(Self::Ready),
            "disabled" => Some(Self::Disabled),
            code => Skip::from_code(code).map(Self::Reason),
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
