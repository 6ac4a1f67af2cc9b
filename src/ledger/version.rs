//! The numbers that identify a file as a ledger, and as one that this release can use.

/// Marks the file as ours in SQLite's header: `pwav`.
pub(super) const APPLICATION_ID: i32 = 0x7077_6176;
/// The schema's version.
pub(super) const VERSION: i32 = 5;
/// The oldest schema that is migrated.
pub(super) const OLDEST: i32 = 4;
