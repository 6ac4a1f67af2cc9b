//! The flags of `remove`.

use super::{LedgerAndReportsArgs, TrustArgs, values::age};
use clap::Args;
use std::{path::PathBuf, time::Duration};

#[derive(Args)]
pub struct RemoveArgs {
    /// The run folder; with --older-than also a folder with run folders below it. With --ledger, a name in the database;
    /// with --older-than, all runs of the database if you leave it out
    #[arg(value_name = "RUN", required_unless_present = "older_than")]
    pub folder: Option<PathBuf>,
    /// Only if the last account was reset at least this long ago, such as 30d, 2w or 12h
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub older_than: Option<Duration>,
    /// Leave passwords that only the recipients can read
    #[arg(long)]
    pub keep_sealed: bool,
    /// Do not ask for confirmation; required if there is no terminal
    #[arg(long, short = 'y')]
    pub yes: bool,
    #[command(flatten)]
    pub place: LedgerAndReportsArgs,
    #[command(flatten)]
    pub trust: TrustArgs,
}
