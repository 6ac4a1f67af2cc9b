//! The connection of a ledger, and the only way to write through it: a [`Write`].
//!
//! Reading needs nothing else than the connection. Every change is made in a [`Write`], so that one place knows what was
//! changed, and when it is durable. Where a ledger
//! is kept on a server, that server confirms the changes first.
//!
//! Invariant: nothing is changed outside of a [`Write`], and nothing of it holds before [`Write::commit`] has returned.

#[cfg(feature = "postgres")]
use super::postgres::mirror::Mirror;
use super::{
    LedgerError,
    note::{self, NoteKey},
    overlap::StoredOverlap,
    rewrite::Rewrite,
};
use rusqlite::{Connection, Params, Transaction, TransactionBehavior};
use std::ops::Deref;

/// A ledger's open connection. It can be read like any other.
pub(super) struct Database {
    connection: Connection,
    /// Where else it is kept, and under which name.
    #[cfg(feature = "postgres")]
    mirror: Option<Mirror>,
    #[cfg(feature = "postgres")]
    name: Option<String>,
}

impl Database {
    pub(super) const fn new(connection: Connection) -> Self {
        Self {
            connection,
            #[cfg(feature = "postgres")]
            mirror: None,
            #[cfg(feature = "postgres")]
            name: None,
        }
    }

    /// The name of the run, if it is kept on a server.
    #[cfg(feature = "postgres")]
    pub(super) fn name(&self) -> Option<&str> {
        self.mirror.as_ref().map(Mirror::name).or(self.name.as_deref())
    }

    /// The name of the run, if it is kept on a server.
    #[cfg(not(feature = "postgres"))]
    pub(super) const fn name(&self) -> Option<&str> {
        None
    }

    /// What shows whether this process may still send for the run.
    #[cfg(feature = "postgres")]
    pub(super) fn fence(&self) -> super::fence::Fence {
        super::fence::Fence::new(self.mirror.as_ref().map(Mirror::lease))
    }

    /// Notes on the server which one it is.
    #[cfg(feature = "postgres")]
    pub(super) fn note_server(&self, identity: super::postgres::ServerIdentity) -> Result<(), LedgerError> {
        self.mirror.as_ref().map_or(Ok(()), |mirror| Ok(mirror.note_server(identity)?))
    }

    /// Takes part in a quota of a tenant and an application that processes share on the server.
    #[cfg(feature = "postgres")]
    pub(super) fn lease_quota(
        &self,
        (tenant, application, name): (String, String, &'static str),
        quota: crate::graph::quota::Quota,
    ) -> Result<Option<super::postgres::LeasedQuota>, LedgerError> {
        let key = super::postgres::QuotaKey { tenant, application, name };
        Ok(self.mirror.as_ref().map(|mirror| mirror.lease_quota(key, quota)).transpose()?)
    }

    /// Notes on the server why the run stopped.
    #[cfg(feature = "postgres")]
    pub(super) fn note_stop(&self, why: &str) -> Result<(), LedgerError> {
        self.mirror.as_ref().map_or(Ok(()), |mirror| Ok(mirror.note_stop(why)?))
    }

    /// Other runs of the server with accounts in common; none without a server.
    #[cfg(feature = "postgres")]
    pub(super) fn overlaps(&self, directory: &str) -> Result<Vec<StoredOverlap>, LedgerError> {
        self.mirror.as_ref().map_or(Ok(Vec::new()), |mirror| Ok(mirror.overlaps(directory)?))
    }

    /// The same without a server.
    #[cfg(not(feature = "postgres"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "like the one with a server")]
    pub(super) const fn overlaps(&self, _: &str) -> Result<Vec<StoredOverlap>, LedgerError> {
        Ok(Vec::new())
    }

    /// Notes on the server that the run starts, unless there are others. Returns the others.
    #[cfg(feature = "postgres")]
    pub(super) fn begin_run(&self, directory: &str, alongside: bool) -> Result<Vec<StoredOverlap>, LedgerError> {
        self.mirror.as_ref().map_or(Ok(Vec::new()), |mirror| Ok(mirror.begin_run(directory, alongside)?))
    }

    /// The same without a server.
    #[cfg(not(feature = "postgres"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "like the one with a server")]
    pub(super) const fn begin_run(&self, _: &str, _: bool) -> Result<Vec<StoredOverlap>, LedgerError> {
        Ok(Vec::new())
    }

    /// Rewrites the server's tables that had passwords, if that is possible; `None` if there is no server.
    #[cfg(feature = "postgres")]
    pub(super) fn rewrite(&self) -> Result<Option<Rewrite>, LedgerError> {
        Ok(self.mirror.as_ref().map(Mirror::rewrite).transpose()?)
    }

    /// The same without a server.
    #[cfg(not(feature = "postgres"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "like the one with a server")]
    pub(super) const fn rewrite(&self) -> Result<Option<Rewrite>, LedgerError> {
        Ok(None)
    }

    /// Removes the run from its server.
    #[cfg(feature = "postgres")]
    pub(super) fn discard(&self) -> Result<(), LedgerError> {
        self.mirror.as_ref().map_or(Ok(()), |mirror| Ok(mirror.discard()?))
    }

    /// Names the run on a server of which this is a copy to read.
    #[cfg(feature = "postgres")]
    pub(super) fn name_run(&mut self, name: &str) {
        self.name = Some(name.to_owned());
    }

    /// From now on, each commit must be confirmed by a mirror.
    #[cfg(feature = "postgres")]
    pub(super) fn mirror_with(
        &mut self,
        watch: impl FnOnce(&mut Connection) -> Result<Mirror, LedgerError>,
    ) -> Result<(), LedgerError> {
        self.mirror = Some(watch(&mut self.connection)?);
        Ok(())
    }

    /// Begins to write.
    pub(super) fn write(&self) -> Result<Write<'_>, LedgerError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        #[cfg(feature = "postgres")]
        self.mirror.iter().for_each(Mirror::begin);
        Ok(Write {
            transaction,
            #[cfg(feature = "postgres")]
            mirror: self.mirror.as_ref(),
        })
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

#[cfg(feature = "postgres")]
impl Drop for Database {
    fn drop(&mut self) {
        let Some(mirror) = &self.mirror else { return };
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM account WHERE state IN ('planned', 'in_flight', 'accepted')
                   OR sessions IN ('due', 'in_flight'))";
        mirror.release(self.connection.query_row(sql, (), |row| row.get(0)).unwrap_or_default());
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
    #[cfg(feature = "postgres")]
    mirror: Option<&'a Mirror>,
}

impl Write<'_> {
    /// Makes the changes durable.
    ///
    /// # Errors
    /// Fails if they may not be durable; then the process must not act on them.
    pub(super) fn commit(self) -> Result<(), LedgerError> {
        #[cfg(feature = "postgres")]
        self.mirror.map_or(Ok(()), |mirror| mirror.confirm(&self.transaction))?;
        Ok(self.transaction.commit()?)
    }
}

impl<'a> Deref for Write<'a> {
    type Target = Transaction<'a>;

    fn deref(&self) -> &Transaction<'a> {
        &self.transaction
    }
}
