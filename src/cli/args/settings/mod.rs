//! Flags from outside the command line: from environment variables, and from a configuration file.
//!
//! The command line wins over a variable, a variable over the file, and the file over the built-in default. Their
//! values become the defaults of the flags, so a single parser checks everything.
//!
//! Invariant: if two flags conflict, the one with the higher priority wins; if both come from the same source, that is
//! an error.

mod file;
mod flag_list;
mod place;
mod variables;

use super::{Call, Cli, SettingsFile};
use crate::cli::failure::Failure;
use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, error::ContextKind, parser::ValueSource,
};
use passwave::util::sanitize;
use place::Choice;
use std::{ffi::OsString, path::PathBuf};

/// The environment when the program started.
pub type Environment = Vec<(OsString, OsString)>;

/// The arguments of the command line, completed by the environment and a file.
pub struct ParsedArgs {
    /// The command's name.
    pub command: String,
    pub cli: Cli,
    /// The same as a call, from which next commands are built.
    pub call: Call,
    /// Likely mistakes.
    pub warnings: Vec<String>,
    /// What the user should know before anything is done.
    pub notices: Vec<String>,
    /// The sources of flags that the command line does not have, for `-v`.
    pub details: Vec<String>,
}

/// Why there is nothing to do.
pub enum ParseError {
    /// The command line asks for help, or is wrong.
    Line(clap::Error),
    /// Another source is wrong.
    Rest(Failure),
}

impl From<Failure> for ParseError {
    fn from(failure: Failure) -> Self {
        Self::Rest(failure)
    }
}

impl From<clap::Error> for ParseError {
    fn from(error: clap::Error) -> Self {
        Self::Line(error)
    }
}

/// The priority of a value's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    File,
    Environment,
    CommandLine,
}

/// The value of a flag that the command line does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    /// The flag's id.
    id: String,
    values: Vec<OsString>,
    layer: Layer,
    /// Its source, for display.
    origin: String,
}

/// The flag that answers the question before a run.
const YES: &str = "yes";

/// Reads all sources.
///
/// # Errors
/// Help, a wrong command line, a variable that cannot be parsed, or a file that cannot be used.
pub fn read(args: &[OsString], environment: &Environment) -> Result<ParsedArgs, ParseError> {
    let command = Cli::command();
    let Ok(found) = without_required(command.clone()).try_get_matches_from(args) else {
        // Help and errors are about the command line alone.
        let matches = command.try_get_matches_from(args)?;
        let (command, cli) = (String::new(), Cli::from_arg_matches(&matches)?);
        let call = Call::default();
        return Ok(ParsedArgs { command, cli, call, warnings: vec![], notices: vec![], details: vec![] });
    };
    let verb = found.subcommand_name().unwrap_or_default().to_owned();
    let mut given = variables::given(&command, &verb, environment)?;
    let choice = choice(&found, &given);
    let place = choice.file(environment);
    let file = place.as_ref().map(|path| file::read(path, &choice, &command)).transpose()?.flatten();
    if let Some(file) = &file {
        given.extend(file.given(&verb));
    }
    let given = settled(&command, &verb, &found, given)?;
    let mut details: Vec<String> = file.iter().map(|file| format!("settings: {}", file.shown())).collect();
    details.extend(given.iter().map(|given| format!("--{} from {}", given.id.replace('_', "-"), given.origin)));
    let mut call = flag_list::call(&command, &verb, &found, &given, &|verb| {
        let variables = variables::given(&command, verb, environment).unwrap_or_default();
        variables.into_iter().chain(file.iter().flat_map(|file| file.given(verb))).collect()
    });
    call.words = args.to_vec();
    call.settings = place.map(|path| SettingsFile { path, is_read: file.is_some() });
    let cli = parse(command, &verb, args, &given)?;
    let answers = |given: &&Given| given.id == YES;
    let notices = given.iter().find(answers).map(|given| format!("{} is set, so nothing is asked.", given.origin));
    let warnings = variables::unknown(environment);
    Ok(ParsedArgs { command: verb, cli, call, warnings, notices: notices.into_iter().collect(), details })
}

/// The same commands without required flags: a variable or the file may still provide them.
fn without_required(command: Command) -> Command {
    let command = command.mut_args(|arg| if arg.get_long().is_some() { arg.required(false) } else { arg });
    command.mut_subcommands(without_required)
}

/// The file named by the command line, otherwise by a variable.
fn choice(found: &ArgMatches, given: &[Given]) -> Choice {
    let variable = |id: &str| given.iter().find(|given| given.id == id).and_then(|given| given.values.first());
    let named = found.get_one::<PathBuf>("config").cloned();
    let off =
        named.is_none() && (found.get_flag("no_config") || variable("no_config").is_some_and(|off| off == "true"));
    match named.or_else(|| variable("config").map(PathBuf::from)) {
        _ if off => Choice::Nowhere,
        Some(path) => Choice::This(path),
        None => Choice::Usual,
    }
}

