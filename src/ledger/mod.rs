//! The ledger: one SQLite file that holds the truth about a run, on disk before anything is sent.
//!
//! The plan goes in chunk by chunk, and counts once its settings are noted ([`Ledger::create`]); each turn of the run takes
//! facts in and hands intents out with one transaction ([`Ledger::turn`]); the reports read it. All SQL is in this room. It never decides what an answer means
//! and never sends.
//!
//! Invariant: what a call of this room returned is synced to disk, except in a rehearsal, which has nothing to lose.

mod approved;
mod claim;
mod clocks;
mod course;
mod doubts;
mod error;
mod examine;
mod fingerprint;
mod forms;
mod glance;
mod holds;
mod identity;
pub mod life;
mod lock;
mod lookup;
mod marks;
mod migrate;
mod open;
mod place;
mod processes;
mod read;
mod renewal;
mod rescue;
mod rows;
mod schema;
mod sessions;
mod standing;
mod store;
mod trouble;
mod turn;
mod vault;

pub use claim::{Claimed, Claims};
pub use course::{Hold, Moment};
pub use doubts::{Doubtful, Verdict};
pub use error::LedgerError;
pub use holds::OnHold;
pub use identity::Identity;
pub use lookup::{KindCount, Looked, ToLookUp};
pub use open::{Created, Skipped};
pub use processes::{Process, is_time};
pub use read::{Counts, Group, Session};
pub use renewal::ToRenew;
pub use rows::ReportRow;
pub use sessions::{Revocation, RevocationEvent, SessionsDue};
pub use standing::Standing;
pub use turn::{Fact, Facts};

use crate::{
    plan::Settings,
    seal::{Identities, Recipients},
};
use approved::Approved;
use clocks::Clocks;
use marks::{Commitment, Marks};
use place::Place;
use rusqlite::Connection;
use sessions::Sessions;
use std::{
    cell::RefCell,
    collections::HashMap,
    path::{Path, PathBuf},
};
use vault::Vault;

/// The ledger's name in the run folder.
pub const FILE_NAME: &str = "ledger.db";

/// An open ledger. While it lives, no other process can work on the run.
pub struct Ledger {
    connection: Connection,
    folder: PathBuf,
    settings: Settings,
    /// As they are noted: what the fingerprint covers.
    settings_text: String,
    vault: Vault,
    marks: Marks,
    /// The plan as this process found it, once that was looked at.
    approved: RefCell<Option<Approved>>,
    /// By row, passwords that this process made itself.
    fresh: HashMap<u64, Commitment>,
    counts: Counts,
    sessions: Sessions,
    /// Rows beyond this one are not handed out.
    last_row: i64,
    /// How many milliseconds the directory's clock is ahead of ours.
    clock_ahead: i64,
    /// The same for each process of the run, and how exactly it is known.
    clocks: Clocks,
    /// Held, never read: the lock falls with it. None for a ledger that is only read, as is the place.
    _lock: Option<std::fs::File>,
    place: Option<Place>,
    /// Why nothing is handed out any more.
    displaced: Option<LedgerError>,
    /// Where the file was copied to, if it had to be. It is removed after the connection is closed.
    _copied: Option<glance::Copied>,
}

impl Ledger {
    /// The run folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What holds for the whole run.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// To whom the passwords are sealed; none where they stand in the clear.
    #[must_use]
    pub fn sealed_to(&self) -> Option<&Recipients> {
        Some(self.vault.keyring()?.recipients())
    }

    /// The number of the data key under which this process seals; none as long as it has sealed nothing.
    #[must_use]
    pub fn own_data_key(&self) -> Option<u32> {
        self.vault.keyring()?.own()
    }

    /// From now on reads the passwords that earlier processes sealed, with the key of one of the recipients. Does nothing
    /// where the run is not sealed.
    ///
    /// # Errors
    /// Where the key is not that of a recipient, or a data key was changed.
    pub fn unlock(&mut self, identities: &Identities) -> Result<(), LedgerError> {
        self.vault.unlock(&self.connection, identities)
    }

    /// How many rows stand where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What was noted under `name`, if anything.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn note(&self, name: &str) -> Result<Option<String>, LedgerError> {
        read::note(&self.connection, name)
    }

    /// Notes `value` under `name`, durably.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn set_note(&self, name: &str, value: &str) -> Result<(), LedgerError> {
        let mut insert = self.connection.prepare_cached("INSERT OR REPLACE INTO run VALUES (?1, ?2)")?;
        insert.execute((name, value))?;
        Ok(())
    }
}
