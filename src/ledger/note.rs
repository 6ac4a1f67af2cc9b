//! The notes about the run as a whole: the table `run`, with a name and a text in each row.
//!
//! All names are here. Code outside `src/ledger` never sees one; it reads and writes through methods of
//! [`super::ReadLedger`] and [`super::Ledger`].

use super::LedgerError;
use rusqlite::{Connection, OptionalExtension, Transaction};

/// What is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoteKey {
    /// Why the last accounts were all refused.
    AllRefused,
    /// Who agreed to the run.
    Approvals,
    /// When the tenant's audit log was read.
    AuditReadAt,
    /// When the run first sent something.
    BegunAt,
    /// The schema from which the ledger was migrated.
    CarriedFrom,
    /// For a plan of an older release: its fingerprint as this release computes it.
    CarriedOver,
    /// The application that signs in.
    ClientId,
    /// The offsets between the clocks of the processes and the directory's clock.
    Clocks,
    /// The plan's fingerprint.
    Fingerprint,
    /// Until when Graph asked us not to use authentication methods.
    HeldMethods,
    /// Until when Graph asked us not to read accounts.
    HeldReads,
    /// The same for reads of the tenant.
    HeldTenantReads,
    /// The same for writes.
    HeldWrites,
    /// The process that works on the run.
    Holder,
    /// How the lookup ended.
    Lookup,
    /// Why there was no lookup.
    LookupSaid,
    /// The key of the marks.
    MarksKey,
    /// The pace of authentication methods as the last process left it.
    PaceOfMethods,
    /// The pace of reads as the last process left it.
    PaceOfReads,
    /// The same for writes.
    PaceOfWrites,
    /// The release that made the plan.
    Passwave,
    /// The user who signed in.
    Person,
    /// When the plan was made.
    PlannedAt,
    /// The schema of the older release that made the plan.
    PlannedSchema,
    /// The start of each process.
    Processes,
    /// What the administrator should know about the roster.
    Remarks,
    /// When the removal of the passwords began.
    RemovalBegunAt,
    /// When the passwords were removed.
    RemovedAt,
    /// The plan's fingerprint with the new key and without passwords; empty if the plan was changed before.
    RemovedPlan,
    /// Whether sessions are revoked.
    RevokeSessions,
    /// The file from which the roster was read.
    RosterFile,
    /// The run's id, for which passwords are sealed.
    RunId,
    /// The data key with which the sealed report was written.
    SealedReport,
    /// The settings; planning writes them last.
    Settings,
    /// The tenant.
    TenantId,
    /// Whether the reset accounts are verified.
    Verified,
    /// What the administrator should know about the lookup.
    Warnings,
    /// What the run should do besides the resets, if a flag of `run` changed it.
    Wanted,
    /// The number of cells of the widest row.
    Width,
}

impl NoteKey {
    /// The name in the table.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::AllRefused => "all_refused",
            Self::Approvals => "approvals",
            Self::AuditReadAt => "audit_read_at",
            Self::BegunAt => "begun_at",
            Self::CarriedFrom => "carried_from",
            Self::CarriedOver => "carried_over",
            Self::ClientId => "client_id",
            Self::Clocks => "clocks",
            Self::Fingerprint => "fingerprint",
            Self::HeldMethods => "held_methods",
            Self::HeldReads => "held_reads",
            Self::HeldTenantReads => "held_tenant_reads",
            Self::HeldWrites => "held_writes",
            Self::Holder => "holder",
            Self::Lookup => "lookup",
            Self::LookupSaid => "lookup_said",
            Self::MarksKey => "marks_key",
            Self::PaceOfMethods => "pace_of_methods",
            Self::PaceOfReads => "pace_of_reads",
            Self::PaceOfWrites => "pace_of_writes",
            Self::Passwave => "passwave",
            Self::Person => "person",
            Self::PlannedAt => "planned_at",
            Self::PlannedSchema => "planned_schema",
            Self::Processes => "processes",
            Self::Remarks => "remarks",
            Self::RemovalBegunAt => "removal_begun_at",
            Self::RemovedAt => "removed_at",
            Self::RemovedPlan => "removed_plan",
            Self::RevokeSessions => "revoke_sessions",
            Self::RosterFile => "roster_file",
            Self::RunId => "run_id",
            Self::SealedReport => "sealed_report",
            Self::Settings => "settings",
            Self::TenantId => "tenant_id",
            Self::Verified => "verified",
            Self::Warnings => "warnings",
            Self::Wanted => "wanted",
            Self::Width => "width",
        }
    }
}

/// Reads a note, if there is one.
pub(super) fn read(connection: &Connection, key: NoteKey) -> Result<Option<String>, LedgerError> {
    let mut select = connection.prepare_cached("SELECT value FROM run WHERE name = ?1")?;
    Ok(select.query_row([key.as_str()], |row| row.get(0)).optional()?)
}

/// Writes a note; it replaces the previous one.
pub(super) fn write(transaction: &Transaction<'_>, key: NoteKey, value: &str) -> Result<(), LedgerError> {
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO run VALUES (?1, ?2)")?;
    insert.execute((key.as_str(), value))?;
    Ok(())
}
