//! The configuration file: the flags that never change, in TOML, for all commands or in a table for one.
//!
//! Invariant: it holds no secret. One that looks like holding one is refused, and what stands in it is never repeated.

use super::{Given, Layer, checked};
use crate::failure::Failure;
use clap::{Arg, ArgAction, Command};
use passwave::{clean, nearest::nearest};
use std::{fs::File, io, io::Read, ops::Range, path::Path};
use toml::de::{DeTable, DeValue};

/// Most bytes that such a file has.
const BYTES_MAX: u64 = 65_536;
/// Parts of names that secrets go by, without their marks.
const SECRETS: [&str; 10] =
    ["secret", "password", "passwd", "pwd", "passphrase", "token", "credential", "assertion", "apikey", "privatekey"];
/// How the text of a key begins.
const KEYS: [&str; 2] = ["AGE-SECRET-KEY-", "-----BEGIN"];
/// Flags that answer for one moment, or say where this file is.
const NOT_IN_A_FILE: [(&str, &str); 4] = [
    ("alongside", "a run beside another one is meant each time: by --alongside, or by PASSWAVE_ALONGSIDE in a job"),
    ("yes", "the question before a run is answered each time: by a person, by --yes, or by PASSWAVE_YES in a job"),
    ("config", "it names this file"),
    ("no-config", "it leaves this file out"),
];

/// What a file says.
#[derive(Debug)]
pub(super) struct Config {
    shown: String,
    entries: Vec<Entry>,
}

/// What it says of one flag, for all verbs or one.
#[derive(Debug)]
struct Entry {
    verb: Option<String>,
    given: Given,
}

impl Config {
    /// The file, as shown to people.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// What it says of the flags of `verb`; what it says for that verb alone stands before what it says for all.
    pub(super) fn given(&self, verb: &str) -> Vec<Given> {
        let own = |entry: &&Entry| entry.verb.as_deref() == Some(verb);
        let mut given: Vec<Given> = self.entries.iter().filter(own).map(|entry| entry.given.clone()).collect();
        for entry in self.entries.iter().filter(|entry| entry.verb.is_none()) {
            if !given.iter().any(|given| given.id == entry.given.id) {
                given.push(entry.given.clone());
            }
        }
        given
    }
}

/// Reads the file; none where it is not there and nobody `chose` it.
///
/// # Errors
/// Where it cannot be read, is no TOML, or says anything that is no flag or looks like a secret.
pub(super) fn read(path: &Path, chosen: bool, command: &Command) -> Result<Option<Config>, Failure> {
    let shown = clean::sentence(&path.display().to_string());
    match text(path) {
        Ok(text) => Ok(Some(Reading { shown, text: &text, command }.read()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !chosen => Ok(None),
        Err(error) => Err(Failure::usage(format!(
            "the configuration file {shown} cannot be used: {error}\nhint: --no-config goes without it"
        ))),
    }
}

fn text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    must_be_ours(&file)?;
    let mut text = String::new();
    file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// A file that everybody may change could send the passwords anywhere.
#[cfg(unix)]
fn must_be_ours(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata()?.permissions().mode() & 0o002 == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "everybody may write to it (chmod o-w)"))
}

/// On Windows a file takes over the access list of its folder, which is the person's own.
#[cfg(not(unix))]
fn must_be_ours(_file: &File) -> io::Result<()> {
    Ok(())
}

/// One file on its way to what it says.
struct Reading<'a> {
    shown: String,
    text: &'a str,
    command: &'a Command,
}

impl<'a> Reading<'a> {
    fn read(self) -> Result<Config, Failure> {
        let table = DeTable::parse(self.text)
            .map_err(|error| self.wrong(error.span().unwrap_or_default(), error.message().to_owned()))?;
        let mut entries = Vec::new();
        for (key, value) in table.get_ref() {
            match value.get_ref() {
                DeValue::Table(own) => {
                    let verb = self.verb(key.get_ref(), key.span())?;
                    for (key, value) in own {
                        entries.push(self.entry(Some(verb), key.get_ref(), key.span(), value.get_ref())?);
                    }
                }
                value => entries.push(self.entry(None, key.get_ref(), key.span(), value)?),
            }
        }
        Ok(Config { shown: self.shown, entries })
    }

