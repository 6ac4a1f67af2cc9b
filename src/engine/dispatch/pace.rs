//! The options for sending: how fast batches are sent, and how long to wait out problems.

use crate::{
    engine::pace::AllTenants,
    graph::{BATCH_ITEMS_MAX, quota::Quota, retry_after::WAIT_MAX},
    util::clock::Clock,
};
use std::time::Duration;

/// How long to wait for the end of an outage by default.
pub const MAX_WAIT: Duration = Duration::from_secs(15 * 60);

/// Speed and patience.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pace {
    /// The write quota to use up.
    pub write_quota: Quota,
    /// Maximum number of batches in flight; `None` for the default of writes or reads.
    pub concurrency: Option<usize>,
    /// Accounts per batch, 1 to [`BATCH_ITEMS_MAX`].
    pub batch_size: usize,
    /// How long to wait for a network or service that is unavailable.
    pub max_wait: Duration,
    /// The longest wait that Graph may ask for; a longer one stops the run.
    pub max_asked: Duration,
    /// Seed for the jitter of waits.
    pub seed: u64,
    /// The one clock of this process.
    pub clock: Clock,
    /// What the application may do in all tenants, if this process works on several.
    pub all_tenants: Option<AllTenants>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            write_quota: Quota::DOCUMENTED_WRITES,
            concurrency: None,
            batch_size: BATCH_ITEMS_MAX,
            max_wait: MAX_WAIT,
            max_asked: WAIT_MAX,
            seed: 0,
            clock: Clock::start(),
            all_tenants: None,
        }
    }
}
