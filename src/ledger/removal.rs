//! Takes the passwords out of the ledger of a run that has ended, and everything that could confirm a guess.
//!
//! The key of the marks could: with it, a guess can be compared with a row's mark and proof, and passwords that the run
//! derived itself can be derived again. So a new key takes its place, and new marks and proofs cover the rows without
//! their passwords. A row that was changed before stays marked as changed. The plan's fingerprint is kept as it was
//! approved. It reveals nothing without the old key.
//!
//! It decides nothing about files other than the ledger's own. Invariants: the passwords of all rows are removed in one
//! transaction, and [`ReadLedger::has_passwords`] is true until the removal has ended, everything outside the ledger
//! included.

use super::{
    FILE_NAME, Ledger, LedgerError, ReadLedger, Removal, Rewrite,
    approved::{self, LookupState},
    marks::{End, Marks, PLANNED_COLUMNS, Planned, mark_of, planned_columns},
    note::{self, NoteKey},
    open,
    password_column::PasswordColumn,
    state::State,
    words::Word,
};
use jiff::Timestamp;
use rusqlite::{Row, Transaction, ffi, params, types::ValueRef};
use std::fs::File;

/// How many rows are read before they are written.
const ROWS_AT_ONCE: u32 = 1_000;

impl ReadLedger {
    /// Whether the passwords were removed.
    #[must_use]
    pub const fn removal(&self) -> &Removal {
        &self.removal
    }

    /// Checks that the passwords were not removed.
    ///
    /// # Errors
    /// Returns [`LedgerError::PasswordsRemoved`] if they were.
    pub fn must_have_passwords(&self) -> Result<(), LedgerError> {
        match self.removal.at() {
            None => Ok(()),
            Some(at) => Err(LedgerError::PasswordsRemoved { folder: self.folder.clone(), at: at.to_owned() }),
        }
    }

    /// Checks that nothing is left to be sent, so that no password is needed any more.
    ///
    /// # Errors
    /// Returns [`LedgerError::NotEnded`] if something is.
    pub fn must_have_ended(&self) -> Result<(), LedgerError> {
        let left = self.counts.pending() + self.counts.sessions_pending();
        if left == 0 { Ok(()) } else { Err(LedgerError::NotEnded { folder: self.folder.clone(), left }) }
    }

    /// When the last row ended, in milliseconds since 1970; without one, or in a rehearsal, when the plan was made.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn last_change(&self) -> Result<Option<i64>, LedgerError> {
        let planned = self.planned_at()?.and_then(|at| at.parse::<Timestamp>().ok()).map(Timestamp::as_millisecond);
        if self.settings.rehearsal {
            return Ok(planned);
        }
        let settled: Option<i64> =
            self.connection.query_row("SELECT max(settled_at) FROM account", (), |row| row.get(0))?;
        Ok(settled.or(planned))
    }

    /// How many accounts have a password in the ledger.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn accounts_with_passwords(&self) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM account WHERE password IS NOT NULL";
        Ok(self.connection.query_row(sql, (), |row| row.get(0))?)
    }
}

impl Ledger {
    /// Takes all passwords out of the rows, sealed or not, and replaces the key of the marks. It can be repeated.
    ///
    /// # Errors
    /// Fails if the run has not ended, or if the ledger cannot be written; nothing has changed then.
    pub fn forget_passwords(&mut self) -> Result<(), LedgerError> {
        self.must_have_ended()?;
        if self.removal == Removal::Kept {
            // What is deleted is overwritten with zeros.
            self.read.connection.pragma_update(None, "secure_delete", true)?;
            let (marks, at) = (Marks::generate()?, format!("{:.0}", Timestamp::now()));
            self.replace_marks(&marks, &at)?;
            (self.read.marks, self.read.removal) = (marks, Removal::Begun(at));
            self.read.passwords = PasswordColumn::default();
            self.read.approved.replace(None);
            self.fresh.clear();
        }
        Ok(())
    }

