//! What is known about the run as a whole, for reports and for later processes.
//!
//! The texts come from outside, or someone may have edited them: sanitize them before you display them.

use super::{
    Ledger, LedgerError, ReadLedger,
    note::{self, NoteKey},
};
use crate::plan::wanted::Wanted;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The identity with which a run signs in, and its tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedInAs {
    /// The tenant, by id or domain, if it is known.
    pub tenant_id: Option<String>,
    /// The application, if it is known.
    pub client_id: Option<String>,
    /// The user, if one signed in.
    pub person: Option<String>,
}

/// How somebody agreed to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// By typing the answer at the terminal.
    Typed,
    /// In the call itself, so that nobody was asked.
    Flag,
    /// Earlier: the run continued.
    Earlier,
}

/// The start of a run that somebody agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// When, in RFC 3339.
    pub at: String,
    /// How.
    pub how: Agreement,
    /// The fingerprint that the plan had to have, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The user of this machine or the pipeline, as the environment names them. It proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// The latest approvals that are kept.
const APPROVALS_MAX: usize = 200;

impl ReadLedger {
    /// The run's id, which is unique.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn run_id(&self) -> Result<Option<String>, LedgerError> {
        note::read(&self.connection, NoteKey::RunId)
    }

    /// The release of passwave that made the plan.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn planned_by(&self) -> Result<Option<String>, LedgerError> {
        note::read(&self.connection, NoteKey::Passwave)
    }

    /// When the plan was made, in RFC 3339.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn planned_at(&self) -> Result<Option<String>, LedgerError> {
        note::read(&self.connection, NoteKey::PlannedAt)
    }

    /// The identity with which the run signs in, as far as it was noted ([`Ledger::set_signed_in`]).
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn signed_in(&self) -> Result<SignedInAs, LedgerError> {
        let noted = |key| note::read(&self.connection, key);
        let (tenant_id, client_id) = (noted(NoteKey::TenantId)?, noted(NoteKey::ClientId)?);
        Ok(SignedInAs { tenant_id, client_id, person: noted(NoteKey::Person)? })
    }

    /// Who agreed to the run, in order of time. An unreadable note counts as none.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn approvals(&self) -> Result<Vec<Approval>, LedgerError> {
        let noted = note::read(&self.connection, NoteKey::Approvals)?;
        Ok(noted.and_then(|noted| serde_json::from_str(&noted).ok()).unwrap_or_default())
    }

    /// Whether the run has started ([`Ledger::note_begun`]).
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn has_begun(&self) -> Result<bool, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::BegunAt)?.is_some())
    }

    /// What the run should do now: as planned, or as changed since ([`Ledger::set_wanted`]).
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn wanted(&self) -> Result<Wanted, LedgerError> {
        if let Some(noted) = note::read(&self.connection, NoteKey::Wanted)? {
            return Ok(serde_json::from_str(&noted)?);
        }
        let planned = self.settings.wanted.clone();
        // Older releases noted only this.
        Ok(Wanted { revoke_sessions: planned.revoke_sessions || self.revokes_sessions()?, ..planned })
    }

    /// What the administrator should know about the roster ([`Ledger::set_remarks`]).
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn remarks(&self) -> Result<Vec<String>, LedgerError> {
        self.texts(NoteKey::Remarks)
    }

    /// What the administrator should know about the lookup ([`Ledger::set_warnings`]).
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn warnings(&self) -> Result<Vec<String>, LedgerError> {
        self.texts(NoteKey::Warnings)
    }

    fn texts(&self, key: NoteKey) -> Result<Vec<String>, LedgerError> {
        let noted = note::read(&self.connection, key)?;
        Ok(noted.map(|noted| serde_json::from_str(&noted)).transpose()?.unwrap_or_default())
    }

    /// The file from which the roster was read, if it was a file ([`Ledger::set_roster_file`]).
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn roster_file(&self) -> Result<Option<PathBuf>, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::RosterFile)?.map(Into::into))
    }

    /// Whether the sealed report was written with this data key.
    pub(crate) fn sealed_report_is_of(&self, data_key: u32) -> Result<bool, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::SealedReport)?.is_some_and(|noted| noted == data_key.to_string()))
    }

    /// Notes that the sealed report is written with this data key.
    pub(crate) fn note_sealed_report(&self, data_key: u32) -> Result<(), LedgerError> {
        self.connection.note(NoteKey::SealedReport, &data_key.to_string())
    }
}

impl Ledger {
    /// Notes the identity with which the run signs in. Unknown fields keep their noted values.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn set_signed_in(&self, signed_in: &SignedInAs) -> Result<(), LedgerError> {
        for (key, value) in [
            (NoteKey::TenantId, &signed_in.tenant_id),
            (NoteKey::ClientId, &signed_in.client_id),
            (NoteKey::Person, &signed_in.person),
        ] {
            if let Some(value) = value {
                self.connection.note(key, value)?;
            }
        }
        Ok(())
    }

    /// Notes that somebody agreed to the run.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn note_approval(&self, approval: Approval) -> Result<(), LedgerError> {
        let mut approvals = self.approvals()?;
        approvals.push(approval);
        let kept = &approvals[approvals.len().saturating_sub(APPROVALS_MAX)..];
        self.connection.note(NoteKey::Approvals, &serde_json::to_string(kept)?)
    }

    /// Notes that the run starts now, unless it has started before.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn note_begun(&self) -> Result<(), LedgerError> {
        if self.has_begun()? {
            return Ok(());
        }
        self.connection.note(NoteKey::BegunAt, &format!("{:.0}", Timestamp::now()))
    }

    /// Changes what the run does from now on. The plan and its fingerprint do not change.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn set_wanted(&self, wanted: &Wanted) -> Result<(), LedgerError> {
        self.connection.note(NoteKey::Wanted, &serde_json::to_string(wanted)?)
    }

    /// Notes what the administrator should know about the roster.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn set_remarks(&self, remarks: &[String]) -> Result<(), LedgerError> {
        self.connection.note(NoteKey::Remarks, &serde_json::to_string(remarks)?)
    }

    /// Notes what the administrator should know about the lookup.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn set_warnings(&self, warnings: &[String]) -> Result<(), LedgerError> {
        self.connection.note(NoteKey::Warnings, &serde_json::to_string(warnings)?)
    }

    /// Notes the file from which the roster was read.
    ///
    /// # Errors
    /// Fails if the ledger cannot be written.
    pub fn set_roster_file(&self, file: &Path) -> Result<(), LedgerError> {
        self.connection.note(NoteKey::RosterFile, &file.to_string_lossy())
    }

    /// Whether an earlier process ended because Graph refused all of the last accounts.
    pub(crate) fn were_all_refused(&self) -> Result<bool, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::AllRefused)?.is_some())
    }

    /// Notes that Graph refused all of the last accounts, with its message.
    pub(crate) fn note_all_refused(&self, said: &str) -> Result<(), LedgerError> {
        self.connection.note(NoteKey::AllRefused, said)
    }
}
