//! Whether this process may still send for its run.
//!
//! Graph knows nothing of leases. So a process that was stopped for a while must find out before it sends, and not from the
//! next commit.

use super::Ledger;
#[cfg(feature = "postgres")]
use super::postgres::LeaseState;
#[cfg(feature = "postgres")]
use std::sync::Arc;

/// Shows whether the process still holds its run. A run in a folder is always held.
#[derive(Clone, Default)]
pub(crate) struct Fence {
    #[cfg(feature = "postgres")]
    lease: Option<Arc<LeaseState>>,
}

impl Fence {
    #[cfg(feature = "postgres")]
    pub(super) const fn new(lease: Option<Arc<LeaseState>>) -> Self {
        Self { lease }
    }

    /// Whether no other process can have taken the run by now.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_open(&self) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.holds())
    }

    #[cfg(feature = "postgres")]
    fn is_lost(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.is_lost())
    }

    #[cfg(not(feature = "postgres"))]
    const fn is_lost(&self) -> bool {
        false
    }

    /// Whether no other process can have taken the run by now.
    #[cfg(not(feature = "postgres"))]
    pub(crate) const fn is_open(&self) -> bool {
        true
    }
}

impl Ledger {
    /// Whether another process has taken the run over, so that this one no longer knows how its rows stand.
    #[must_use]
    pub fn is_overtaken(&self) -> bool {
        self.fence().is_lost()
    }

    /// Shows whether this process may still send.
    pub(crate) fn fence(&self) -> Fence {
        #[cfg(feature = "postgres")]
        return self.read.connection.fence();
        #[cfg(not(feature = "postgres"))]
        Fence::default()
    }
}
