//! Flags that several commands share.

use super::{
    NewLedgerArgs, RowsArgs,
    rows::accepted,
    values::{Auth, HiddenRowsName, LookupName, Show, StyleName, TextOrJson, cloud, duration, profile},
};
use clap::Args;
use passwave::{
    account::language::Language,
    engine::run::{Halt, Window},
    graph::{BATCH_ITEMS_MAX, cloud::Cloud, quota::Quota},
    outcome::Skip,
    password::{LENGTH_DEFAULT, Profile, SEPARATOR_DEFAULT, WORDS_DEFAULT},
    roster::text_file::Charset,
};
use std::{path::PathBuf, time::Duration};

/// Flags that shape a password. A profile sets them all, so it conflicts with each.
const FREE_FORM: [&str; 6] = ["style", "length", "symbols", "words", "separator", "allow_weak"];

/// The flags of `reset`, `plan` and `rehearse`. All three take the same ones, so a command line can be tried unchanged.
#[derive(Args)]
pub struct JobArgs {
    /// Only plan, like `passwave plan`: send nothing
    #[arg(long, aliases = ["what-if", "whatif"])]
    pub dry_run: bool,
    /// Format of a dry run's plan: text on stderr, or one JSON object on stdout
    #[arg(long, value_enum, default_value_t = TextOrJson::Text, conflicts_with = "json")]
    pub format: TextOrJson,
    /// Do not ask for confirmation; required if there is no terminal
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
    #[command(flatten)]
    pub ledger: NewLedgerArgs,
}

#[derive(Args)]
pub struct PlanArgs {
    /// CSV file in any dialect, or workbook (.xlsx), with user principal names or object ids; - means standard input.
    /// The folder of an earlier run also works: its rows are used, with the columns of its report
    pub roster: Option<PathBuf>,
    #[command(flatten)]
    pub rows: RowsArgs,
    /// Run folder to create [default: named after the roster and the time, in the current folder]
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Column with the account names, by header or number
    #[arg(long, value_name = "NAME")]
    pub upn_column: Option<String>,
    /// Column with each row's tenant, by its id or one of its domains: the run folder becomes a fleet, with an ordinary run
    /// for each tenant
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    pub tenant_column: Option<String>,
    /// Sheet of a workbook, by name or number [default: the first visible sheet]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Encoding of a CSV file, such as windows-1252, cp850 or shift_jis [default: detected, with a notice if it is a
    /// guess]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<Charset>,
    /// What to do with workbook rows hidden by a filter, an outline or by hand
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = HiddenRowsName::Refuse)]
    pub hidden_rows: HiddenRowsName,
    /// Refuse the roster if any row is wrong, instead of skipping wrong rows
    #[arg(long)]
    pub strict: bool,
    /// Do not require a new password at the next sign-in
    #[arg(long, conflicts_with = "force_change_with_mfa")]
    pub no_force_change: bool,
    /// Require multi-factor authentication before the user chooses a new password
    #[arg(long)]
    pub force_change_with_mfa: bool,
    /// Use the passwords in this column of the roster; they are checked and never printed
    #[arg(long, value_name = "NAME", help_heading = "Passwords")]
    pub password_column: Option<String>,
    /// Column with each account's profile; empty cells use --profile
    #[arg(long, value_name = "NAME", help_heading = "Passwords", conflicts_with_all = FREE_FORM)]
    #[arg(conflicts_with = "password_column")]
    pub profile_column: Option<String>,
    /// Column with each user's language (en, fr-CA, German); --language applies if there is no word list for it
    #[arg(long, value_name = "NAME", help_heading = "Passwords", conflicts_with = "password_column")]
    pub language_column: Option<String>,
    #[command(flatten)]
    pub policy: PolicyArgs,
    #[command(flatten)]
    pub rules: RulesArgs,
    #[command(flatten)]
    pub seal: SealArgs,
}

/// Empty if the program is built without sealing.
#[derive(Args)]
#[command(next_help_heading = "Sealing")]
pub struct SealArgs {
    /// Encrypt (seal) the passwords to this age recipient (age1…), so only the holder of its key can read them;
    /// repeatable
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "RECIPIENT")]
    pub seal_to: Vec<String>,
    /// Seal to every recipient in this file, one per line, as for age -R
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "FILE")]
    pub seal_to_file: Vec<PathBuf>,
    /// Seal with a passphrase, which is prompted for or read from PASSWAVE_SEAL_PASSPHRASE
    #[cfg(feature = "seal")]
    #[arg(long)]
    pub seal_passphrase: bool,
}

