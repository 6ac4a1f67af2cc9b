//! The plan's fingerprint: what a second person approves.
//!
//! It covers the settings, the exclusions, the key of the run's marks, the data key of a sealed plan, and of each row its
//! account, its cells, what is to be done and the commitment of its password (see [`super::marks`]). It can be taken at any
//! time, since none of this changes once the plan is complete. It tells nothing about a password.

use super::{
    FILE_NAME, Ledger, LedgerError, approved,
    marks::{Marks, hex},
    read,
};
use crate::plan::Settings;
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::Connection;

/// Under which it is noted.
pub(super) const NAME: &str = "fingerprint";
/// Under which it is noted that an older release made the plan: the schema of that release.
pub(super) const PLANNED_SCHEMA: &str = "planned_schema";
/// Under which the fingerprint of today is noted for such a plan, taken when it was carried over.
pub(super) const CARRIED_OVER: &str = "carried_over";
const LABEL: &[u8] = b"passwave plan 5\n";

/// A fingerprint while it is taken, row by row in roster order.
pub(super) struct Fingerprint {
    context: Context,
    rows: u64,
}

impl Fingerprint {
    /// Begins with what holds for all rows.
    pub(super) fn new(connection: &Connection, settings: &str, marks: &Marks) -> Result<Self, LedgerError> {
        let mut fingerprint = Self { context: Context::new(&SHA256), rows: 0 };
        fingerprint.context.update(LABEL);
        fingerprint.part(settings.as_bytes());
        fingerprint.part(marks.key());
        let mut select = connection.prepare("SELECT wrapped FROM data_key WHERE number = 1")?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            fingerprint.part(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
        }
        fingerprint.part(b"exclusions");
        let mut select = connection.prepare("SELECT key FROM exclusion ORDER BY key")?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            fingerprint.part(row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?);
        }
        fingerprint.part(b"rows");
        Ok(fingerprint)
    }

    /// Adds the encoded plan of a row.
    pub(super) fn add(&mut self, encoded: &[u8]) {
        self.rows += 1;
        self.part(encoded);
    }

    fn part(&mut self, bytes: &[u8]) {
        self.context.update(&(bytes.len() as u64).to_be_bytes());
        self.context.update(bytes);
    }

    pub(super) fn finish(mut self) -> String {
        let rows = self.rows.to_be_bytes();
        self.part(&rows);
        hex(self.context.finish().as_ref())
    }
}

/// The fingerprint as releases with schema 4 took it: without passwords, exclusions and cells.
pub(super) fn of_schema_4(connection: &Connection, settings: &Settings) -> Result<String, LedgerError> {
    let mut context = Context::new(&SHA256);
    context.update(serde_json::to_string(settings)?.as_bytes());
    let mut select = connection.prepare(
        "SELECT row, roster.user_principal_name, iif(state = 'skipped', coalesce(error_code, ''), 'planned'),
                coalesce(object_id, ''), coalesce(looked_up.user_principal_name, ''), coalesce(profile, ''), language
         FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row) ORDER BY row",
    )?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        let (number, name, what) = (row.get::<_, u64>(0)?, text(1)?, text(2)?);
        let (id, found, profile, language) = (text(3)?, text(4)?, text(5)?, text(6)?);
        context.update(format!("{number}\t{name}\t{what}\t{id}\t{found}\t{profile}\t{language}\n").as_bytes());
    }
    Ok(hex(context.finish().as_ref()))
}

impl Ledger {
    /// The fingerprint as it was noted when the plan was complete.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn fingerprint(&self) -> Result<String, LedgerError> {
        Ok(read::note(&self.connection, NAME)?.unwrap_or_default())
    }

    /// The schema of the older release that made the plan, if one did: its fingerprint does not cover passwords.
    ///
    /// # Errors
    /// Returns an error if the ledger cannot be read.
    pub fn planned_by_schema(&self) -> Result<Option<String>, LedgerError> {
        self.note(PLANNED_SCHEMA)
    }

    /// Looks whether the plan is still what it was when it was complete, and remembers it: from then on this process hands
    /// out no row that differs from it. A million rows take two seconds.
    ///
    /// # Errors
    /// [`LedgerError::Changed`] or [`LedgerError::Damaged`] if it is not, and if the ledger cannot be read.
    pub fn must_be_as_planned(&self) -> Result<(), LedgerError> {
        let approved = approved::take(self)?;
        self.must_be_as_noted(&approved.fingerprint)?;
        self.approved.replace(Some(approved));
        Ok(())
    }

    pub(super) fn must_be_as_noted(&self, taken: &str) -> Result<(), LedgerError> {
        let is_older = self.planned_by_schema()?.is_some();
        let noted = if is_older { self.note(CARRIED_OVER)?.unwrap_or_default() } else { self.fingerprint()? };
        let is_as_approved = !is_older || of_schema_4(&self.connection, &self.settings)? == self.fingerprint()?;
        if taken == noted && is_as_approved {
            return Ok(());
        }
        Err(LedgerError::Damaged {
            file: self.folder.join(FILE_NAME),
            why: "its plan is not the one that was made: an account or a setting was changed since".into(),
        })
    }

    /// The fingerprint of the plan that this process goes by: as it was found by [`Ledger::must_be_as_planned`], or as it
    /// stands in the ledger now, whoever changed it since.
    ///
    /// # Errors
    /// Returns an error if the ledger cannot be read, or a row was changed.
    pub fn fingerprint_now(&self) -> Result<String, LedgerError> {
        if self.planned_by_schema()?.is_some() {
            return of_schema_4(&self.connection, &self.settings);
        }
        if let Some(approved) = &*self.approved.borrow() {
            return Ok(approved.fingerprint.clone());
        }
        Ok(approved::take(self)?.fingerprint)
    }
}
