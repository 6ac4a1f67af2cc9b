//! The plan's fingerprint: what a second person approves.
//!
//! It covers the settings, and of each row its account and what is to be done, never a password; and it can be taken at
//! any time, since none of this changes once the plan is complete.

use super::{FILE_NAME, Ledger, LedgerError, read};
use crate::plan::Settings;
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::Connection;

/// Under which it is noted.
pub(super) const NAME: &str = "fingerprint";

/// A fingerprint while it is taken, row by row in roster order.
pub(super) struct Fingerprint(Context);

impl Fingerprint {
    pub(super) fn new(settings: &Settings) -> Result<Self, LedgerError> {
        let mut context = Context::new(&SHA256);
        context.update(serde_json::to_string(settings)?.as_bytes());
        Ok(Self(context))
    }

    /// Adds a row: its account as the roster names it, the reason for which it is skipped, its object id and name in the
    /// directory, and its profile and language.
    pub(super) fn add(
        &mut self,
        row: u64,
        user_principal_name: &str,
        skip: Option<&str>,
        [id, name]: [&str; 2],
        (profile, language): (Option<&str>, &str),
    ) {
        let (what, profile) = (skip.unwrap_or("planned"), profile.unwrap_or_default());
        let line = format!("{row}\t{user_principal_name}\t{what}\t{id}\t{name}\t{profile}\t{language}\n");
        self.0.update(line.as_bytes());
    }

    pub(super) fn finish(self) -> String {
        self.0.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Takes the fingerprint of the plan as it stands.
pub(super) fn compute(connection: &Connection, settings: &Settings) -> Result<String, LedgerError> {
    let mut fingerprint = Fingerprint::new(settings)?;
    let mut select = connection.prepare(
        "SELECT row, roster.user_principal_name, iif(state = 'skipped', coalesce(error_code, ''), NULL),
                coalesce(object_id, ''), coalesce(looked_up.user_principal_name, ''), profile, language
         FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row) ORDER BY row",
    )?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        let skip = row.get_ref(2)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let profile = row.get_ref(5)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        fingerprint.add(row.get(0)?, text(1)?, skip, [text(3)?, text(4)?], (profile, text(6)?));
    }
    Ok(fingerprint.finish())
}

impl Ledger {
    /// The fingerprint as it was noted when the plan was complete.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn fingerprint(&self) -> Result<String, LedgerError> {
        Ok(read::note(&self.connection, NAME)?.unwrap_or_default())
    }

    /// Looks whether the plan, once it is complete, is still what it was then: a row that was changed, by a program or by a
    /// disk, might lead to another account. A million rows take a second.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] where it is not, and where the ledger cannot be read.
    pub fn must_be_as_planned(&self) -> Result<(), LedgerError> {
        if self.fingerprint_now()? == self.fingerprint()? {
            return Ok(());
        }
        Err(LedgerError::Damaged {
            file: self.folder.join(FILE_NAME),
            why: "its plan is not the one that was made: an account or a setting was changed since".into(),
        })
    }

    /// The fingerprint of the plan as it stands in the ledger now, whoever changed it since.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn fingerprint_now(&self) -> Result<String, LedgerError> {
        compute(&self.connection, &self.settings)
    }
}
