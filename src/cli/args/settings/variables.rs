//! Flags as variables: `--max-accounts` is `PASSWAVE_MAX_ACCOUNTS`.
//!
//! The value of an unknown variable is never repeated, because it may be a secret.

use super::{Cli, Environment, Given, Layer, checked, flags};
use crate::cli::failure::Failure;
use clap::{Arg, ArgAction, Command, CommandFactory};
use passwave::util::{sanitize, suggest::nearest};
use std::ffi::{OsStr, OsString};

const PREFIX: &str = "PASSWAVE_";
/// Contain a passphrase themselves, so they are not variables of any flag.
const PASSPHRASE: &str = "PASSWAVE_SEAL_PASSPHRASE";
const SIGN_PASSPHRASE: &str = "PASSWAVE_SIGN_PASSPHRASE";
/// Names one of the program's own folders, so it is not the variable of any flag.
const STATE_FOLDER: &str = "PASSWAVE_STATE_DIR";
/// Flags whose variables have other names, so that nobody puts a passphrase into them.
const RENAMED: [(&str, &str); 2] =
    [("seal-passphrase", "PASSWAVE_SEAL_WITH_PASSPHRASE"), ("passphrase", "PASSWAVE_OPEN_WITH_PASSPHRASE")];
/// Azure's own variables, used if ours is not set.
const OTHERS: [(&str, &str); 1] = [("authority-host", "AZURE_AUTHORITY_HOST")];
/// Ids of flags whose values may contain commas: a variable gives them a single value.
const WHOLE: [&str; 1] = ["only"];
/// Separates the values of a repeatable flag.
const SEPARATOR: char = ',';

/// The variable of a flag; `None` if it has none.
pub(super) fn variable_of(arg: &Arg) -> Option<String> {
    let long = arg.get_long()?;
    if matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version) {
        return None;
    }
    let renamed = RENAMED.iter().find(|(flag, _)| *flag == long).map(|(_, variable)| (*variable).to_owned());
    Some(renamed.unwrap_or_else(|| format!("{PREFIX}{}", long.replace('-', "_").to_uppercase())))
}

/// The flags of `verb` from the environment. Empty variables are ignored.
pub(super) fn given(command: &Command, verb: &str, environment: &Environment) -> Result<Vec<Given>, Failure> {
    let mut found = Vec::new();
    for (_, arg) in flags(command, verb) {
        let other = OTHERS.iter().find(|(flag, _)| Some(*flag) == arg.get_long()).map(|(_, variable)| *variable);
        let mut names = variable_of(arg).into_iter().chain(other.map(str::to_owned));
        let set = names.find_map(|name| value(environment, &name).map(|value| (name, value)));
        let Some((origin, value)) = set else { continue };
        let is_list = matches!(arg.get_action(), ArgAction::Append) && !WHOLE.contains(&arg.get_id().as_str());
        let values = if is_list { parts(value) } else { vec![value.to_owned()] };
        found.push(checked(arg, Given { id: arg.get_id().to_string(), values, layer: Layer::Environment, origin })?);
    }
    Ok(found)
}

fn value<'e>(environment: &'e Environment, name: &str) -> Option<&'e OsStr> {
    let is_it = |(key, value): &&(OsString, OsString)| is_called(key, name) && !value.is_empty();
    environment.iter().find(is_it).map(|(_, value)| value.as_os_str())
}

/// Windows compares names without case.
fn is_called(key: &OsStr, name: &str) -> bool {
    if cfg!(windows) { key.eq_ignore_ascii_case(name) } else { key == name }
}

fn parts(value: &OsStr) -> Vec<OsString> {
    let Some(text) = value.to_str() else { return vec![value.to_owned()] };
    text.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty()).map(OsString::from).collect()
}

/// Warnings about unknown variables that look like ours: a mistyped guard rail has no effect.
pub(super) fn unknown(environment: &Environment) -> Vec<String> {
    let command = Cli::command();
    let mut known: Vec<String> = command.get_arguments().filter_map(variable_of).collect();
    known.extend(command.get_subcommands().flat_map(Command::get_arguments).filter_map(variable_of));
    known.extend([PASSPHRASE, SIGN_PASSPHRASE, STATE_FOLDER].map(str::to_owned));
    let names = environment.iter().filter_map(|(key, _)| key.to_str());
    let names = names.map(|key| if cfg!(windows) { key.to_uppercase() } else { key.to_owned() });
    let mut strange: Vec<String> = names.filter(|key| key.starts_with(PREFIX) && !known.contains(key)).collect();
    strange.sort_unstable();
    strange.iter().map(|name| complaint(name, &known)).collect()
}

fn complaint(name: &str, known: &[String]) -> String {
    let bare = |name: &str| name.trim_start_matches(PREFIX).to_owned();
    let bares: Vec<String> = known.iter().map(|known| bare(known)).collect();
    let meant = nearest(&bare(name), bares.iter().map(String::as_str));
    let hint = match meant {
        _ if bare(name) == "PASSPHRASE" => format!("; a passphrase goes into {PASSPHRASE}"),
        Some(meant) => format!("; did you mean {PREFIX}{meant}?"),
        None => String::new(),
    };
    format!("{} is not the variable of any flag, so it is ignored{hint}", sanitize::for_terminal(name))
}
