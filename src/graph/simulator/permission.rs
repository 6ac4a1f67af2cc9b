//! What an application or a person may be allowed to do in the directory, by the names that Graph gives it.
//!
//! It decides what the faults leave of it, so that a token's claims and the directory's refusals never disagree.

use super::faults::Denied;

/// One of Graph's permissions; delegated and application permissions have the same names.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Permission {
    ReadUsers,
    WritePasswords,
    ReadRoles,
    ReadGroups,
    ReadDomains,
    RevokeSessions,
}

impl Permission {
    const ALL: [Self; 6] = [
        Self::WritePasswords,
        Self::ReadUsers,
        Self::ReadRoles,
        Self::ReadGroups,
        Self::ReadDomains,
        Self::RevokeSessions,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ReadUsers => "User.Read.All",
            Self::WritePasswords => "User-PasswordProfile.ReadWrite.All",
            Self::ReadRoles => "RoleManagement.Read.Directory",
            Self::ReadGroups => "GroupMember.Read.All",
            Self::ReadDomains => "Domain.Read.All",
            Self::RevokeSessions => "User.RevokeSessions.All",
        }
    }

    fn is_write(self) -> bool {
        matches!(self, Self::WritePasswords | Self::RevokeSessions)
    }

    /// Whether it is there in spite of what the faults deny.
    pub(super) fn is_granted(self, denied: Denied) -> bool {
        match denied {
            Denied::Nothing => true,
            Denied::Reads => self.is_write(),
            Denied::Writes => !self.is_write(),
            Denied::Roles => !matches!(self, Self::ReadRoles | Self::ReadGroups),
            Denied::Domains => self != Self::ReadDomains,
            Denied::Sessions => self != Self::RevokeSessions,
            Denied::Everything => false,
        }
    }
}

/// The names of all permissions that are left, as a token claims them.
pub(super) fn granted(denied: Denied) -> Vec<&'static str> {
    let left = Permission::ALL.into_iter().filter(|permission| permission.is_granted(denied));
    left.map(Permission::name).collect()
}
