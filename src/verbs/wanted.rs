//! What was wanted of a run beside the resets: asked for when it was planned, remembered by the run, changed by a flag.
//!
//! A flag on the command line changes what the run remembers. A variable or a configuration file does not: it only fills in
//! what the run does not remember. Under `--expect`, only the approved plan and the flags of this very call count.

use crate::{
    cli::{Call, RunArgs, call},
    failure::Failure,
    terminal::say,
};
use passwave::{
    ledger::Ledger,
    password::{
        ENTROPY_BITS_MIN, ForceChange, Form, LENGTH_DEFAULT, SEPARATOR_DEFAULT, SYMBOLS_DEFAULT, Style, WORDS_DEFAULT,
    },
    plan::{Lookup, Settings},
    run::{Halt, Window},
    wanted::Wanted,
};

/// Ids of the flags that say it.
pub const IDS: [&str; 10] = [
    "verify",
    "no_verify",
    "revoke_sessions",
    "no_revoke_sessions",
    "halt_on",
    "no_halt_on",
    "window",
    "no_window",
    "accept",
    "no_accept",
];
/// Under which the ledger notes what is wanted after a flag of `run` has changed it.
const NOTE: &str = passwave::wanted::NOTE;

/// What the flags ask of a run that is planned now.
pub fn of(args: &RunArgs) -> Wanted {
    Wanted {
        verify: args.verify,
        revoke_sessions: args.revoke_sessions,
        halt_on: args.halt_on.iter().map(ToString::to_string).collect(),
        window: args.window.map(|window| window.to_string()),
        accept: args.accept.iter().map(|skip| skip.code().to_owned()).collect(),
    }
}

/// What holds for a call, and how that differs from what the run remembered.
#[derive(Debug, PartialEq, Eq)]
pub struct Now {
    pub wanted: Wanted,
    /// Flag, value now, value before.
    changes: Vec<(&'static str, String, String)>,
}

/// What is remembered, with what the flags of this call change.
pub fn now(ledger: &Ledger, args: &RunArgs, is_expected: bool) -> Result<Now, Failure> {
    Ok(changed(remembered(ledger, is_expected)?, args, call()))
}

/// What the run remembers; under `--expect` what was approved.
fn remembered(ledger: &Ledger, is_expected: bool) -> Result<Wanted, Failure> {
    let planned = ledger.settings().wanted.clone();
    if is_expected {
        return Ok(planned);
    }
    match ledger.note(NOTE)? {
        Some(noted) => Ok(serde_json::from_str(&noted).map_err(|error| {
            Failure::usage(format!("what was wanted of this run cannot be read from its ledger: {error}"))
                .about("ledger")
        })?),
        // Runs of older releases noted this alone.
        None => Ok(Wanted { revoke_sessions: planned.revoke_sessions || ledger.revokes_sessions()?, ..planned }),
    }
}

fn changed(before: Wanted, args: &RunArgs, call: &Call) -> Now {
    let asked = of(args);
    let switch = |before: bool, asked: bool, off: &str| (before || asked) && !call.says(off);
    let fills = |id: &str, is_open: bool| is_open || call.says(id);
    let mut wanted = Wanted {
        verify: switch(before.verify, asked.verify, "no_verify"),
        revoke_sessions: switch(before.revoke_sessions, asked.revoke_sessions, "no_revoke_sessions"),
        ..before.clone()
    };
    if call.says("no_halt_on") {
        wanted.halt_on.clear();
    } else if !asked.halt_on.is_empty() && fills("halt_on", before.halt_on.is_empty()) {
        wanted.halt_on = asked.halt_on;
    }
    if call.says("no_window") {
        wanted.window = None;
    } else if asked.window.is_some() && fills("window", before.window.is_none()) {
        wanted.window = asked.window;
    }
    if call.says("no_accept") {
        wanted.accept.clear();
    } else if !asked.accept.is_empty() && fills("accept", before.accept.is_empty()) {
        wanted.accept = asked.accept;
    }
    let pairs = shown(&wanted).into_iter().zip(shown(&before));
    let changes = pairs.filter(|((_, now), (_, before))| now != before);
    Now { changes: changes.map(|((flag, now), (_, before))| (flag, now, before)).collect(), wanted }
}

/// Each flag with its value, for people.
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

/// The flags that make another run like this one, and their values: how passwords look, to whom they are sealed, which
/// accounts are left alone, and what is done beside the resets.
pub fn again(settings: &Settings) -> Vec<(&'static str, Option<String>)> {
    let (rules, wanted, mut flags) = (settings.rules, &settings.wanted, Vec::new());
    match &settings.sealing {
        Some(sealing) if sealing.identity.is_some() => flags.push(("seal-passphrase", None)),
        Some(sealing) => flags.extend(sealing.recipients.iter().map(|to| ("seal-to", Some(to.clone())))),
        None => {}
    }
    match settings.policy.style() {
        Style::Random { length, symbols } => {
            flags.extend((*length != LENGTH_DEFAULT).then(|| ("length", Some(length.to_string()))));
            flags.extend((symbols != SYMBOLS_DEFAULT).then(|| ("symbols", Some(symbols.clone()))));
        }
        Style::Words { words, separator } => {
            flags.push(("style", Some("words".into())));
            flags.extend((*words != WORDS_DEFAULT).then(|| ("words", Some(words.to_string()))));
            flags.extend((separator != SEPARATOR_DEFAULT).then(|| ("separator", Some(separator.clone()))));
        }
    }
    let weak = settings.policy.entropy_bits(Form::default()) < ENTROPY_BITS_MIN;
    let switches = [
        (weak, "allow-weak"),
        (settings.force_change == Some(ForceChange::No), "no-force-change"),
        (settings.force_change == Some(ForceChange::NextSignInWithMfa), "force-change-with-mfa"),
        (rules.include_synced, "include-synced"),
        (rules.include_admins, "include-admins"),
        (wanted.verify, "verify"),
        (wanted.revoke_sessions, "revoke-sessions"),
    ];
    flags.extend(switches.into_iter().filter(|(on, _)| *on).map(|(_, flag)| (flag, None)));
    match rules.lookup {
        Lookup::Auto => {}
        Lookup::Required => flags.push(("lookup", Some("required".into()))),
        Lookup::Off => flags.push(("lookup", Some("off".into()))),
    }
    flags.extend(wanted.halt_on.iter().map(|rule| ("halt-on", Some(rule.clone()))));
    flags.extend(wanted.window.iter().map(|hours| ("window", Some(hours.clone()))));
    flags.extend((!wanted.accept.is_empty()).then(|| ("accept", Some(wanted.accept.join(",")))));
    flags
}

impl Now {
    /// Tells what was changed, and has the run remember it.
    pub fn keep(&self, ledger: &mut Ledger) -> Result<(), Failure> {
        self.tell_changes();
        if !self.changes.is_empty() {
            ledger.set_note(NOTE, &serde_json::to_string(&self.wanted).map_err(Failure::away)?)?;
        }
        if ledger.revokes_sessions()? && !self.wanted.revoke_sessions {
            ledger.leave_sessions()?;
        }
        Ok(())
    }

