//! Creates and opens the ledgers of a database, like those of run folders.
//!
//! Invariant: a process that found a run held, or could not load all of it, has changed nothing in it.

use super::{
    Ledger, LedgerError, ReadLedger,
    database::Database,
    open::Created,
    postgres::{Clear, LedgerServer, load},
    server_error::PostgresError,
};
use crate::plan::{Plan, Settings};
use jiff::Timestamp;
use std::path::Path;

/// How long a request of an overtaken process may still be on its way, in milliseconds. Graph knows nothing of leases.
const ON_ITS_WAY_MILLIS: i64 = 120_000;

impl Ledger {
    /// Like [`Ledger::create`], in a database: the run is called `name`, and its reports go to the folder `reports`.
    ///
    /// # Errors
    /// Fails if there is such a run, if its passwords are not sealed and may not be in the clear, if the plan cannot be
    /// made, or if the server does not confirm it.
    pub fn create_on(
        server: &LedgerServer,
        name: &str,
        reports: &Path,
        settings: Settings,
        plan: Plan<'_>,
    ) -> Result<Created, LedgerError> {
        if settings.sealing.is_none() && server.clear() == Clear::Refused {
            return Err(PostgresError::NotSealed.into());
        }
        let copy = Database::new(load::working_copy()?);
        let (mut read, skipped) = Self::fill(copy, reports, None, settings, plan)?;
        let run_id = read.run_id()?.unwrap_or_default();
        let (claim, state) = server.upload(name, &run_id, &read.connection)?;
        read.connection.mirror_with(|copy| server.mirror(copy, name, &claim, state))?;
        Ok(Created { ledger: Self::take(read, None)?, skipped })
    }

    /// Notes why the run stopped, so that no worker continues it before a person has looked at it. For a run folder, this
    /// does nothing.
    ///
    /// # Errors
    /// Fails if the server does not confirm it.
    pub fn note_stop(&self, why: &str) -> Result<(), LedgerError> {
        self.read.connection.note_stop(why)
    }

    /// Like [`Ledger::open_at`], for the run called `name` in a database.
    ///
    /// # Errors
    /// Fails if there is no such run, if another process holds it, or if the server does not answer.
    pub fn open_on(server: &LedgerServer, name: &str, reports: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        let (claim, state) = server.claim(name)?;
        let mut copy = Database::new(server.load(claim.run, claim.ledger)?);
        copy.mirror_with(|copy| server.mirror(copy, name, &claim, state))?;
        let mut ledger = Self::take(ReadLedger::load_from(reports, copy)?, None)?;
        let now_millis = now.as_millisecond();
        ledger.recover_until(now, if claim.is_takeover { now_millis + ON_ITS_WAY_MILLIS } else { 0 })?;
        let identity = server.identity();
        if claim.confirmed_by.as_ref() != Some(identity) {
            ledger.doubt_all(now_millis)?;
            ledger.read.connection.note_server(identity.clone())?;
        }
        Ok(ledger)
    }

    /// Like [`Ledger::open_to_read`], for the run called `name` in a database.
    ///
    /// # Errors
    /// Fails if there is no such run, or if the server does not answer.
    pub fn read_on(server: &LedgerServer, name: &str, reports: &Path) -> Result<ReadLedger, LedgerError> {
        let (run, ledger) = server.find(name)?;
        let mut read = ReadLedger::load_from(reports, Database::new(server.load(run, ledger)?))?;
        read.connection.name_run(name);
        Ok(read)
    }
}
