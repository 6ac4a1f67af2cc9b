//! `verify`: checks each account in the directory after its reset.

use super::{
    connect::SignIn,
    destination::Destination,
    logging::LoggingGraph,
    opening::open_real,
    pace::pace,
    reading::Reading,
    result,
    signals::interrupted,
    system::{Clock, runtime},
};
use crate::cli::{
    args::{ConnectArgs, NOT_FOR_VERIFYING, PaceArgs},
    console::{End, Event, ReadTask, Reporter},
    context::Context,
    failure::{Failure, INTERRUPTED},
    next_step::NextStep,
};
use passwave::{
    engine::{
        dispatch::Pace,
        verify::{VerifyEnd, VerifyEvent, verify as read_back},
    },
    graph::{Graph, client::auth::Needs},
    ledger::{Ledger, ReadLedger, Verdict},
    plan::wanted::Wanted,
};
use std::path::Path;

/// Verifies the reset accounts, and reports.
pub fn verify(context: &Context, folder: &Path, args: &PaceArgs, connect: &ConnectArgs) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    context.flags_without_meaning(&NOT_FOR_VERIFYING);
    let mut ledger = open_real(context, folder)?;
    let destination = Destination::of_run(&context.call, connect, ledger.settings())?;
    let (sign_in, pace) = (SignIn::open(reporter, connect, &destination, Needs::READ)?, pace(args));
    sign_in.must_be_the_same(&ledger)?;
    reporter.notice(format!("Signing in with {sign_in}"));
    runtime(Clock::Real)?.block_on(verify_one(context, &mut ledger, &sign_in, &pace))
}

/// Signs in, verifies the reset accounts of one run, and reports.
pub async fn verify_one(context: &Context, ledger: &mut Ledger, sign_in: &SignIn, pace: &Pace) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    let graph = sign_in.client(reporter);
    sign_in.complete(reporter, &graph, ledger).await?;
    let end = verify_accounts(reporter, ledger, &LoggingGraph::new(&graph, reporter), pace).await?;
    denied(context, ledger, &end)?;
    let summary = match result::reports(ledger) {
        Ok(summary) => summary,
        Err(failure) => return Ok(result::without_reports(context, ledger, failure)),
    };
    reporter.tell(&Event::Ends(if end == VerifyEnd::Interrupted { End::Interrupted } else { End::Verified }));
    result::tell(context, ledger, &summary, &Wanted { verify: true, ..ledger.settings().wanted.clone() });
    let shown = |verdict: Verdict| summary.verified.get(verdict.as_str()).copied().unwrap_or_default();
    let unseen = shown(Verdict::NotYetVisible) + shown(Verdict::Unread);
    Ok(if end == VerifyEnd::Interrupted { INTERRUPTED } else { u8::from(unseen > 0) })
}

/// The same at the end of a run.
pub async fn verify_after_run(
    context: &Context,
    ledger: &mut Ledger,
    graph: &impl Graph,
    pace: &Pace,
) -> Result<(), Failure> {
    let end = verify_accounts(&context.reporter, ledger, graph, pace).await?;
    denied(context, ledger, &end)
}

async fn verify_accounts(
    reporter: &Reporter,
    ledger: &mut Ledger,
    graph: &impl Graph,
    pace: &Pace,
) -> Result<VerifyEnd, Failure> {
    let mut reading = Reading::begin(reporter, ReadTask::Verify);
    let end = read_back(ledger, graph, pace, interrupted(reporter), &mut |event| match event {
        VerifyEvent::Begins(accounts) => reading.of(accounts),
        VerifyEvent::Reading(event) => reading.tell(&event),
        VerifyEvent::NotYetVisible(changes, wait) => reporter.tell(&Event::NotYetVisible { changes, wait }),
        _ => {}
    })
    .await;
    reading.end();
    if reporter.follows_accounts() {
        ledger.for_each_standing(None, |standing| {
            if standing.verdict.is_some() {
                reporter.tell(&Event::Account(&standing));
            }
            Ok::<_, Failure>(())
        })?;
    }
    Ok(end?)
}

fn denied(context: &Context, ledger: &ReadLedger, end: &VerifyEnd) -> Result<(), Failure> {
    match end {
        VerifyEnd::Denied(said) => {
            let step = NextStep::verify(&context.call, ledger).to_string();
            let failure = Failure::away(format!("the reset accounts cannot be verified: {said}"))
                .hint("grant the application User.Read.All with admin consent");
            Err(failure.about("permission").then(format!("Then verify with:  {step}"), step))
        }
        VerifyEnd::Finished | VerifyEnd::Interrupted => Ok(()),
    }
}