    /// Tells what this call changes.
    pub fn tell_changes(&self) {
        for (flag, now, before) in &self.changes {
            say(&format!("{flag} now {now}, was {before}."));
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
    let value = passwave::clean::for_terminal(value);
    Failure::usage(format!("the run's {flag} {value:?} cannot be read: {error}\nhint: give {flag} again"))
        .about("ledger")
}

/// What is done beside the resets, in one line; nothing if nothing is.
pub fn line(wanted: &Wanted) -> Option<String> {
    let mut parts = Vec::new();
    if wanted.revoke_sessions {
        parts.push("revokes sessions".to_owned());
    }
    if wanted.verify {
        parts.push("verifies".to_owned());
    }
    if !wanted.halt_on.is_empty() {
        parts.push(format!("stops at {}", wanted.halt_on.join(" or ")));
    }
    if let Some(window) = &wanted.window {
        parts.push(format!("sends only within {window}"));
    }
    if !wanted.accept.is_empty() {
        parts.push(format!("accepts skips for {}", wanted.accept.join(" or ")));
    }
    let last = parts.pop()?;
    let comma = if parts.len() > 1 { "," } else { "" };
    let text = if parts.is_empty() { last } else { format!("{}{comma} and {last}", parts.join(", ")) };
    Some(format!("This run also {}.", passwave::clean::sentence(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::CallFlag;
    use clap::{Args, FromArgMatches};

    /// The flags of this command line, and the call that it is; what follows `|` stands in the environment.
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
    fn a_flag_changes_what_is_remembered() {
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
    fn the_environment_only_fills_gaps() {
        let before = of(&said("--halt-on failed=3%").0);
        let now = after(&before, "| --halt-on failed=9% --window 22:00-06:00 --verify");
        assert_eq!(now.wanted.halt_on, ["failed=3%"]);
        assert_eq!((now.wanted.window.as_deref(), now.wanted.verify), (Some("22:00-06:00"), true));
        assert_eq!(after(&of(&said("--verify").0), "| --no-verify").changes, [], "only the command line turns it off");
    }

    #[test]
    fn it_is_told_in_one_line() {
        let told = |line_: &str| line(&of(&said(line_).0));
        assert_eq!(told(""), None);
        assert_eq!(told("--verify").as_deref(), Some("This run also verifies."));
        assert_eq!(
            told("--verify --halt-on failed=3% --halt-on in_doubt=5").as_deref(),
            Some("This run also verifies and stops at failed=3% or in_doubt=5.")
        );
        assert_eq!(
            told("--verify --revoke-sessions --window 22:00-06:00").as_deref(),
            Some("This run also revokes sessions, verifies, and sends only within 22:00-06:00.")
        );
    }
}
