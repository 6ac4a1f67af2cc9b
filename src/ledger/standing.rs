//! How rows stand, for whoever follows a run as it goes, and for reports that show no password: none is read here.

use super::{Ledger, LedgerError};
use crate::outcome::Status;
use rusqlite::Row;

/// How a row stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Position in the roster.
    pub row: u64,
    /// Line of the file, or row of the sheet.
    pub line: u64,
    /// The account: as the directory names it where it was looked up, else as the roster does. Foreign text.
    pub user_principal_name: String,
    /// The word of [`Status`].
    pub status: String,
    /// Code of the last error; foreign text.
    pub error_code: Option<String>,
    /// Text of the last error; foreign text.
    pub error_message: Option<String>,
    /// Times sent.
    pub attempts: u64,
    /// Graph's name for the last answer; foreign text.
    pub request_id: Option<String>,
    /// When Graph confirmed, in milliseconds since 1970.
    pub changed_at: Option<i64>,
    /// When the directory showed the change, in milliseconds since 1970.
    pub verified_at: Option<i64>,
    /// What the directory showed last, as a word.
    pub verdict: Option<String>,
}

/// In the order in which [`standing`] reads it.
const STANDING: &str = "
    SELECT roster.row, line, coalesce(looked_up.user_principal_name, roster.user_principal_name),
           CASE WHEN state IN ('planned', 'in_flight') THEN 'pending' ELSE state END AS status,
           error_code, error_message, attempts, request_id, iif(state = 'reset', settled_at, NULL), verified_at, verdict
    FROM roster JOIN account USING (row) LEFT JOIN looked_up USING (row)";

impl Ledger {
    /// How these rows stand.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or has no such row.
    pub fn standings(&self, rows: &[u64]) -> Result<Vec<Standing>, LedgerError> {
        let mut select = self.connection.prepare_cached(&format!("{STANDING} WHERE roster.row = ?1"))?;
        rows.iter().map(|row| Ok(select.query_row([row], standing)?)).collect()
    }

    /// Hands every row to `each`, in roster order; of `status` alone, where one is given.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or `each` fails.
    pub fn for_each_standing<E: From<LedgerError>>(
        &self,
        status: Option<Status>,
        mut each: impl FnMut(Standing) -> Result<(), E>,
    ) -> Result<(), E> {
        let select =
            self.connection.prepare_cached(&format!("{STANDING} WHERE ?1 IS NULL OR status = ?1 ORDER BY roster.row"));
        let mut select = select.map_err(LedgerError::from)?;
        let rows = select.query_map([status.map(Status::as_str)], standing).map_err(LedgerError::from)?;
        rows.into_iter().try_for_each(|row| each(row.map_err(LedgerError::from)?))
    }
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        row: row.get(0)?,
        line: row.get(1)?,
        user_principal_name: row.get(2)?,
        status: row.get(3)?,
        error_code: row.get(4)?,
        error_message: row.get(5)?,
        attempts: row.get(6)?,
        request_id: row.get(7)?,
        changed_at: row.get(8)?,
        verified_at: row.get(9)?,
        verdict: row.get(10)?,
    })
}
