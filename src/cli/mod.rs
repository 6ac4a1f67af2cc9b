//! The command line: what can be said. The help text is the manual.

mod args;
mod call;
mod examples;
mod handouts;
mod rows;
mod settings;
mod values;

pub use args::{
    ConnectArgs, EventArgs, JobArgs, LimitArgs, OpenArgs, PaceArgs, PastedToReport, PastedToVerify, PlanArgs,
    PolicyArgs, RulesArgs, RunArgs, SealArgs, SimulatorArgs,
};
pub use call::{Call, CallFlag, call, remember};
pub use handouts::HandoutArgs;
pub use rows::RowsArgs;
pub use settings::{Said, Unread, read};
pub use values::{Auth, HiddenRowsName, LookupName, PlanFormat, ReportFormat, Show, StyleName};

use clap::{Arg, Parser, Subcommand};
use clap_complete::Shell;
use passwave::quota::Quota;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes:
  0    every account has its password (duplicate and excluded rows aside)
  1    finished, but some rows failed, are in doubt, or were skipped and need attention (see --accept)
  2    bad usage, roster or configuration; nothing was sent
  3    could not begin or go on (sign-in, permission, network); `passwave run` goes on later
  130  interrupted; `passwave run` goes on later

Sign-in reads AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; --auth names the other ways.
The application needs the permission User-PasswordProfile.ReadWrite.All with admin consent.

Every flag can stand elsewhere, too: --max-accounts as PASSWAVE_MAX_ACCOUNTS (several values with \
commas between them, a switch as true or false), or as `max-accounts = 30000` in passwave/config.toml \
of your configuration folder, there also for one command alone, below [reset]. The command line beats \
the variable, and the variable the file. No secret belongs in the file, and no answer: --yes is refused there.

Try it without a tenant:  passwave rehearse roster.csv";

/// What every command takes is listed last.
const EVERYWHERE: usize = 900;

