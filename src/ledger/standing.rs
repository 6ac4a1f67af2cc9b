//! How single rows stand, for whoever follows a run as it goes.
//!
//! It never holds a password.

use super::{Ledger, LedgerError};
use crate::outcome::Status;
use rusqlite::Row;

/// How a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Position in the roster.
    pub row: u64,
    /// The account: as the directory names it where it was looked up, else as the roster does.
    pub user_principal_name: String,
    /// The word of [`Status`].
    pub status: String,
    /// Code of the last error.
    pub error_code: Option<String>,
    /// Text of the last error.
    pub error_message: Option<String>,
    /// Times sent.
    pub attempts: u64,
    /// Graph's name for the last answer.
    pub request_id: Option<String>,
    /// When Graph confirmed, in milliseconds since 1970.
    pub changed_at: Option<i64>,
    /// When the directory showed the change, in milliseconds since 1970.
    pub verified_at: Option<i64>,
    /// What the directory showed last, as a word.
    pub verdict: Option<String>,
}

/// In the order in which [`standing`] reads it.
const STANDING: &str =
    "SELECT row, user_principal_name, status, error_code, error_message, attempts, request_id, changed_at,
                               verified_at, verdict FROM report";

impl Ledger {
    /// How these rows stand.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or has no such row.
    pub fn standings(&self, rows: &[u64]) -> Result<Vec<Standing>, LedgerError> {
        let mut select = self.connection.prepare_cached(&format!("{STANDING} WHERE row = ?1"))?;
        rows.iter().map(|row| Ok(select.query_row([row], standing)?)).collect()
    }

    /// Hands every row of `status` to `each`, in roster order.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn for_each_standing(&self, status: Status, mut each: impl FnMut(Standing)) -> Result<(), LedgerError> {
        let mut select = self.connection.prepare_cached(&format!("{STANDING} WHERE status = ?1"))?;
        let mut rows = select.query([status.as_str()])?;
        while let Some(row) = rows.next()? {
            each(standing(row)?);
        }
        Ok(())
    }
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        row: row.get(0)?,
        user_principal_name: row.get(1)?,
        status: row.get(2)?,
        error_code: row.get(3)?,
        error_message: row.get(4)?,
        attempts: row.get(5)?,
        request_id: row.get(6)?,
        changed_at: row.get(7)?,
        verified_at: row.get(8)?,
        verdict: row.get(9)?,
    })
}
