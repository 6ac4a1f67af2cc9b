//! A quota that other machines share, if the ledger is on a server. A run in a folder shares none.

use super::{Ledger, LedgerError};
use crate::graph::quota::Quota;
use std::time::Duration;

/// The part of this process in a shared quota.
pub struct SharedQuota {
    #[cfg(feature = "postgres")]
    leased: super::postgres::LeasedQuota,
    #[cfg(not(feature = "postgres"))]
    leased: std::convert::Infallible,
}

#[cfg(feature = "postgres")]
impl SharedQuota {
    /// Spends `n` requests, or returns how long to wait before asking again.
    ///
    /// # Errors
    /// The time to wait.
    pub fn admit(&mut self, n: u32) -> Result<(), Duration> {
        self.leased.admit(n)
    }

    /// Counts what refills in `debt` from now on as spent, for all who share the quota.
    pub fn owe(&mut self, debt: Duration) {
        self.leased.owe(debt);
    }
}

#[cfg(not(feature = "postgres"))]
impl SharedQuota {
    /// There is none.
    pub const fn admit(&mut self, _: u32) -> Result<(), Duration> {
        match self.leased {}
    }

    /// There is none.
    pub const fn owe(&mut self, _: Duration) {
        match self.leased {}
    }
}

impl Ledger {
    /// The part of this process in the limit called `name`, if the ledger is on a server and the run knows its tenant and
    /// application. All processes of that application must mean the same `quota`.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read, or if the server does not answer.
    #[cfg(feature = "postgres")]
    pub fn shared_quota(&self, name: &'static str, quota: Quota) -> Result<Option<SharedQuota>, LedgerError> {
        let signed_in = self.signed_in()?;
        let Some((tenant, application)) = signed_in.tenant_id.zip(signed_in.client_id) else { return Ok(None) };
        let leased = self.read.connection.lease_quota((tenant, application, name), quota)?;
        Ok(leased.map(|leased| SharedQuota { leased }))
    }

    /// None: runs are in folders.
    #[cfg(not(feature = "postgres"))]
    pub const fn shared_quota(&self, _: &'static str, _: Quota) -> Result<Option<SharedQuota>, LedgerError> {
        Ok(None)
    }
}
