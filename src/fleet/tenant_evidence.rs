//! What the evidence of a fleet says of one tenant.
//!
//! Invariant: no text in it has a control character, so each object is one line.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The object of a tenant's line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TenantEvidence {
    /// Its name; empty for the rows without a certain tenant.
    pub tenant: String,
    /// Its id, if it is known.
    pub tenant_id: Option<String>,
    /// The file of its evidence, in the fleet's folder, with a slash.
    pub file: String,
    /// The SHA-256 of that file, in hexadecimal.
    pub sha256: String,
    /// The last link of its chain.
    pub final_chain: String,
    /// Its rows.
    pub rows: u64,
    /// Its rows by status.
    pub counts: BTreeMap<String, u64>,
}