/// Empty if the program is built without sealing.
#[derive(Args)]
#[command(next_help_heading = "Sealing")]
pub struct OpenArgs {
    /// Read sealed passwords with this key file from age-keygen; if it is passphrase-protected, the passphrase is
    /// prompted for or read from PASSWAVE_SEAL_PASSPHRASE; repeatable
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "KEYFILE")]
    pub identity: Vec<PathBuf>,
    /// Read passwords sealed with --seal-passphrase; the passphrase is prompted for or read from
    /// PASSWAVE_SEAL_PASSPHRASE
    #[cfg(feature = "seal")]
    #[arg(long)]
    pub passphrase: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Accounts")]
pub struct RulesArgs {
    /// Look up every account before the reset: auto looks up if permitted, required refuses to run otherwise, off never
    /// looks up
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = LookupName::Auto)]
    pub lookup: LookupName,
    /// Never reset the accounts in this file: a list, or a CSV like a roster
    #[arg(long, value_name = "FILE")]
    pub exclude: Option<PathBuf>,
    /// Also reset accounts managed by on-premises AD; the next synchronization may undo it
    #[arg(long)]
    pub include_synced: bool,
    /// Reset accounts managed by on-premises AD there, one by one, through password writeback; needs the sign-in of a
    /// person
    #[arg(long, conflicts_with = "include_synced")]
    pub writeback: bool,
    /// Also reset accounts with directory roles
    #[arg(long)]
    pub include_admins: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Guard rails")]
pub struct LimitArgs {
    /// Stop before the reset if it would reset more than this many accounts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_accounts: Option<u64>,
}

#[derive(Args)]
#[command(next_help_heading = "Passwords")]
pub struct PolicyArgs {
    /// Who the passwords are for: sets words that these users can type, and whether they must change the password at
    /// the next sign-in; `passwave generate --samples` shows all profiles
    #[arg(long, value_parser = profile(), ignore_case = true, value_name = "NAME", conflicts_with_all = FREE_FORM)]
    pub profile: Option<Profile>,
    /// Language of the words: en, fr, es or de [default: en]
    #[arg(long, value_name = "LANGUAGE")]
    pub language: Option<Language>,
    /// Random characters, or words that are easy to remember
    #[arg(long, value_enum, default_value_t = StyleName::Random)]
    pub style: StyleName,
    /// Length of a random password, 8 to 256
    #[arg(long, value_name = "N", default_value_t = LENGTH_DEFAULT)]
    pub length: usize,
    /// Symbols for random passwords [default: symbols that are safe in shells and files and easy to read aloud]
    #[arg(long, value_name = "CHARACTERS", allow_hyphen_values = true)]
    pub symbols: Option<String>,
    /// Number of words in a password made of words
    #[arg(long, value_name = "N", default_value_t = WORDS_DEFAULT)]
    pub words: usize,
    /// Separator between words: one character, or empty
    #[arg(long, value_name = "CHARACTER", default_value = SEPARATOR_DEFAULT, allow_hyphen_values = true)]
    pub separator: String,
    /// File of words that must not appear in a password, one per line
    #[arg(long, value_name = "FILE")]
    pub banned_words: Option<PathBuf>,
    /// Allow passwords with less than 40 bits of entropy
    #[arg(long)]
    pub allow_weak: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Guard rails")]
pub struct RunArgs {
    /// Reset only the next N open accounts, then ask; without a terminal, leave the rest to the next `passwave run`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub pilot: Option<u64>,
    /// Start even if another unfinished run on this machine, or in the same database, has accounts in common with this one
    #[arg(long)]
    pub alongside: bool,
    /// Stop if too many accounts end with a status, such as failed=3% of all that ended, or failed=50; repeatable
    #[arg(long, value_name = "STATUS=LIMIT")]
    pub halt_on: Vec<Halt>,
    /// Send only during these hours of the local clock, such as 22:00-06:00
    #[arg(long, value_name = "FROM-TO")]
    pub window: Option<Window>,
    /// Skips that need no attention, by error_code, such as synced,admin; they do not cause exit code 1; repeatable
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = accepted)]
    pub accept: Vec<Skip>,
    /// Print the new passwords once at the end, if stdout is a terminal; --show=always also prints to a pipe or file
    #[arg(long, value_enum, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "terminal")]
    #[arg(help_heading = "Afterwards")]
    pub show: Option<Show>,
    /// After the run, check in the directory when each password changed; adds the column verified_at
    #[arg(long, help_heading = "Afterwards")]
    pub verify: bool,
    /// End all sign-in sessions of each account that is reset; adds the column sessions_revoked
    #[arg(long, help_heading = "Afterwards")]
    pub revoke_sessions: bool,
    /// Forget the run's --halt-on
    #[arg(long, conflicts_with = "halt_on", hide_short_help = true)]
    pub no_halt_on: bool,
    /// Forget the run's --accept
    #[arg(long, conflicts_with = "accept", hide_short_help = true)]
    pub no_accept: bool,
    /// Forget the run's --window
    #[arg(long, conflicts_with = "window", hide_short_help = true)]
    pub no_window: bool,
    /// Do not verify, even if the run was planned with --verify
    #[arg(long, help_heading = "Afterwards", conflicts_with = "verify", hide_short_help = true)]
    pub no_verify: bool,
    /// Stop ending sessions, even if the run was planned with --revoke-sessions
    #[arg(long, help_heading = "Afterwards", conflicts_with = "revoke_sessions", hide_short_help = true)]
    pub no_revoke_sessions: bool,
    #[command(flatten)]
    pub pace: PaceArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// Write quota of the application in the tenant, in Microsoft's notation
    #[arg(long, value_name = "N/SECONDSs", default_value_t = Quota::DOCUMENTED_WRITES)]
    pub write_quota: Quota,
    /// Maximum number of batches in flight [default: 64; 16 for writes at the documented quota]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub concurrency: Option<u64>,
    /// Accounts per batch
    #[arg(long, value_name = "N", default_value_t = BATCH_ITEMS_MAX as u64, value_parser = clap::value_parser!(u64).range(1..=BATCH_ITEMS_MAX as u64))]
    pub batch_size: u64,
    /// How long to wait while the network or Graph is unavailable, or when Graph asks for a pause, such as 90s or 15m
    /// [default: 15m, or 1h if Graph asks]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_wait: Option<Duration>,
}

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// How to sign in; auto takes the first that the environment offers: AZURE_CLIENT_SECRET,
    /// AZURE_CLIENT_CERTIFICATE_PATH or _THUMBPRINT, AZURE_FEDERATED_TOKEN_FILE, the identity of a GitHub or Azure Pipelines job,
    /// IDENTITY_ENDPOINT, or the Azure CLI (only if AZURE_CLIENT_ID is not set)
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Auth::Auto)]
    pub auth: Auth,
    /// Public client for --auth browser and device-code [default: Microsoft Graph Command Line Tools]
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The account that --auth browser suggests, instead of letting you choose one
    #[arg(long, value_name = "UPN")]
    pub login_hint: Option<String>,
    /// National cloud of the tenant [default: the run's cloud, or global]
    #[arg(long, value_parser = cloud(), ignore_case = true)]
    pub cloud: Option<Cloud>,
    /// TOML file that says for which tenants another application signs in, and which variables hold its secret or
    /// certificate
    #[arg(long, value_name = "FILE")]
    pub tenants: Option<PathBuf>,
    /// Graph's root URL, instead of the cloud's (plain http only to loopback)
    #[arg(long, value_name = "URL")]
    pub graph_endpoint: Option<String>,
    /// URL of the sign-in service, instead of the cloud's; AZURE_AUTHORITY_HOST sets it as well
    #[arg(long, value_name = "URL")]
    pub authority_host: Option<String>,
    /// Extra certificates (PEM) to trust, for networks whose proxy inspects TLS, or a database with its own authority
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Flags of `run` that `verify` accepts and ignores, so that a pasted command line works.
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

