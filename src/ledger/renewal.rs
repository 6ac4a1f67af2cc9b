//! New passwords for rows that have one already: Graph refused it, or it is sealed and nobody here can read it.
//!
//! It keeps the superseded one wherever it may be in force. Which row gets a new one, and which, is decided by whoever
//! calls.

use super::{
    Ledger, LedgerError,
    forms::form,
    life::{Doubt, Event},
    marks::{Commitment, Marks, to_be_stored},
    vault::Vault,
};
use crate::{
    password::{Form, Password},
    seal::Binding,
};
use rusqlite::{Transaction, TransactionBehavior};

/// A planned row whose password cannot be sent: it is sealed and its key is not at hand, or an earlier process made it anew,
/// so that nothing shows whether it is still the one that process made.
pub struct ToRenew {
    /// Position in the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// Its cells.
    pub cells: Vec<String>,
    /// How its password is to look.
    pub form: Form,
}

/// Why a password was superseded and is kept.
pub(super) enum Why {
    /// Graph refused it; with a doubt where an answer to it was lost before.
    Refused { doubt: bool },
    /// It is sealed, and may have been sent.
    Sealed,
}

impl Ledger {
    /// The next rows after `after` that are to be sent and whose password this process can not send, `most` of them: nobody
    /// here can read it, or an earlier process made it and the plan does not cover it.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn to_renew(&self, after: u64, most: usize) -> Result<Vec<ToRenew>, LedgerError> {
        let mut found = Vec::new();
        let is_sealed = self.sealed_to().is_some();
        let mut select = self.connection.prepare_cached(
            "SELECT row, password, user_principal_name, cells, profile, language, nth
             FROM account JOIN roster USING (row)
             WHERE state = 'planned' AND row > ?1 AND (?2 OR nth > 0) ORDER BY row",
        )?;
        let mut rows = select.query((after, is_sealed))?;
        while let Some(row) = rows.next()?.filter(|_| found.len() < most) {
            let number: u64 = row.get(0)?;
            let is_unbound = row.get::<_, u32>(6)? > 0 && !self.fresh.contains_key(&number);
            if is_unbound || !self.vault.reads(row.get_ref(1)?) {
                let cells: String = row.get(3)?;
                let cells = serde_json::from_str(&cells)?;
                let user_principal_name = row.get(2)?;
                found.push(ToRenew { row: number, user_principal_name, cells, form: form(row, 4)? });
            }
        }
        Ok(found)
    }

    /// Gives rows to be sent new passwords, durably, at `now` (milliseconds since 1970). The old one stays as a candidate
    /// where it may have been sent; the new one then waits until that can no longer take effect, `in_flight_millis` after
    /// it was sent. Returns how many rows that is.
    ///
    /// # Errors
    /// Where the ledger cannot be written; nothing has changed then.
    pub fn renew(
        &mut self,
        renewed: Vec<(u64, Password)>,
        now: i64,
        in_flight_millis: i64,
    ) -> Result<u64, LedgerError> {
        self.vault.have_key(&self.connection)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut kept, mut made) = (0, Vec::new());
        for (row, password) in renewed {
            let (doubt, sent_at) = transaction
                .prepare_cached("SELECT doubt, coalesce(sent_at, 0) FROM account WHERE row = ?1")?
                .query_row([row], |row| Ok((Doubt::from_bits(row.get(0)?), row.get::<_, i64>(1)?)))?;
            let why = doubt.current.then_some(Why::Sealed);
            made.push(supersede(&transaction, (&self.vault, &self.marks), row, &password, why, now)?);
            // A clock that was set back since does not make it wait longer.
            let gone = (now + self.clock_ahead).saturating_sub(sent_at).clamp(0, in_flight_millis);
            let not_before = if doubt.current { now + in_flight_millis - gone } else { 0 };
            let (_, doubt_left) = Event::Replaced(password).outcome(doubt);
            transaction
                .prepare_cached("UPDATE account SET doubt = ?2, not_before = max(not_before, ?3) WHERE row = ?1")?
                .execute((row, doubt_left.to_bits(), not_before))?;
            kept += u64::from(doubt.current);
        }
        transaction.commit()?;
        self.fresh.extend(made);
        Ok(kept)
    }

    /// All passwords that were superseded and can be read here, with their rows.
    ///
    /// # Errors
    /// Where the ledger cannot be read, or one of them was changed.
    pub fn superseded(&self) -> Result<Vec<(u64, Password)>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT row, nth, user_principal_name, password FROM replaced JOIN roster USING (row) ORDER BY row, nth",
        )?;
        let (mut rows, mut found) = (select.query(())?, Vec::new());
        while let Some(row) = rows.next()? {
            let (number, account) = (row.get(0)?, row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?);
            let held = self.vault.get(&Binding { row: number, nth: row.get(1)?, account }, row.get_ref(3)?)?;
            found.extend(held.password().map(|password| (number, password)));
        }
        Ok(found)
    }

    /// How many passwords of a row Graph has refused, and were replaced.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn replacements(&self, row: u64) -> Result<u32, LedgerError> {
        let mut count =
            self.connection.prepare_cached("SELECT count(*) FROM replaced WHERE row = ?1 AND why = 'refused'")?;
        Ok(count.query_row([row], |row| row.get(0))?)
    }

    /// Whether a row has that password already, of those whose passwords can be read here.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn is_used(&self, password: &Password) -> Result<bool, LedgerError> {
        if self.sealed_to().is_some() {
            return self.vault.is_used(password, |note| self.for_each_password(note));
        }
        let mut select = self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM account WHERE password = ?1)")?;
        Ok(select.query_row([password.expose()], |row| row.get(0))?)
    }

    fn for_each_password(&self, note: &mut dyn FnMut(&Password)) -> Result<(), LedgerError> {
        let mut select = self
            .connection
            .prepare("SELECT row, nth, user_principal_name, password FROM account JOIN roster USING (row)")?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            let account = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            let held = self.vault.get(&Binding { row: row.get(0)?, nth: row.get(1)?, account }, row.get_ref(3)?)?;
            held.password().as_ref().into_iter().for_each(&mut *note);
        }
        Ok(())
    }
}

/// A row, and what is kept in memory of the password that was made for it.
pub(super) type Made = (u64, Commitment);

/// Puts `password` in the place of the one that the row has, which is kept where there is a reason.
pub(super) fn supersede(
    transaction: &Transaction,
    (vault, marks): (&Vault, &Marks),
    row: u64,
    password: &Password,
    why: Option<Why>,
    now: i64,
) -> Result<Made, LedgerError> {
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
    let password = vault.put(&Binding { row, nth, account: &account }, password)?;
    let commitment = marks.commitment(row, nth, to_be_stored(&password));
    transaction
        .prepare_cached("UPDATE account SET password = ?2, nth = ?3 WHERE row = ?1")?
        .execute((row, password, nth))?;
    Ok((row, commitment))
}
