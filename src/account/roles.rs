//! Directory roles, as far as they decide who may reset whose password.
//!
//! This is Entra's rule as a table. It decides nothing, because a token does not always list what its holder may do.

/// A built-in role that may reset passwords (Microsoft Entra built-in roles).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Password Administrator.
    Password,
    /// Helpdesk Administrator.
    Helpdesk,
    /// Authentication Administrator.
    Authentication,
    /// User Administrator.
    User,
    /// Privileged Authentication Administrator.
    PrivilegedAuthentication,
    /// Global Administrator.
    Global,
}

use Role::{Authentication, Global, Helpdesk, Password, PrivilegedAuthentication, User};

impl Role {
    /// All of them, the least privileged first.
    pub const ALL: [Self; 6] = [Password, Helpdesk, Authentication, User, PrivilegedAuthentication, Global];

    /// The role with this template id, a GUID in lower case.
    #[must_use]
    pub fn of(template_id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.template_id() == template_id)
    }

    const fn template_id(self) -> &'static str {
        match self {
            Password => "966707d0-3269-4727-9be2-8c3a10f19b9d",
            Helpdesk => "729827e3-9c14-49f7-bb1b-9608f156bbb8",
            Authentication => "c4e39bd9-1100-46d3-8c65-fb160da0071f",
            User => "fe930be7-5e62-47db-91af-98c3a49a38b1",
            PrivilegedAuthentication => "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
            Global => "62e90394-69f5-4237-9190-012177145e10",
        }
    }

    /// Its name, without the word Administrator.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Password => "Password",
            Helpdesk => "Helpdesk",
            Authentication => "Authentication",
            User => "User",
            PrivilegedAuthentication => "Privileged Authentication",
            Global => "Global",
        }
    }
}

/// The roles that may reset the password of an account with the role `held`, the least privileged first. One of them is
/// enough. `held` is a template id in lower case, or `None` for an account without roles. Source: the table "Who can
/// reset passwords" in Entra's page on privileged roles and permissions.
#[must_use]
pub fn needed_for(held: Option<&str>) -> &'static [Role] {
    const ANY: &[Role] = &Role::ALL;
    let Some(held) = held else { return ANY };
    match Role::of(held) {
        Some(Password) => ANY,
        Some(Helpdesk) => &[Helpdesk, User, PrivilegedAuthentication, Global],
        Some(Authentication) => &[Authentication, PrivilegedAuthentication, Global],
        Some(User) => &[User, PrivilegedAuthentication, Global],
        Some(PrivilegedAuthentication | Global) => &[PrivilegedAuthentication, Global],
        None => match held {
            // Directory Readers, Guest Inviter.
            "88d8e3e3-8f55-4a1e-953a-9b9898b8876b" | "95e79109-95c0-4d8e-aee3-d01accf2d47b" => ANY,
            // Message Center Reader, Reports Reader, Usage Summary Reports Reader, User Experience Success Manager.
            "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b"
            | "4a5d8f65-41da-4de4-8968-e035b65339cf"
            | "75934031-6c7e-415a-99d7-48dbd49e875e"
            | "27460883-1df1-4691-b032-3b79643e5e63" => {
                &[Helpdesk, Authentication, User, PrivilegedAuthentication, Global]
            }
            // Groups Administrator.
            "fdd7a751-b60b-444a-984c-02652fe8fa1c" => &[User, PrivilegedAuthentication, Global],
            _ => &[PrivilegedAuthentication, Global],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_targets_need_higher_roles() {
        assert_eq!(needed_for(None), Role::ALL);
        assert_eq!(needed_for(Some(Role::Global.template_id())), [PrivilegedAuthentication, Global]);
        assert_eq!(
            needed_for(Some("00000000-0000-0000-0000-00000000cafe")),
            [PrivilegedAuthentication, Global],
            "custom"
        );
        assert_eq!(needed_for(Some("4a5d8f65-41da-4de4-8968-e035b65339cf"))[0], Helpdesk);
        assert!(!needed_for(Some(Role::Helpdesk.template_id())).contains(&Authentication));
        assert!(!needed_for(Some(Role::Authentication.template_id())).contains(&User));
    }

    #[test]
    fn broad_roles_include_narrow_ones() {
        for held in Role::ALL {
            let needed = needed_for(Some(held.template_id()));
            assert!(needed.contains(&Global) && needed.contains(&PrivilegedAuthentication), "{held:?}");
        }
    }
}
