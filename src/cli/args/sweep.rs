//! The flags of `sweep`.

use super::{PaceArgs, values::age};
use clap::Args;
use std::time::Duration;

#[derive(Args)]
pub struct SweepArgs {
    /// Show the counts for each value of this column of the roster, such as a class
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<String>,
    /// Ask only about accounts that were reset at least this long ago, such as 7d, 2w or 12h
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub older_than: Option<Duration>,
    /// Also read who of them has tried to sign in since the reset. It needs AuditLog.Read.All and Entra ID P1 or P2, and
    /// lists all users of the tenant, at ten pages a minute
    #[arg(long)]
    pub sign_ins: bool,
    #[command(flatten)]
    pub pace: PaceArgs,
}
