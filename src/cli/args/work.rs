//! The flags of `work`.

use super::{ConnectArgs, EventArgs, LedgerArgs, LimitArgs, OpenArgs, RunArgs};
use clap::Args;
use std::path::PathBuf;

/// How a worker works.
#[derive(Args)]
pub struct WorkArgs {
    /// End as soon as no run is left to work on, instead of waiting for new ones
    #[arg(long)]
    pub once: bool,
    /// Folder in which each run gets a folder for its reports [default: the current folder]
    #[arg(long = "out", id = "reports_in", value_name = "DIR")]
    pub reports_in: Option<PathBuf>,
    #[command(flatten)]
    pub open: OpenArgs,
    #[command(flatten)]
    pub limit: LimitArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
    #[command(flatten)]
    pub events: EventArgs,
    #[command(flatten)]
    pub place: LedgerArgs,
}
