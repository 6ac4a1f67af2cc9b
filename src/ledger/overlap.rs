//! Runs of one database that would reset the same accounts.

/// Another unfinished run of the same database that has started, writes to the same directory, and has accounts in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOverlap {
    /// Its name.
    pub name: String,
    /// When it started (RFC 3339).
    pub begun_at: String,
    /// How many accounts are still to be written by both.
    pub accounts: u64,
}
