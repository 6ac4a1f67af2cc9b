//! The command line: its commands and flags. The help text is the manual.

mod call;
mod evidence;
mod examples;
pub mod flags;
mod handouts;
mod ledger;
#[cfg(test)]
mod pages_tests;
mod remove;
mod rows;
mod settings;
mod sweep;
mod values;
#[cfg(feature = "postgres")]
mod work;

pub use call::{Call, CallFlag, SettingsFile};
pub use evidence::EvidenceArgs;
pub use flags::{
    AddressArgs, AppArgs, ConnectArgs, EventArgs, JobArgs, LimitArgs, OpenArgs, PaceArgs, PastedToReport,
    PastedToVerify, PlanArgs, PolicyArgs, RulesArgs, RunArgs, SealArgs, SimulatorArgs,
};
pub use handouts::HandoutArgs;
pub use ledger::{HeldLedgerArgs, LedgerAndReportsArgs, LedgerArgs, LoneLedgerArgs, NewLedgerArgs, TrustArgs};
pub use remove::RemoveArgs;
pub use rows::RowsArgs;
pub use settings::{ParseError, ParsedArgs, read};
pub use sweep::SweepArgs;
#[cfg(feature = "postgres")]
pub use values::duration;
pub use values::{Auth, HiddenRowsName, LookupName, ReportFormat, Show, StyleName, TextOrJson};
#[cfg(feature = "postgres")]
pub use work::WorkArgs;

use clap::{Arg, Parser, Subcommand};
use clap_complete::Shell;
use passwave::graph::quota::Quota;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes:
  0    every account has its new password (duplicate, excluded and accepted rows do not count)
  1    finished, but some rows failed, are in doubt or need attention (see --accept)
  2    wrong usage, roster or configuration; nothing was sent
  3    could not start or continue (sign-in, permission, network); continue with `passwave run`
  130  interrupted; continue with `passwave run`

To sign in yourself, use --auth browser; for a job, set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
The application needs the permission User-PasswordProfile.ReadWrite.All with admin consent.

You can also set any flag with a variable, such as PASSWAVE_MAX_ACCOUNTS for --max-accounts (commas \
separate several values; a switch is true or false), or with `max-accounts = 30000` in passwave/config.toml \
in your configuration folder (under [reset] for that command only). The command line wins over the \
variable, and the variable over the file. Do not put secrets in the file; it cannot set --yes.

Try it without a tenant:  passwave rehearse roster.csv";

/// Flags that every command takes are listed last.
const EVERYWHERE: usize = 900;

