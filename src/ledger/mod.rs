//! The ledger: one SQLite file that records the truth about a run, on disk before anything is sent.
//!
//! The plan is stored chunk by chunk, and is valid once its settings are noted ([`Ledger::create`]). Each turn of the
//! run stores facts and hands out intents in one transaction ([`Ledger::turn`]). The reports read it. All SQL is in
//! this module. It never decides what an answer means, and never sends.
//!
//! Invariant: what a call of this module returned is synced to disk, except in a rehearsal, which has nothing to lose.

mod approved;
mod audit;
mod claim;
mod claimed;
mod clocks;
mod database;
mod doubts;
mod error;
mod examine;
#[cfg(feature = "postgres")]
mod failover;
mod fence;
mod fingerprint;
mod first;
mod forms;
mod holds;
mod identity;
mod kept_pace;
mod location;
mod lock;
mod lookup;
mod marks;
mod migrate;
mod note;
#[cfg(feature = "postgres")]
mod on_server;
mod open;
mod overlap;
mod password_column;
mod plan_check;
#[cfg(feature = "postgres")]
pub mod postgres;
mod processes;
mod read;
mod read_copy;
pub mod register;
mod reissue;
mod removal;
mod removed;
mod request_id;
mod rescue;
mod rewrite;
mod row_status;
mod rows;
mod run_notes;
mod schema;
#[cfg(feature = "postgres")]
mod server_error;
mod sessions;
mod shared_quota;
pub mod spent;
mod sql_error;
pub mod state;
mod store;
mod tally;
mod timeline;
#[cfg(feature = "postgres")]
mod tls_fault;
mod trouble;
mod turn;
mod version;
mod words;
mod writeback;
mod writeback_claim;

pub use audit::{AuditMatch, AuditNote, AuditWindow, Audited};
pub use claim::{Claimed, Claims};
pub use claimed::{ClaimCounts, ClaimState, Sweep, ToSweep};
pub use doubts::{InDoubtRow, ToVerify, Verdict};
pub use error::LedgerError;
pub(crate) use fence::Fence;
pub use holds::OnHold;
pub(crate) use holds::WAIT_MILLIS_MAX;
pub use identity::Identity;
pub use kept_pace::KeptPace;
pub use lookup::{KindCount, Looked, ToLookUp};
pub use open::Created;
pub use overlap::StoredOverlap;
pub use processes::{Process, Times, is_time};
pub use read::{Counts, Group, Session};
pub use reissue::ToReissue;
pub use removed::Removal;
pub use rewrite::Rewrite;
pub use row_status::RowStatus;
pub use rows::ReportRow;
pub use run_notes::{Agreement, Approval, SignedInAs};
pub use sessions::{Revocation, RevocationEvent, SessionsDue};
pub use shared_quota::SharedQuota;
pub use sql_error::SqlError;
pub use store::Skipped;
pub use timeline::{Pause, PauseReason};
pub use trouble::StorageFault;
pub use turn::{Fact, Facts};
pub use writeback::{Errand, WritebackClaim, WritebackEvent, WritebackFact};

use crate::{
    plan::Settings,
    seal::{Identities, Recipients},
    util::replace::OwnFiles,
};
use approved::Approved;
use clocks::Clocks;
use database::Database;
use location::Location;
use marks::{Commitment, Marks};
use password_column::PasswordColumn;
use sessions::Sessions;
use std::{
    cell::RefCell,
    collections::HashMap,
    fs::File,
    ops::Deref,
    path::{Path, PathBuf},
};

/// The ledger's name in the run folder.
pub const FILE_NAME: &str = "ledger.db";

/// The ledger, the files that SQLite keeps beside it, and the lock.
pub(crate) fn files_of(ledger: &str) -> impl Iterator<Item = String> {
    let beside = ["", "-wal", "-shm"].map(|end| format!("{ledger}{end}"));
    beside.into_iter().chain([lock::FILE_NAME.to_owned()])
}

