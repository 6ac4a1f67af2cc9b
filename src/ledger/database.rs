//! The connection of a ledger, and the only way to write through it: a [`Write`].
//!
//! Reading needs nothing else than the connection. Every change is made in a [`Write`], so that one place knows what was
//! changed, and when it is durable. It knows no table.
//!
//! Invariant: nothing is changed outside of a [`Write`], and nothing of it holds before [`Write::commit`] has returned.

use super::{
    LedgerError,
    note::{self, NoteKey},
};
use rusqlite::{Connection, Params, Transaction, TransactionBehavior};
use std::ops::Deref;

/// A ledger's open connection. It can be read like any other.
pub(super) struct Database {
    connection: Connection,
}

impl Database {
    pub(super) const fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Begins to write.
    pub(super) fn write(&self) -> Result<Write<'_>, LedgerError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        Ok(Write { transaction })
    }

    /// Makes one change, durably.
    pub(super) fn change(&self, sql: &str, values: impl Params) -> Result<(), LedgerError> {
        let write = self.write()?;
        write.prepare_cached(sql)?.execute(values)?;
        write.commit()
    }

    /// Writes a note, durably.
    pub(super) fn note(&self, key: NoteKey, value: &str) -> Result<(), LedgerError> {
        let write = self.write()?;
        note::write(&write, key, value)?;
        write.commit()
    }
}

impl Deref for Database {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Changes that become durable together. Without [`Write::commit`], none of them is made.
pub(super) struct Write<'a> {
    transaction: Transaction<'a>,
}

impl Write<'_> {
    /// Makes the changes durable.
    ///
    /// # Errors
    /// Fails if they may not be durable; then the process must not act on them.
    pub(super) fn commit(self) -> Result<(), LedgerError> {
        Ok(self.transaction.commit()?)
    }
}

impl<'a> Deref for Write<'a> {
    type Target = Transaction<'a>;

    fn deref(&self) -> &Transaction<'a> {
        &self.transaction
    }
}
