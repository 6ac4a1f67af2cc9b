//! New passwords for rows that already have one: Graph refused it, or it is sealed and cannot be read here.
//!
//! The old password is kept if it may be in force. The caller decides which rows get a new one, and provides it.

use super::{
    Ledger, LedgerError, ReadLedger,
    approved::prove,
    forms::form,
    marks::{Commitment, First, Marks, to_be_stored},
    password_column::PasswordColumn,
    state::{Doubt, Event},
};
use crate::{
    password::{Form, Password},
    seal::Binding,
};
use rusqlite::Transaction;
use zeroize::Zeroizing;

/// A planned row whose password this process cannot send yet: its key is not available, or an earlier process of the
/// run made it, so it must be recognized first.
pub struct ToReissue {
    /// Position in the roster.
    pub row: u64,
    /// How many passwords it had before this one.
    pub nth: u32,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// Its cells.
    pub cells: Vec<String>,
    /// The form of its password.
    pub form: Form,
}

/// Why a replaced password is kept.
pub(super) enum Why {
    /// Graph refused it; `doubt` is true if an answer to it was lost before.
    Refused { doubt: bool },
    /// It is sealed, and may have been sent.
    Sealed,
}

impl ReadLedger {
    /// The secret seed from which the run derives the `nth` password of a row, for one attempt. The plan's fingerprint
    /// covers the key behind it. `None` in a sealed run, because anyone who has the ledger has the seed.
    #[must_use]
    pub fn reissue_seed(&self, row: u64, nth: u32, attempt: u32) -> Option<Zeroizing<[u8; 32]>> {
        self.sealed_to().is_none().then(|| self.marks.reissue_seed(row, nth, attempt))
    }

    /// How many passwords a row had before its current one.
    pub fn nth(&self, row: u64) -> Result<u32, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT nth FROM account WHERE row = ?1")?;
        Ok(select.query_row([row], |row| row.get(0))?)
    }

    /// All replaced passwords that can be read here, with their rows.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read, or if one of them was changed.
    pub fn superseded(&self) -> Result<Vec<(u64, Password)>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT row, nth, user_principal_name, password FROM replaced JOIN roster USING (row) ORDER BY row, nth",
        )?;
        let (mut rows, mut found) = (select.query(())?, Vec::new());
        while let Some(row) = rows.next()? {
            let (number, account) = (row.get(0)?, row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?);
            let held = self.passwords.get(&Binding { row: number, nth: row.get(1)?, account }, row.get_ref(3)?)?;
            found.extend(held.password().map(|password| (number, password)));
        }
        Ok(found)
    }

    /// How many passwords of a row Graph has refused, and were replaced.
    pub fn replacements(&self, row: u64) -> Result<u32, LedgerError> {
        let mut count =
            self.connection.prepare_cached("SELECT count(*) FROM replaced WHERE row = ?1 AND why = 'refused'")?;
        Ok(count.query_row([row], |row| row.get(0))?)
    }

    /// Whether a row already has this password, or had it while this process worked, among the rows whose passwords can
    /// be read here. The first call reads them all, and the ledger remembers a keyed hash of each.
    pub fn is_used(&self, password: &Password) -> Result<bool, LedgerError> {
        self.passwords.is_used(password, |note| self.for_each_password(note))
    }

    fn for_each_password(&self, note: &mut dyn FnMut(&Password)) -> Result<(), LedgerError> {
        let mut select = self
            .connection
            .prepare("SELECT row, nth, user_principal_name, password FROM account JOIN roster USING (row)")?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            let account = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            let held = self.passwords.get(&Binding { row: row.get(0)?, nth: row.get(1)?, account }, row.get_ref(3)?)?;
            held.password().as_ref().into_iter().for_each(&mut *note);
        }
        Ok(())
    }
}

impl Ledger {
    /// Up to `most` rows after `after` that are to be sent, but whose password this process cannot send yet: it cannot
    /// be read here, or an earlier process made it and this one has not recognized it.
    pub fn to_reissue(&self, after: u64, most: usize) -> Result<Vec<ToReissue>, LedgerError> {
        let mut found = Vec::new();
        let is_sealed = self.sealed_to().is_some();
        let mut select = self.read.connection.prepare_cached(
            "SELECT row, password, user_principal_name, cells, profile, language, nth
             FROM account JOIN roster USING (row)
             WHERE state = 'planned' AND row > ?1 AND (?2 OR nth > 0) ORDER BY row",
        )?;
        let mut rows = select.query((after, is_sealed))?;
        while let Some(row) = rows.next()?.filter(|_| found.len() < most) {
            let number: u64 = row.get(0)?;
            let nth = row.get(6)?;
            let is_unbound = nth > 0 && !self.fresh.contains_key(&number);
            if is_unbound || !self.read.passwords.reads(row.get_ref(1)?) {
                let cells: String = row.get(3)?;
                let cells = serde_json::from_str(&cells)?;
                let user_principal_name = row.get(2)?;
                found.push(ToReissue { row: number, nth, user_principal_name, cells, form: form(row, 4)? });
            }
        }
        Ok(found)
    }

