//! The only place to which a command reports what happens.
//!
//! It passes every [`Event`] to each listener, in this order: JSON lines, the terminal, the annotations of a pipeline.
//! Clones share the same listeners.
//!
//! Invariant: the first event is `Started`, and the last, if the process ends normally, is `Finished`.

use super::{
    event::{End, Event},
    json_lines::JsonLines,
    pipeline::Annotations,
    stdio::{self, Stdout},
    terminal::Terminal,
    verbosity::{EventLines, Verbosity},
};
use crate::cli::failure::{Failure, INTERRUPTED};
#[cfg(any(feature = "seal", feature = "sign"))]
use secrecy::SecretString;
use std::{
    io,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Passes events to all listeners.
#[derive(Clone)]
pub struct Reporter {
    listeners: Arc<Mutex<Listeners>>,
    verbosity: Verbosity,
    has_json: bool,
    /// Set for one tenant of several.
    tenant: Option<TenantWork>,
}

/// One tenant of several on which this process works.
#[derive(Clone)]
pub struct TenantWork {
    /// How it is called.
    pub name: Arc<str>,
    /// Sees each of its events first.
    pub observe: Arc<dyn Fn(&Event<'_>) + Send + Sync>,
    /// Whether all tenants are asked to stop.
    pub stop: watch::Receiver<bool>,
}

struct Listeners {
    json: Option<JsonLines>,
    terminal: Terminal,
    annotations: Option<Annotations>,
    /// The command that continues if this process has to exit at once.
    next_step: Option<String>,
}

impl Listeners {
    /// An event of one tenant of several: the terminal and programs see whose it is.
    fn tell_of(&mut self, tenant: &str, event: &Event<'_>) {
        if let Some(json) = &mut self.json {
            json.handle_of(tenant, event);
        }
        self.terminal.handle_of(tenant, event);
        if let Event::Failed(failure) = event
            && let Some(annotations) = &self.annotations
            && let Err(problem) = annotations.failed_in(tenant, failure)
        {
            self.terminal.handle(&problem.event());
        }
    }

    fn tell(&mut self, event: &Event<'_>) {
        if let Some(json) = &mut self.json {
            json.handle(event);
        }
        self.terminal.handle(event);
        let heard = self.annotations.as_ref().map_or(Ok(()), |annotations| annotations.handle(event));
        match heard {
            Err(problem) if !matches!(event, Event::Problem(_) | Event::Warning { .. }) => self.tell(&problem.event()),
            _ => {}
        }
    }
}

impl Reporter {
    /// Reports to the user, to programs as far as `events` says, and to the pipeline that runs us, if any.
    pub fn new(verbosity: Verbosity, events: EventLines) -> Self {
        let has_json = events == EventLines::Json;
        let listeners = Listeners {
            json: has_json.then(JsonLines::default),
            terminal: Terminal::new(verbosity, events),
            annotations: Annotations::of_this_pipeline(),
            next_step: None,
        };
        Self { listeners: Arc::new(Mutex::new(listeners)), verbosity, has_json, tenant: None }
    }

    /// A reporter for one tenant of several.
    pub fn of_tenant(&self, tenant: TenantWork) -> Self {
        Self { tenant: Some(tenant), ..self.clone() }
    }

    /// Resolves when all tenants are asked to stop; `None` if this is not the reporter of one of several.
    pub fn asked_to_stop(&self) -> Option<impl Future<Output = ()> + use<>> {
        let mut stop = self.tenant.as_ref()?.stop.clone();
        Some(async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending().await
            }
        })
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes an event to all listeners.
    pub fn tell(&self, event: &Event<'_>) {
        match &self.tenant {
            None => self.listeners().tell(event),
            Some(tenant) => {
                (tenant.observe)(event);
                self.listeners().tell_of(&tenant.name, event);
            }
        }
    }

    /// Reports something that the user may want to know.
    pub fn notice(&self, text: impl AsRef<str>) {
        self.tell(&Event::Notice(text.as_ref()));
    }

    /// Reports a likely mistake.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.tell(&Event::Warning { text: text.as_ref(), hint: None });
    }

    /// Reports a likely mistake, and what to do about it.
    pub fn warn_with(&self, text: impl AsRef<str>, hint: &str) {
        self.tell(&Event::Warning { text: text.as_ref(), hint: Some(hint) });
    }

    /// Reports something that went wrong, although the command continues.
    pub fn problem(&self, failure: impl Into<Failure>) {
        self.tell(&Event::Problem(&failure.into()));
    }

    /// Reports something only at this level of detail.
    pub fn detail(&self, level: u8, text: impl FnOnce() -> String) {
        if self.verbosity.detail >= level {
            self.tell(&Event::Detail(&text()));
        }
    }

    /// Whether a listener wants an event for each account.
    pub const fn follows_accounts(&self) -> bool {
        self.has_json
    }

    /// Whether standard output is used for events.
    pub const fn has_json(&self) -> bool {
        self.has_json
    }

    /// Prints the requested output on stdout.
    ///
    /// # Errors
    /// Fails if `write` fails, or stdout cannot be written. A closed pipe is not an error.
    pub fn output<E: From<io::Error>>(&self, write: impl FnOnce(&mut Stdout) -> Result<(), E>) -> Result<(), E> {
        stdio::print(write)
    }

    /// Asks the user a question; [`Reporter::answer`] reads the answer.
    pub fn ask(&self, question: &str) {
        stdio::prompt(question);
    }

    /// The line that the user types; `None` at the end of standard input. It blocks.
    pub fn answer() -> Option<String> {
        stdio::read_line()
    }

    /// Asks for a secret without echo.
    ///
    /// # Errors
    /// Fails if there is no terminal.
    #[cfg(any(feature = "seal", feature = "sign"))]
    pub fn ask_secret(&self, question: &str) -> io::Result<SecretString> {
        stdio::secret(question)
    }

    /// Remembers the command that continues if the process has to exit at once.
    pub fn note_next_step(&self, command: String) {
        // With several tenants, the command that continues is about all of them.
        if self.tenant.is_none() {
            self.listeners().next_step = Some(command);
        }
    }

    /// Reports that the process exits without waiting for what is in flight, and how to continue.
    pub fn exit_at_once(&self) {
        self.warn("exited at once: requests in flight are in doubt, and the next run resolves them");
        let next_step = self.listeners().next_step.take();
        if let Some(command) = next_step {
            self.tell(&Event::NextStep { words: &format!("Continue with:  {command}"), command: &command });
        }
        self.tell(&Event::Ends(End::ExitedAtOnce));
        self.tell(&Event::Finished { exit_code: INTERRUPTED });
    }

    /// Reports how the command ended, and returns the exit code.
    pub fn finish(&self, result: Result<u8, Failure>) -> ExitCode {
        let exit_code = result.unwrap_or_else(|failure| {
            self.tell(&Event::Failed(&failure));
            failure.code
        });
        self.tell(&Event::Finished { exit_code });
        ExitCode::from(exit_code)
    }
}
