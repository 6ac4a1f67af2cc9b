//! The look of a handout file: the built-in template, or the user's own.
//!
//! Everything that a template prints is escaped for HTML. It reads no other file, and an undefined name is an error.
//!
//! Invariant: no message about a template contains a password, whatever the template does with it.

use super::slip::write_secret;
use crate::{
    roster::text_file,
    util::{redact::Redactor, sanitize},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value, escape_formatter};
use std::{
    error::Error as _,
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

/// The name of the built-in template, which others can extend.
pub const BUILT_IN_NAME: &str = "handout.html";
/// The built-in template.
pub const BUILT_IN: &str = include_str!("handout.html");
/// Maximum size of a template.
const BYTES_MAX: u64 = 1 << 20;
/// The typeface for passwords and addresses; see its own README.
const TYPEFACE: &[u8] = include_bytes!("typeface/atkinson-hyperlegible-mono-600-ascii.woff2");

/// A parsed template.
pub struct Template {
    environment: Environment<'static>,
    name: String,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// No text, or more than a template.
    #[error("{0} is no template: it must be a text, best in UTF-8, of at most {BYTES_MAX} bytes")]
    NoText(String),
    /// Something in it does not work.
    #[error("{file}{line}: {cause}", line = .line.map_or_else(String::new, |line| format!(", line {line}")))]
    Wrong {
        /// The file.
        file: String,
        /// Its line, from 1, where that is known.
        line: Option<usize>,
        /// What is wrong.
        cause: String,
    },
}

/// Why a template could not write a file.
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
    /// Reads a user's template.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or is not a template.
    pub fn open(file: &Path) -> Result<Self, TemplateError> {
        let name = sanitize::for_terminal(&file.display().to_string());
        let unreadable = |source| TemplateError::Unreadable { file: name.clone(), source };
        let mut bytes = Vec::new();
        File::open(file).map_err(unreadable)?.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let no_text = || TemplateError::NoText(name.clone());
        if bytes.len() as u64 > BYTES_MAX {
            return Err(no_text());
        }
        Self::new(&name, text_file::decode_plain(bytes).map_err(|_| no_text())?)
    }

    /// A template from its text; `name` is its name in messages.
    ///
    /// # Errors
    /// Fails if it is not a template.
    pub fn new(name: &str, text: String) -> Result<Self, TemplateError> {
        let mut environment = environment();
        // Whatever its name, it does not replace the built-in one, which it may extend.
        let name = if name == BUILT_IN_NAME { format!("./{name}") } else { name.to_owned() };
        environment.add_template_owned(name.clone(), text).map_err(|error| wrong(&error, &name, &Redactor::of([])))?;
        Ok(Self { environment, name })
    }

    /// Writes the template with `values`. `redact` removes the passwords from error messages.
    pub(super) fn write(
        &self,
        values: Value,
        redact: impl FnOnce() -> Redactor,
        out: &mut dyn Write,
    ) -> Result<(), Fault> {
        let written = self.environment.get_template(&self.name).and_then(|it| it.render_captured_to(values, out));
        written.map(drop).map_err(|error| match io_error(&error) {
            Some(source) => Fault::Io(source),
            None => Fault::Template(wrong(&error, &self.name, &redact())),
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

/// The system's error that ended the rendering, if it was one.
fn io_error(error: &Error) -> Option<io::Error> {
    let source = error.source()?.downcast_ref::<io::Error>()?;
    Some(io::Error::new(source.kind(), source.to_string()))
}

fn wrong(error: &Error, name: &str, redact: &Redactor) -> TemplateError {
    // The innermost error is the cause; the outer ones name the enclosing blocks.
    let mut cause = error;
    while let Some(inner) = cause.source().and_then(|source| source.downcast_ref::<Error>()) {
        cause = inner;
    }
    let mut text =
        cause.detail().map_or_else(|| cause.kind().to_string(), |detail| format!("{}: {detail}", cause.kind()));
    redact.redact(&mut text);
    let file = match cause.name() {
        Some(BUILT_IN_NAME) => format!("{BUILT_IN_NAME} (the built-in template)"),
        _ => name.to_owned(),
    };
    TemplateError::Wrong { file, line: cause.line(), cause: sanitize::sentence(&text) }
}
