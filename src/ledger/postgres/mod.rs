//! Ledgers in a PostgreSQL database, for machines that vanish: another one can take a run over.
//!
//! The ledger's code is the same as for a run folder. It works on a private SQLite database, the working copy, and the
//! server is the truth: each commit is confirmed there before it holds here ([`mirror`]). A process holds a run by a lease
//! ([`lease`]).
//!
//! Invariants: nothing is sent to the directory whose intent the server has not confirmed. A process that was overtaken
//! records nothing more.

mod address;
mod commit;
mod error;
mod failover;
mod lease;
mod link;
mod load;
mod migrations;
pub(super) mod mirror;
mod quota;
mod runs;
mod server;
mod tables;
mod tls;
mod upload;

pub use address::Address;
pub use error::PostgresError;
pub use runs::StoredRun;

use super::{Ledger, LedgerError, ReadLedger, database::Database, open::Created, version};
use crate::plan::{Plan, Settings};
use jiff::Timestamp;
pub(super) use lease::LeaseState;
use lease::{Claim, Holder, Lease};
use link::{Link, Worker};
use mirror::Mirror;
pub(super) use quota::{LeasedQuota, QuotaKey};
pub(super) use server::ServerIdentity;
use server::{ServerFacts, must_be_durable};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a lease is, unless the user says otherwise.
pub const LEASE_DEFAULT: Duration = Duration::from_secs(30);
/// How long a request of an overtaken process may still be on its way, in milliseconds. Graph knows nothing of leases.
const ON_ITS_WAY_MILLIS: i64 = 120_000;
/// How long connecting and checking may take.
const LIMIT: Duration = Duration::from_secs(45);

/// Whether passwords may be stored in the clear, where the database's owner can read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// They may not.
    Refused,
    /// They may.
    Allowed,
}

/// A database with ledgers.
pub struct LedgerServer {
    worker: Arc<Worker>,
    link: Link,
    facts: ServerFacts,
    holder: Holder,
    lease: Duration,
    clear: Clear,
}

impl LedgerServer {
    /// Connects, checks that the server keeps what it confirms, and makes the tables if there are none. `holder` says who
    /// this process is, for other people.
    ///
    /// # Errors
    /// Fails if the server cannot be reached, refuses, or is not one to trust with a ledger.
    pub fn connect(address: Address, holder: String, lease: Duration, clear: Clear) -> Result<Self, LedgerError> {
        let started = Worker::start().map_err(|error| PostgresError::Address(error.to_string()))?;
        let worker = Arc::new(started);
        let link = Link::new(&Arc::new(address))?;
        let job = link.clone();
        let checked = worker.wait(LIMIT, async move {
            let facts = must_be_durable(&job).await?;
            migrations::must_be_in_place(&job).await?;
            Ok(facts)
        });
        let silent =
            || Err(PostgresError::Unreachable { server: link.server().into(), why: "it does not answer".into() });
        let facts = checked.unwrap_or_else(silent)?;
        Ok(Self { worker, link, facts, holder: Holder::new(holder), lease, clear })
    }

    /// The server and the database, for messages.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.link.server()
    }

    /// Whether a standby follows that does not confirm commits, so that a failover may lose some.
    #[must_use]
    pub const fn has_asynchronous_standby(&self) -> bool {
        self.facts.has_asynchronous_standby
    }

    fn claim(&self, name: &str) -> Result<(Claim, Arc<LeaseState>), PostgresError> {
        let (link, name, holder) = (self.link.clone(), name.to_owned(), self.holder.clone());
        let lease = self.lease;
        let asked = Instant::now();
        let claimed = self.worker.wait(LIMIT, async move { lease::claim(&link, &name, &holder, lease).await });
        Ok((claimed.unwrap_or_else(|| Err(self.silent()))?, LeaseState::new(asked, self.lease)))
    }

    fn silent(&self) -> PostgresError {
        PostgresError::Unreachable { server: self.shown().to_owned(), why: "it does not answer".into() }
    }

    /// Watches a working copy from now on, and keeps renewing the lease.
    fn mirror(
        &self,
        database: &mut Database,
        name: &str,
        claim: &Claim,
        state: Arc<LeaseState>,
    ) -> Result<(), LedgerError> {
        let lease = Lease { run: claim.run, epoch: claim.epoch, length: self.lease, state };
        lease.keep(&self.worker, self.link.another());
        let ways = (Arc::clone(&self.worker), self.link.clone());
        database.mirror_with(|connection| Mirror::watch(connection, ways, name.to_owned(), lease, claim.commits))
    }
}

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
        if settings.sealing.is_none() && server.clear == Clear::Refused {
            return Err(PostgresError::NotSealed.into());
        }
        let copy = Database::new(load::working_copy()?);
        let (mut read, skipped) = Self::fill(copy, reports, None, settings, plan)?;
        let run_id = read.run_id()?.unwrap_or_default();
        let new = upload::NewRun {
            name,
            run_id: &run_id,
            holder: &server.holder,
            lease: server.lease,
            server: &server.facts.identity,
        };
        let (claim, state) = upload::upload(&server.worker, &server.link, &read.connection, &new)?;
        server.mirror(&mut read.connection, name, &claim, state)?;
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
        let opened = Self::open_claimed(server, name, reports, &claim, state);
        let mut ledger = opened?;
        let now_millis = now.as_millisecond();
        ledger.recover_until(now, if claim.is_takeover { now_millis + ON_ITS_WAY_MILLIS } else { 0 })?;
        let identity = &server.facts.identity;
        if claim.confirmed_by.as_ref() != Some(identity) {
            ledger.doubt_all(now_millis)?;
            ledger.read.connection.note_server(identity.clone())?;
        }
        Ok(ledger)
    }

    fn open_claimed(
        server: &LedgerServer,
        name: &str,
        reports: &Path,
        claim: &Claim,
        state: Arc<LeaseState>,
    ) -> Result<Self, LedgerError> {
        must_be_of_this_release(server, claim.ledger)?;
        let mut copy = Database::new(load::working_copy()?);
        load::load(&server.worker, &server.link, claim.run, &copy)?;
        server.mirror(&mut copy, name, claim, state)?;
        Self::take(ReadLedger::load_from(reports, copy)?, None)
    }

    /// Like [`Ledger::open_to_read`], for the run called `name` in a database.
    ///
    /// # Errors
    /// Fails if there is no such run, or if the server does not answer.
    pub fn read_on(server: &LedgerServer, name: &str, reports: &Path) -> Result<ReadLedger, LedgerError> {
        let (run, ledger) = server.find(name)?;
        must_be_of_this_release(server, ledger)?;
        let copy = Database::new(load::working_copy()?);
        load::load(&server.worker, &server.link, run, &copy)?;
        let mut read = ReadLedger::load_from(reports, copy)?;
        read.connection.name_run(name);
        Ok(read)
    }
}

fn must_be_of_this_release(server: &LedgerServer, ledger: i32) -> Result<(), PostgresError> {
    if ledger == version::VERSION {
        return Ok(());
    }
    let why = format!("the run was made by a release with schema {ledger}, and this one has {}", version::VERSION);
    Err(PostgresError::Tables { server: server.shown().to_owned(), why })
}
