//! What a run does besides the resets. It is part of the run's settings, so nobody has to repeat it.
//!
//! It is stored as it was written on the command line, and decides nothing by itself.
//!
//! Invariant: if nothing was asked for, nothing is stored, so runs of older releases keep their fingerprints.

use serde::{Deserialize, Serialize};

/// What a run does and watches for besides resetting passwords.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Whether every change is read back afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verify: bool,
    /// Whether the sessions of each account are revoked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoke_sessions: bool,
    /// When the run stops because too much has gone wrong, such as `failed=3%`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub halt_on: Vec<String>,
    /// The hours in which anything is sent, such as `22:00-06:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// The reasons for skipping that need no attention, as in `error_code`.
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
    fn empty_settings_store_nothing() {
        assert_eq!(serde_json::to_string(&Wanted::default()).expect("JSON"), "{}");
        let wanted = Wanted { verify: true, halt_on: vec!["failed=3%".into()], ..Wanted::default() };
        let stored = serde_json::to_string(&wanted).expect("JSON");
        assert_eq!(stored, r#"{"verify":true,"halt_on":["failed=3%"]}"#);
        assert_eq!(serde_json::from_str::<Wanted>(&stored).expect("as stored"), wanted);
    }
}
