//! Why a row is never sent: a code for the report, whether it needs attention, and what to do.
//!
//! It never decides that a row is skipped. Invariant: each reason has one code, and parses back from it.

use super::Cause;

/// Why a row is never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skip {
    /// The row has cells, but the account cell is empty.
    Missing,
    /// Neither a user principal name nor an object id.
    Invalid,
    /// Longer than Entra allows.
    TooLong,
    /// Accents or letters outside ASCII.
    NotAscii,
    /// An earlier row names the same account.
    Duplicate,
    /// The row has more cells than the header: one cell contains an unquoted delimiter.
    Malformed,
    /// Passwords come from the file, but this row has none.
    PasswordMissing,
    /// The password in the file breaks a rule.
    PasswordRejected,
    /// The roster has a profile column, but this row has no profile or an unknown one.
    ProfileUnknown,
    /// The rows are of several tenants, and this one names none.
    TenantMissing,
    /// The row names a tenant that does not exist.
    TenantUnknown,
    /// Excluded by the list of accounts to leave alone.
    Excluded,
    /// The directory does not know the account.
    NotInDirectory,
    /// Managed by on-premises AD: the reset would be refused, or overwritten at the next synchronization.
    Synced,
    /// A guest: another tenant holds the password.
    Guest,
    /// In a federated domain: another system holds the password.
    Federated,
    /// Holds a directory role.
    Admin,
    /// The account that is signed in.
    CurrentUser,
    /// The lookup was required, but the account could not be read or the answer was not understood.
    Unread,
    /// The name has to be escaped, and the lookup found an account with another name, so it is not certain which one
    /// the row means.
    Mismatch,
}

impl Skip {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Missing,
        Self::Invalid,
        Self::TooLong,
        Self::NotAscii,
        Self::Duplicate,
        Self::Malformed,
        Self::PasswordMissing,
        Self::PasswordRejected,
        Self::ProfileUnknown,
        Self::TenantMissing,
        Self::TenantUnknown,
        Self::Excluded,
        Self::NotInDirectory,
        Self::Synced,
        Self::Guest,
        Self::Federated,
        Self::Admin,
        Self::CurrentUser,
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
            Self::TenantMissing => "tenant_missing",
            Self::TenantUnknown => "tenant_unknown",
            Self::Excluded => "excluded",
            Self::NotInDirectory => "missing",
            Self::Synced => "synced",
            Self::Guest => "guest",
            Self::Federated => "federated",
            Self::Admin => "admin",
            Self::CurrentUser => "self",
            Self::Unread => "unread",
            Self::Mismatch => "mismatch",
        }
    }

    /// The reason with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|skip| skip.code() == code)
    }

    /// Whether the row needs attention. A duplicate does not, because its account gets its password from another row.
    /// An account that was excluded on purpose does not either.
    #[must_use]
    pub const fn needs_a_look(self) -> bool {
        !matches!(self, Self::Duplicate | Self::Excluded)
    }

    /// What the administrator can do about it, as a part of a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::NotInDirectory => Cause::NotFound.advice(),
            Self::Synced => "reset it in the on-premises directory, or plan again with synchronized accounts included",
            Self::Guest | Self::Federated => Cause::External.advice(),
            Self::Admin => "reset holders of directory roles one by one, or plan again with them included",
            Self::CurrentUser => "this is the account that signed in: change your own password yourself",
            Self::ProfileUnknown => "name a profile in the row, or one for all rows without one, and plan again",
            Self::TenantMissing => "name the tenant in the row, by its id or a domain, and plan again",
            Self::TenantUnknown => "correct the tenant in the row, and plan again",
            Self::Unread => "plan again; the plan can use the names in the roster if reading accounts is refused",
            Self::Mismatch => "name the account by its object id",
            _ => "correct the row in the roster, and reset it alone",
        }
    }
}

impl From<crate::account::upn::UpnError> for Skip {
    fn from(error: crate::account::upn::UpnError) -> Self {
        use crate::account::upn::UpnError;
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
    fn only_two_skips_need_no_look() {
        let well: Vec<Skip> = Skip::ALL.into_iter().filter(|skip| !skip.needs_a_look()).collect();
        assert_eq!(well, [Skip::Duplicate, Skip::Excluded]);
    }
}
