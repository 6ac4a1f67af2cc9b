//! The way on: commands of passwave that are printed to be pasted.
//!
//! A command takes along those flags of this call that the next one would otherwise lack: endpoints, the door, the
//! configuration file, keys, quota and pace. What the environment or the configuration file gives the next call anyway is
//! not repeated, nor what the run remembers (its cloud, and what was wanted of it).
//!
//! Invariant: a printed command works as it stands in the shell that this process was called from, or has capitals in the
//! place of what nobody but its reader knows (`KEYFILE`, `URL`).

use super::{
    shell::{self, Shell},
    wanted,
};
use crate::{
    cli::{Call, CallFlag, call},
    events,
    failure::Failure,
    terminal::{can_ask, say},
};
use passwave::{cloud::Cloud, ledger::Ledger};
use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// Flags of a call that its successor needs as well.
const TAKEN_ALONG: [&str; 14] = [
    "config",
    "no_config",
    "auth",
    "client_id",
    "graph_endpoint",
    "authority_host",
    "ca_file",
    "write_quota",
    "concurrency",
    "batch_size",
    "max_wait",
    "identity",
    "passphrase",
    "alongside",
];
/// Noted in the ledger when the first batch may leave.
pub const BEGUN: &str = "begun_at";

/// A command of passwave, ready to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    words: Vec<Word>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// Stands as it is: a verb, a flag, or what the reader has to replace.
    Bare(String),
    /// Is quoted for the shell.
    Value(OsString),
    /// The same, and never looks like a flag.
    Operand(OsString),
}

impl NextStep {
    /// `verb` with its operand, and with the flags of this call that `verb` takes and would lack.
    pub fn new(verb: &str, operand: &Path) -> Self {
        Self::after(call(), verb, operand)
    }

    fn after(call: &Call, verb: &str, operand: &Path) -> Self {
        let mut step = Self { words: vec![Word::Bare(verb.to_owned()), Word::Operand(operand.into())] };
        let taken = TAKEN_ALONG.into_iter().filter_map(|id| call.flag(id));
        for flag in taken.filter(|flag| is_lacking(call, verb, flag)) {
            step.add(flag);
        }
        step
    }

    /// Goes on with the run of `ledger`.
    pub fn run(ledger: &Ledger) -> Self {
        let mut step = Self::to(ledger, "run");
        step.keep_to_what_is_expected();
        step.give_the_key(ledger);
        let has_begun = ledger.note(BEGUN).is_ok_and(|begun| begun.is_some());
        if !has_begun && (call().flag("yes").is_some_and(|yes| yes.origin.is_none()) || !can_ask()) {
            step = step.switch("yes");
        }
        step
    }

    /// Resets accounts of the run of `ledger` again: a new run, in which all that was wanted of that one is wanted, too.
    pub fn again(ledger: &Ledger) -> Self {
        let settings = ledger.settings();
        let verb = if settings.rehearsal { "rehearse" } else { "reset" };
        let mut step = Self::to(ledger, verb);
        if let [user] = settings.users.as_slice() {
            step.words[1] = Word::Bare("--user".into());
            step.words.insert(2, Word::Value(user.into()));
        }
        if let Some(cloud) = settings.cloud.filter(|cloud| *cloud != Cloud::default()) {
            step = step.with("cloud", cloud.as_str());
        }
        for (flag, value) in wanted::again(settings) {
            step = value.map_or_else(|| step.clone().switch(flag), |value| step.clone().with(flag, value));
        }
        if !settings.rehearsal && (call().flag("yes").is_some_and(|yes| yes.origin.is_none()) || !can_ask()) {
            step = step.switch("yes");
        }
        step
    }

    /// Reads back what the run of `ledger` has reset.
    pub fn verify(ledger: &Ledger) -> Self {
        Self::to(ledger, "verify")
    }

