//! What became of the storage that had the passwords of a run.

/// Whether the storage was rewritten after the passwords were taken out of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rewrite {
    /// It was: nothing of them is left in its files.
    Done,
    /// It was not, because only the owner of the server's tables may do that.
    NotOwner,
    /// It was not, because other processes work with the server's tables, and would have to wait.
    InUse,
}
