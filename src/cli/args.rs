//! Flags that verbs share.

use super::{
    RowsArgs,
    rows::accepted,
    values::{Auth, HiddenRowsName, LookupName, PlanFormat, Show, StyleName, cloud, duration, profile},
};
use clap::Args;
use passwave::{
    cloud::Cloud,
    graph::BATCH_ITEMS_MAX,
    language::Language,
    outcome::Skip,
    password::{LENGTH_DEFAULT, Profile, SEPARATOR_DEFAULT, WORDS_DEFAULT},
    quota::Quota,
    run::{Halt, Window},
    text_file::Charset,
};
use std::{path::PathBuf, time::Duration};

/// Flags that say how a password looks, which a profile says too.
const FREE_FORM: [&str; 6] = ["style", "length", "symbols", "words", "separator", "allow_weak"];

/// What `reset`, `plan` and `rehearse` take: the flags of one are those of the others, so that a line can be tried as it is.
#[derive(Args)]
pub struct JobArgs {
    /// Only plan, as `passwave plan` does: nothing is sent
    #[arg(long, aliases = ["what-if", "whatif"])]
    pub dry_run: bool,
    /// How to tell the plan of a dry run: words on stderr, or one JSON object on stdout
    #[arg(long, value_enum, default_value_t = PlanFormat::Text, conflicts_with = "json")]
    pub format: PlanFormat,
    /// Ask nothing; required where there is no terminal
    #[arg(long, short = 'y')]
    pub yes: bool,
    #[command(flatten)]
    pub plan: PlanArgs,
    #[command(flatten)]
    pub limit: LimitArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
    #[command(flatten)]
    pub events: EventArgs,
}

#[derive(Args)]
pub struct PlanArgs {
    /// CSV of user principal names or object ids, in any dialect, or a workbook (.xlsx); - is standard input; or the folder
    /// of an earlier run, whose rows are taken, with the columns of its report
    pub roster: Option<PathBuf>,
    #[command(flatten)]
    pub rows: RowsArgs,
    /// The run folder to make [default: named after the roster and the time, in the current folder]
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// The column that names the account, by its header or its number
    #[arg(long, value_name = "NAME")]
    pub upn_column: Option<String>,
    /// The sheet of a workbook, by its name or its number [default: the first that is not hidden]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// The encoding of a CSV file, such as windows-1252, cp850 or shift_jis [default: found out, and told if it is a guess]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<Charset>,
    /// What becomes of rows that a filter, an outline or a hand has hidden in a workbook
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = HiddenRowsName::Refuse)]
    pub hidden_rows: HiddenRowsName,
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
    /// The column that names each account's profile; where a cell is empty, --profile does
    #[arg(long, value_name = "NAME", help_heading = "Passwords", conflicts_with_all = FREE_FORM)]
    #[arg(conflicts_with = "password_column")]
    pub profile_column: Option<String>,
    /// The column that names each person's language (en, fr-CA, German); where there are no words of it, --language does
    #[arg(long, value_name = "NAME", help_heading = "Passwords", conflicts_with = "password_column")]
    pub language_column: Option<String>,
    #[command(flatten)]
    pub policy: PolicyArgs,
    #[command(flatten)]
    pub rules: RulesArgs,
    #[command(flatten)]
    pub seal: SealArgs,
}

/// Nothing in a program that is built without sealing.
#[derive(Args)]
#[command(next_help_heading = "Sealing")]
pub struct SealArgs {
    /// Seal the passwords to this recipient of age (age1…), so that only its key reads them; repeatable
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "RECIPIENT")]
    pub seal_to: Vec<String>,
    /// The same for all recipients in this file, one a line, as age -R takes it
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "FILE")]
    pub seal_to_file: Vec<PathBuf>,
    /// Seal them to a passphrase, which is asked for, or taken from PASSWAVE_SEAL_PASSPHRASE
    #[cfg(feature = "seal")]
    #[arg(long)]
    pub seal_passphrase: bool,
}