    /// The verb that a table is for.
    fn verb(&self, name: &str, at: Range<usize>) -> Result<&'a Command, Failure> {
        let verbs = || self.command.get_subcommands();
        self.command.find_subcommand(name).ok_or_else(|| {
            let meant = nearest(name, verbs().map(Command::get_name));
            let hint = meant.map(|meant| format!("\nhint: did you mean [{meant}]?")).unwrap_or_default();
            self.wrong(at, format!("{} is no command of passwave{hint}", clean::for_terminal(name)))
        })
    }

    fn entry(
        &self,
        verb: Option<&'a Command>,
        key: &str,
        at: Range<usize>,
        value: &DeValue<'_>,
    ) -> Result<Entry, Failure> {
        let arg = self.flag(verb, key, at.clone())?;
        if let Some((_, why)) = NOT_IN_A_FILE.iter().find(|(flag, _)| *flag == key) {
            return Err(self.wrong(at, format!("{key} does not belong in a file: {why}")));
        }
        let values = values(value).ok_or_else(|| {
            self.wrong(at.clone(), format!("{key} takes a text, a number, true or false, or a list of these"))
        })?;
        if values.iter().any(|value| KEYS.iter().any(|key| value.trim_start().starts_with(key))) {
            return Err(self.secret(key, at));
        }
        let (layer, origin) = (Layer::File, format!("{}, line {}", self.shown, self.line(at)));
        let values = values.into_iter().map(Into::into).collect();
        let given = checked(arg, Given { id: arg.get_id().to_string(), values, layer, origin })?;
        Ok(Entry { verb: verb.map(|verb| verb.get_name().to_owned()), given })
    }

    /// The flag that a key is: of this verb, or of any.
    fn flag(&self, verb: Option<&'a Command>, key: &str, at: Range<usize>) -> Result<&'a Arg, Failure> {
        let verbs: Vec<&Command> = verb.map_or_else(|| self.command.get_subcommands().collect(), |verb| vec![verb]);
        let args = verbs.into_iter().chain([self.command]).flat_map(Command::get_arguments);
        let is_flag = |arg: &&Arg| !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version);
        let flags: Vec<&Arg> = args.filter(is_flag).filter(|arg| arg.get_long().is_some()).collect();
        if let Some(found) = flags.iter().find(|arg| arg.get_long() == Some(key)) {
            return Ok(found);
        }
        let plain: String = key.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        if SECRETS.iter().any(|secret| plain.contains(secret)) {
            return Err(self.secret(key, at));
        }
        let meant = nearest(key, flags.into_iter().filter_map(Arg::get_long));
        let hint = meant.map(|meant| format!("\nhint: did you mean {meant}?")).unwrap_or_default();
        let of = verb.map_or("passwave", Command::get_name);
        Err(self.wrong(at, format!("{} is no flag of {of}{hint}", clean::for_terminal(key))))
    }

    fn secret(&self, key: &str, at: Range<usize>) -> Failure {
        self.wrong(
            at,
            format!(
                "{} looks like a secret, and no secret belongs in a file that lives for ever and gets copied\n\
                 hint: take it out and renew it; secrets come from variables of the shell or job (AZURE_CLIENT_SECRET), \
                 or sign in without one (--auth)",
                clean::for_terminal(key)
            ),
        )
    }

    fn line(&self, at: Range<usize>) -> usize {
        self.text.bytes().take(at.start).filter(|byte| *byte == b'\n').count() + 1
    }

    fn wrong(&self, at: Range<usize>, what: String) -> Failure {
        Failure::usage(format!("{}, line {}: {what}", self.shown, self.line(at)))
    }
}

/// The values of a key; none where they are of a kind that no flag takes.
fn values(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(items) => items.iter().map(|item| one(item.get_ref())).collect(),
        value => one(value).map(|value| vec![value]),
    }
}

fn one(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(word) => Some(word.to_string()),
        _ => None,
    }
}