/// A ledger that is only read. It claims nothing, and other processes may work on the run meanwhile. To work on a run,
/// use [`Ledger`].
///
/// ```compile_fail
/// # use passwave::ledger::{Facts, ReadLedger};
/// fn claim(ledger: &mut ReadLedger) {
///     let _ = ledger.turn(&Facts::default(), 1, 0);
/// }
/// ```
pub struct ReadLedger {
    connection: Database,
    folder: PathBuf,
    /// The run's id.
    run_id: String,
    settings: Settings,
    /// The settings as noted: the fingerprint covers this text.
    settings_text: String,
    passwords: PasswordColumn,
    marks: Marks,
    removal: Removal,
    /// The plan as this process found it, once it was checked.
    approved: RefCell<Option<Approved>>,
    counts: Counts,
    /// For each process of the run, how far the directory's clock is ahead, and how exactly that is known.
    clocks: Clocks,
    /// Files of the run folder that this process has written beside the ones they should replace.
    own_files: OwnFiles,
    /// Where the file was copied to, if necessary. The copy is removed after the connection is closed.
    copied: Option<read_copy::Copied>,
}

/// A ledger to work on. While it lives, no other process can work on the run. It can be read as a [`ReadLedger`].
///
/// ```
/// # use passwave::ledger::{Facts, Ledger};
/// fn claim(ledger: &mut Ledger) {
///     let _ = ledger.turn(&Facts::default(), 1, 0);
/// }
/// ```
pub struct Ledger {
    /// Closed first: the lock and the location outlive it.
    read: ReadLedger,
    /// The passwords that this process made itself, by row.
    fresh: HashMap<u64, Commitment>,
    sessions: Sessions,
    /// Rows after this one are not handed out.
    last_row: i64,
    /// How many milliseconds the directory's clock is ahead of ours.
    clock_ahead: i64,
    /// The run is locked as long as the file is open. There is none for a run on a server.
    lock: Option<File>,
    place: Option<Location>,
    /// Rows that the last process left in flight.
    left_in_flight: u32,
    /// Notes about the pace that wait for the next transaction.
    staged: kept_pace::Staged,
    /// Why no more rows are handed out.
    displaced: Option<LedgerError>,
}

impl Deref for Ledger {
    type Target = ReadLedger;

    fn deref(&self) -> &ReadLedger {
        &self.read
    }
}

impl Ledger {
    /// Same as [`ReadLedger::unlock`].
    ///
    /// # Errors
    /// Fails like [`ReadLedger::unlock`].
    pub fn unlock(&mut self, identities: &Identities) -> Result<(), LedgerError> {
        self.read.unlock(identities)
    }
}

impl ReadLedger {
    /// The run folder. For a run on a server, the folder for its reports.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What a command calls the run: its folder, or its name on a server.
    #[must_use]
    pub fn operand(&self) -> &Path {
        self.connection.name().map_or(&self.folder, Path::new)
    }

    /// Whether the run is kept on a server.
    #[must_use]
    pub fn is_on_server(&self) -> bool {
        self.connection.name().is_some()
    }

    /// The other unfinished runs of its server that have started, write to the same directory, and have accounts in
    /// common; none for a run folder.
    ///
    /// # Errors
    /// Fails if the server does not answer.
    pub fn overlaps_on_server(&self, directory: &str) -> Result<Vec<StoredOverlap>, LedgerError> {
        self.connection.overlaps(directory)
    }

    /// Notes on its server that the run starts, unless there are such runs, and it may not run `alongside` them. Returns
    /// them. Only one process at a time gets past this.
    ///
    /// # Errors
    /// Fails if the server does not confirm it.
    pub fn begin_on_server(&self, directory: &str, alongside: bool) -> Result<Vec<StoredOverlap>, LedgerError> {
        self.connection.begin_run(directory, alongside)
    }

    /// Files of the run folder that this process has written beside the ones they should replace.
    pub(crate) const fn own_files(&self) -> &OwnFiles {
        &self.own_files
    }

    /// The settings of the run.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The recipients of the passwords; `None` if they are in the clear.
    #[must_use]
    pub fn sealed_to(&self) -> Option<&Recipients> {
        Some(self.passwords.keyring()?.recipients())
    }

    /// The number of the data key that this process seals with; `None` if it has sealed nothing yet.
    #[must_use]
    pub fn own_data_key(&self) -> Option<u32> {
        self.passwords.keyring()?.own()
    }

    /// From now on, reads the passwords that earlier processes sealed, with the key of one of the recipients. Does
    /// nothing if the run is not sealed.
    ///
    /// # Errors
    /// Fails if the key does not belong to a recipient, or if a data key was changed.
    pub fn unlock(&mut self, identities: &Identities) -> Result<(), LedgerError> {
        self.passwords.unlock(&self.connection, identities)
    }

    /// The number of rows in each state.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }
}
