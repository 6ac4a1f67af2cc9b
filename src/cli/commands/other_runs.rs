//! Overlapping runs: before a run starts, other unfinished runs with the same accounts are reported: those on this machine,
//! or those in the same database.
//!
//! The run also takes up what the others have spent of the same quota.
//!
//! A register that cannot be read or written stops no run; `-v` reports it.

use super::connect::SignInInfo;
use crate::cli::{args::RunArgs, console::Reporter, context::Context, failure::Failure};
use passwave::{
    engine::pace,
    graph::quota::Quota,
    ledger::{
        KeptPace, Ledger, OnHold, ReadLedger, SignedInAs, StoredOverlap,
        register::{Each, Overlap, Register, Run},
        spent::SpentQuotas,
    },
    util::{clock::Clock, format::counted, sanitize},
};
use std::{env, ffi::OsStr, io, path::PathBuf};

/// Overrides the folder for the program's state.
const OVERRIDE: &str = "PASSWAVE_STATE_DIR";
/// The name of the program's folder inside the platform's, and of the register in it.
const PROGRAM: &str = "passwave";
const REGISTER: &str = "runs";
/// The same of the spent quotas.
const SPENT: &str = "spent";
/// What a failure is about if the run overlaps with others, in a word for programs.
pub const OVERLAP: &str = "overlap";

/// A run and the register of this machine.
pub struct Guard<'a> {
    context: &'a Context,
    register: Option<Register>,
    spent: Option<SpentQuotas>,
    run: Run,
    /// Who spends the quota.
    signed_in: SignedInAs,
    alongside: bool,
}

impl<'a> Guard<'a> {
    /// A guard for the run in `ledger`, after the sign-in.
    pub fn new(
        context: &'a Context,
        ledger: &ReadLedger,
        signed_in: &SignInInfo,
        args: &RunArgs,
    ) -> Result<Self, Failure> {
        let id = ledger.run_id()?.unwrap_or_default();
        let folder = std::path::absolute(ledger.folder()).unwrap_or_else(|_| ledger.folder().to_owned());
        let begun_at = format!("{:.0}", jiff::Timestamp::now());
        let run = Run { id, folder, directory: signed_in.directory(), begun_at };
        // Runs of a database have no folder that others could look for.
        let folder_of_state = state_folder().filter(|_| !ledger.is_on_server());
        let register = folder_of_state.map(|folder| Register::at(folder.join(REGISTER)));
        let spent = state_folder().map(|folder| SpentQuotas::at(folder.join(SPENT)));
        if register.is_none() && !ledger.is_on_server() {
            context.reporter.detail(1, || {
                "register of runs: there is no folder for it, because neither HOME nor PASSWAVE_STATE_DIR is set".into()
            });
        }
        let signed_in = signed_in.identity();
        Ok(Self { context, register, spent, run, signed_in, alongside: args.alongside })
    }

    /// Refuses to continue if the run overlaps with others, unless the user wants both.
    pub fn check(&self, ledger: &ReadLedger) -> Result<(), Failure> {
        let overlaps = match &self.register {
            None => of_server(ledger.overlaps_on_server(&self.run.directory)?),
            Some(register) => {
                let found = register.overlaps(&self.run, &mut accounts(ledger), &is_over);
                of_folders(or_logged(&self.context.reporter, found).unwrap_or_default())
            }
        };
        if self.alongside {
            overlaps
                .iter()
                .for_each(|overlap| self.context.reporter.notice(format!("--alongside: {}.", shown(overlap))));
            return Ok(());
        }
        refused(self.context, ledger, &overlaps)
    }

    /// Notes that the run starts. If two start at the same time, only one gets past this.
    pub fn begin(&self, ledger: &ReadLedger) -> Result<(), Failure> {
        let overlaps = match &self.register {
            None => of_server(ledger.begin_on_server(&self.run.directory, self.alongside)?),
            Some(register) => {
                let begun = register.begin(&self.run, &mut accounts(ledger), &is_over, self.alongside);
                of_folders(or_logged(&self.context.reporter, begun).unwrap_or_default())
            }
        };
        refused(self.context, ledger, &overlaps)
    }

    /// What other runs of this machine left of the quota of the same tenant and application: those that have ended, and
    /// those that have not.
    pub fn left_by_others(&self) -> Vec<KeptPace> {
        let now = Clock::start().millis();
        let others = self.register.as_ref().and_then(|register| register.others(&self.run).ok()).unwrap_or_default();
        let left =
            |other: &Run| Ledger::open_to_read(&other.folder).ok()?.pace_for_another(&self.signed_in, now).ok()?;
        let unfinished = others.iter().filter_map(left);
        let ended = self.spent.as_ref().zip(self.application());
        let ended = ended.and_then(|(spent, (tenant, id))| spent.left_by(&tenant, &id, now));
        unfinished.chain(ended).collect()
    }

