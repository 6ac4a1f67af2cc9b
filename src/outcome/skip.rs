//! Why a row is never sent: a word for the report, whether somebody must look at it, and what to do.
//!
//! It never decides that a row is skipped. Invariant: each reason has one code, and reads back from it.

use super::Cause;

/// Why a row is never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skip {
    /// The row has cells, but none for the account.
    Missing,
    /// Neither a user principal name nor an object id.
    Invalid,
    /// Longer than Entra allows.
    TooLong,
    /// Accents or letters outside ASCII.
    NotAscii,
    /// An earlier row names the same account.
    Duplicate,
    /// More cells than the header has names: a delimiter stands unquoted in one of them.
    Malformed,
    /// The file was to bring the password, and brings none for this row.
    PasswordMissing,
    /// The password that the file brings breaks a rule.
    PasswordRejected,
    /// No profile, or none that there is, where the roster was to name one.
    ProfileUnknown,
    /// Named by `--exclude`.
    Excluded,
    /// The directory does not know the account.
    NotInDirectory,
    /// Mastered by an on-premises directory: refused, or overwritten at the next synchronisation.
    Synced,
    /// A guest, whose password lives in another tenant.
    Guest,
    /// Of a federated domain, whose passwords live elsewhere.
    Federated,
    /// Holds a directory role.
    Admin,
    /// Whoever is signed in.
    Oneself,
    /// The look-up was required and the account could not be read, or the answer about it was not understood.
    Unread,
    /// The look-up of a name that must be escaped found an account of another name: which one it means is not certain.
    Mismatch,
}

impl Skip {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Missing,
        Self::Invalid,
        Self::TooLong,
        Self::NotAscii,
        Self::Duplicate,
        Self::Malformed,
        Self::PasswordMissing,
        Self::PasswordRejected,
        Self::ProfileUnknown,
        Self::Excluded,
        Self::NotInDirectory,
        Self::Synced,
        Self::Guest,
        Self::Federated,
        Self::Admin,
        Self::Oneself,
        Self::Unread,
        Self::Mismatch,
    ];

    /// The value of `error_code` in the report.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "upn_missing",
            Self::Invalid => "upn_invalid",
            Self::TooLong => "upn_too_long",
            Self::NotAscii => "upn_not_ascii",
            Self::Duplicate => "duplicate",
            Self::Malformed => "row_malformed",
            Self::PasswordMissing => "password_missing",
            Self::PasswordRejected => "password_rejected",
            Self::ProfileUnknown => "profile_unknown",
            Self::Excluded => "excluded",
            Self::NotInDirectory => "missing",
            Self::Synced => "synced",
            Self::Guest => "guest",
            Self::Federated => "federated",
            Self::Admin => "admin",
            Self::Oneself => "self",
            Self::Unread => "unread",
            Self::Mismatch => "mismatch",
        }
    }

    /// The reason with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|skip| skip.code() == code)
    }

    /// Whether somebody must look at the row. A duplicate is well: its account has its password from another row; and so
    /// is an account that was to be left alone.
    #[must_use]
    pub const fn needs_a_look(self) -> bool {
        !matches!(self, Self::Duplicate | Self::Excluded)
    }

    /// What a person can do about it, in one sentence.
    #[must_use]
    pub const fn cure(self) -> &'static str {
        match self {
            Self::NotInDirectory => Cause::NotFound.cure(),
            Self::Synced => "reset it in the on-premises directory, or plan again with --include-synced",
            Self::Guest | Self::Federated => Cause::External.cure(),
            Self::Admin => "reset holders of directory roles one by one, or plan again with --include-admins",
            Self::Oneself => "nobody locks themselves out with this program: change your own password yourself",
            Self::ProfileUnknown => "name a profile in the row, or one for such rows with --profile, and plan again",
            Self::Unread => "plan again; --lookup auto goes by the name where reading is refused, --lookup off always",
            Self::Mismatch => "name the account by its object id",
            _ => "correct the row in the roster, and reset it alone with --where",
        }
    }
}

impl From<crate::upn::UpnError> for Skip {
    fn from(error: crate::upn::UpnError) -> Self {
        use crate::upn::UpnError;
        match error {
            UpnError::Empty => Self::Missing,
            UpnError::Invalid => Self::Invalid,
            UpnError::NotAscii => Self::NotAscii,
            UpnError::TooLong => Self::TooLong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_read_back() {
        for skip in Skip::ALL {
            assert_eq!(Skip::from_code(skip.code()), Some(skip));
        }
        assert_eq!(Skip::from_code("reset"), None);
    }

    #[test]
    fn each_skip_has_its_cure_and_only_two_need_no_look() {
        let well: Vec<Skip> = Skip::ALL.into_iter().filter(|skip| !skip.needs_a_look()).collect();
        assert_eq!(well, [Skip::Duplicate, Skip::Excluded]);
        for (skip, word) in [
            (Skip::NotInDirectory, "spelling"),
            (Skip::Synced, "--include-synced"),
            (Skip::Guest, "at home"),
            (Skip::Admin, "--include-admins"),
            (Skip::Oneself, "yourself"),
            (Skip::Mismatch, "object id"),
            (Skip::ProfileUnknown, "--profile"),
            (Skip::Unread, "--lookup off"),
            (Skip::Invalid, "--where"),
        ] {
            assert!(skip.cure().contains(word), "{}: {}", skip.code(), skip.cure());
        }
    }
}
