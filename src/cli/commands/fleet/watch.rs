//! Watches the tenants of a fleet while they are worked on: why one stopped, and when all of them have to.

use crate::cli::{
    console::{Event, Reporter, TenantWork},
    context::Context,
    failure::Failure,
};
use passwave::{
    engine::run::{Halt, RunEnd, RunEvent},
    fleet::{Fleet, HaltsTogether, Trouble},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// What is known about all tenants.
pub struct Watch {
    seen: Mutex<Seen>,
    stop: watch::Sender<bool>,
}

#[derive(Default)]
struct Seen {
    halts: HaltsTogether,
    trouble: BTreeMap<usize, Trouble>,
    halted: Option<Halt>,
}

impl Watch {
    /// Stops all tenants if one of these rules is reached over all of them.
    pub fn new(rules: Vec<Halt>) -> Arc<Self> {
        let seen = Seen { halts: HaltsTogether::new(rules), ..Seen::default() };
        Arc::new(Self { seen: Mutex::new(seen), stop: watch::Sender::new(false) })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks all tenants to stop.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether all tenants are asked to stop.
    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// The rule that was reached over all tenants, if one was.
    pub fn halted(&self) -> Option<Halt> {
        self.seen().halted
    }

    /// Notes why a tenant cannot begin or go on.
    pub fn note(&self, at: usize, failure: &Failure) {
        let (message, hint) = failure.parts();
        let trouble = Trouble { code: failure.kind.into(), message: message.into(), hint: hint.map(str::to_owned) };
        self.seen().trouble.insert(at, trouble);
    }

    /// Whether something is wrong with a tenant.
    pub fn has_trouble(&self, at: usize) -> bool {
        self.seen().trouble.contains_key(&at)
    }

    /// What is wrong with each tenant.
    pub fn trouble(&self) -> BTreeMap<usize, Trouble> {
        self.seen().trouble.clone()
    }

    fn observe(&self, at: usize, event: &Event<'_>) {
        match event {
            Event::Failed(failure) => self.note(at, failure),
            Event::WritingBegins { ledger, .. } => self.seen().halts.begin(at, ledger.counts()),
            Event::Run(RunEvent::Progress { counts, .. }) => {
                let mut seen = self.seen();
                if let Some(rule) = seen.halts.note(at, *counts) {
                    seen.halted.get_or_insert(rule);
                    self.stop();
                }
            }
            Event::RunEnded(RunEnd::Halted(rule)) => {
                let message = format!("stopped by --halt-on {rule}: look at the causes before you continue");
                let trouble = Trouble { code: "halted".into(), message, hint: None };
                self.seen().trouble.insert(at, trouble);
            }
            _ => {}
        }
    }

    /// The context for the work on each tenant.
    pub fn contexts(self: &Arc<Self>, context: &Context, fleet: &Fleet) -> Vec<Context> {
        let members = fleet.manifest().tenants.iter().enumerate();
        members.map(|(at, member)| self.context(context, at, &member.name)).collect()
    }

    fn context(self: &Arc<Self>, context: &Context, at: usize, name: &str) -> Context {
        let watch = Arc::clone(self);
        let tenant = TenantWork {
            name: name.into(),
            observe: Arc::new(move |event| watch.observe(at, event)),
            stop: self.stop.subscribe(),
        };
        Context { reporter: context.reporter.of_tenant(tenant), call: context.call.clone() }
    }

    /// Asks all tenants to stop when the process is asked to. It never ends by itself.
    pub async fn pass_on_stop(&self, reporter: &Reporter) {
        crate::cli::commands::signals::interrupted(reporter).await;
        reporter.notice(
            "Stopping: nothing more is sent, and answers on their way are awaited. Press Ctrl-C again to exit at once.",
        );
        self.stop();
        std::future::pending::<()>().await;
    }
}