/// Reset passwords in bulk in Microsoft Entra ID, and never lose one, even in a crash
#[derive(Parser)]
#[command(name = "passwave", bin_name = "passwave", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// Print more on stderr: -v for problems, -vv for every exchange, -vvv for every request
    #[arg(short, long, global = true, display_order = EVERYWHERE, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print only errors, warnings and prompts that need an answer
    #[arg(short, long, global = true, display_order = EVERYWHERE, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Read default flags from this file [default: passwave/config.toml in your configuration folder]
    #[arg(long, global = true, display_order = EVERYWHERE, value_name = "FILE", hide_short_help = true)]
    pub config: Option<PathBuf>,
    /// Do not read a configuration file
    #[arg(long, global = true, display_order = EVERYWHERE, conflicts_with = "config", hide_short_help = true)]
    pub no_config: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Plan, confirm, run and report: the main command
    #[command(after_long_help = examples::RESET)]
    Reset {
        #[command(flatten)]
        job: JobArgs,
    },
    /// Do everything except the reset: read, check, generate, look up, estimate, and write the run folder
    ///
    /// Takes all flags of `reset`. The plan remembers the flags for the run (--verify, --halt-on, …).
    #[command(after_long_help = examples::PLAN, mut_args(without_meaning_in_a_plan))]
    Plan {
        #[command(flatten)]
        job: JobArgs,
    },
    /// Start or continue a planned run; safe to repeat
    #[command(visible_alias = "resume", after_long_help = examples::RUN)]
    Run {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        /// Only show what would be done: send nothing and do not sign in
        #[arg(long, aliases = ["what-if", "whatif"])]
        dry_run: bool,
        /// Do not ask for confirmation; required if there is no terminal, unless the run has already started
        #[arg(long, short = 'y')]
        yes: bool,
        /// Refuse the plan unless it has this fingerprint
        #[arg(long, value_name = "FINGERPRINT")]
        expect: Option<String>,
        #[command(flatten)]
        open: OpenArgs,
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        connect: ConnectArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        place: HeldLedgerArgs,
    },
    /// Check in the directory that each reset account has its change
    ///
    /// Exits with 0 if the directory shows every change, otherwise with 1.
    #[command(after_long_help = examples::VERIFY)]
    Verify {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        #[command(flatten)]
        pace: PaceArgs,
        #[command(flatten)]
        connect: ConnectArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        place: LedgerAndReportsArgs,
        #[command(flatten)]
        pasted: PastedToVerify,
    },
    /// Write the reports again from the ledger, at any time, even after a crash
    #[command(after_long_help = examples::REPORT, mut_args(without_meaning_in_a_report))]
    Report {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        /// Print one report on stdout instead of writing the files; if stdout is a terminal, a workbook is written to
        /// the run folder
        #[arg(long, value_enum)]
        format: Option<ReportFormat>,
        /// Write it to this new file, which only you can read; the file must not exist yet; - means stdout
        #[arg(long, short, value_name = "FILE", requires = "format")]
        output: Option<PathBuf>,
        #[command(flatten)]
        open: OpenArgs,
        #[command(flatten)]
        place: LedgerAndReportsArgs,
        #[command(flatten)]
        pasted: PastedToReport,
    },
    /// Make printable handouts: a sheet of slips for each class, manager or building, with cut lines
    ///
    /// There is one slip for each account that was reset: name, user name, password, where to sign in and what happens
    /// next. Exits with 0 if every account has a slip, and with 1 if some rows failed, are in doubt, or were skipped
    /// and need attention.
    #[command(after_long_help = examples::HANDOUTS)]
    Handouts {
        /// The run folder
        #[arg(value_name = "RUN", required_unless_present = "print_template")]
        folder: Option<PathBuf>,
        #[command(flatten)]
        handouts: HandoutArgs,
        #[command(flatten)]
        open: OpenArgs,
        #[command(flatten)]
        place: LoneLedgerArgs,
    },
    /// Find out which users have not chosen a password of their own yet
    ///
    /// Asks the directory when each password was last changed, and writes the column `claimed` into the report: yes, no,
    /// or unread. `passwave reset RUN --where claimed=no` gives new passwords to those who have not. Exits with 0 if
    /// everybody who must choose a password has done so, otherwise with 1.
    #[command(after_long_help = examples::SWEEP)]
    Sweep {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        #[command(flatten)]
        sweep: SweepArgs,
        #[command(flatten)]
        connect: ConnectArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        place: LedgerAndReportsArgs,
    },
    /// Write evidence of a run for auditors: who, when, which accounts, with what result; without passwords
    ///
    /// Writes evidence.json and a page into the run folder. Each row is linked to the rows before it by a hash, so that
    /// no row can be changed, dropped or moved unseen. Exits with 0, and with 1 if a file that is checked does not hold.
    #[command(after_long_help = examples::EVIDENCE)]
    Evidence {
        #[command(flatten)]
        args: EvidenceArgs,
        #[command(flatten)]
        place: LedgerAndReportsArgs,
    },
    /// Remove the passwords from a run folder once they are handed over, and keep its report without them
    ///
    /// Removes them from the ledger, the reports and the handouts in the run folder, with everything that could confirm a
    /// guess. A run that has not ended is refused. Exits with 0, or with 1 if one of several runs was left out because it
    /// has not ended or could not be read.
    #[command(after_long_help = examples::REMOVE)]
    Remove {
        #[command(flatten)]
        args: RemoveArgs,
    },
    /// List the run folders in a folder, and say which still have passwords
    ///
    /// Searches the folders below it, too, but follows no links. It only reads. Exits with 0, or with 1 if it could not
    /// read a run.
    #[command(after_long_help = examples::RUNS)]
    Runs {
        /// The folder to search
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
        /// Print the list as one JSON object instead of a table
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
        #[command(flatten)]
        place: LoneLedgerArgs,
    },
    /// Work on the runs of a database, one after the other, until stopped
    ///
    /// Start it on as many machines as you like. A worker that dies loses its run after the lease, and another one
    /// continues it. A run that stopped so that a person looks at it is left alone until you continue it with `run`.
    #[cfg(feature = "postgres")]
    #[command(after_long_help = examples::WORK)]
    Work {
        #[command(flatten)]
        args: WorkArgs,
    },
    /// Check everything that a run needs, and print it as a page without secrets, for a bug report
    ///
    /// Looks at this machine, the settings, the folder, the proxy, the certificates, the clock, the sign-in service and
    /// Graph, and signs in if there are credentials. With --ledger, it also looks at the database. It changes nothing. Exits with 0 if nothing stops a run, otherwise
    /// with 3.
    #[command(after_long_help = examples::DOCTOR)]
    Doctor {
        /// Check this run folder, or the folder in which it would be made [default: the current folder]
        #[arg(long, value_name = "DIR")]
        run_dir: Option<PathBuf>,
        #[command(flatten)]
        connect: ConnectArgs,
        #[command(flatten)]
        events: EventArgs,
        #[command(flatten)]
        place: LedgerArgs,
    },
    /// Run the same job against the built-in simulator: no tenant, no credentials, no risk
    ///
    /// Takes all flags of `reset`, so you can rehearse a command line unchanged.
    #[command(after_long_help = examples::REHEARSE, mut_args(without_meaning_in_a_rehearsal))]
    Rehearse {
        #[command(flatten)]
        job: JobArgs,
        #[command(flatten)]
        simulator: SimulatorArgs,
    },
    /// Serve the simulator on loopback, for scripts and for tests of other tools
    ///
    /// Prints one JSON line {"url":…,"tenant_id":…,"client_id":…,"client_secret":…} when it is ready; with --tls, it also
    /// has "ca_file".
    #[command(after_long_help = examples::SIMULATE)]
    Simulate {
        /// Port on 127.0.0.1; 0 picks a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Create the accounts of this roster in the tenant
        #[arg(long, value_name = "FILE", conflicts_with = "accounts")]
        roster: Option<PathBuf>,
        /// Serve a tenant for each id or domain in this column of the roster; all have the same application
        #[arg(long, value_name = "NAME", requires = "roster")]
        tenant_column: Option<String>,
        /// Create this many accounts: user1@contoso.com, user2@contoso.com, …
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        accounts: u64,
        /// Write quota of the tenant
        #[arg(long, value_name = "N/SECONDSs", default_value_t = Quota::DOCUMENTED_WRITES)]
        write_quota: Quota,
        #[command(flatten)]
        address: AddressArgs,
        #[command(flatten)]
        app: AppArgs,
        #[command(flatten)]
        simulator: SimulatorArgs,
    },
    /// Print generated passwords on stdout, one per line
    #[command(after_long_help = examples::GENERATE)]
    Generate {
        /// How many passwords
        #[arg(long, short = 'n', default_value_t = 1, value_name = "N")]
        count: usize,
        /// Show samples of each profile in each language, with their entropy and what happens at the next sign-in;
        /// --profile and --language narrow the list
        #[arg(long, help_heading = "Passwords", conflicts_with_all = ["style", "length", "symbols", "words", "separator", "allow_weak"])]
        samples: bool,
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// Print a completion script for your shell on stdout
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the man page of passwave or of one of its commands on stdout
    ///
    /// To read a page that you saved to a file:  man ./passwave.1
    #[command(after_long_help = examples::MAN)]
    Man {
        /// The command [default: passwave itself]
        #[arg(value_name = "COMMAND")]
        verb: Option<String>,
    },
}

