//! Two runs that meet: before a run begins, other unfinished ones of this machine that have accounts of it are pointed out.
//!
//! What cannot be read or written of the register stops no run; `-v` tells of it.

use super::{connect::Arrival, next_step::NextStep};
use crate::{
    failure::Failure,
    terminal::{counted, detail, say},
};
use passwave::{
    clean,
    ledger::Ledger,
    register::{Each, Meeting, Register, Run},
};
use std::{env, ffi::OsStr, io, path::PathBuf};

/// Overrides the folder in which the program keeps its state.
const OVERRIDE: &str = "PASSWAVE_STATE_DIR";
/// The name of the program's folder in that of the platform, and of the register in it.
const PROGRAM: &str = "passwave";
const REGISTER: &str = "runs";

/// A run before the register of this machine.
pub struct Guard {
    register: Option<Register>,
    run: Run,
    alongside: bool,
}

impl Guard {
    /// For the run in `ledger`, as which somebody has arrived in its tenant.
    pub fn new(ledger: &Ledger, arrival: &Arrival, alongside: bool) -> Result<Self, Failure> {
        let id = ledger.note("run_id")?.unwrap_or_default();
        let folder = std::path::absolute(ledger.folder()).unwrap_or_else(|_| ledger.folder().to_owned());
        let begun_at = format!("{:.0}", jiff::Timestamp::now());
        let run = Run { id, folder, directory: arrival.directory(), begun_at };
        let register = state_folder().map(|folder| Register::at(folder.join(REGISTER)));
        if register.is_none() {
            detail(1, || {
                "register of runs: there is no folder for it, as neither HOME nor PASSWAVE_STATE_DIR is set".into()
            });
        }
        Ok(Self { register, run, alongside })
    }

    /// Refuses to go on if the run meets others, unless both are meant.
    pub fn look(&self, ledger: &Ledger) -> Result<(), Failure> {
        let Some(register) = &self.register else { return Ok(()) };
        let found = register.meetings(&self.run, &mut accounts(ledger), &is_over);
        let meetings = kept(found).unwrap_or_default();
        if self.alongside {
            meetings.iter().for_each(|meeting| say(&format!("--alongside: {}.", shown(meeting))));
            return Ok(());
        }
        refused(ledger, &meetings)
    }

    /// Notes that the run begins. Of two that begin at the same instant, only one gets past this.
    pub fn begin(&self, ledger: &Ledger) -> Result<(), Failure> {
        let Some(register) = &self.register else { return Ok(()) };
        let begun = register.begin(&self.run, &mut accounts(ledger), &is_over, self.alongside);
        refused(ledger, &kept(begun).unwrap_or_default())
    }

    /// Notes how this process leaves the run: ended, or with accounts that are still to be written.
    pub fn leave(&self, ledger: &Ledger) {
        let Some(register) = &self.register else { return };
        let noted = match ledger.counts().pending() {
            0 => register.end(&self.run.id),
            _ => register.pause(&self.run, &mut accounts(ledger)),
        };
        kept(noted);
    }
}

/// The names of all accounts that are still to be written, for the register.
fn accounts(ledger: &Ledger) -> impl FnMut(Each<'_>) -> io::Result<()> {
    |each| ledger.for_each_pending(each).map_err(io::Error::other)
}

/// Whether the run has ended after all: on another machine, or by a process that could not note it here.
fn is_over(run: &Run) -> bool {
    Ledger::open_to_read(&run.folder).is_ok_and(|ledger| {
        let id = ledger.note("run_id").ok().flatten();
        ledger.counts().pending() == 0 || id.is_some_and(|id| id != run.id)
    })
}

/// What came of the register; nothing of it stops a run.
fn kept<T>(result: io::Result<T>) -> Option<T> {
    result.inspect_err(|error| detail(1, || format!("register of runs: {error}"))).ok()
}

fn refused(ledger: &Ledger, meetings: &[Meeting]) -> Result<(), Failure> {
    let Some(first) = meetings.first() else { return Ok(()) };
    let others: Vec<String> = meetings.iter().map(shown).collect();
    let (other, both) = (NextStep::new("run", &first.run.folder), NextStep::run(ledger).switch("alongside"));
    let failure = Failure::usage(format!(
        "{}; nothing was sent\n\
         hint: go on with that run first; if both write, only the password that is written last counts",
        others.join("; ")
    ));
    Err(failure.then(format!("Go on with that run:  {other}\nIf both are meant:    {both}"), other.to_string()))
}

fn shown(meeting: &Meeting) -> String {
    format!(
        "the run in {}, begun {}, has not ended, and {} still to be reset by both",
        clean::line(&meeting.run.folder.display().to_string()),
        clean::line(&meeting.run.begun_at),
        counted(meeting.accounts, "account is", "accounts are")
    )
}

/// The folder in which the program keeps what is of no use to anybody else.
fn state_folder() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let absolute = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let own = set(OVERRIDE).map(PathBuf::from);
    own.or_else(|| Some(platform_folder(&absolute)?.join(OsStr::new(PROGRAM))))
}

#[cfg(not(any(windows, target_os = "macos")))]
fn platform_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // A relative path is to be ignored (XDG Base Directory Specification).
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
