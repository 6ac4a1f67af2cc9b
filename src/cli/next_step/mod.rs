//! Next steps: passwave commands that are printed for pasting.
//!
//! A command repeats the flags of this call that the next one would otherwise lack: endpoints, sign-in method,
//! configuration file, keys, quota and pace. It does not repeat what the next call gets from the environment or the
//! configuration file anyway, nor what the run remembers (its cloud and its settings).
//!
//! Invariant: a printed command works as printed in the shell from which this process was started, or has capitals in
//! place of what only the reader knows (`KEYFILE`, `URL`).

mod repeated;
mod shell;
mod windows;

pub use repeated::CHANGES;
pub use shell::{can_be_shown, program, shell_name};

use shell::Shell;

use crate::cli::args::{Call, CallFlag};
use passwave::{graph::cloud::Cloud, ledger::ReadLedger};
use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::Path,
};

/// Flags of a call that its successor needs as well.
const REPEATED: [&str; 20] = [
    "ledger",
    "ledger_auth",
    "lease",
    "reports",
    "config",
    "no_config",
    "auth",
    "client_id",
    "login_hint",
    "tenants",
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

/// A passwave command, ready to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// The program, ready to print.
    program: String,
    words: Vec<Word>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// Printed as it is: a command, a flag, or a placeholder.
    Bare(String),
    /// Quoted for the shell.
    Value(OsString),
    /// Quoted, and never mistaken for a flag.
    Operand(OsString),
}

impl NextStep {
    /// `verb` with its operand, and with the flags of this call that `verb` takes and would lack.
    pub fn new(call: &Call, verb: &str, operand: &Path) -> Self {
        let words = vec![Word::Bare(verb.to_owned()), Word::Operand(operand.into())];
        let mut step = Self { program: shell::program(call.words.first()), words };
        // A rehearsal is always in a folder.
        let is_elsewhere =
            |id: &str| call.verb == "rehearse" && ["ledger", "ledger_auth", "lease", "reports"].contains(&id);
        let taken = REPEATED.into_iter().filter(|id| !is_elsewhere(id)).filter_map(|id| call.flag(id));
        for flag in taken.filter(|flag| is_lacking(call, verb, flag)) {
            step.add(flag);
        }
        // A worker has a folder for all runs.
        if let Some(all) = call.flag("reports_in").and_then(|flag| flag.values.first())
            && call.takes(verb, "reports")
        {
            step.give("out", Path::new(all).join(operand).as_os_str());
        }
        step
    }

    /// This call's command line again.
    pub fn repeated(call: &Call) -> Self {
        let words = call.words.iter().skip(1).cloned().map(Word::Value).collect();
        Self { program: shell::program(call.words.first()), words }
    }

    /// Continues the run of `ledger`.
    pub fn run(call: &Call, ledger: &ReadLedger) -> Self {
        let mut step = Self::to(call, ledger, "run");
        step.repeat_changes(call);
        step.add_key(call, ledger);
        let has_begun = ledger.has_begun().unwrap_or_default();
        if !has_begun && needs_no_answer(call) {
            step = step.switch("yes");
        }
        step
    }

    /// Resets accounts of the run of `ledger` again: a new run with the same settings.
    pub fn again(call: &Call, ledger: &ReadLedger) -> Self {
        let settings = ledger.settings();
        let verb = if settings.rehearsal { "rehearse" } else { "reset" };
        let mut step = Self::to(call, ledger, verb);
        if let [user] = settings.users.as_slice() {
            step.words[1] = Word::Bare("--user".into());
            step.words.insert(2, Word::Value(user.into()));
        }
        if let Some(cloud) = settings.cloud.filter(|cloud| *cloud != Cloud::default()) {
            step = step.with("cloud", cloud.as_str());
        }
        for (flag, value) in repeated::flags(settings) {
            step = value.map_or_else(|| step.clone().switch(flag), |value| step.clone().with(flag, value));
        }
        let is_clear = ledger.is_on_server() && settings.sealing.is_none();
        if is_clear && call.elsewhere(verb, "clear_ledger").is_none() {
            step = step.switch("clear-ledger");
        }
        if !settings.rehearsal && needs_no_answer(call) {
            step = step.switch("yes");
        }
        step
    }

