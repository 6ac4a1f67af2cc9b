//! The command line: what can be said. The help text is the manual.

use clap::{Args, Parser, Subcommand, ValueEnum};
use passwave::{
    graph::{BATCH_ITEMS_MAX, client::doors::Method},
    password::{LENGTH_DEFAULT, SEPARATOR_DEFAULT, WORDS_DEFAULT},
    quota::Quota,
    run::{Halt, Window},
    traffic,
};
use std::{path::PathBuf, time::Duration};

const EXIT_CODES: &str = "\
Exit codes:
  0    every account has its password (duplicate rows aside)
  1    finished, but some rows failed, are in doubt, or were skipped and need a look
  2    bad usage, roster or configuration; nothing was sent
  3    could not begin or go on (sign-in, permission, network); `passwave run` goes on later
  130  interrupted; `passwave run` goes on later

Sign-in reads AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; --auth names the other ways.
The application needs the permission User-PasswordProfile.ReadWrite.All with admin consent.

Try it without a tenant:  passwave rehearse roster.csv";

/// Reset passwords in bulk in Microsoft Entra ID: nothing lost whatever dies.
#[derive(Parser)]
#[command(name = "passwave", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Plan, ask, run and report: the main job
    Reset {
        /// Ask nothing; required where there is no terminal
        #[arg(long, short = 'y')]
        yes: bool,
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Everything but the change: read, check, generate, look up, estimate, and write the run folder
    Plan {
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        pace: PaceArgs,
        #[command(flatten)]
        connect: ConnectArgs,
        /// How to tell the plan: words on stderr, or one JSON object on stdout
        #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
        format: PlanFormat,
    },
    /// Start or go on with a planned run; safe to call again and again
    #[command(visible_alias = "resume")]
    Run {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        /// Ask nothing; required where there is no terminal, unless the run has begun already
        #[arg(long, short = 'y')]
        yes: bool,
        /// Refuse any plan but the one with this fingerprint
        #[arg(long, value_name = "FINGERPRINT")]
        expect: Option<String>,
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Read back what the directory says of each account that was reset
    ///
    /// Ends with 0 where the directory shows every change, and with 1 where it does not.
    Verify {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        #[command(flatten)]
        pace: PaceArgs,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Write the reports again from the ledger, at any time, also after a crash
    Report {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        /// Print one report on stdout instead of writing the files
        #[arg(long, value_enum)]
        format: Option<ReportFormat>,
    },
    /// The same job against the embedded simulator: no tenant, no credentials, no risk
    Rehearse {
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        simulator: SimulatorArgs,
    },
    /// Serve the simulator over loopback HTTP, for scripts and for other tools' tests
    ///
    /// Prints one JSON line {"url":…,"tenant_id":…,"client_id":…,"client_secret":…} when it listens.
    Simulate {
        /// Port on 127.0.0.1; 0 takes any that is free
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// The tenant's accounts: those of this roster
        #[arg(long, value_name = "FILE", conflicts_with = "accounts")]
        roster: Option<PathBuf>,
        /// The tenant's accounts: this many, user1@contoso.com, user2@contoso.com, …
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        accounts: u64,
        /// Write quota of the tenant
        #[arg(long, value_name = "N/SECONDSs", default_value_t = Quota::DOCUMENTED_WRITES)]
        write_quota: Quota,
        #[command(flatten)]
        simulator: SimulatorArgs,
    },
    /// Only passwords, one a line, on stdout
    Generate {
        /// How many
        #[arg(long, short = 'n', default_value_t = 1, value_name = "N")]
        count: usize,
        #[command(flatten)]
        policy: PolicyArgs,
    },
}

#[derive(Args)]
pub struct PlanArgs {
    /// CSV of user principal names or object ids, in any dialect; - is standard input
    pub roster: PathBuf,
    /// The run folder to make [default: named after the roster and the time, in the current folder]
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// The column that names the account, by its header or its number
    #[arg(long, value_name = "NAME")]
    pub upn_column: Option<String>,
    /// Refuse the roster if any of its rows is wrong, instead of skipping those rows
    #[arg(long)]
    pub strict: bool,
    /// Do not make the person choose a new password at the next sign-in
    #[arg(long, conflicts_with = "force_change_with_mfa")]
    pub no_force_change: bool,
    /// Make the person pass multi-factor authentication before choosing a new password
    #[arg(long)]
    pub force_change_with_mfa: bool,
    /// Take the passwords from this column of the roster; they are checked, never echoed
    #[arg(long, value_name = "NAME", help_heading = "Passwords")]
    pub password_column: Option<String>,
    #[command(flatten)]
    pub policy: PolicyArgs,
    #[command(flatten)]
    pub rules: RulesArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Accounts")]
pub struct RulesArgs {
    /// Look every account up first: where the application may read them, or else not plan at all, or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = LookupName::Auto)]
    pub lookup: LookupName,
    /// Leave the accounts in this file alone, whatever the roster says: a list, or a CSV as a roster
    #[arg(long, value_name = "FILE")]
    pub exclude: Option<PathBuf>,
    /// Reset accounts that an on-premises directory masters, though its next synchronisation may undo it
    #[arg(long)]
    pub include_synced: bool,
    /// Reset holders of directory roles
    #[arg(long)]
    pub include_admins: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Guard rails")]
pub struct LimitArgs {
    /// Go no further where more than this many accounts are to be reset
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_accounts: Option<u64>,
}

#[derive(Args)]
#[command(next_help_heading = "Passwords")]
pub struct PolicyArgs {
    /// random characters, or words that people can remember
    #[arg(long, value_enum, default_value_t = StyleName::Random)]
    pub style: StyleName,
    /// Characters of a random password, 8 to 256
    #[arg(long, value_name = "N", default_value_t = LENGTH_DEFAULT)]
    pub length: usize,
    /// Symbols of a random password [default: those that survive shells, files and the telephone]
    #[arg(long, value_name = "CHARACTERS", allow_hyphen_values = true)]
    pub symbols: Option<String>,
    /// Words of a password of words
    #[arg(long, value_name = "N", default_value_t = WORDS_DEFAULT)]
    pub words: usize,
    /// What stands between the words: one character, or nothing
    #[arg(long, value_name = "CHARACTER", default_value = SEPARATOR_DEFAULT, allow_hyphen_values = true)]
    pub separator: String,
    /// Words that no password may hold, one a line
    #[arg(long, value_name = "FILE")]
    pub banned_words: Option<PathBuf>,
    /// Allow passwords of less than 40 bits of entropy
    #[arg(long)]
    pub allow_weak: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Guard rails")]
pub struct RunArgs {
    /// Only the first N accounts of the plan; then ask, or leave the others to the next `passwave run`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub pilot: Option<u64>,
    /// Stop where too many accounts end so, such as failed=3% of those that ended, or failed=50; repeatable
    #[arg(long, value_name = "STATUS=LIMIT")]
    pub halt_on: Vec<Halt>,
    /// Send only within these hours of this machine's clock, such as 22:00-06:00
    #[arg(long, value_name = "FROM-TO")]
    pub window: Option<Window>,
    /// Read back afterwards when each password was changed; adds the column verified_at
    #[arg(long, help_heading = "Afterwards")]
    pub verify: bool,
    /// End all sign-in sessions of each account that is reset; adds the column sessions_revoked
    #[arg(long, help_heading = "Afterwards")]
    pub revoke_sessions: bool,
    #[command(flatten)]
    pub pace: PaceArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// Write quota of the application in the tenant, as Microsoft documents it
    #[arg(long, value_name = "N/SECONDSs", default_value_t = Quota::DOCUMENTED_WRITES)]
    pub write_quota: Quota,
    /// Batches in flight at most
    #[arg(long, value_name = "N", default_value_t = traffic::CONCURRENCY as u64, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub concurrency: u64,
    /// Accounts in a batch
    #[arg(long, value_name = "N", default_value_t = BATCH_ITEMS_MAX as u64, value_parser = clap::value_parser!(u64).range(1..=BATCH_ITEMS_MAX as u64))]
    pub batch_size: u64,
    /// How long to wait for a network or service that is away, such as 90s or 15m
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = duration)]
    pub max_wait: Duration,
}

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// How to sign in; auto takes the first that the environment offers: AZURE_CLIENT_SECRET,
    /// AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE, the identity of a GitHub or Azure Pipelines job,
    /// IDENTITY_ENDPOINT, and the Azure CLI, unless AZURE_CLIENT_ID is set
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Auth::Auto)]
    pub auth: Auth,
    /// The public client that asks with --auth device-code [default: Microsoft Graph Command Line Tools]
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The national cloud that the tenant is in
    #[arg(long, value_enum, default_value_t = Cloud::Global)]
    pub cloud: Cloud,
    /// Graph's root, instead of the cloud's (plain http to loopback only)
    #[arg(long, value_name = "URL")]
    pub graph_endpoint: Option<String>,
    /// The sign-in service, instead of the cloud's
    #[arg(long, value_name = "URL", env = "AZURE_AUTHORITY_HOST")]
    pub authority_host: Option<String>,
    /// Certificates (PEM) to trust besides the system's, for companies whose proxy opens TLS
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

#[derive(Args)]
#[command(next_help_heading = "Simulator")]
pub struct SimulatorArgs {
    /// What goes wrong, as a JSON file
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Seed of all that is random in the simulator
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StyleName {
    Random,
    Words,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LookupName {
    Auto,
    Required,
    Off,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// What report.csv holds
    Csv,
    /// What summary.json holds
    Json,
}

/// Ways to sign in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    Auto,
    Secret,
    Certificate,
    Workload,
    Managed,
    Cli,
    DeviceCode,
}

impl Auth {
    /// The door it names; none where the environment decides.
    pub const fn method(self) -> Option<Method> {
        match self {
            Self::Auto => None,
            Self::Secret => Some(Method::Secret),
            Self::Certificate => Some(Method::Certificate),
            Self::Workload => Some(Method::Workload),
            Self::Managed => Some(Method::Managed),
            Self::Cli => Some(Method::Cli),
            Self::DeviceCode => Some(Method::DeviceCode),
        }
    }
}

/// National clouds (Microsoft's page on authentication in national clouds).
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cloud {
    Global,
    Usgov,
    UsgovDod,
    China,
}

impl Cloud {
    pub const fn authority(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::Usgov | Self::UsgovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    pub const fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::Usgov => "https://graph.microsoft.us",
            Self::UsgovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }
}

/// A time such as `90s`, `15m`, `1h 30m`, or a number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.trim().parse().map(Duration::from_secs).ok();
    let friendly = || text.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    seconds.or_else(friendly).ok_or_else(|| "a time is written 90s, 15m or 1h 30m".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("15m", 900), ("1h 30m", 5_400), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(duration("soon").is_err());
        assert!(duration("-5s").is_err());
    }
}
