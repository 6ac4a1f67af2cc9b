//! The permissions of an application or a user in the directory, by Graph's names.
//!
//! It decides which ones the faults leave, so a token's claims and the directory's refusals always agree.

use super::faults::Denied;

/// One of Graph's permissions; delegated and application permissions have the same names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Permission {
    ReadUsers,
    WritePasswords,
    WriteUsers,
    ReadRoles,
    ReadGroups,
    ReadDomains,
    RevokeSessions,
    ResetOnPremises,
    ReadMethods,
    ReadAuditLog,
}

impl Permission {
    const ALL: [Self; 10] = [
        Self::WritePasswords,
        Self::WriteUsers,
        Self::ReadUsers,
        Self::ReadRoles,
        Self::ReadGroups,
        Self::ReadDomains,
        Self::RevokeSessions,
        Self::ResetOnPremises,
        Self::ReadMethods,
        Self::ReadAuditLog,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ReadUsers => "User.Read.All",
            Self::WriteUsers => "User.ReadWrite.All",
            Self::WritePasswords => "User-PasswordProfile.ReadWrite.All",
            Self::ReadRoles => "RoleManagement.Read.Directory",
            Self::ReadGroups => "GroupMember.Read.All",
            Self::ReadDomains => "Domain.Read.All",
            Self::RevokeSessions => "User.RevokeSessions.All",
            Self::ResetOnPremises => "UserAuthenticationMethod.ReadWrite.All",
            Self::ReadMethods => "UserAuthenticationMethod.Read.All",
            Self::ReadAuditLog => "AuditLog.Read.All",
        }
    }

    fn is_write(self) -> bool {
        matches!(self, Self::WritePasswords | Self::WriteUsers | Self::RevokeSessions | Self::ResetOnPremises)
    }

    /// Whether it is granted despite the faults.
    pub(super) fn is_granted(self, denied: Denied) -> bool {
        match denied {
            Denied::Nothing => true,
            Denied::Methods => !matches!(self, Self::ResetOnPremises | Self::ReadMethods),
            Denied::Reads => self.is_write(),
            Denied::Writes => !self.is_write(),
            Denied::Roles => !matches!(self, Self::ReadRoles | Self::ReadGroups),
            Denied::Domains => self != Self::ReadDomains,
            Denied::Sessions => self != Self::RevokeSessions,
            Denied::AuditLog => self != Self::ReadAuditLog,
            Denied::Everything => false,
        }
    }
}

/// The names of all remaining permissions, as in a token's claims.
pub(super) fn granted(denied: Denied) -> Vec<&'static str> {
    let left = Permission::ALL.into_iter().filter(|permission| permission.is_granted(denied));
    left.map(Permission::name).collect()
}
