//! The names of a row's account: its name in the roster, and its object id.
//!
//! It only reads.

use super::{LedgerError, ReadLedger};

/// The names of one row's account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its name in the roster; foreign text.
    pub roster_name: String,
    /// Its object id, if it was looked up and found.
    pub object_id: Option<String>,
}

impl ReadLedger {
    /// The names of a row's account.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read, or has no such row.
    pub fn identity(&self, row: u64) -> Result<Identity, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT roster.user_principal_name, object_id FROM roster LEFT JOIN looked_up USING (row) WHERE row = ?1",
        )?;
        Ok(select.query_row([row], |row| Ok(Identity { roster_name: row.get(0)?, object_id: row.get(1)? }))?)
    }
}
