//! Flags that the command line does not give: from variables of the environment, and from a configuration file.
//!
//! The command line beats a variable, a variable beats the file, and the file what is built in. What they say becomes the
//! default of the flag, so that one parser checks all of it.
//!
//! Invariant: where two flags contradict each other, the one from nearer to the command line stands alone; where both come
//! from the same place, that is an error.

mod file;
mod heard;
mod place;
mod variables;

use super::{Call, Cli};
use crate::failure::Failure;
use clap::{
    Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, error::ContextKind, parser::ValueSource,
};
use passwave::clean;
use place::Choice;
use std::{ffi::OsString, path::PathBuf};

/// The environment as it was when the program began.
pub type Environment = Vec<(OsString, OsString)>;

/// What the command line says with what it leaves to the environment and to a file.
pub struct Said {
    /// The command's name.
    pub command: String,
    pub cli: Cli,
    /// The same as a call, from which next commands are built.
    pub call: Call,
    /// What is likely to be a mistake.
    pub warnings: Vec<String>,
    /// What should be known before anything is done.
    pub notices: Vec<String>,
    /// Where flags come from that were not given, for `-v`.
    pub details: Vec<String>,
}

/// Why there is nothing to be done.
pub enum Unread {
    /// The command line asks for help, or is wrong.
    Line(clap::Error),
    /// What it does not say is wrong.
    Rest(Failure),
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Self {
        Self::Rest(failure)
    }
}

impl From<clap::Error> for Unread {
    fn from(error: clap::Error) -> Self {
        Self::Line(error)
    }
}

/// How near to the command line a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    File,
    Environment,
    CommandLine,
}

/// What stands for a flag that was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    /// The flag's id.
    id: String,
    values: Vec<OsString>,
    layer: Layer,
    /// From where, as shown to people.
    origin: String,
}

/// The flag that answers the question before a run.
const YES: &str = "yes";

/// Reads all of it.
///
/// # Errors
/// Help, a wrong command line, a variable that cannot be understood, or a file that cannot be used.
pub fn read(args: &[OsString], environment: &Environment) -> Result<Said, Unread> {
    let command = Cli::command();
    let Ok(found) = relaxed(command.clone()).try_get_matches_from(args) else {
        // Help and complaints are about the command line alone.
        let matches = command.try_get_matches_from(args)?;
        let (command, cli) = (String::new(), Cli::from_arg_matches(&matches)?);
        let call = Call::default();
        return Ok(Said { command, cli, call, warnings: vec![], notices: vec![], details: vec![] });
    };
    let verb = found.subcommand_name().unwrap_or_default().to_owned();
    let mut given = variables::given(&command, &verb, environment)?;
    let choice = choice(&found, &given);
    let file = choice.file(environment).map(|path| file::read(&path, matches!(choice, Choice::This(_)), &command));
    let file = file.transpose()?.flatten();
    if let Some(file) = &file {
        given.extend(file.given(&verb));
    }
    let given = settled(&command, &verb, &found, given)?;
    let mut details: Vec<String> = file.iter().map(|file| format!("settings: {}", file.shown())).collect();
    details.extend(given.iter().map(|given| format!("--{} from {}", given.id.replace('_', "-"), given.origin)));
    let call = heard::call(&command, &verb, &found, &given, &|verb| {
        let variables = variables::given(&command, verb, environment).unwrap_or_default();
        variables.into_iter().chain(file.iter().flat_map(|file| file.given(verb))).collect()
    });
    let cli = parse(command, &verb, args, &given)?;
    let answers = |given: &&Given| given.id == YES;
    let notices = given.iter().find(answers).map(|given| format!("{} is set, so nothing is asked.", given.origin));
    let warnings = variables::unknown(environment);
    Ok(Said { command: verb, cli, call, warnings, notices: notices.into_iter().collect(), details })
}

/// The same commands, of which no flag has to be given: a variable or the file may still do that.
fn relaxed(command: Command) -> Command {
    let command = command.mut_args(|arg| if arg.get_long().is_some() { arg.required(false) } else { arg });
    command.mut_subcommands(relaxed)
}

/// The file that the command line or else a variable names.
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

/// The command of a verb, and the root's flags beside it.
fn flags<'c>(command: &'c Command, verb: &str) -> impl Iterator<Item = (&'c Command, &'c Arg)> {
    let own = command.find_subcommand(verb);
    let all = own.into_iter().chain([command]);
    all.flat_map(|command| {
        command.get_arguments().filter(|arg| arg.get_long().is_some()).map(move |arg| (command, arg))
    })
}

/// What is left of `given` once each flag comes from one place, and nothing contradicts what comes from nearer.
fn settled(command: &Command, verb: &str, found: &ArgMatches, given: Vec<Given>) -> Result<Vec<Given>, Failure> {
    let own = found.subcommand_matches(verb).unwrap_or(found);
    let is_said = |id: &str| own.try_contains_id(id).is_ok() && own.value_source(id) == Some(ValueSource::CommandLine);
    let mut kept: Vec<Given> = Vec::new();
    for (_, arg) in flags(command, verb) {
        let id = arg.get_id().as_str();
        let nearest = given.iter().filter(|given| given.id == id).max_by_key(|given| given.layer);
        // A switch that is off says nothing, but keeps what comes from farther away from saying more.
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
    Failure::usage(format!(
        "{} ({}) cannot be used with {} ({})\nhint: take one of them away",
        flag(one),
        origin(one),
        flag(other),
        origin(other)
    ))
}

/// Parses the command line over what was given elsewhere.
fn parse(command: Command, verb: &str, args: &[OsString], given: &[Given]) -> Result<Cli, Unread> {
    let set = |arg: Arg| match given.iter().find(|given| *arg.get_id() == given.id.as_str()) {
        // What has to be given has been.
        Some(given) => arg.required(false).default_values(given.values.iter().cloned()),
        None => arg,
    };
    let mut command = command.mut_args(set);
    if command.find_subcommand(verb).is_some() {
        command = command.mut_subcommand(verb, |own| own.mut_args(set));
    }
    let matches = command.try_get_matches_from(args).map_err(|error| blamed(error, given))?;
    Ok(Cli::from_arg_matches(&matches)?)
}

/// An error about a value that was not on the command line names the place where it stands.
fn blamed(error: clap::Error, given: &[Given]) -> Unread {
    let flag = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let flag = flag.split([' ', '=']).next().unwrap_or_default().trim_start_matches("--").replace('-', "_");
    let Some(given) = given.iter().find(|given| given.id == flag) else { return error.into() };
    let text = error.to_string();
    let said = text.trim_start_matches("error: ").split("\n\nFor more").next().unwrap_or_default();
    let said: Vec<String> = said.lines().map(clean::sentence).collect();
    Failure::usage(format!("{}: {}", given.origin, said.join("\n").trim_end())).into()
}

/// The values as the flag takes them.
fn checked(arg: &Arg, given: Given) -> Result<Given, Failure> {
    let flag = arg.get_long().unwrap_or_default();
    // What stands there is never repeated: it may be a secret that belongs elsewhere.
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
