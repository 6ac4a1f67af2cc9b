//! The configuration file: default flags in TOML, for all commands or in a table for one.
//!
//! Invariant: it contains no secret. A value that looks like one is refused, and its text is never repeated.

use super::{Given, Layer, checked, place::Choice};
use crate::cli::failure::Failure;
use clap::{Arg, ArgAction, Command};
use passwave::{
    roster::text_file,
    util::{sanitize, suggest::nearest},
};
use std::{fs::File, io, io::Read, ops::Range, path::Path};
use toml::de::{DeTable, DeValue};

/// Maximum size of the file.
const BYTES_MAX: u64 = 65_536;
/// Parts of names that mean secrets, without punctuation.
const SECRETS: [&str; 10] =
    ["secret", "password", "passwd", "pwd", "passphrase", "token", "credential", "assertion", "apikey", "privatekey"];
/// How the text of a key begins.
const KEYS: [&str; 2] = ["AGE-SECRET-KEY-", "-----BEGIN"];
const BACKSLASH: &str = "in double quotes, a backslash begins an escape such as \\t: write a path in single quotes, as in 'C:\\temp\\new.pem'";
/// Flags that answer a question of the moment, or say where this file is.
const NOT_IN_A_FILE: [(&str, &str); 4] = [
    (
        "alongside",
        "a run beside another one is confirmed each time: with --alongside, or with PASSWAVE_ALONGSIDE in a job",
    ),
    (
        "yes",
        "the question before a run is answered each time: at the terminal, with --yes, or with PASSWAVE_YES in a job",
    ),
    ("config", "it names this file"),
    ("no-config", "it leaves this file out"),
];

/// The content of a file.
#[derive(Debug)]
pub(super) struct Config {
    shown: String,
    entries: Vec<Entry>,
}

/// The value of one flag, for all commands or one.
#[derive(Debug)]
struct Entry {
    verb: Option<String>,
    given: Given,
}

impl Config {
    /// The file's name, for display.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The flags for `verb`. Those for this command alone come before those for all.
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

/// Reads the file; `None` if it does not exist and the user did not choose it.
///
/// # Errors
/// Fails if it cannot be read, is not TOML, has an unknown flag, or has something that looks like a secret.
pub(super) fn read(path: &Path, choice: &Choice, command: &Command) -> Result<Option<Config>, Failure> {
    let shown = sanitize::sentence(&path.display().to_string());
    match text(path) {
        Ok(text) => Ok(Some(Reading { shown, text: &text, command }.read()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && matches!(choice, Choice::Usual) => Ok(None),
        Err(error) => Err(Failure::usage(format!("the configuration file {shown} cannot be used: {error}"))
            .hint("--no-config ignores it")),
    }
}

fn text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    must_be_ours(&file)?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {BYTES_MAX} bytes")));
    }
    text_file::decode_plain(bytes).map_err(|error| io::Error::other(error.to_string()))
}

/// A file that everyone can change could send the passwords anywhere.
#[cfg(unix)]
fn must_be_ours(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata()?.permissions().mode() & 0o002 == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "everyone can write to it (chmod o-w)"))
}

/// On Windows, a file inherits the access list of its folder, which belongs to the user.
#[cfg(not(unix))]
fn must_be_ours(_file: &File) -> io::Result<()> {
    Ok(())
}

/// One file while it is parsed.
struct Reading<'a> {
    shown: String,
    text: &'a str,
    command: &'a Command,
}

impl<'a> Reading<'a> {
    fn read(self) -> Result<Config, Failure> {
        let table = DeTable::parse(self.text)
            .map_err(|error| self.not_toml(error.span().unwrap_or_default(), error.message()))?;
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

    /// The command that a table is for.
    fn verb(&self, name: &str, at: Range<usize>) -> Result<&'a Command, Failure> {
        let verbs = || self.command.get_subcommands();
        self.command.find_subcommand(name).ok_or_else(|| {
            let meant = nearest(name, verbs().map(Command::get_name));
            let failure = self.wrong(at, format!("passwave has no command {}", sanitize::for_terminal(name)));
            meant.into_iter().fold(failure, |failure, meant| failure.hint(format!("did you mean [{meant}]?")))
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
            return Err(self.wrong(at, format!("{key} is not allowed in the file: {why}")));
        }
        let values = values(value).ok_or_else(|| {
            self.wrong(at.clone(), format!("{key} takes text, a number, true or false, or a list of these"))
        })?;
        if values.iter().any(|value| KEYS.iter().any(|key| value.trim_start().starts_with(key))) {
            return Err(self.secret(key, at));
        }
        if values.iter().any(|value| value.contains(char::is_control)) {
            let what = format!("{key} holds a control character, which no flag accepts");
            return Err(self.wrong(at, what).hint(BACKSLASH));
        }
        let (layer, origin) = (Layer::File, format!("{}, line {}", self.shown, self.line(at)));
        let values = values.into_iter().map(Into::into).collect();
        let given = checked(arg, Given { id: arg.get_id().to_string(), values, layer, origin })?;
        Ok(Entry { verb: verb.map(|verb| verb.get_name().to_owned()), given })
    }

    /// The flag of a key: of this command, or of any.
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
        let of = verb.map_or("passwave", Command::get_name);
        let failure = self.wrong(at, format!("{of} has no flag {}", sanitize::for_terminal(key)));
        Err(meant.into_iter().fold(failure, |failure, meant| failure.hint(format!("did you mean {meant}?"))))
    }

    fn secret(&self, key: &str, at: Range<usize>) -> Failure {
        self.wrong(
            at,
            format!(
                "{} looks like a secret, and a configuration file must not contain secrets",
                sanitize::for_terminal(key)
            ),
        )
        .hint(
            "remove it and renew it; set secrets as variables of the shell or the job (AZURE_CLIENT_SECRET), or sign in \
             without one (--auth)",
        )
    }

    /// The usual cause is a Windows path in double quotes.
    fn not_toml(&self, at: Range<usize>, what: &str) -> Failure {
        let line = self.text.lines().nth(self.line(at.clone()) - 1).unwrap_or_default();
        let failure = self.wrong(at, what.to_owned());
        if line.contains('\\') { failure.hint(BACKSLASH) } else { failure }
    }

    fn line(&self, at: Range<usize>) -> usize {
        self.text.bytes().take(at.start).filter(|byte| *byte == b'\n').count() + 1
    }

    fn wrong(&self, at: Range<usize>, what: String) -> Failure {
        Failure::usage(format!("{}, line {}: {what}", self.shown, self.line(at)))
    }
}

/// The values of a key; `None` if no flag takes values of this kind.
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