/// Flags of `run` that `report` accepts and ignores: it does not sign in.
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
    /// JSON file of faults to inject; `passwave man simulate` lists its fields
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Seed for everything random in the simulator
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

#[derive(Args)]
#[command(next_help_heading = "Address")]
pub struct AddressArgs {
    /// Serve HTTPS with a certificate made for this process, for localhost, 127.0.0.1 and ::1. The file of the authority
    /// that clients have to trust is in the line that is printed, as "ca_file"
    #[arg(long)]
    pub tls: bool,
    /// Serve HTTPS with this certificate (PEM), followed by those that vouch for it
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Address under which clients reach the simulator, if a proxy stands before it and says neither X-Forwarded-Proto
    /// nor X-Forwarded-Host; links in answers begin with it
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "Application")]
pub struct AppArgs {
    /// Let the application sign in with this certificate (PEM), too; repeat it for more
    #[arg(long, value_name = "FILE")]
    pub app_certificate: Vec<PathBuf>,
    /// Let the application sign in with tokens that this issuer gives this subject (workload identity); their signatures
    /// are not verified. Repeat it for more
    #[arg(long, value_name = "ISSUER,SUBJECT", value_parser = federation)]
    pub federated_credential: Vec<(String, String)>,
}

/// An issuer and a subject.
fn federation(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once(',').filter(|(issuer, subject)| !issuer.is_empty() && !subject.is_empty());
    let (issuer, subject) = parts.ok_or("it must be the issuer's address, a comma, and the subject")?;
    Ok((issuer.to_owned(), subject.to_owned()))
}

/// An address without a path.
fn public_url(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    };
    if host.is_some_and(is_host) {
        return Ok(text.to_owned());
    }
    Err("it must be http:// or https:// with a host and perhaps a port, and no path".to_owned())
}

#[derive(Args)]
#[command(next_help_heading = "For programs")]
pub struct EventArgs {
    /// Write events to stdout for programs, one JSON object per line; text stays on stderr
    #[arg(long)]
    pub json: bool,
}