    /// `verb` for the run of `ledger`, which signs in where the run does.
    fn to(ledger: &Ledger, verb: &str) -> Self {
        let mut step = Self::new(verb, ledger.folder());
        let settings = ledger.settings();
        // An older release did not remember its cloud.
        if settings.cloud.is_none()
            && let Some(cloud) = call().flag("cloud").filter(|flag| is_lacking(call(), verb, flag))
        {
            step.add(cloud);
        }
        for endpoint in &settings.own_endpoints {
            let id = endpoint.flag().replace('-', "_");
            let is_known = call().flag(&id).is_some() || call().elsewhere(verb, &id).is_some();
            if !is_known {
                step.words.extend([Word::Bare(format!("--{}", endpoint.flag())), Word::Bare("URL".into())]);
            }
        }
        step
    }

    /// Under `--expect` nothing counts that was changed in the run later: so what this call changed is said again.
    fn keep_to_what_is_expected(&mut self) {
        let Some(expect) = call().flag("expect") else { return };
        let changes = call().flags.iter().filter(|flag| flag.origin.is_none() && wanted::IDS.contains(&&*flag.id));
        for flag in std::iter::once(expect).filter(|flag| is_lacking(call(), "run", flag)).chain(changes) {
            self.add(flag);
        }
    }

    /// Passwords that the roster brought, and that are sealed, go out only with a key.
    fn give_the_key(&mut self, ledger: &Ledger) {
        let settings = ledger.settings();
        let is_given = ["identity", "passphrase"].iter().any(|id| call().flag(id).is_some());
        let is_needed = settings.password_column.is_some() && ledger.counts().pending() > 0;
        let Some(sealing) = settings.sealing.as_ref().filter(|_| is_needed && !is_given) else { return };
        self.words.push(match sealing.identity {
            Some(_) => Word::Bare("--passphrase".into()),
            None => Word::Bare("--identity KEYFILE".into()),
        });
    }

    /// The same with a switch.
    #[must_use]
    pub fn switch(mut self, flag: &str) -> Self {
        self.words.push(Word::Bare(format!("--{flag}")));
        self
    }

    /// The same with a flag and its value.
    #[must_use]
    pub fn with(mut self, flag: &str, value: impl AsRef<OsStr>) -> Self {
        self.give(flag, value.as_ref());
        self
    }

    /// Whether its reader has to put something in a place that is in capitals.
    pub fn has_gaps(&self) -> bool {
        self.words.iter().any(|word| matches!(word, Word::Bare(text) if text == "URL" || text.ends_with("KEYFILE")))
    }

    fn add(&mut self, flag: &CallFlag) {
        if flag.values.is_empty() {
            self.words.push(Word::Bare(format!("--{}", flag.long)));
        }
        for value in &flag.values {
            self.give(&flag.long, value);
        }
    }

    /// A value that begins with a dash would be taken for a flag.
    fn give(&mut self, flag: &str, value: &OsStr) {
        if value.as_encoded_bytes().starts_with(b"-") {
            let mut joined = OsString::from(format!("--{flag}="));
            joined.push(value);
            self.words.push(Word::Value(joined));
        } else {
            self.words.extend([Word::Bare(format!("--{flag}")), Word::Value(value.into())]);
        }
    }

