//! The pace of lists that are read page by page, one request at a time.
//!
//! Invariant: no page is admitted before all limits of its kind of call have room for it.

use super::{bucket::PARTS, buckets::Buckets, limits::Call};
use crate::graph::quota::Quota;
use tokio::time::sleep;

/// Admits pages as the limits allow.
pub struct PagePace(Buckets);

impl PagePace {
    /// The pace of a kind of call whose first limit is `quota`, with full buckets.
    #[must_use]
    pub fn new(call: Call, quota: Quota) -> Self {
        Self(Buckets::new(call, quota))
    }

    /// Waits until there is room for one more page.
    pub async fn admit(&mut self) {
        while let Err(wait) = self.0.admit(1, PARTS) {
            sleep(wait).await;
        }
    }
}
