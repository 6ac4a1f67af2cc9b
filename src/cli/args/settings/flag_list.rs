//! Builds the [`Call`], from which next commands are made, out of parsed arguments.

use super::{Given, flags, is_off};
use crate::cli::args::call::{Call, CallFlag};
use clap::{ArgMatches, Command, parser::ValueSource};

/// Combines the command line (`found`) with the other sources (`given`). `elsewhere` returns the other sources' values
/// for any command, the highest priority first.
pub(super) fn call(
    command: &Command,
    verb: &str,
    found: &ArgMatches,
    given: &[Given],
    elsewhere: &dyn Fn(&str) -> Vec<Given>,
) -> Call {
    let own = found.subcommand_matches(verb).unwrap_or(found);
    let mut call = Call { verb: verb.to_owned(), ..Call::default() };
    for (_, arg) in flags(command, verb) {
        let (id, long) = (arg.get_id().as_str(), arg.get_long().unwrap_or_default().to_owned());
        let is_said = own.try_contains_id(id).is_ok() && own.value_source(id) == Some(ValueSource::CommandLine);
        if is_said {
            let values = if arg.get_action().takes_values() { own.get_raw(id) } else { None };
            let values = values.into_iter().flatten().map(ToOwned::to_owned).collect();
            call.flags.push(CallFlag { id: id.to_owned(), long, values, origin: None });
        } else if let Some(given) = given.iter().find(|given| given.id == id) {
            call.flags.push(flag(command, verb, given));
        }
    }
    for other in command.get_subcommands() {
        let name = other.get_name();
        let known = flags(command, name).map(|(_, arg)| arg.get_id().to_string());
        call.known.insert(name.to_owned(), known.collect());
        let mut nearest: Vec<Given> = Vec::new();
        for given in elsewhere(name) {
            if !nearest.iter().any(|nearer| nearer.id == given.id) {
                nearest.push(given);
            }
        }
        nearest.retain(|given| !flags(command, name).any(|(_, arg)| *arg.get_id() == *given.id && is_off(arg, given)));
        call.elsewhere.insert(name.to_owned(), nearest.iter().map(|given| flag(command, name, given)).collect());
    }
    call
}

fn flag(command: &Command, verb: &str, given: &Given) -> CallFlag {
    let arg = flags(command, verb).map(|(_, arg)| arg).find(|arg| arg.get_id().as_str() == given.id);
    let takes = arg.is_some_and(|arg| arg.get_action().takes_values());
    let long = arg.and_then(clap::Arg::get_long).unwrap_or_default().to_owned();
    let values = if takes { given.values.clone() } else { Vec::new() };
    CallFlag { id: given.id.clone(), long, values, origin: Some(given.origin.clone()) }
}
