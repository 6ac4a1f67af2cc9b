//! The plan's fingerprint, which a second person can approve.
//!
//! It covers the settings, the exclusions, the key of the run's marks, the data key of a sealed plan, and for each row
//! its account, its cells, its decision and its password, all within the row's tag (see [`super::marks`]). It can be
//! computed at any time, because none of this changes once the plan is complete. It reveals nothing about a password.

use super::{
    LedgerError,
    marks::{Marks, Tag, hex},
};
use crate::plan::Settings;
use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::Connection;

const LABEL: &[u8] = b"passwave plan 5\n";

/// A fingerprint in progress, row by row in roster order.
pub(super) struct Fingerprint {
    context: Context,
    rows: u64,
}

impl Fingerprint {
    /// Starts with what applies to all rows.
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

    /// Adds the tag of a row's plan.
    pub(super) fn add(&mut self, tag: &Tag) {
        self.rows += 1;
        self.part(tag);
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

/// The fingerprint as in releases with schema 4: without passwords, exclusions and cells.
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
