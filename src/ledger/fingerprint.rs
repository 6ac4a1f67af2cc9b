//! The plan's fingerprint: what a second person approves.
//!
//! It covers the settings, and of each row its account and what is to be done, never a password; and it can be taken at
//! any time, since none of this changes once the plan is complete.

use super::{Ledger, LedgerError, read};
use crate::plan::Settings;
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::Connection;

/// Under which it is noted.
pub(super) const NAME: &str = "fingerprint";

/// Takes the fingerprint of the plan as it stands.
pub(super) fn compute(connection: &Connection, settings: &Settings) -> Result<String, LedgerError> {
    let mut context = Context::new(&SHA256);
    context.update(serde_json::to_string(settings)?.as_bytes());
    let mut select = connection.prepare(
        "SELECT row, roster.user_principal_name, iif(state = 'skipped', coalesce(error_code, ''), 'planned'),
                coalesce(object_id, '')
         FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row) ORDER BY row",
    )?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        context.update(row.get::<_, i64>(0)?.to_string().as_bytes());
        for column in 1..=3 {
            context.update(b"\t");
            context.update(row.get_ref(column)?.as_bytes().map_err(rusqlite::Error::from)?);
        }
        context.update(b"\n");
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Ledger {
    /// The fingerprint as it was noted when the plan was complete.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn fingerprint(&self) -> Result<String, LedgerError> {
        Ok(read::note(&self.connection, NAME)?.unwrap_or_default())
    }

    /// The fingerprint of the plan as it stands in the ledger now, whoever changed it since.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn fingerprint_now(&self) -> Result<String, LedgerError> {
        compute(&self.connection, &self.settings)
    }
}