    /// Whether the row's `nth` password is `made`, which this process has derived. If so, the process may send it,
    /// although another process stored it.
    pub fn recognize(&mut self, row: u64, nth: u32, made: &Password) -> Result<bool, LedgerError> {
        let is_it = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM account WHERE row = ?1 AND nth = ?2 AND password = ?3)")?
            .query_row((row, nth, made.expose()), |row| row.get(0))?;
        if is_it {
            self.fresh.insert(row, self.read.marks.commitment(row, nth, made.expose().as_bytes()));
        }
        Ok(is_it)
    }

    /// Gives rows new passwords, durably, at `now` (milliseconds since 1970). If the old one may have been sent, it
    /// stays as a candidate. The new one then waits until the old one can no longer take effect, `in_flight_millis`
    /// after it was sent. Returns the number of such rows.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written; nothing has changed then.
    pub fn reissue(
        &mut self,
        reissued: Vec<(u64, Password)>,
        now: i64,
        in_flight_millis: i64,
    ) -> Result<u64, LedgerError> {
        self.read.passwords.have_key(&self.read.connection)?;
        let transaction = self.read.connection.write()?;
        let (mut kept, mut made) = (0, Vec::new());
        for (row, password) in reissued {
            let (doubt, sent_at) = transaction
                .prepare_cached("SELECT doubt, coalesce(sent_at, 0) FROM account WHERE row = ?1")?
                .query_row([row], |row| Ok((Doubt::from_bits(row.get(0)?), row.get::<_, i64>(1)?)))?;
            let why = doubt.current.then_some(Why::Sealed);
            made.push(supersede(&transaction, (&self.read.passwords, &self.read.marks), row, &password, why, now)?);
            // A clock that was set back must not make it wait longer.
            let gone = (now + self.clock_ahead).saturating_sub(sent_at).clamp(0, in_flight_millis);
            let not_before = if doubt.current { now + in_flight_millis - gone } else { 0 };
            let (_, doubt_left) = Event::Replaced(password).outcome(doubt);
            transaction
                .prepare_cached("UPDATE account SET doubt = ?2, not_before = max(not_before, ?3) WHERE row = ?1")?
                .execute((row, doubt_left.to_bits(), not_before))?;
            prove(&transaction, &self.read.marks, row)?;
            kept += u64::from(doubt.current);
        }
        transaction.commit()?;
        self.fresh.extend(made);
        Ok(kept)
    }
}

/// Keeps the hash of a row's first password if that is sealed: the password itself may not be kept, and the plan is
/// identified by it.
fn keep_hash(transaction: &Transaction, row: u64) -> Result<(), LedgerError> {
    let mut select = transaction.prepare_cached("SELECT password FROM account WHERE row = ?1 AND nth = 0")?;
    let mut rows = select.query([row])?;
    let Some(found) = rows.next()? else { return Ok(()) };
    let Some(first @ First::Sealed(_)) = First::of(found.get_ref(0)?) else { return Ok(()) };
    let mut keep = transaction.prepare_cached("UPDATE account SET commitment = ?2 WHERE row = ?1")?;
    keep.execute((row, first.hash().as_slice()))?;
    Ok(())
}

/// A row, and the memory of the password that was made for it.
pub(super) type Made = (u64, Commitment);

/// Replaces the row's password with `password`; the old one is kept if there is a reason.
pub(super) fn supersede(
    transaction: &Transaction,
    (passwords, marks): (&PasswordColumn, &Marks),
    row: u64,
    password: &Password,
    why: Option<Why>,
    now: i64,
) -> Result<Made, LedgerError> {
    keep_hash(transaction, row)?;
    if let Some(why) = why {
        let (doubt, why) = match why {
            Why::Refused { doubt } => (doubt, "refused"),
            Why::Sealed => (true, "sealed"),
        };
        transaction
            .prepare_cached("INSERT INTO replaced SELECT row, nth, password, ?2, ?3, ?4 FROM account WHERE row = ?1")?
            .execute((row, doubt, now, why))?;
    }
    let (nth, account): (u32, String) = transaction
        .prepare_cached("SELECT nth + 1, user_principal_name FROM account JOIN roster USING (row) WHERE row = ?1")?
        .query_row([row], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let password = passwords.put(&Binding { row, nth, account: &account }, password)?;
    let commitment = marks.commitment(row, nth, to_be_stored(&password));
    transaction
        .prepare_cached("UPDATE account SET password = ?2, nth = ?3 WHERE row = ?1")?
        .execute((row, password, nth))?;
    Ok((row, commitment))
}
