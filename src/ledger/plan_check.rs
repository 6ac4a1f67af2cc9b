//! Checks whether the plan is still the one that was approved.
//!
//! It compares the noted fingerprint with that of the plan as it is now, and makes the ledger remember each row of it.
//! It never changes the file.

use super::{
    FILE_NAME, LedgerError, ReadLedger, approved,
    fingerprint::of_schema_4,
    note::{self, NoteKey},
    removed::Removal,
};

impl ReadLedger {
    /// The fingerprint as noted when the plan was complete.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn fingerprint(&self) -> Result<String, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::Fingerprint)?.unwrap_or_default())
    }

    /// The schema of the older release that made the plan, if one did. The fingerprint of such a plan does not cover
    /// passwords.
    ///
    /// # Errors
    /// Returns an error if the ledger cannot be read.
    pub fn planned_by_schema(&self) -> Result<Option<String>, LedgerError> {
        note::read(&self.connection, NoteKey::PlannedSchema)
    }

    /// Checks that the plan has not changed since it was complete, and remembers it: from then on this process hands
    /// out no row that differs. A million rows take two seconds.
    ///
    /// # Errors
    /// Returns [`LedgerError::Changed`] or [`LedgerError::Damaged`] if it has changed, and fails if the ledger cannot
    /// be read.
    pub fn must_be_as_planned(&self) -> Result<(), LedgerError> {
        let approved = approved::take(self)?;
        self.must_be_as_noted(&approved.fingerprint)?;
        self.approved.replace(Some(approved));
        Ok(())
    }

    pub(super) fn must_be_as_noted(&self, taken: &str) -> Result<(), LedgerError> {
        let is_older = self.planned_by_schema()?.is_some();
        let key = match is_older {
            _ if self.removal != Removal::Kept => NoteKey::RemovedPlan,
            true => NoteKey::CarriedOver,
            false => NoteKey::Fingerprint,
        };
        let noted = note::read(&self.connection, key)?.unwrap_or_default();
        let is_as_approved = !is_older || of_schema_4(&self.connection, &self.settings)? == self.fingerprint()?;
        if taken == noted && is_as_approved {
            return Ok(());
        }
        Err(LedgerError::Damaged {
            file: self.folder.join(FILE_NAME),
            why: "its plan was changed after it was made: an account or a setting is different".into(),
        })
    }

    /// The fingerprint of the plan that this process uses: as found by [`ReadLedger::must_be_as_planned`], or as in the
    /// ledger now, including later changes.
    ///
    /// # Errors
    /// Returns an error if the ledger cannot be read, or a row was changed.
    pub fn fingerprint_now(&self) -> Result<String, LedgerError> {
        if self.planned_by_schema()?.is_some() {
            return of_schema_4(&self.connection, &self.settings);
        }
        if self.removal != Removal::Kept {
            // It covered the passwords, so it cannot be computed any more.
            self.must_be_as_planned()?;
            return self.fingerprint();
        }
        if let Some(approved) = &*self.approved.borrow() {
            return Ok(approved.fingerprint.clone());
        }
        Ok(approved::take(self)?.fingerprint)
    }
}