/// Reset passwords in bulk in Microsoft Entra ID: nothing lost whatever dies.
#[derive(Parser)]
#[command(name = "passwave", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// Tell more on stderr: -v what met with trouble, -vv every exchange, -vvv every request
    #[arg(short, long, global = true, display_order = EVERYWHERE, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Tell only what goes wrong, and ask what has to be asked
    #[arg(short, long, global = true, display_order = EVERYWHERE, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Take flags that never change from this file [default: passwave/config.toml in your configuration folder]
    #[arg(long, global = true, display_order = EVERYWHERE, value_name = "FILE", hide_short_help = true)]
    pub config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, global = true, display_order = EVERYWHERE, conflicts_with = "config", hide_short_help = true)]
    pub no_config: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Plan, ask, run and report: the main job
    #[command(after_long_help = examples::RESET)]
    Reset {
        #[command(flatten)]
        job: JobArgs,
    },
    /// Everything but the change: read, check, generate, look up, estimate, and write the run folder
    ///
    /// It takes all flags of `reset`. What they ask of the run (--verify, --halt-on, …) is remembered in the plan.
    #[command(after_long_help = examples::PLAN, mut_args(without_meaning_in_a_plan))]
    Plan {
        #[command(flatten)]
        job: JobArgs,
    },
    /// Start or go on with a planned run; safe to call again and again
    #[command(visible_alias = "resume", after_long_help = examples::RUN)]
    Run {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        /// Only tell what would be done: nothing is sent, and nobody signs in
        #[arg(long, aliases = ["what-if", "whatif"])]
        dry_run: bool,
        /// Ask nothing; required where there is no terminal, unless the run has begun already
        #[arg(long, short = 'y')]
        yes: bool,
        /// Refuse any plan but the one with this fingerprint
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
    },
    /// Read back what the directory says of each account that was reset
    ///
    /// Ends with 0 where the directory shows every change, and with 1 where it does not.
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
        pasted: PastedToVerify,
    },
    /// Write the reports again from the ledger, at any time, also after a crash
    #[command(after_long_help = examples::REPORT, mut_args(without_meaning_in_a_report))]
    Report {
        /// The run folder
        #[arg(value_name = "RUN")]
        folder: PathBuf,
        /// Print one report on stdout instead of writing the files; a workbook goes into the run folder where stdout is a
        /// terminal
        #[arg(long, value_enum)]
        format: Option<ReportFormat>,
        /// Write it to this file, which must not exist yet, and nobody else may read; - is stdout
        #[arg(long, short, value_name = "FILE", requires = "format")]
        output: Option<PathBuf>,
        #[command(flatten)]
        open: OpenArgs,
        #[command(flatten)]
        pasted: PastedToReport,
    },
    /// Printable slips for the people: a page for each class, manager or building, with cut lines
    ///
    /// One for each account that was reset: name, user name, password, where to sign in and what happens next. Ends with 0
    /// where everybody has one, and with 1 where some rows failed, are in doubt, or were skipped and need attention.
    #[command(after_long_help = examples::HANDOUTS)]
    Handouts {
        /// The run folder
        #[arg(value_name = "RUN", required_unless_present = "print_template")]
        folder: Option<PathBuf>,
        #[command(flatten)]
        handouts: HandoutArgs,
        #[command(flatten)]
        open: OpenArgs,
    },
    /// The same job against the embedded simulator: no tenant, no credentials, no risk
    ///
    /// It takes all flags of `reset`, so that a line can be rehearsed as it is.
    #[command(after_long_help = examples::REHEARSE, mut_args(without_meaning_in_a_rehearsal))]
    Rehearse {
        #[command(flatten)]
        job: JobArgs,
        #[command(flatten)]
        simulator: SimulatorArgs,
    },
    /// Serve the simulator over loopback HTTP, for scripts and for other tools' tests
    ///
    /// Prints one JSON line {"url":…,"tenant_id":…,"client_id":…,"client_secret":…} when it listens.
    #[command(after_long_help = examples::SIMULATE)]
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
    #[command(after_long_help = examples::GENERATE)]
    Generate {
        /// How many
        #[arg(long, short = 'n', default_value_t = 1, value_name = "N")]
        count: usize,
        /// Show some of each profile instead, in each language, with their entropy and what happens at the next sign-in;
        /// with --profile or --language only those
        #[arg(long, help_heading = "Passwords", conflicts_with_all = ["style", "length", "symbols", "words", "separator", "allow_weak"])]
        samples: bool,
        #[command(flatten)]
        policy: PolicyArgs,
    },
    /// What a shell needs to complete passwave's commands, on stdout
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// The manual page of passwave, or of one of its commands, on stdout
    ///
    /// To read one that was put into a file:  man ./passwave.1
    #[command(after_long_help = examples::MAN)]
    Man {
        /// The command; passwave itself where none is given
        #[arg(value_name = "COMMAND")]
        verb: Option<String>,
    },
}

/// Flags of `reset` that mean nothing to `plan`, and are taken all the same.
pub const NOT_FOR_A_PLAN: [&str; 4] = ["dry_run", "yes", "pilot", "show"];
/// The same for `rehearse`, which signs in nowhere.
pub const NOT_FOR_A_REHEARSAL: [&str; 7] =
    ["yes", "auth", "client_id", "cloud", "graph_endpoint", "authority_host", "ca_file"];

/// The same for `verify` and `report`, of flags of `run`.
pub const NOT_FOR_VERIFYING: [&str; 3] = ["yes", "identity", "passphrase"];
pub const NOT_FOR_A_REPORT: [&str; 7] =
    ["yes", "auth", "client_id", "cloud", "graph_endpoint", "authority_host", "ca_file"];

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
    /// Whether what happens is told to programs, too.
    pub const fn tells_events(&self) -> bool {
        match self {
            Self::Reset { job } | Self::Plan { job } | Self::Rehearse { job, .. } => job.events.json,
            Self::Run { events, .. } | Self::Verify { events, .. } => events.json,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