    fn shown(&self, shell: Shell) -> String {
        let words = self.words.iter().map(|word| match word {
            Word::Bare(text) => text.clone(),
            Word::Value(value) => shell.quoted(value),
            Word::Operand(path) => shell.path(Path::new(path)),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for NextStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", shell::program(), self.shown(Shell::here()))
    }
}

/// Whether `verb` takes the flag, and would not be given the same by the environment or the file.
fn is_lacking(call: &Call, verb: &str, flag: &CallFlag) -> bool {
    call.takes(verb, &flag.id) && call.elsewhere(verb, &flag.id).is_none_or(|there| there.values != flag.values)
}

/// The command that goes on if this process has to leave at once.
static IN_CASE: Mutex<Option<String>> = Mutex::new(None);

/// Notes the command that goes on with the run of `ledger`, for [`repeat`].
pub fn note(ledger: &Ledger) {
    *IN_CASE.lock().unwrap_or_else(PoisonError::into_inner) = Some(NextStep::run(ledger).to_string());
}

/// Tells the command that was noted, if one was.
pub fn repeat() {
    if let Some(command) = IN_CASE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        say(&format!("Go on with:  {command}"));
        events::note_next(&command);
    }
}

/// How things stand, and how they go on.
pub fn go_on(standing: &str, ledger: &Ledger) {
    offer(standing, &NextStep::run(ledger));
}

/// How things stand, and the command that goes on.
pub fn offer(standing: &str, step: &NextStep) {
    say(&told(standing, step));
    events::note_next(&step.to_string());
}

/// Why something is tried again, and the command that does.
pub fn retry(why: &str, step: &NextStep) {
    say(&format!("{why}  {step}"));
    events::note_next(&step.to_string());
}

/// The failure, after which the run of `ledger` goes on.
pub fn before(failure: Failure, standing: &str, ledger: &Ledger) -> Failure {
    let step = NextStep::run(ledger);
    failure.then(told(standing, &step), step.to_string())
}

fn told(standing: &str, step: &NextStep) -> String {
    let with = if step.has_gaps() { ", with your own in place of the capitals" } else { "" };
    format!("{standing} Go on{}:  {step}", if with.is_empty() { " with" } else { with })
}

/// A path as it can be pasted into the shell.
pub fn quoted(path: &Path) -> String {
    Shell::here().path(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn flag(id: &str, values: &[&str], origin: Option<&str>) -> CallFlag {
        let values = values.iter().map(OsString::from).collect();
        CallFlag { id: id.into(), long: id.replace('_', "-"), values, origin: origin.map(Into::into) }
    }

    fn next(flags: Vec<CallFlag>, elsewhere: Vec<CallFlag>) -> String {
        let known = ["config", "auth", "graph_endpoint", "max_wait", "ca_file", "identity", "verify"];
        let known = known.into_iter().map(str::to_owned).collect();
        let call = Call {
            verb: "reset".into(),
            flags,
            known: BTreeMap::from([("run".into(), known)]),
            elsewhere: BTreeMap::from([("run".into(), elsewhere)]),
        };
        NextStep::after(&call, "run", Path::new("-my run's")).shown(Shell::Posix)
    }

    #[test]
    fn flags_of_the_call_are_taken_along() {
        let endpoint = || flag("graph_endpoint", &["http://127.0.0.1:8080"], None);
        let said = next(
            vec![endpoint(), flag("max_wait", &["1h 30m"], None), flag("concurrency", &["3"], None)],
            vec![flag("auth", &["cli"], Some("the file"))],
        );
        assert_eq!(said, r"run './-my run'\''s' --graph-endpoint http://127.0.0.1:8080 --max-wait '1h 30m'");
        assert_eq!(next(vec![flag("verify", &[], None)], vec![]), r"run './-my run'\''s'", "the run remembers it");
        let keys = flag("identity", &["a.key", "-b.key"], None);
        assert_eq!(next(vec![keys], vec![]), r"run './-my run'\''s' --identity a.key --identity=-b.key");
    }

    #[test]
    fn what_the_environment_says_is_not_repeated() {
        let same = flag("ca_file", &["ca.pem"], Some("PASSWAVE_CA_FILE"));
        assert_eq!(next(vec![same.clone()], vec![same.clone()]), r"run './-my run'\''s'");
        let other = flag("ca_file", &["ca.pem"], Some("config.toml, line 2"));
        assert_eq!(next(vec![other], vec![]), r"run './-my run'\''s' --ca-file ca.pem", "it stands below [reset]");
        let said = flag("ca_file", &["new.pem"], None);
        assert_eq!(next(vec![said], vec![same]), r"run './-my run'\''s' --ca-file new.pem");
    }
}