    /// Verifies what the run of `ledger` has reset.
    pub fn verify(call: &Call, ledger: &ReadLedger) -> Self {
        Self::to(call, ledger, "verify")
    }

    /// Asks again who of the run of `ledger` has chosen a password.
    pub fn sweep(call: &Call, ledger: &ReadLedger) -> Self {
        Self::to(call, ledger, "sweep")
    }

    /// The same for the fleet in `folder`, of which `ledger` is one run.
    pub fn of_fleet(self, folder: &Path) -> Self {
        let mut step = self;
        step.words[1] = Word::Operand(folder.into());
        step
    }

    /// `verb` for the run of `ledger`, with the run's sign-in.
    fn to(call: &Call, ledger: &ReadLedger, verb: &str) -> Self {
        let mut step = Self::new(call, verb, ledger.operand());
        let settings = ledger.settings();
        // Older releases did not store their cloud.
        if settings.cloud.is_none()
            && let Some(cloud) = call.flag("cloud").filter(|flag| is_lacking(call, verb, flag))
        {
            step.add(cloud);
        }
        for endpoint in &settings.own_endpoints {
            let id = endpoint.flag().replace('-', "_");
            let is_known = call.flag(&id).is_some() || call.elsewhere(verb, &id).is_some();
            if !is_known {
                step.words.extend([Word::Bare(format!("--{}", endpoint.flag())), Word::Bare("URL".into())]);
            }
        }
        step
    }

    /// Under `--expect`, later changes of the run do not count, so this call's changes are repeated.
    fn repeat_changes(&mut self, call: &Call) {
        let Some(expect) = call.flag("expect") else { return };
        let changes = call.flags.iter().filter(|flag| flag.origin.is_none() && CHANGES.contains(&&*flag.id));
        for flag in std::iter::once(expect).filter(|flag| is_lacking(call, "run", flag)).chain(changes) {
            self.add(flag);
        }
    }

    /// Sealed passwords from a roster can only be sent with a key.
    fn add_key(&mut self, call: &Call, ledger: &ReadLedger) {
        let settings = ledger.settings();
        let is_given = ["identity", "passphrase"].iter().any(|id| call.flag(id).is_some());
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

    /// Whether the reader has to replace a placeholder in capitals.
    pub fn has_placeholders(&self) -> bool {
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

    /// A value that begins with a dash would be parsed as a flag.
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
        write!(f, "{} {}", self.program, self.shown(Shell::here()))
    }
}

/// Whether `verb` takes the flag, and would not get the same value from the environment or the file.
fn is_lacking(call: &Call, verb: &str, flag: &CallFlag) -> bool {
    call.takes(verb, &flag.id) && call.elsewhere(verb, &flag.id).is_none_or(|there| there.values != flag.values)
}

/// Whether no question can or should be asked.
fn needs_no_answer(call: &Call) -> bool {
    !call.is_attended || call.has_argument("yes")
}

/// A path, ready to paste into the shell.
pub fn quoted(path: &Path) -> String {
    Shell::here().path(path)
}

/// Any other word, ready to paste into the shell.
pub fn quoted_word(word: impl AsRef<OsStr>) -> String {
    Shell::here().quoted(word.as_ref())
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
            words: vec!["passwave".into()],
            verb: "reset".into(),
            is_attended: true,
            flags,
            settings: None,
            known: BTreeMap::from([("run".into(), known)]),
            elsewhere: BTreeMap::from([("run".into(), elsewhere)]),
        };
        NextStep::new(&call, "run", Path::new("-my run's")).shown(Shell::Posix)
    }

    #[test]
    fn next_steps_repeat_the_flags() {
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
    fn environment_values_are_not_repeated() {
        let same = flag("ca_file", &["ca.pem"], Some("PASSWAVE_CA_FILE"));
        assert_eq!(next(vec![same.clone()], vec![same.clone()]), r"run './-my run'\''s'");
        let other = flag("ca_file", &["ca.pem"], Some("config.toml, line 2"));
        assert_eq!(next(vec![other], vec![]), r"run './-my run'\''s' --ca-file ca.pem", "it stands below [reset]");
        let said = flag("ca_file", &["new.pem"], None);
        assert_eq!(next(vec![said], vec![same]), r"run './-my run'\''s' --ca-file new.pem");
    }
}
