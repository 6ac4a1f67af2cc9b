//! The flags that say where the ledger of a run is.

#[cfg(feature = "postgres")]
use super::values::{Auth, duration};
use clap::Args;
#[cfg(feature = "postgres")]
use std::{path::PathBuf, time::Duration};

/// The database of the ledger.
#[derive(Args)]
#[command(next_help_heading = "Ledger")]
pub struct LedgerArgs {
    #[cfg(feature = "postgres")]
    /// Keep the ledger in this PostgreSQL database instead of a run folder: RUN is then a name in it. The password comes
    /// from PGPASSWORD or a password file, never from the URL
    #[arg(long, value_name = "URL", hide_short_help = true)]
    pub ledger: Option<String>,
    #[cfg(feature = "postgres")]
    /// The password of the database is an Entra token, for Azure Database for PostgreSQL; the values are those of --auth, and
    /// auto does as --auth does
    #[arg(long, value_enum, value_name = "HOW", hide_short_help = true)]
    pub ledger_auth: Option<Auth>,
    #[cfg(feature = "postgres")]
    /// How long a process that is not heard from keeps its run in the database [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration, hide_short_help = true)]
    pub lease: Option<Duration>,
}

/// Certificates to trust, for commands that connect to the database alone.
#[derive(Args)]
#[command(next_help_heading = "Ledger")]
pub struct TrustArgs {
    #[cfg(feature = "postgres")]
    /// Extra certificates (PEM) to trust, for a database with its own authority
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub ca_file: Option<PathBuf>,
}

/// The database, for a command that signs in to nothing else.
#[derive(Args)]
pub struct LoneLedgerArgs {
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// The same with the folder for the reports.
#[derive(Args)]
#[command(next_help_heading = "Ledger")]
pub struct LedgerAndReportsArgs {
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[cfg(feature = "postgres")]
    /// Folder for the reports of a run in a database [default: a folder with the name of the run]
    #[arg(long = "out", id = "reports", value_name = "DIR", hide_short_help = true)]
    pub reports: Option<PathBuf>,
}

/// The same for a new run.
#[derive(Args)]
#[command(next_help_heading = "Ledger")]
pub struct NewLedgerArgs {
    #[command(flatten)]
    pub place: LedgerAndReportsArgs,
    #[cfg(feature = "postgres")]
    /// Keep passwords in the database in the clear, where its owner can read them
    #[arg(long, hide_short_help = true)]
    pub clear_ledger: bool,
}

/// The same for a run that may be held by another process.
#[derive(Args)]
#[command(next_help_heading = "Ledger")]
pub struct HeldLedgerArgs {
    #[command(flatten)]
    pub place: LedgerAndReportsArgs,
    #[cfg(feature = "postgres")]
    /// If another process works on the run, wait, and go on when it ends or dies
    #[arg(long, hide_short_help = true)]
    pub standby: bool,
}