/// Nothing in a program that is built without sealing.
#[derive(Args)]
#[command(next_help_heading = "Sealing")]
pub struct OpenArgs {
    /// Read sealed passwords with this key, as age-keygen writes it; a passphrase on it is asked for, or taken from
    /// PASSWAVE_SEAL_PASSPHRASE; repeatable
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "KEYFILE")]
    pub identity: Vec<PathBuf>,
    /// Read them with the passphrase of --seal-passphrase, which is asked for, or taken from PASSWAVE_SEAL_PASSPHRASE
    #[cfg(feature = "seal")]
    #[arg(long)]
    pub passphrase: bool,
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
    /// For whom the passwords are: words that they can type, and whether they are to be changed at the next sign-in;
    /// `passwave generate --samples` shows them all
    #[arg(long, value_parser = profile(), ignore_case = true, value_name = "NAME", conflicts_with_all = FREE_FORM)]
    pub profile: Option<Profile>,
    /// The language of the words: en, fr, es or de [default: en]
    #[arg(long, value_name = "LANGUAGE")]
    pub language: Option<Language>,
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
    /// Only the next N accounts that have not ended yet; then ask, or leave the others to the next `passwave run`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub pilot: Option<u64>,
    /// Begin although another run of yours on this machine has not ended and has accounts in common with this one
    #[arg(long)]
    pub alongside: bool,
    /// Stop if too many accounts end so, such as failed=3% of those that ended, or failed=50; repeatable
    #[arg(long, value_name = "STATUS=LIMIT")]
    pub halt_on: Vec<Halt>,
    /// Send only within these hours of this machine's clock, such as 22:00-06:00
    #[arg(long, value_name = "FROM-TO")]
    pub window: Option<Window>,
    /// Skips that are known and need no attention, by their error_code, such as synced,admin: they do not make the exit code
    /// 1; repeatable
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = accepted)]
    pub accept: Vec<Skip>,
    /// Show the new passwords on standard output once, at the end, if that is a terminal; --show=always also in a pipe or file
    #[arg(long, value_enum, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "terminal")]
    #[arg(help_heading = "Afterwards")]
    pub show: Option<Show>,
    /// Read back afterwards when each password was changed; adds the column verified_at
    #[arg(long, help_heading = "Afterwards")]
    pub verify: bool,
    /// End all sign-in sessions of each account that is reset; adds the column sessions_revoked
    #[arg(long, help_heading = "Afterwards")]
    pub revoke_sessions: bool,
    /// Drop the --halt-on that the run remembers
    #[arg(long, conflicts_with = "halt_on", hide_short_help = true)]
    pub no_halt_on: bool,
    /// Drop the --accept that the run remembers
    #[arg(long, conflicts_with = "accept", hide_short_help = true)]
    pub no_accept: bool,
    /// Drop the --window that the run remembers
    #[arg(long, conflicts_with = "window", hide_short_help = true)]
    pub no_window: bool,
    /// Do not verify, although the run remembers --verify
    #[arg(long, help_heading = "Afterwards", conflicts_with = "verify", hide_short_help = true)]
    pub no_verify: bool,
    /// Leave sessions alone from now on, although the run remembers --revoke-sessions
    #[arg(long, help_heading = "Afterwards", conflicts_with = "revoke_sessions", hide_short_help = true)]
    pub no_revoke_sessions: bool,
    #[command(flatten)]
    pub pace: PaceArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// Write quota of the application in the tenant, as Microsoft documents it
    #[arg(long, value_name = "N/SECONDSs", default_value_t = Quota::DOCUMENTED_WRITES)]
    pub write_quota: Quota,
    /// Batches in flight at most [default: 16 that write, 64 that read]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub concurrency: Option<u64>,
    /// Accounts in a batch
    #[arg(long, value_name = "N", default_value_t = BATCH_ITEMS_MAX as u64, value_parser = clap::value_parser!(u64).range(1..=BATCH_ITEMS_MAX as u64))]
    pub batch_size: u64,
    /// How long to wait for a network or service that is away, and where Graph asks for a wait, such as 90s or 15m
    /// [default: 15m, and 1h where Graph asks]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_wait: Option<Duration>,
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
    /// The national cloud that the tenant is in [default: the run's own, or global]
    #[arg(long, value_parser = cloud(), ignore_case = true)]
    pub cloud: Option<Cloud>,
    /// Graph's root, instead of the cloud's (plain http to loopback only)
    #[arg(long, value_name = "URL")]
    pub graph_endpoint: Option<String>,
    /// The sign-in service, instead of the cloud's; AZURE_AUTHORITY_HOST says it as well
    #[arg(long, value_name = "URL")]
    pub authority_host: Option<String>,
    /// Certificates (PEM) to trust besides the system's, for companies whose proxy opens TLS
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Flags of `run` that are pasted along to `verify`, where they mean nothing.
#[derive(Args)]
pub struct PastedToVerify {
    #[arg(long, short = 'y', hide = true)]
    yes: bool,
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "KEYFILE", hide = true)]
    identity: Vec<PathBuf>,
    #[cfg(feature = "seal")]
    #[arg(long, hide = true)]
    passphrase: bool,
}

/// The same for `report`, which signs in nowhere.
#[derive(Args)]
pub struct PastedToReport {
    #[arg(long, short = 'y', hide = true)]
    yes: bool,
    #[command(flatten)]
    connect: ConnectArgs,
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

#[derive(Args)]
#[command(next_help_heading = "For programs")]
pub struct EventArgs {
    /// Tell what happens on stdout, one JSON object a line, for programs; words stay on stderr
    #[arg(long)]
    pub json: bool,
}
