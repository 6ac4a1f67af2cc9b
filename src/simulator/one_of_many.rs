//! Which tenant a simulator is, if there are many. It decides nothing.

/// Which tenant a simulator is, among many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantOfMany {
    /// Its id, a GUID.
    pub id: String,
    /// A domain of it, besides those of its accounts.
    pub domain: Option<String>,
    /// The seed from which the credentials of the application are made: the same for all.
    pub application: u64,
}
