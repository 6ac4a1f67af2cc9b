//! What a file of handouts looks like: the built-in template, or one of the user's own.
//!
//! Everything that a template prints is escaped for HTML. It reads no other file, and an undefined name is an error.
//!
//! Invariant: no message about a template holds a password, whatever the template does with it.

use super::slip::write_secret;
use crate::{clean, scrub::Scrub};
use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value, escape_formatter};
use std::{
    error::Error as _,
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

/// The name of the built-in template, which others may extend.
pub const BUILT_IN_NAME: &str = "handout.html";
/// The built-in template.
pub const BUILT_IN: &str = include_str!("handout.html");
/// Most bytes of a template.
const BYTES_MAX: u64 = 1 << 20;
/// The typeface of passwords and addresses; see its own README.
const TYPEFACE: &[u8] = include_bytes!("typeface/atkinson-hyperlegible-mono-600-ascii.woff2");

/// A template that has been read.
pub struct Template {
    environment: Environment<'static>,
    name: String,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {source}\nhint: check what --template names")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// Not UTF-8, or more than a template.
    #[error(
        "{0} is no template: it must be a text in UTF-8 of at most {BYTES_MAX} bytes\nhint: start from `passwave handouts --print-template`"
    )]
    NoText(String),
    /// Something in it does not work.
    #[error("{file}{line}: {cause}\nhint: `passwave handouts --print-template` shows all that a template can use", line = .line.map_or_else(String::new, |line| format!(", line {line}")))]
    Wrong {
        /// The file.
        file: String,
        /// Its line, from 1, where that is known.
        line: Option<usize>,
        /// What is wrong.
        cause: String,
    },
}

/// Why a template did not write a file.
pub(super) enum Fault {
    Io(io::Error),
    Template(TemplateError),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Default for Template {
    fn default() -> Self {
        Self { environment: environment(), name: BUILT_IN_NAME.into() }
    }
}

impl Template {
    /// Reads a template of the user's.
    ///
    /// # Errors
    /// Where the file cannot be read, or is no template.
    pub fn open(file: &Path) -> Result<Self, TemplateError> {
        let name = clean::for_terminal(&file.display().to_string());
        let unreadable = |source| TemplateError::Unreadable { file: name.clone(), source };
        let mut bytes = Vec::new();
        File::open(file).map_err(unreadable)?.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let no_text = || TemplateError::NoText(name.clone());
        let text = String::from_utf8(bytes).map_err(|_| no_text())?;
        if text.len() as u64 > BYTES_MAX || text.contains('\0') {
            return Err(no_text());
        }
        Self::new(&name, text.trim_start_matches('\u{FEFF}').to_owned())
    }

    /// A template from its text; `name` stands for it in messages.
    ///
    /// # Errors
    /// Where it is no template.
    pub fn new(name: &str, text: String) -> Result<Self, TemplateError> {
        let mut environment = environment();
        // However the user calls it, it does not replace the one that it may extend.
        let name = if name == BUILT_IN_NAME { format!("./{name}") } else { name.to_owned() };
        environment.add_template_owned(name.clone(), text).map_err(|error| wrong(&error, &name, &Scrub::of([])))?;
        Ok(Self { environment, name })
    }

    /// Writes what the template makes of `values`; `scrub` knows the passwords among them, where a message is to be made.
    pub(super) fn write(&self, values: Value, scrub: impl FnOnce() -> Scrub, out: &mut dyn Write) -> Result<(), Fault> {
        let written = self.environment.get_template(&self.name).and_then(|it| it.render_captured_to(values, out));
        written.map(drop).map_err(|error| match io_error(&error) {
            Some(source) => Fault::Io(source),
            None => Fault::Template(wrong(&error, &self.name, &scrub())),
        })
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(|out, state, value| match write_secret(out, value) {
        Ok(true) => Ok(()),
        Ok(false) => escape_formatter(out, state, value),
        Err(error) => Err(error.into()),
    });
    let typeface = format!("data:font/woff2;base64,{}", STANDARD.encode(TYPEFACE));
    environment.add_global("typeface", Value::from_safe_string(typeface));
    environment.add_template(BUILT_IN_NAME, BUILT_IN).expect("the built-in template is one");
    environment
}

/// The fault of the system that ended a rendering, if it was one.
fn io_error(error: &Error) -> Option<io::Error> {
    let source = error.source()?.downcast_ref::<io::Error>()?;
    Some(io::Error::new(source.kind(), source.to_string()))
}

fn wrong(error: &Error, name: &str, scrub: &Scrub) -> TemplateError {
    // The innermost is the cause; those around it say through which block it was reached.
    let mut cause = error;
    while let Some(inner) = cause.source().and_then(|source| source.downcast_ref::<Error>()) {
        cause = inner;
    }
    let mut text =
        cause.detail().map_or_else(|| cause.kind().to_string(), |detail| format!("{}: {detail}", cause.kind()));
    scrub.scrub(&mut text);
    let file = match cause.name() {
        Some(BUILT_IN_NAME) => format!("{BUILT_IN_NAME} (the built-in template)"),
        _ => name.to_owned(),
    };
    TemplateError::Wrong { file, line: cause.line(), cause: clean::sentence(&text) }
}