/// The flags of a command, and those of the root.
fn flags<'c>(command: &'c Command, verb: &str) -> impl Iterator<Item = (&'c Command, &'c Arg)> {
    let own = command.find_subcommand(verb);
    let all = own.into_iter().chain([command]);
    all.flat_map(|command| {
        command.get_arguments().filter(|arg| arg.get_long().is_some()).map(move |arg| (command, arg))
    })
}

/// Keeps one source for each flag, and drops those that conflict with a flag of higher priority.
fn settled(command: &Command, verb: &str, found: &ArgMatches, given: Vec<Given>) -> Result<Vec<Given>, Failure> {
    let own = found.subcommand_matches(verb).unwrap_or(found);
    let is_said = |id: &str| own.try_contains_id(id).is_ok() && own.value_source(id) == Some(ValueSource::CommandLine);
    let mut kept: Vec<Given> = Vec::new();
    for (_, arg) in flags(command, verb) {
        let id = arg.get_id().as_str();
        let nearest = given.iter().filter(|given| given.id == id).max_by_key(|given| given.layer);
        // A switch that is off adds nothing, but overrides sources of lower priority.
        kept.extend(nearest.filter(|given| !is_said(id) && !is_off(arg, given)).cloned());
    }
    let layer = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let given = || kept.iter().find(|given| given.id == id).map(|given| given.layer);
        if is_said(id) { Some(Layer::CommandLine) } else { given() }
    };
    let mut beaten = Vec::new();
    for (owner, arg) in flags(command, verb) {
        for rival in owner.get_arg_conflicts_with(arg) {
            let (one, other) = (layer(arg), layer(rival));
            let (Some(one), Some(other)) = (one, other) else { continue };
            if one == other && one != Layer::CommandLine {
                return Err(contradiction(&kept, arg, rival));
            }
            beaten.push(if one < other { arg.get_id().clone() } else { rival.get_id().clone() });
        }
    }
    kept.retain(|given| !beaten.iter().any(|id| *id == given.id.as_str()));
    Ok(kept)
}

fn is_off(arg: &Arg, given: &Given) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue) && given.values == ["false"]
}

fn contradiction(given: &[Given], one: &Arg, other: &Arg) -> Failure {
    let origin =
        |arg: &Arg| given.iter().find(|given| *arg.get_id() == given.id.as_str()).map_or("", |given| &given.origin);
    let flag = |arg: &Arg| format!("--{}", arg.get_long().unwrap_or_default());
    Failure::usage(format!("{} ({}) cannot be used with {} ({})", flag(one), origin(one), flag(other), origin(other)))
        .hint("remove one of them")
}

/// Parses the command line on top of the other sources.
fn parse(command: Command, verb: &str, args: &[OsString], given: &[Given]) -> Result<Cli, ParseError> {
    let set = |arg: Arg| match given.iter().find(|given| *arg.get_id() == given.id.as_str()) {
        // A required flag is satisfied by another source.
        Some(given) => arg.required(false).default_values(given.values.iter().cloned()),
        None => arg,
    };
    let mut command = command.mut_args(set);
    if command.find_subcommand(verb).is_some() {
        command = command.mut_subcommand(verb, |own| own.mut_args(set));
    }
    let matches = command.try_get_matches_from(args).map_err(|error| with_origin(error, given))?;
    Ok(Cli::from_arg_matches(&matches)?)
}

/// An error about a value from another source names that source.
fn with_origin(error: clap::Error, given: &[Given]) -> ParseError {
    let flag = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let flag = flag.split([' ', '=']).next().unwrap_or_default().trim_start_matches("--").replace('-', "_");
    let Some(given) = given.iter().find(|given| given.id == flag) else { return error.into() };
    let text = error.to_string();
    let said = text.trim_start_matches("error: ").split("\n\nFor more").next().unwrap_or_default();
    let said: Vec<String> = said.lines().map(sanitize::sentence).collect();
    Failure::usage(format!("{}: {}", given.origin, said.join("\n").trim_end())).into()
}

/// The values in the form that the flag takes.
fn checked(arg: &Arg, given: Given) -> Result<Given, Failure> {
    let flag = arg.get_long().unwrap_or_default();
    // The text is never repeated: it may be a secret in the wrong place.
    let wrong = |takes: &str| Failure::usage(format!("{}: --{flag} takes {takes}", given.origin));
    let word = given.values.first().and_then(|value| value.to_str()).map(str::to_lowercase);
    let switch = word.as_deref().and_then(switch);
    let values = match arg.get_action() {
        ArgAction::SetTrue => vec![switch.ok_or_else(|| wrong("true or false"))?.to_string().into()],
        ArgAction::Count => {
            let number = word.and_then(|word| word.parse::<u8>().ok()).or_else(|| switch.map(u8::from));
            vec![number.ok_or_else(|| wrong("a number"))?.to_string().into()]
        }
        ArgAction::Append => given.values,
        _ if given.values.len() == 1 => given.values,
        _ => return Err(wrong("one value")),
    };
    Ok(Given { values, ..given })
}

fn switch(word: &str) -> Option<bool> {
    match word {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
