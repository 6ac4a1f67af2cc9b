//! A fleet: one roster for many tenants, with an ordinary run for each.
//!
//! The rows are split by a column that names their tenants. Each tenant gets a run folder of its own within the fleet's
//! folder, so everything that works on a run works on each of them. Here is what concerns all of them: which row goes to
//! which tenant, how many runs are open at once, and the reports over all. A run is never mixed with another: it has its
//! own ledger, fingerprint and sign-in.
//!
//! Invariant: a row whose tenant is not certain is never sent.

mod error;
mod evidence;
#[cfg(feature = "html")]
mod evidence_page;
mod halts;
mod manifest;
mod members;
mod page;
mod side_by_side;
mod summary;
mod tenant_evidence;
mod write;

pub use error::FleetError;
pub use evidence::{FleetEvidence, FleetEvidenceFault, check_evidence, is_fleet_evidence, write_evidence};
pub use halts::HaltsTogether;
pub use manifest::{FILE_NAME, Fleet, Manifest, Member};
pub use members::{Assigned, Split};
pub use side_by_side::{OPEN_MAX, in_turn, side_by_side};
pub use summary::{FleetSummary, TenantSummary, Trouble};
pub use tenant_evidence::TenantEvidence;
pub use write::{write, write_workbook};
