//! Who a password is for: five profiles, from a child who is learning to read to an administrator.
//!
//! A profile sets the form of a password and what its user must do at the next sign-in, so the planner names the users
//! instead of settings. The younger the users, the shorter and simpler the words, and the fewer possible passwords;
//! [`PasswordPolicy::entropy_bits`](super::PasswordPolicy::entropy_bits) returns how many.
//!
//! Invariant: every password of a profile meets Entra's rules (8 characters, three of four classes) in every language.

use crate::account::language::Language;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What the user must do at the next sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForceChange {
    /// Choose a new password (`forceChangePasswordNextSignIn`).
    #[default]
    NextSignIn,
    /// Pass multi-factor authentication, then choose one (`forceChangePasswordNextSignInWithMfa`).
    NextSignInWithMfa,
    /// Nothing: the password stays.
    No,
}

/// Who a password is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Children who are learning to read and type: two short words and two digits, all lower case; they keep it.
    EarlyYears,
    /// Children of about 7 to 11: three words that they know and two digits, all lower case; they keep it.
    Junior,
    /// Pupils from about 11: four words that they know and two digits; they must change it.
    Senior,
    /// Teachers and other staff: four words from a longer list and two digits; they must change it.
    Staff,
    /// Administrators, who have a password manager: 20 random characters; they must change it after a second factor.
    Admin,
}

/// A text that names no profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the profiles are early-years, junior, senior, staff and admin")]
pub struct UnknownProfile;

impl Profile {
    /// All of them, the youngest users first.
    pub const ALL: [Self; 5] = [Self::EarlyYears, Self::Junior, Self::Senior, Self::Staff, Self::Admin];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EarlyYears => "early-years",
            Self::Junior => "junior",
            Self::Senior => "senior",
            Self::Staff => "staff",
            Self::Admin => "admin",
        }
    }

    /// What the user must do at the next sign-in.
    ///
    /// Children keep the password they are given: a child who must choose a password chooses a weaker one and forgets
    /// it.
    #[must_use]
    pub const fn force_change(self) -> ForceChange {
        match self {
            Self::EarlyYears | Self::Junior => ForceChange::No,
            Self::Senior | Self::Staff => ForceChange::NextSignIn,
            Self::Admin => ForceChange::NextSignInWithMfa,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    /// Parses a name in any case, also `Early Years` or `EARLY_YEARS`.
    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let plain = |text: &str| text.replace(['-', '_', ' '], "").to_lowercase();
        let wanted = plain(text.trim());
        Self::ALL.into_iter().find(|profile| plain(profile.as_str()) == wanted).ok_or(UnknownProfile)
    }
}

/// The form of a user's password: set by a profile, or by the policy's style without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Form {
    /// The profile.
    pub profile: Option<Profile>,
    /// The language of the words, if it has words.
    pub language: Language,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_name_forms_are_parsed() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse(), Ok(profile));
            assert_eq!(profile.as_str().to_uppercase().parse(), Ok(profile));
            assert_eq!(serde_json::to_string(&profile).expect("JSON"), format!("\"{profile}\""));
        }
        for text in ["Early Years", "EARLY_YEARS", " earlyyears "] {
            assert_eq!(text.parse(), Ok(Profile::EarlyYears), "{text}");
        }
        for text in ["", "juniors", "early", "teacher", "-"] {
            assert_eq!(text.parse::<Profile>(), Err(UnknownProfile), "{text}");
        }
    }
}
