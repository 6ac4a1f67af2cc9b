//! An account of the simulated tenant, as a test or a rehearsal describes it.

use crate::account::upn::Upn;
use serde::Deserialize;

/// The kind of an account, which decides how the directory answers a write to it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A cloud account: the password is accepted.
    #[default]
    Normal,
    /// Has a higher directory role than the application: 403, as if the permission were missing. It has an active
    /// assignment of Global Administrator, or of User Administrator if it is the user who signs in.
    Admin,
    /// Is in a group that has the directory role Helpdesk Administrator: 403, because only the highest roles may reset
    /// members of such a group.
    AdminByGroup,
    /// Managed by on-premises AD: 400.
    Synced,
    /// From another tenant: 400. The names of guests usually hold `#EXT#`.
    Guest,
    /// Signs in at another identity provider, like its whole domain: 400.
    Federated,
    /// Its sign-in is blocked, but the password is accepted.
    Disabled,
    /// Not in the directory (any more): 404.
    Missing,
}

/// An account to add to the simulated tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its object id, a GUID; derived from the name and the simulator's seed if there is none or it is not a GUID.
    pub id: Option<String>,
    /// Its user principal name.
    pub upn: String,
    /// Its kind.
    pub kind: AccountKind,
}

impl Account {
    /// An ordinary account with this name.
    #[must_use]
    pub fn normal(upn: impl Into<String>) -> Self {
        Self { id: None, upn: upn.into(), kind: AccountKind::Normal }
    }
}

impl From<&Upn> for Account {
    /// The account that a roster means. If it is named by object id, its name is derived from that.
    fn from(address: &Upn) -> Self {
        let text = address.as_str();
        if !address.is_object_id() {
            return Self::normal(text);
        }
        Self { id: Some(text.to_owned()), ..Self::normal(format!("{}@contoso.com", text.to_ascii_lowercase())) }
    }
}