    fn replace_marks(&mut self, marks: &Marks, at: &str) -> Result<(), LedgerError> {
        let lookup = if self.lookup_has_ended()? { LookupState::Ended } else { LookupState::Unfinished };
        let mut is_as_planned = true;
        let mut note_change = |_, _| {
            is_as_planned = false;
            Ok(())
        };
        let found = approved::pass(
            &self.read.connection,
            &self.read.settings_text,
            &self.read.marks,
            lookup,
            &mut note_change,
        )?;
        is_as_planned &= self.must_be_as_noted(&found.fingerprint).is_ok();
        let old = &self.read.marks;
        let text = &self.read.settings_text;
        let transaction = self.read.connection.write()?;
        note::write(&transaction, NoteKey::RemovalBegunAt, at)?;
        note::write(&transaction, NoteKey::MarksKey, &marks.noted())?;
        take_out(&transaction, old, marks)?;
        transaction.execute_batch("DELETE FROM replaced WHERE true; DELETE FROM data_key WHERE true")?;
        // A plan that was changed before must not look unchanged from now on.
        let mut ignore = |_, _| Ok(());
        let taken = approved::pass(&transaction, text, marks, lookup, &mut ignore)?.fingerprint;
        note::write(&transaction, NoteKey::RemovedPlan, if is_as_planned { &taken } else { "" })?;
        transaction.commit()
    }

    /// Rewrites the file, so that nothing of what was removed is left in its free space or in the log; on a server, the
    /// tables. It can be repeated.
    ///
    /// # Errors
    /// Fails if the file cannot be written, or if another program reads it.
    pub fn rewrite_file(&self) -> Result<Rewrite, LedgerError> {
        if let Some(rewrite) = self.read.connection.rewrite()? {
            return Ok(rewrite);
        }
        self.read.connection.pragma_update(None, "secure_delete", true)?;
        self.truncate_log()?;
        self.read.connection.execute_batch("VACUUM")?;
        self.truncate_log()?;
        let file = self.folder.join(FILE_NAME);
        let synced = File::options().write(true).open(&file).and_then(|file| file.sync_all());
        synced.map_err(|source| LedgerError::File { file, source })?;
        Ok(Rewrite::Done)
    }

    /// Notes that no file of the run folder has a password any more.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn end_removal(&mut self) -> Result<(), LedgerError> {
        let at = self.removal.at().unwrap_or_default().to_owned();
        // What was done to other files of the folder must not be undone by a power cut.
        open::sync_folder(&self.folder).map_err(|source| LedgerError::File { file: self.folder.clone(), source })?;
        self.read.connection.note(NoteKey::RemovedAt, &at)?;
        self.read.removal = Removal::Ended(at);
        self.truncate_log()
    }

    fn truncate_log(&self) -> Result<(), LedgerError> {
        let is_busy: bool = self.read.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
        if is_busy {
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None).into());
        }
        Ok(())
    }
}

/// Removes the password of each row, and marks and proves the row without it. A row that was changed before gets no
/// proof and a wrong mark.
fn take_out(transaction: &Transaction<'_>, old: &Marks, new: &Marks) -> Result<(), LedgerError> {
    let mut select = transaction.prepare(concat!(
        "SELECT ",
        planned_columns!(),
        ", state, nth, doubt, settled_at, proof, password
         FROM roster JOIN account USING (row) LEFT JOIN looked_up USING (row) WHERE roster.row > ?1 ORDER BY roster.row LIMIT ?2"
    ))?;
    let mut update = transaction
        .prepare("UPDATE account SET password = NULL, commitment = NULL, mark = ?2, proof = ?3 WHERE row = ?1")?;
    let mut after = 0;
    loop {
        // Rows are read before they are written: SQLite does not say what a query sees of changes made meanwhile.
        let mut rows = select.query((after, ROWS_AT_ONCE))?;
        let mut made = Vec::new();
        while let Some(row) = rows.next()? {
            made.push(marked_again(row, old, new)?);
        }
        let Some((last, ..)) = made.last() else { return Ok(()) };
        after = *last;
        for (row, mark, proof) in made {
            update.execute(params![row, mark, proof])?;
        }
    }
}

/// A row's number, with the mark and the proof that it gets without its password.
fn marked_again(row: &Row<'_>, old: &Marks, new: &Marks) -> Result<(u64, i64, Option<i64>), LedgerError> {
    let (mut planned, mark) = Planned::read(row)?;
    let state = row.get_ref(PLANNED_COLUMNS)?.as_str_or_null().map_err(rusqlite::Error::from)?.unwrap_or_default();
    let (end, proof) = (approved::end_of(row, state)?, row.get::<_, Option<i64>>(PLANNED_COLUMNS + 4)?);
    let is_settled = State::parse(state).is_some_and(State::is_settled);
    let is_marked = mark == mark_of(&old.tag_of(&planned));
    let is_sound = is_marked && (!is_settled || proof == Some(old.proof(planned.row, &end)));
    planned.first = None;
    let tag = mark_of(&new.tag_of(&planned));
    let proof = (is_settled && is_sound).then(|| new.proof(planned.row, &End { password: ValueRef::Null, ..end }));
    Ok((planned.row, if is_sound { tag } else { !tag }, proof))
}
