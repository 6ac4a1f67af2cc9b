//! A row, and its account as the directory shows it, for tests that compare their times.

use crate::{graph::user::User, ledger::InDoubtRow};

/// A row that was sent at `sent_at`. All times are in milliseconds since 1970.
pub(super) fn row(sent_at: i64, settled_at: Option<i64>, changed_before: Option<i64>, attempts: u64) -> InDoubtRow {
    let (user_principal_name, object_id) = (String::new(), None);
    InDoubtRow { row: 1, user_principal_name, object_id, sent_at, settled_at, changed_before, attempts }
}

/// An account whose password was changed at that time, in milliseconds since 1970.
pub(super) fn user(changed_at: i64) -> User {
    User {
        id: String::new(),
        user_principal_name: String::new(),
        is_enabled: true,
        is_guest: false,
        is_synced: false,
        password_changed: jiff::Timestamp::from_millisecond(changed_at).ok(),
    }
}
