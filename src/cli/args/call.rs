//! How this process was called: the flags on its command line, and the defaults that the environment and the
//! configuration file give to each command. The next commands that the program prints are built from it.
//!
//! It never holds a secret: no argument is one.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

/// A flag with its values, from any source. Flags that only have their built-in default are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFlag {
    /// The flag's id in the definition of the command line: `max_wait`.
    pub id: String,
    /// The flag as written, without its dashes: `max-wait`.
    pub long: String,
    /// Its values; empty for a switch.
    pub values: Vec<OsString>,
    /// Where it comes from; `None` if it is from the command line.
    pub origin: Option<String>,
}

/// The configuration file of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it exists and was read.
    pub is_read: bool,
}

/// How a process was called.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The command line as typed, with the program first.
    pub words: Vec<OsString>,
    /// The command's name.
    pub verb: String,
    /// Whether a user sits at a terminal and can be asked.
    pub is_attended: bool,
    /// All flags in force for this call.
    pub flags: Vec<CallFlag>,
    /// The configuration file in use, or where one is looked for; `None` if there is no such place, or it is not read.
    pub settings: Option<SettingsFile>,
    /// The flags that each command takes.
    pub known: BTreeMap<String, Vec<String>>,
    /// The flags that each command would get from the environment and the file alone.
    pub elsewhere: BTreeMap<String, Vec<CallFlag>>,
}

impl Call {
    /// The flag with this id, from any source.
    pub fn flag(&self, id: &str) -> Option<&CallFlag> {
        self.flags.iter().find(|flag| flag.id == id)
    }

    /// Whether the command line itself gave this flag.
    pub fn has_argument(&self, id: &str) -> bool {
        self.flag(id).is_some_and(|flag| flag.origin.is_none())
    }

    /// Whether `verb` takes the flag with this id.
    pub fn takes(&self, verb: &str, id: &str) -> bool {
        self.known.get(verb).is_some_and(|known| known.iter().any(|known| known == id))
    }

    /// The flag that `verb` would get from the environment or the file.
    pub fn elsewhere(&self, verb: &str, id: &str) -> Option<&CallFlag> {
        self.elsewhere.get(verb)?.iter().find(|flag| flag.id == id)
    }
}
