//! What was changed in the tenant, and by whom.
//!
//! It knows no answer of Graph. Invariant: each password that was set has one record, also if it was set by somebody
//! else.

use std::time::Duration;

/// All changes, in order.
#[derive(Default)]
pub(super) struct ChangeLog {
    /// The positions of the accounts that were changed.
    pub changed: Vec<usize>,
    /// The audit log.
    pub audit: Vec<AuditRecord>,
}

/// One record.
pub(super) struct AuditRecord {
    /// The position of the account.
    pub account: usize,
    pub at: Duration,
    pub correlation_id: String,
    pub by: Initiator,
}

/// Who did it.
pub(super) enum Initiator {
    /// The application of the tenant.
    Application,
    /// A person with this object id.
    Person(String),
    /// The account's own user.
    User,
}
