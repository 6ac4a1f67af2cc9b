//! What was asked of a run beside the resets: part of its settings, so that nobody has to repeat it.
//!
//! It is stored as it was written on the command line. It decides nothing by itself.
//!
//! Invariant: a run of which nothing was asked stores nothing, so runs of older releases keep their fingerprints.

use serde::{Deserialize, Serialize};

/// Under which the ledger notes what is wanted after a flag of `run` has changed it.
pub const NOTE: &str = "wanted";

/// What a run does and minds beside resetting passwords.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Whether every change is read back afterwards (`--verify`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verify: bool,
    /// Whether the sessions of each account are revoked (`--revoke-sessions`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoke_sessions: bool,
    /// When too much has gone wrong (`--halt-on`), such as `failed=3%`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub halt_on: Vec<String>,
    /// The hours in which anything is sent (`--window`), such as `22:00-06:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Reasons for which rows may be skipped without anybody having to look at them (`--accept`), as in `error_code`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<String>,
}

impl Wanted {
    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn nothing_is_stored_as_nothing() {
        assert_eq!(serde_json::to_string(&Wanted::default()).expect("JSON"), "{}");
        let wanted = Wanted { verify: true, halt_on: vec!["failed=3%".into()], ..Wanted::default() };
        let stored = serde_json::to_string(&wanted).expect("JSON");
        assert_eq!(stored, r#"{"verify":true,"halt_on":["failed=3%"]}"#);
        assert_eq!(serde_json::from_str::<Wanted>(&stored).expect("as stored"), wanted);
    }
}