    /// The tenant and the application whose quota the run spends.
    fn application(&self) -> Option<(String, String)> {
        self.signed_in.tenant_id.clone().zip(self.signed_in.client_id.clone())
    }

    /// Notes what this process leaves of the quota.
    fn note_spent(&self, ledger: &ReadLedger) -> io::Result<()> {
        let now = Clock::start().millis();
        let kept = ledger.kept_pace(OnHold::Writes, now).map_err(io::Error::other)?;
        let Some(((spent, (tenant, id)), kept)) = self.spent.as_ref().zip(self.application()).zip(kept) else {
            return Ok(());
        };
        spent.note(&tenant, &id, &KeptPace { at: now, ..kept })
    }

    /// Notes how this process leaves the run: ended, or with accounts still to be written.
    pub fn leave(&self, ledger: &ReadLedger) {
        let Some(register) = &self.register else { return };
        let noted = match ledger.counts().pending() {
            0 => register.end(&self.run.id),
            _ => register.pause(&self.run, &mut accounts(ledger)),
        };
        or_logged(&self.context.reporter, noted);
        or_logged(&self.context.reporter, self.note_spent(ledger));
    }
}

/// How many writes of `quota` are left for the run in `ledger` after what it and the `others` have spent.
pub fn writes_left(ledger: &ReadLedger, quota: Quota, others: &[KeptPace]) -> Result<f64, Failure> {
    let own = ledger.kept_pace(OnHold::Writes, Clock::start().millis())?;
    Ok(pace::writes_left(quota, own.iter().chain(others)))
}

/// The names of all accounts that are still to be written, for the register.
fn accounts(ledger: &ReadLedger) -> impl FnMut(Each<'_>) -> io::Result<()> {
    |each| ledger.for_each_pending(each).map_err(io::Error::other)
}

/// Whether the run has ended after all: on another machine, or in a process that could not note it here.
fn is_over(run: &Run) -> bool {
    Ledger::open_to_read(&run.folder).is_ok_and(|ledger| {
        let id = ledger.run_id().ok().flatten();
        ledger.counts().pending() == 0 || id.is_some_and(|id| id != run.id)
    })
}

/// The result of a register operation; an error stops no run.
fn or_logged<T>(reporter: &Reporter, result: io::Result<T>) -> Option<T> {
    result.inspect_err(|error| reporter.detail(1, || format!("register of runs: {error}"))).ok()
}

fn refused(context: &Context, ledger: &ReadLedger, overlaps: &[Other]) -> Result<(), Failure> {
    let Some(first) = overlaps.first() else { return Ok(()) };
    let others: Vec<String> = overlaps.iter().map(shown).collect();
    let (other, both) = (context.step("run", &first.operand), context.run_again(ledger).switch("alongside"));
    let failure = Failure::usage(format!("{}; nothing was sent", others.join("; ")))
        .hint("continue that run first; if both write, only the password that is written last counts")
        .about(OVERLAP);
    Err(failure.then(format!("Continue that run:  {other}\nRun both anyway:    {both}"), other.to_string()))
}

fn shown(overlap: &Other) -> String {
    format!(
        "the run {}, started {}, has not ended, and both runs would reset {}",
        overlap.place,
        sanitize::line(&overlap.begun_at),
        counted(overlap.accounts, "account", "accounts")
    )
}

/// Another run with accounts in common.
struct Other {
    /// What a command calls it.
    operand: PathBuf,
    /// Where it is.
    place: String,
    begun_at: String,
    accounts: u64,
}

fn of_folders(overlaps: Vec<Overlap>) -> Vec<Other> {
    let other = |Overlap { run, accounts }: Overlap| Other {
        place: format!("in {}", sanitize::line(&run.folder.display().to_string())),
        operand: run.folder,
        begun_at: run.begun_at,
        accounts,
    };
    overlaps.into_iter().map(other).collect()
}

fn of_server(overlaps: Vec<StoredOverlap>) -> Vec<Other> {
    let other = |StoredOverlap { name, begun_at, accounts }: StoredOverlap| Other {
        place: format!("{} in the database", sanitize::line(&name)),
        operand: name.into(),
        begun_at,
        accounts,
    };
    overlaps.into_iter().map(other).collect()
}

/// The folder for the program's state.
fn state_folder() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let absolute = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let own = set(OVERRIDE).map(PathBuf::from);
    own.or_else(|| Some(platform_folder(&absolute)?.join(OsStr::new(PROGRAM))))
}

#[cfg(not(any(windows, target_os = "macos")))]
fn platform_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // Relative paths are ignored (XDG Base Directory Specification).
    variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))
}

#[cfg(target_os = "macos")]
fn platform_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    Some(variable("HOME")?.join("Library/Application Support"))
}

#[cfg(windows)]
fn platform_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    variable("LOCALAPPDATA")
}
