//! Flags as variables: `--max-accounts` is `PASSWAVE_MAX_ACCOUNTS`.
//!
//! It never repeats the value of a variable that it does not know: that may be a secret.

use super::{Cli, Environment, Given, Layer, checked, flags};
use crate::failure::Failure;
use clap::{Arg, ArgAction, Command, CommandFactory};
use passwave::{clean, nearest::nearest};
use std::ffi::{OsStr, OsString};

const PREFIX: &str = "PASSWAVE_";
/// Holds a passphrase itself, and so is the variable of no flag.
const PASSPHRASE: &str = "PASSWAVE_SEAL_PASSPHRASE";
/// Names a folder of the program's own, and is the variable of no flag.
const STATE_FOLDER: &str = "PASSWAVE_STATE_DIR";
/// Flags whose variable is called otherwise than they are, lest somebody put a passphrase into it.
const RENAMED: [(&str, &str); 2] =
    [("seal-passphrase", "PASSWAVE_SEAL_WITH_PASSPHRASE"), ("passphrase", "PASSWAVE_OPEN_WITH_PASSPHRASE")];
/// Variables of Azure's own that stand for a flag where ours does not.
const OTHERS: [(&str, &str); 1] = [("authority-host", "AZURE_AUTHORITY_HOST")];
/// Flags whose values hold commas themselves, by their ids: a variable gives them one value.
const WHOLE: [&str; 1] = ["only"];
/// Between the values of a flag that is repeatable.
const SEPARATOR: char = ',';

/// The variable of a flag, and of no flag where it has none.
pub(super) fn variable_of(arg: &Arg) -> Option<String> {
    let long = arg.get_long()?;
    if matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version) {
        return None;
    }
    let renamed = RENAMED.iter().find(|(flag, _)| *flag == long).map(|(_, variable)| (*variable).to_owned());
    Some(renamed.unwrap_or_else(|| format!("{PREFIX}{}", long.replace('-', "_").to_uppercase())))
}

/// What the environment says of the flags of `verb`. An empty variable says nothing.
pub(super) fn given(command: &Command, verb: &str, environment: &Environment) -> Result<Vec<Given>, Failure> {
    let mut found = Vec::new();
    for (_, arg) in flags(command, verb) {
        let other = OTHERS.iter().find(|(flag, _)| Some(*flag) == arg.get_long()).map(|(_, variable)| *variable);
        let names = variable_of(arg).into_iter().chain(other.map(str::to_owned));
        let set = names.filter_map(|name| value(environment, &name).map(|value| (name, value))).next();
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

/// Windows tells names without regard to case.
fn is_called(key: &OsStr, name: &str) -> bool {
    if cfg!(windows) { key.eq_ignore_ascii_case(name) } else { key == name }
}

fn parts(value: &OsStr) -> Vec<OsString> {
    let Some(text) = value.to_str() else { return vec![value.to_owned()] };
    text.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty()).map(OsString::from).collect()
}

/// What to say of variables that look like ours and are not: a guard rail that is mistyped holds nothing.
pub(super) fn unknown(environment: &Environment) -> Vec<String> {
    let command = Cli::command();
    let mut known: Vec<String> = command.get_arguments().filter_map(variable_of).collect();
    known.extend(command.get_subcommands().flat_map(Command::get_arguments).filter_map(variable_of));
    known.extend([PASSPHRASE, STATE_FOLDER].map(str::to_owned));
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
    format!("{} is the variable of no flag, and is not read{hint}", clean::for_terminal(name))
}
