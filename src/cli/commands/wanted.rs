//! What a run does besides the resets: set when it is planned, remembered by the run, changed by flags.
//!
//! A flag on the command line changes what the run remembers. A variable or a configuration file does not: it only
//! fills in what the run does not remember. Under `--expect`, only the approved plan and the flags of this call count.

use crate::cli::{
    args::{Call, RunArgs},
    console::Reporter,
    context::Context,
    failure::Failure,
};
use passwave::{
    engine::run::{Halt, Window},
    graph::client::auth::Needs,
    ledger::{Ledger, ReadLedger},
    plan::wanted::Wanted,
};

/// What the flags ask of a new run, besides the resets.
pub fn of(args: &RunArgs) -> Wanted {
    Wanted {
        verify: args.verify,
        revoke_sessions: args.revoke_sessions,
        halt_on: args.halt_on.iter().map(ToString::to_string).collect(),
        window: args.window.map(|window| window.to_string()),
        accept: args.accept.iter().map(|skip| skip.code().to_owned()).collect(),
    }
}

/// What a user must permit for a run that does this.
pub const fn needs(wanted: &Wanted, looks: bool) -> Needs {
    Needs { writes: true, reads: looks || wanted.verify, revokes: wanted.revoke_sessions, audits: false }
}

/// What this call asks of the run, and how that differs from what the run remembered.
#[derive(Debug, PartialEq, Eq)]
pub struct Now {
    pub wanted: Wanted,
    /// Flag, new value, old value.
    changes: Vec<(&'static str, String, String)>,
}

/// What the run remembers, with the changes from this call's flags.
pub fn now(context: &Context, ledger: &ReadLedger, args: &RunArgs, expect: Option<&str>) -> Result<Now, Failure> {
    Ok(changed(remembered(ledger, expect)?, args, &context.call))
}

/// What the run remembers; under `--expect`, what was approved.
fn remembered(ledger: &ReadLedger, expect: Option<&str>) -> Result<Wanted, Failure> {
    Ok(if expect.is_some() { ledger.settings().wanted.clone() } else { ledger.wanted()? })
}

fn changed(before: Wanted, args: &RunArgs, call: &Call) -> Now {
    let asked = of(args);
    let switch = |before: bool, asked: bool, off: &str| (before || asked) && !call.has_argument(off);
    let fills = |id: &str, is_open: bool| is_open || call.has_argument(id);
    let mut wanted = Wanted {
        verify: switch(before.verify, asked.verify, "no_verify"),
        revoke_sessions: switch(before.revoke_sessions, asked.revoke_sessions, "no_revoke_sessions"),
        ..before.clone()
    };
    if call.has_argument("no_halt_on") {
        wanted.halt_on.clear();
    } else if !asked.halt_on.is_empty() && fills("halt_on", before.halt_on.is_empty()) {
        wanted.halt_on = asked.halt_on;
    }
    if call.has_argument("no_window") {
        wanted.window = None;
    } else if asked.window.is_some() && fills("window", before.window.is_none()) {
        wanted.window = asked.window;
    }
    if call.has_argument("no_accept") {
        wanted.accept.clear();
    } else if !asked.accept.is_empty() && fills("accept", before.accept.is_empty()) {
        wanted.accept = asked.accept;
    }
    let pairs = shown(&wanted).into_iter().zip(shown(&before));
    let changes = pairs.filter(|((_, now), (_, before))| now != before);
    Now { changes: changes.map(|((flag, now), (_, before))| (flag, now, before)).collect(), wanted }
}

/// Each flag with its value, for display.
fn shown(wanted: &Wanted) -> [(&'static str, String); 5] {
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    let off = || "off".to_owned();
    let [halts, accepted] = [&wanted.halt_on, &wanted.accept].map(|values| values.join(", "));
    [
        ("--verify", switch(wanted.verify)),
        ("--revoke-sessions", switch(wanted.revoke_sessions)),
        ("--halt-on", if halts.is_empty() { off() } else { halts }),
        ("--window", wanted.window.clone().unwrap_or_else(off)),
        ("--accept", if accepted.is_empty() { off() } else { accepted }),
    ]
}

impl Now {
    /// Reports the changes, and makes the run remember them.
    pub fn keep(&self, reporter: &Reporter, ledger: &mut Ledger) -> Result<(), Failure> {
        self.tell_changes(reporter);
        if !self.changes.is_empty() {
            ledger.set_wanted(&self.wanted)?;
        }
        if ledger.revokes_sessions()? && !self.wanted.revoke_sessions {
            ledger.leave_sessions()?;
        }
        Ok(())
    }

    /// Reports the changes of this call.
    pub fn tell_changes(&self, reporter: &Reporter) {
        for (flag, now, before) in &self.changes {
            reporter.notice(format!("{flag} now {now}, was {before}."));
        }
    }

    /// The rules by which it stops.
    pub fn halt_on(&self) -> Result<Vec<Halt>, Failure> {
        let rules = self.wanted.halt_on.iter();
        rules.map(|rule| rule.parse().map_err(|error| unreadable("--halt-on", rule, error))).collect()
    }

    /// The hours in which it sends.
    pub fn window(&self) -> Result<Option<Window>, Failure> {
        let hours = self.wanted.window.as_ref();
        hours.map(|hours| hours.parse().map_err(|error| unreadable("--window", hours, error))).transpose()
    }
}

fn unreadable(flag: &str, value: &str, error: impl std::fmt::Display) -> Failure {
    let value = passwave::util::sanitize::for_terminal(value);
    Failure::usage(format!("the run's {flag} {value:?} cannot be read: {error}"))
        .hint(format!("give {flag} again"))
        .about("ledger")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::CallFlag;
    use clap::{Args, FromArgMatches};

    /// The flags of this command line as a call; the part after `|` is in the environment.
    fn said(line: &str) -> (RunArgs, Call) {
        let (said, elsewhere) = line.split_once('|').unwrap_or((line, ""));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let command = RunArgs::augment_args(clap::Command::new("run").no_binary_name(true));
        let matches = command.get_matches_from([words(said), words(elsewhere)].concat());
        let flag = |origin: Option<&str>, word: String| CallFlag {
            id: word.trim_start_matches("--").replace('-', "_"),
            long: String::new(),
            values: Vec::new(),
            origin: origin.map(str::to_owned),
        };
        let flags = |text: &str, origin: Option<&str>| {
            let flags = words(text).into_iter().filter(|word| word.starts_with("--"));
            flags.map(|word| flag(origin, word)).collect::<Vec<_>>()
        };
        let call =
            Call { flags: [flags(said, None), flags(elsewhere, Some("a variable"))].concat(), ..Call::default() };
        (RunArgs::from_arg_matches(&matches).expect("flags"), call)
    }

    fn after(before: &Wanted, line: &str) -> Now {
        let (args, call) = said(line);
        changed(before.clone(), &args, &call)
    }

    #[test]
    fn flags_change_remembered_settings() {
        let before = of(&said("--verify --halt-on failed=3% --window 22:00-06:00").0);
        assert_eq!(after(&before, ""), Now { wanted: before.clone(), changes: vec![] });
        let now = after(&before, "--halt-on failed=5% --no-verify --no-window --revoke-sessions");
        let expected = Wanted { revoke_sessions: true, halt_on: vec!["failed=5%".into()], ..Wanted::default() };
        assert_eq!(now.wanted, expected);
        let words: Vec<String> = now.changes.iter().map(|(flag, now, old)| format!("{flag} {now} {old}")).collect();
        assert_eq!(
            words,
            [
                "--verify off on",
                "--revoke-sessions on off",
                "--halt-on failed=5% failed=3%",
                "--window off 22:00-06:00"
            ]
        );
        assert_eq!(after(&before, "--verify --halt-on failed=3%").changes, []);
    }

    #[test]
    fn environment_only_fills_gaps() {
        let before = of(&said("--halt-on failed=3%").0);
        let now = after(&before, "| --halt-on failed=9% --window 22:00-06:00 --verify");
        assert_eq!(now.wanted.halt_on, ["failed=3%"]);
        assert_eq!((now.wanted.window.as_deref(), now.wanted.verify), (Some("22:00-06:00"), true));
        assert_eq!(after(&of(&said("--verify").0), "| --no-verify").changes, [], "only the command line turns it off");
    }
}
