//! `reset` and `run` over many tenants.

use super::{
    begin::{Start, Stopped},
    create::create,
    outcome,
    ready::Ready,
    told::tell_plan,
};
use crate::cli::{
    args::{ConnectArgs, JobArgs, OpenArgs},
    commands::{
        conditions::{Asking, Consent, RunConditions, must_be_whole, must_have_consent, window_must_be_open},
        rows::{self, Source},
        show,
        target::Target,
        wanted,
    },
    console::{End, Event, can_ask},
    context::Context,
    failure::Failure,
};
use passwave::fleet::Fleet;
use std::path::Path;

/// Plans, looks up, asks once, runs side by side and reports.
pub fn reset(context: &Context, job: &JobArgs, column: &str) -> Result<u8, Failure> {
    let (reporter, source) = (&context.reporter, Source::of(&context.call, &job.plan)?);
    show::must_be_possible(reporter, job.run.show)?;
    show::must_be_readable(job.run.show, rows::passwords(&job.plan))?;
    let consent = Consent::new(&Asking { says_yes: job.yes, can_ask: !source.is_stdin() && can_ask() });
    must_have_consent(consent)?;
    window_must_be_open(job.run.window)?;
    let fleet = create(context, job, column, Target::Tenant)?;
    let terms = RunConditions { run: &job.run, limit: &job.limit, expect: None, consent, says_yes: job.yes };
    let start = Start { context, fleet: &fleet, connect: &job.connect, open: None };
    let prepared = start.prepare(&terms, true).inspect_err(|_| discard(&fleet))?;
    let lock = fleet.lock()?;
    match start.work(&prepared, &terms) {
        Ok(code) | Err(Stopped::Code(code)) => Ok(code),
        Err(Stopped::TooMany(failure)) => {
            drop(lock);
            discard(&fleet);
            Err(failure)
        }
        Err(Stopped::Else(failure)) => Err(with_next(context, &fleet, failure)),
    }
}

/// Removes a fleet that this process has just made.
fn discard(fleet: &Fleet) {
    // The first error is reported; a failure to remove the folder would only hide it.
    let _ = std::fs::remove_dir_all(fleet.folder());
}

fn with_next(context: &Context, fleet: &Fleet, failure: Failure) -> Failure {
    match outcome::next(context, fleet) {
        Some(step) => failure.then(format!("The plan is kept. Continue with:  {step}"), step.to_string()),
        None => failure,
    }
}

/// Starts or continues the runs of a fleet that are not finished.
pub fn run(
    context: &Context,
    folder: &Path,
    connect: &ConnectArgs,
    open: &OpenArgs,
    terms: &RunConditions<'_>,
) -> Result<u8, Failure> {
    must_be_whole(terms.expect)?;
    show::must_be_possible(&context.reporter, terms.run.show)?;
    let fleet = Fleet::open(folder)?;
    let _lock = fleet.lock()?;
    let start = Start { context, fleet: &fleet, connect, open: Some(open) };
    let first = fleet.read(0)?;
    let now = wanted::now(context, &first, terms.run, terms.expect)?;
    window_must_be_open(now.window()?)?;
    let prepared = start.prepare(terms, true)?;
    if prepared.open.is_empty() {
        return outcome::finish(context, &fleet, &prepared.watch, &[]);
    }
    let says_yes = terms.consent == Consent::Given || outcome::has_begun(&fleet);
    let terms = RunConditions { consent: Consent::new(&Asking { says_yes, can_ask: can_ask() }), ..*terms };
    must_have_consent(terms.consent)?;
    match start.work(&prepared, &terms) {
        Ok(code) | Err(Stopped::Code(code)) => Ok(code),
        Err(Stopped::TooMany(failure)) => Err(failure),
        Err(Stopped::Else(failure)) => Err(with_next(context, &fleet, failure)),
    }
}

/// Shows what `run` would do. It only reads.
pub fn dry_run(
    context: &Context,
    folder: &Path,
    open: &OpenArgs,
    connect: &ConnectArgs,
    terms: &RunConditions<'_>,
) -> Result<u8, Failure> {
    must_be_whole(terms.expect)?;
    let fleet = Fleet::open(folder)?;
    let start = Start { context, fleet: &fleet, connect, open: Some(open) };
    let prepared = start.prepare(terms, false)?;
    start.must_be_expected(terms)?;
    let mut ready = Vec::new();
    for at in &prepared.open {
        let ledger = fleet.read(*at)?;
        let now = wanted::now(context, &ledger, terms.run, terms.expect)?;
        let pending = ledger.counts().pending();
        ready.push(Ready { at: *at, pending, now, signed_in: None });
    }
    tell_plan(context, &fleet, &prepared.watch, &ready, terms.run.pace.write_quota)?;
    match outcome::next(context, &fleet) {
        Some(step) => context.offer("Nothing was sent.", &step),
        None => context.reporter.notice("Nothing is left to do."),
    }
    context.reporter.tell(&Event::Ends(End::Planned));
    Ok(0)
}
