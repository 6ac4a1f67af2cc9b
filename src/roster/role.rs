//! What a column of a roster can be named for.

/// The purpose for which a user names a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnRole {
    /// It names the accounts.
    Accounts,
    /// It holds the passwords.
    Passwords,
    /// It names each account's profile.
    Profiles,
    /// It names each user's language.
    Languages,
    /// It names each row's tenant.
    Tenants,
    /// Rows are selected by its values.
    Condition,
    /// It holds the users' names, or parts of them.
    Names,
    /// Its values make the groups of the handouts.
    Groups,
}

impl ColumnRole {
    /// What the column does, as a part of a sentence.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Accounts => "names the accounts",
            Self::Passwords => "holds the passwords",
            Self::Profiles => "names the profiles",
            Self::Languages => "names the languages",
            Self::Tenants => "names the tenants",
            Self::Condition => "selects the rows",
            Self::Names => "holds the users' names",
            Self::Groups => "makes the groups",
        }
    }
}
