//! `reset`: plans, looks up, asks, runs and reports.

use super::{
    conditions::{Asking, Consent, RunConditions, must_have_consent, window_must_be_open},
    connect::SignIn,
    planning::{create, discard},
    rows::{self, Source},
    show,
    system::{Clock, runtime},
    target::Target,
    wanted,
    work::{Refused, work},
};
use crate::cli::{args::JobArgs, console::can_ask, context::Context, failure::Failure};

/// Plans, looks up, asks, runs and reports.
pub fn reset(context: &Context, job: &JobArgs) -> Result<u8, Failure> {
    let (reporter, source) = (&context.reporter, Source::of(&context.call, &job.plan)?);
    show::must_be_possible(reporter, job.run.show)?;
    show::must_be_readable(job.run.show, rows::passwords(&job.plan))?;
    let sign_in = SignIn::of_job(reporter, job)?;
    let consent = Consent::new(&Asking { says_yes: job.yes, can_ask: !source.is_stdin() && can_ask() });
    must_have_consent(consent)?;
    window_must_be_open(job.run.window)?;
    // Resources that the system may refuse are requested before there is a folder.
    let runtime = runtime(Clock::Real)?;
    let mut ledger = create(context, job, Target::Tenant)?;
    let terms = RunConditions { run: &job.run, limit: &job.limit, expect: None, consent, says_yes: job.yes };
    let now = wanted::now(context, &ledger, &job.run, None)?;
    let code = match runtime.block_on(work(context, &mut ledger, &sign_in, &terms, &now)) {
        Err(Refused::TooMany(failure)) => return Err(discard(reporter, ledger, failure)),
        other => other.map_err(|refused| refused.with_next_step(context, &ledger))?,
    };
    show::passwords(reporter, &ledger, job.run.show)?;
    Ok(code)
}
