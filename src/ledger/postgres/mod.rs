//! Ledgers in a PostgreSQL database, for machines that vanish: another one can take a run over.
//!
//! The ledger's code is the same as for a run folder. It works on a private SQLite database, the working copy, and the
//! server is the truth: each commit is confirmed there before it holds here (`mirror`). A process holds a run by a lease
//! (`lease`).
//!
//! Invariants: nothing is sent to the directory whose intent the server has not confirmed. A process that was overtaken
//! records nothing more.

mod address;
mod commit;
mod health;
mod lease;
mod link;
pub(super) mod load;
mod migrations;
pub(super) mod mirror;
mod overlaps;
mod password;
mod quota;
mod rewrite;
mod runs;
mod server;
mod tables;
mod tls;
mod upload;

pub use super::tls_fault::TlsFault;
pub use address::Address;
pub use error::PostgresError;
pub use health::{ServerHealth, Tables};
pub use password::{Password, PasswordSource};
pub use runs::{StoredPasswords, StoredRun};

use super::{LedgerError, server_error as error, version};
use lease::Claim;
pub(super) use lease::LeaseState;
use lease::{Holder, Lease, Moment};
use link::{Link, Worker};
use mirror::Mirror;
pub(super) use quota::{LeasedQuota, QuotaKey};
use rusqlite::Connection;
pub(super) use server::ServerIdentity;
use server::{ServerFacts, must_be_durable};
use std::{sync::Arc, time::Duration};

/// How long a lease is, unless the user says otherwise.
pub const LEASE_DEFAULT: Duration = Duration::from_secs(30);
/// How long connecting and checking may take.
const LIMIT: Duration = Duration::from_secs(45);
/// The same if a person may have to sign in for the password.
const SIGN_IN_LIMIT: Duration = Duration::from_secs(16 * 60);

/// Whether passwords may be stored in the clear, where the database's owner can read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// They may not.
    Refused,
    /// They may.
    Allowed,
}

/// How long connecting to this address may take.
fn limit_of(address: &Address) -> Duration {
    if address.passwords.is_some() { SIGN_IN_LIMIT } else { LIMIT }
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
        let limit = limit_of(&address);
        let link = Link::new(&Arc::new(address))?;
        let job = link.clone();
        let checked = worker.wait(limit, async move {
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

    /// Whether passwords may be stored in the clear.
    pub(super) const fn clear(&self) -> Clear {
        self.clear
    }

    /// The server that confirms commits now.
    pub(super) const fn identity(&self) -> &ServerIdentity {
        &self.facts.identity
    }

    /// Takes a run, unless another process holds it.
    pub(super) fn claim(&self, name: &str) -> Result<(Claim, Arc<LeaseState>), PostgresError> {
        let (link, name, holder) = (self.link.clone(), name.to_owned(), self.holder.clone());
        let lease = self.lease;
        let asked = Moment::now();
        let claimed = self.worker.wait(LIMIT, async move { lease::claim(&link, &name, &holder, lease).await });
        Ok((claimed.unwrap_or_else(|| Err(self.silent()))?, LeaseState::new(asked, self.lease)))
    }

    fn silent(&self) -> PostgresError {
        PostgresError::Unreachable { server: self.shown().to_owned(), why: "it does not answer".into() }
    }

    /// A new working copy of the run with this number, whose ledger has this version.
    pub(super) fn load(&self, run: i64, ledger: i32) -> Result<Connection, LedgerError> {
        if ledger != version::VERSION {
            let version = version::VERSION;
            let why = format!("the run was made by a release with schema {ledger}, and this one has {version}");
            return Err(PostgresError::Tables { server: self.shown().to_owned(), why }.into());
        }
        let copy = load::working_copy()?;
        load::load(&self.worker, &self.link, run, &copy)?;
        Ok(copy)
    }

    /// Stores a new run that is in a working copy, and takes it.
    pub(super) fn upload(
        &self,
        name: &str,
        run_id: &str,
        copy: &Connection,
    ) -> Result<(Claim, Arc<LeaseState>), LedgerError> {
        let (holder, lease) = (&self.holder, self.lease);
        let new = upload::NewRun { name, run_id, holder, lease, server: self.identity() };
        upload::upload(&self.worker, &self.link, copy, &new)
    }

    /// Watches a working copy from now on, and keeps renewing the lease.
    pub(super) fn mirror(
        &self,
        copy: &mut Connection,
        name: &str,
        claim: &Claim,
        state: Arc<LeaseState>,
    ) -> Result<Mirror, LedgerError> {
        let lease = Lease { run: claim.run, epoch: claim.epoch, length: self.lease, state };
        lease.keep(&self.worker, self.link.another());
        let ways = (Arc::clone(&self.worker), self.link.clone());
        Mirror::watch(copy, ways, name.to_owned(), lease, claim.commits)
    }
}
