//! Everything that a command can report.
//!
//! Invariant: an event carries data, and each listener finds its own words for it. No event contains a password.

use crate::cli::failure::Failure;
use passwave::{
    engine::{
        reader::ReadEvent,
        run::{RunEnd, RunEvent},
        sign_ins::SignIns,
    },
    fleet::FleetSummary,
    graph::{client::auth::Prompt, quota::Quota},
    ledger::{ClaimCounts, Counts, Created, KindCount, ReadLedger, RowStatus},
    password::Form,
    plan::wanted::Wanted,
    report::Summary,
};
use std::{path::Path, time::Duration};

/// What happens.
pub enum Event<'a> {
    /// The program starts; the command's name is unknown if its arguments were not understood.
    Started { command: Option<&'a str> },
    /// Something that only `-v` shows.
    Detail(&'a str),
    /// Something that the user may want to know.
    Notice(&'a str),
    /// Something that is shown even under `--quiet`.
    Required(&'a str),
    /// Something that is likely to be a mistake, and what to do about it, if that is known.
    Warning { text: &'a str, hint: Option<&'a str> },
    /// What `doctor` has found.
    Finding(&'a Finding),
    /// Something went wrong, but the command continues.
    Problem(&'a Failure),
    /// An error that ends the command.
    Failed(&'a Failure),
    /// The arguments are wrong: clap's message, and the same as a failure.
    Misread { said: &'a clap::Error, failure: &'a Failure },
    /// A run folder was made.
    Created(&'a Created),
    /// The state of the run in this ledger.
    Standing(&'a ReadLedger),
    /// The plan is complete.
    Planned(&'a Planned<'a>),
    /// The user has to sign in.
    SignInPrompt(&'a Prompt),
    /// The sign-in succeeded.
    SignedIn(&'a SignedIn),
    /// Passwords are about to be written. In a rehearsal, time is virtual.
    WritingBegins { ledger: &'a ReadLedger, quota: Quota },
    /// An event of the engine.
    Run(&'a RunEvent),
    /// Accounts are about to be read.
    ReadingBegins(ReadTask),
    /// This many of them.
    ReadingTotal(u64),
    /// An event of the reader; `done` of `total` accounts are read.
    Read { event: &'a ReadEvent, task: ReadTask, done: u64, total: u64 },
    /// The directory does not show this many changes yet, and is asked again.
    NotYetVisible { changes: u64, wait: Duration },
    /// What a sweep has found.
    Swept { claims: &'a ClaimCounts, since: Option<Since>, sign_ins: Option<SignIns> },
    /// Writing or reading has ended, and its bar goes away.
    ProgressEnds,
    /// The state of one row.
    Account(&'a RowStatus),
    /// How the engine ended.
    RunEnded(&'a RunEnd),
    /// How the command ends, if the engine does not say that.
    Ends(End),
    /// The result of a pilot, before the question about the other accounts.
    PilotResult { ledger: &'a ReadLedger, summary: &'a Summary },
    /// What has been done.
    Result(&'a RunResult<'a>),
    /// The state of a run, for a pipeline's page; `go_on` is the command that continues.
    Summary { ledger: &'a ReadLedger, summary: &'a Summary, stage: Stage, go_on: &'a str },
    /// The command that continues, inside a text for users.
    NextStep { words: &'a str, command: &'a str },
    /// What a run over several tenants will do.
    FleetPlanned(&'a FleetPlan<'a>),
    /// Passwords are about to be written, or accounts to be read, in several tenants.
    FleetBegins(&'a FleetWork),
    /// The work on several tenants has ended, and the bar goes away.
    FleetEnds,
    /// What has been done in several tenants.
    FleetResult(&'a FleetResult<'a>),
    /// The last event.
    Finished { exit_code: u8 },
}

/// What has changed since the sweep before.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// When that one ended, in milliseconds since 1970.
    pub at: i64,
    /// How many more users have chosen a password.
    pub claimed: u64,
}

/// Why accounts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTask {
    LookUp,
    Verify,
    Sweep,
}

impl ReadTask {
    /// What was done to an account once it is read.
    pub const fn done(self) -> &'static str {
        match self {
            Self::LookUp => "looked up",
            Self::Verify => "verified",
            Self::Sweep => "asked about",
        }
    }
}

/// How a command ends without an error, other than a run that the engine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It only planned.
    Planned,
    /// The user did not agree.
    Declined,
    Interrupted,
    Verified,
    Swept,
    /// It was interrupted twice.
    ExitedAtOnce,
}

/// How far a run has come when a pipeline gets its summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is planned, and nothing was sent.
    Planned,
    /// A process has done what it could.
    Ended,
}

/// Who has signed in, and where.
pub struct SignedIn {
    /// Empty if it is not known.
    pub tenant: String,
    /// Empty if it is not known.
    pub client_id: String,
    /// The user, if one signed in.
    pub person: Option<String>,
    pub host: String,
}

/// A complete plan.
pub struct Planned<'a> {
    pub ledger: &'a ReadLedger,
    pub quota: Quota,
    /// How many writes it has left now; less than none while everything is on hold.
    pub left: f64,
    pub wanted: &'a Wanted,
    pub fingerprint: String,
    pub is_looked_up: bool,
    /// `None` if an earlier process has reported the accounts.
    pub accounts: Option<Accounts>,
    /// Accounts that are still to be reset in the on-premises directory.
    pub on_premises: u64,
}

/// What is known about the accounts of a plan.
pub struct Accounts {
    /// How many there are of each kind, and the first few names.
    pub kinds: Vec<KindCount>,
    /// How many have another name now, and the first few of them: old and new.
    pub renamed: (u64, Vec<(String, String)>),
    /// How many passwords there are of each form.
    pub forms: Vec<(Form, u64)>,
    pub entropy_bits: f64,
}

/// A complete plan for several tenants.
pub struct FleetPlan<'a> {
    pub folder: &'a Path,
    pub roster: &'a str,
    pub rows: u64,
    pub accounts: u64,
    /// How many are skipped.
    pub skipped: u64,
    /// Each tenant: its name, its id if that is another, its accounts, and whether something is wrong with it.
    pub tenants: Vec<(String, Option<String>, u64, bool)>,
    pub fingerprint: &'a str,
    pub quota: Quota,
    pub least: Duration,
    pub is_rehearsal: bool,
}

/// Work on several tenants that begins.
pub struct FleetWork {
    /// Why accounts are read; `None` if passwords are written.
    pub task: Option<ReadTask>,
    /// Each tenant, and its rows in each state.
    pub tenants: Vec<(String, Counts)>,
    pub is_rehearsal: bool,
}

/// What has been done in several tenants.
pub struct FleetResult<'a> {
    pub folder: &'a Path,
    pub summary: &'a FleetSummary,
}

/// What has been done.
pub struct RunResult<'a> {
    pub ledger: &'a ReadLedger,
    pub summary: &'a Summary,
    pub wanted: &'a Wanted,
    /// `None` if the run is not sealed.
    pub sealed: Option<SealedReport>,
    /// Whether the reports were written.
    pub has_reports: bool,
}

/// How to read a sealed report.
pub struct SealedReport {
    /// The command that decrypts it.
    pub read_with: String,
    /// The command that adds passwords which an earlier process sealed.
    pub add_with: String,
}

/// One finding of `doctor`. It contains no secret.
pub struct Finding {
    /// What was looked at, in a word or two.
    pub check: &'static str,
    pub severity: Severity,
    /// What was found, on one line.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a finding means for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Fine,
    /// It may stop a run, or is not as it should be.
    Warning,
    /// It stops a run.
    Problem,
    /// It was not looked at, because of another finding.
    Skipped,
}

impl Severity {
    /// Its word on the page and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
            Self::Skipped => "skipped",
        }
    }
}
