//! For whom a password is: five profiles, from a child who begins to read to an administrator.
//!
//! A profile says how a password looks and what its person must do at the next sign-in, so that whoever plans a run names
//! the people and not the settings. The younger they are, the shorter and simpler the words, and the fewer the
//! passwords there are to guess from; [`PasswordPolicy::entropy_bits`](super::PasswordPolicy::entropy_bits) tells how many.
//!
//! Invariant: whatever a profile makes keeps Entra's rules (8 characters, three of four classes) in every language.

use crate::language::Language;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What the person must do at the next sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForceChange {
    /// Choose a new password (`forceChangePasswordNextSignIn`).
    #[default]
    NextSignIn,
    /// Pass multi-factor authentication, then choose one (`forceChangePasswordNextSignInWithMfa`).
    NextSignInWithMfa,
    /// Nothing: the password stands.
    No,
}

/// For whom a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Who begins to read and to type: two short words and two digits, all small, to be kept.
    EarlyYears,
    /// Children of about 7 to 11: three words that they know and two digits, all small, to be kept.
    Junior,
    /// Pupils from about 11 years on: four words that they know and two digits, to be changed.
    Senior,
    /// Teachers and whoever works there: four words of a longer list and two digits, to be changed.
    Staff,
    /// Administrators, who have a password manager: 20 random characters, to be changed after a second factor.
    Admin,
}

/// A text that names no profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the profiles are early-years, junior, senior, staff and admin")]
pub struct UnknownProfile;

impl Profile {
    /// All of them, the youngest first.
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

    /// What the person must do at the next sign-in.
    ///
    /// Children keep what they were given: one that is made to choose a password chooses a weaker one, and forgets it.
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

    /// Takes a name in any case, and `Early Years` or `EARLY_YEARS` too.
    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        let plain = |text: &str| text.replace(['-', '_', ' '], "").to_lowercase();
        let wanted = plain(text.trim());
        Self::ALL.into_iter().find(|profile| plain(profile.as_str()) == wanted).ok_or(UnknownProfile)
    }
}

/// How somebody's password is to look: by a profile, or by the style of the policy where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Form {
    /// The profile.
    pub profile: Option<Profile>,
    /// The language of the words, where there are any.
    pub language: Language,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
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
