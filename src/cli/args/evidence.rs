//! The flags of `evidence`.

use super::ConnectArgs;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct EvidenceArgs {
    /// The run folder, or that of a fleet
    #[arg(value_name = "RUN", required_unless_present = "check")]
    pub folder: Option<PathBuf>,
    /// Sign it with this private key of OpenSSH (Ed25519), into evidence.json.sig; PASSWAVE_SIGN_PASSPHRASE can hold the
    /// passphrase
    #[cfg(feature = "sign")]
    #[arg(long, value_name = "KEYFILE", conflicts_with = "check")]
    pub sign: Option<PathBuf>,
    /// Read the tenant's audit log first, and note the record about each row (needs AuditLog.Read.All)
    #[arg(long, conflicts_with = "check")]
    pub audit: bool,
    /// Check this file, and the signature beside it, instead of writing evidence
    #[arg(long, value_name = "FILE", conflicts_with = "folder")]
    pub check: Option<PathBuf>,
    #[command(flatten)]
    pub connect: ConnectArgs,
}
