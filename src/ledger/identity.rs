//! By what a row's account is known: as the roster names it, and by its object id.
//!
//! It only reads.

use super::{Ledger, LedgerError};

/// What the account of one row is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// As the roster names it; foreign text.
    pub roster_name: String,
    /// Its object id, if it was looked up and found.
    pub object_id: Option<String>,
}

impl Ledger {
    /// By what the account of a row is known.
    ///
    /// # Errors
    /// If the ledger cannot be read, or has no such row.
    pub fn identity(&self, row: u64) -> Result<Identity, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT roster.user_principal_name, object_id FROM roster LEFT JOIN looked_up USING (row) WHERE row = ?1",
        )?;
        Ok(select.query_row([row], |row| Ok(Identity { roster_name: row.get(0)?, object_id: row.get(1)? }))?)
    }
}
