//! The rows as reports want them that never show a password: none is read here.

use super::{Ledger, LedgerError};

/// One row: its account, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Position in the roster.
    pub row: u64,
    /// Line of the file, or row of the sheet.
    pub line: u64,
    /// The account: as the directory names it where it was looked up, else as the roster does. Foreign text.
    pub user_principal_name: String,
    /// The word of [`Status`](crate::outcome::Status).
    pub status: String,
    /// Code of the last error; foreign text, or empty.
    pub error_code: String,
    /// Text of the last error; foreign text, or empty.
    pub error_message: String,
    /// Graph's name for the last answer; foreign text, or empty.
    pub request_id: String,
}

impl Ledger {
    /// Hands every row to `each`, in roster order.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or `each` fails.
    pub fn for_each_account<E: From<LedgerError>>(
        &self,
        mut each: impl FnMut(Account) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self
            .connection
            .prepare_cached(
                "SELECT row, line, user_principal_name, status, coalesce(error_code, ''), coalesce(error_message, ''),
                    coalesce(request_id, '')
             FROM report",
            )
            .map_err(LedgerError::from)?;
        let rows = select.query_map((), |row| {
            Ok(Account {
                row: row.get(0)?,
                line: row.get(1)?,
                user_principal_name: row.get(2)?,
                status: row.get(3)?,
                error_code: row.get(4)?,
                error_message: row.get(5)?,
                request_id: row.get(6)?,
            })
        });
        rows.map_err(LedgerError::from)?.try_for_each(|row| each(row.map_err(LedgerError::from)?))
    }
}
