//! Built-in directory roles, by the ids of their templates (Microsoft Entra built-in roles).

pub(super) const GLOBAL_ADMINISTRATOR: u128 = 0x62e9_0394_69f5_4237_9190_0121_7714_5e10;
pub(super) const HELPDESK_ADMINISTRATOR: u128 = 0x7298_27e3_9c14_49f7_bb1b_9608_f156_bbb8;
/// The role of the application, and of everyone who signs in for it.
pub(super) const USER_ADMINISTRATOR: u128 = 0xfe93_0be7_5e62_47db_91af_98c3_a49a_38b1;

/// The built-in roles that decide who may reset whose password, with their names (Microsoft Entra built-in roles).
pub(super) const ROLES: &[(u128, &str)] = &[
    (GLOBAL_ADMINISTRATOR, "Global Administrator"),
    (0x7be4_4c8a_adaf_4e2a_84d6_ab26_49e0_8a13, "Privileged Authentication Administrator"),
    (0xe861_1ab8_c189_46e8_94e1_6021_3ab1_f814, "Privileged Role Administrator"),
    (USER_ADMINISTRATOR, "User Administrator"),
    (0xc4e3_9bd9_1100_46d3_8c65_fb16_0da0_071f, "Authentication Administrator"),
    (HELPDESK_ADMINISTRATOR, "Helpdesk Administrator"),
    (0x9667_07d0_3269_4727_9be2_8c3a_10f1_9b9d, "Password Administrator"),
    (0xfdd7_a751_b60b_444a_984c_0265_2fe8_fa1c, "Groups Administrator"),
    (0x88d8_e3e3_8f55_4a1e_953a_9b98_98b8_876b, "Directory Readers"),
    (0x95e7_9109_95c0_4d8e_aee3_d01a_ccf2_d47b, "Guest Inviter"),
    (0xf2ef_992c_3afb_46b9_b7cf_a126_ee74_c451, "Global Reader"),
];

/// The name of a role.
pub(super) fn name(role: u128) -> &'static str {
    ROLES.iter().find(|(id, _)| *id == role).map_or("", |(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{account::roles::Role, graph::guid};

    #[test]
    fn ids_are_those_of_the_roles() {
        for (id, name) in ROLES {
            if let Some(role) = Role::of(&guid::text(*id)) {
                assert_eq!(*name, format!("{} Administrator", role.name()));
            }
        }
        assert_eq!(ROLES.iter().filter(|(id, _)| Role::of(&guid::text(*id)).is_some()).count(), Role::ALL.len());
    }
}
