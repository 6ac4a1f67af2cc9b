//! The call of this process: what its command line said, and what the environment and the configuration file say of every
//! verb. What is printed as the next command is built from it.
//!
//! It never holds a secret: none is an argument.

use std::{collections::BTreeMap, ffi::OsString, sync::OnceLock};

/// A flag with its values, whoever gave it; never one that only has its built-in default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFlag {
    /// Its id in the definition of the command line: `max_wait`.
    pub id: String,
    /// As it is written, without its dashes: `max-wait`.
    pub long: String,
    /// Its values; none for a switch.
    pub values: Vec<OsString>,
    /// Where it comes from, if that is not the command line.
    pub origin: Option<String>,
}

/// What a process was called with.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The command's name.
    pub verb: String,
    /// All flags that hold for this call.
    pub flags: Vec<CallFlag>,
    /// For each verb, the flags that it takes.
    pub known: BTreeMap<String, Vec<String>>,
    /// For each verb, what the environment and the file would give it if the command line said nothing.
    pub elsewhere: BTreeMap<String, Vec<CallFlag>>,
}

static CALL: OnceLock<Call> = OnceLock::new();

/// Remembers the call. The first one stays.
pub fn remember(call: Call) {
    let _ = CALL.set(call);
}

/// The call of this process.
pub fn call() -> &'static Call {
    static NONE: OnceLock<Call> = OnceLock::new();
    CALL.get().unwrap_or_else(|| NONE.get_or_init(Call::default))
}

impl Call {
    /// The flag with this id, whoever gave it.
    pub fn flag(&self, id: &str) -> Option<&CallFlag> {
        self.flags.iter().find(|flag| flag.id == id)
    }

    /// Whether the command line itself gave this flag.
    pub fn says(&self, id: &str) -> bool {
        self.flag(id).is_some_and(|flag| flag.origin.is_none())
    }

    /// Whether `verb` takes the flag with this id.
    pub fn takes(&self, verb: &str, id: &str) -> bool {
        self.known.get(verb).is_some_and(|known| known.iter().any(|known| known == id))
    }

    /// What the environment or the file would give `verb` for this flag.
    pub fn elsewhere(&self, verb: &str, id: &str) -> Option<&CallFlag> {
        self.elsewhere.get(verb)?.iter().find(|flag| flag.id == id)
    }
}
