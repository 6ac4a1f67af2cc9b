//! `doctor`: looks at everything that a run needs, and prints it as a page for a bug report.
//!
//! It changes nothing: it makes a folder of its own where the run folder would be, and removes it again.
//!
//! Invariant: the page has names of variables, but no values that could be secret, and no user name of a proxy.

mod certificates;
#[cfg(feature = "postgres")]
mod database;
mod folder;
mod machine;
mod network;
mod settings;
mod sign_in;

use super::{
    connect,
    destination::Destination,
    signals::interrupted,
    system::{Clock, runtime},
};
use crate::cli::{
    args::ConnectArgs,
    console::{Event, Finding, Reporter, Severity},
    context::Context,
    failure::{AWAY, Failure},
};
use std::path::Path;

/// What has been found so far.
struct Examination<'a> {
    reporter: &'a Reporter,
    has_problem: bool,
}

impl Examination<'_> {
    fn fine(&mut self, check: &'static str, text: impl Into<String>) {
        self.found(Finding { check, severity: Severity::Fine, text: text.into(), hint: None });
    }

    fn skipped(&mut self, check: &'static str, why: impl Into<String>) {
        self.found(Finding { check, severity: Severity::Skipped, text: why.into(), hint: None });
    }

    fn warning(&mut self, check: &'static str, text: impl Into<String>, hint: impl Into<String>) {
        self.found(Finding { check, severity: Severity::Warning, text: text.into(), hint: Some(hint.into()) });
    }

    fn problem(&mut self, check: &'static str, text: impl Into<String>, hint: Option<String>) {
        self.found(Finding { check, severity: Severity::Problem, text: text.into(), hint });
    }

    /// A problem for which a run would end.
    fn failure(&mut self, check: &'static str, failure: &Failure) {
        let (text, hint) = failure.parts();
        self.problem(check, text, hint.map(str::to_owned));
    }

    fn found(&mut self, finding: Finding) {
        self.has_problem |= finding.severity == Severity::Problem;
        self.reporter.tell(&Event::Finding(&finding));
    }
}

/// Examines everything; the exit code says whether something stops a run.
pub fn doctor(context: &Context, run_dir: Option<&Path>, connect: &ConnectArgs) -> Result<u8, Failure> {
    let mut examination = Examination { reporter: &context.reporter, has_problem: false };
    machine::examine(&mut examination);
    settings::examine(&mut examination, &context.call);
    folder::examine(&mut examination, run_dir);
    #[cfg(feature = "postgres")]
    database::examine(&mut examination, context);
    sign_in::examine_credentials(&mut examination, connect);
    certificates::examine(&mut examination, connect);
    let destination = Destination::new(connect);
    match connect::endpoints(connect, &destination) {
        Ok(endpoints) => runtime(Clock::Real)?.block_on(async {
            tokio::select! {
                biased;
                () = interrupted(&context.reporter) => Err(Failure::interrupted("interrupted")),
                () = async {
                    let reached = network::examine(&mut examination, &endpoints, &destination).await;
                    sign_in::examine(&mut examination, connect, &destination, reached).await;
                } => Ok(()),
            }
        })?,
        Err(failure) => {
            examination.failure("network", &failure);
            examination.skipped("sign-in", "the network could not be set up");
        }
    }
    Ok(if examination.has_problem { AWAY } else { 0 })
}