/// Flags of `reset` that `plan` accepts and ignores.
pub const NOT_FOR_A_PLAN: [&str; 4] = ["dry_run", "yes", "pilot", "show"];
/// Flags of `reset` that `rehearse` accepts and ignores: it does not sign in.
pub const NOT_FOR_A_REHEARSAL: [&str; 14] = [
    "ledger",
    "ledger_auth",
    "lease",
    "reports",
    "clear_ledger",
    "yes",
    "auth",
    "client_id",
    "login_hint",
    "cloud",
    "tenants",
    "graph_endpoint",
    "authority_host",
    "ca_file",
];

/// Flags of `run` that `verify` and `report` accept and ignore.
pub const NOT_FOR_VERIFYING: [&str; 3] = ["yes", "identity", "passphrase"];
pub const NOT_FOR_A_REPORT: [&str; 8] =
    ["yes", "auth", "client_id", "login_hint", "cloud", "tenants", "graph_endpoint", "authority_host"];

fn without_meaning_in_a_report(arg: Arg) -> Arg {
    hidden(arg, &NOT_FOR_A_REPORT)
}

fn without_meaning_in_a_plan(arg: Arg) -> Arg {
    hidden(arg, &NOT_FOR_A_PLAN)
}

fn without_meaning_in_a_rehearsal(arg: Arg) -> Arg {
    hidden(arg, &NOT_FOR_A_REHEARSAL)
}

fn hidden(arg: Arg, ids: &[&str]) -> Arg {
    let is_hidden = ids.contains(&arg.get_id().as_str());
    if is_hidden { arg.hide(true) } else { arg }
}

impl Verb {
    /// Whether the command writes JSON events on stdout.
    pub const fn writes_json(&self) -> bool {
        match self {
            Self::Reset { job } | Self::Plan { job } | Self::Rehearse { job, .. } => job.events.json,
            Self::Run { events, .. }
            | Self::Verify { events, .. }
            | Self::Sweep { events, .. }
            | Self::Doctor { events, .. } => events.json,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }
}
