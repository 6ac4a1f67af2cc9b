//! Sends what is planned: runs, verifies if requested, and reports, however the run ended.

use super::{
    confirm::{self, Share},
    result::{broken_off, finish, not_replaced, reports, reports_now, tell_pipeline, without_reports},
    signals::interrupted,
    verify,
};
use crate::cli::{
    console::{Event, Reporter, Stage, can_ask},
    context::Context,
    failure::{AWAY, Failure, INTERRUPTED},
    hints,
};
use passwave::{
    engine::run::{self as engine, RunEnd, RunError, RunEvent, RunOptions},
    graph::Graph,
    ledger::Ledger,
    plan::wanted::Wanted,
    util::sanitize,
};

/// What happens after a pilot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPilot {
    /// Ask the user whether to continue, if there is a terminal.
    Ask,
    End,
}

/// Runs, verifies and reports.
pub async fn send<G: Graph>(
    context: &Context,
    ledger: &mut Ledger,
    graph: &G,
    mut options: RunOptions,
    wanted: &Wanted,
    after: AfterPilot,
) -> Result<u8, Failure> {
    if wanted.revoke_sessions {
        ledger.revoke_sessions()?;
    }
    if ledger.sealed_to().is_some() {
        // New passwords are in the sealed report before any of them is sent.
        match prepare(&context.reporter, ledger, graph, &options).await {
            Ok(None) => drop(reports_now(context, ledger)?),
            Ok(Some(end)) => {
                tell_end(context, &end);
                return Ok(finish(context, ledger, Some(&end), wanted));
            }
            Err(error) => return Ok(broken_off(context, ledger, error.into())),
        }
    }
    loop {
        let end = match run_once(&context.reporter, ledger, graph, &options).await {
            Ok(end) => end,
            Err(error) => return Ok(broken_off(context, ledger, error.into())),
        };
        if wanted.verify && matches!(end, RunEnd::Finished | RunEnd::PilotEnded) {
            let verified = verify::verify_after_run(context, ledger, graph, &options.pace).await;
            verified.unwrap_or_else(|failure| context.reporter.problem(failure));
        }
        tell_end(context, &end);
        if end != RunEnd::PilotEnded || after == AfterPilot::End || !can_ask() {
            return Ok(finish(context, ledger, Some(&end), wanted));
        }
        if let Err(code) = goes_on_after_pilot(context, ledger).await {
            return Ok(code);
        }
        options.pilot = None;
    }
}

/// Reports the pilot's result, and asks about the other accounts. The full report comes at the end.
async fn goes_on_after_pilot(context: &Context, ledger: &mut Ledger) -> Result<(), u8> {
    let summary = reports(ledger).map_err(|failure| without_reports(context, ledger, failure))?;
    context.reporter.tell(&Event::PilotResult { ledger, summary: &summary });
    not_replaced(context, ledger, &summary);
    let confirmed = confirm::confirmed(context, ledger, Share::AfterPilot).await;
    confirmed.map_err(|code| {
        tell_pipeline(context, ledger, &summary, Stage::Ended);
        if code == INTERRUPTED { code } else { AWAY }
    })
}

async fn prepare<G: Graph>(
    reporter: &Reporter,
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
) -> Result<Option<RunEnd>, RunError> {
    reporter.tell(&Event::WritingBegins { ledger, quota: options.pace.write_quota });
    let mut emit = |event| tell(reporter, &event);
    let end = engine::prepare(ledger, graph, options, interrupted(reporter), &mut emit).await;
    reporter.tell(&Event::ProgressEnds);
    end
}

async fn run_once<G: Graph>(
    reporter: &Reporter,
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
) -> Result<RunEnd, RunError> {
    reporter.tell(&Event::WritingBegins { ledger, quota: options.pace.write_quota });
    let mut emit = |event| tell(reporter, &event);
    let end = engine::run(ledger, graph, options, interrupted(reporter), &mut emit).await;
    reporter.tell(&Event::ProgressEnds);
    end
}

/// Passes on the engine's events, and warns about what it was denied.
fn tell(reporter: &Reporter, event: &RunEvent) {
    reporter.tell(&Event::Run(event));
    if let RunEvent::SessionsDenied(code) = event {
        reporter.warn_with(
            format!("sessions are not revoked: Graph answers {}", sanitize::for_terminal(code)),
            hints::run::SESSIONS_DENIED,
        );
    }
}

/// Says why the engine stopped before all rows have ended, if it did.
fn tell_end(context: &Context, end: &RunEnd) {
    context.reporter.tell(&Event::RunEnded(end));
    match end {
        RunEnd::Halted(halt) => {
            context.reporter.warn(format!("stopped by --halt-on {halt}: look at the causes before you continue"));
        }
        RunEnd::PilotEnded => explain_pilot(context),
        RunEnd::WritebackPilotFailed(row) => context.reporter.warn_with(
            format!(
                "the first account of the on-premises directory (row {row}) was not reset, so the others there were not sent"
            ),
            hints::run::WRITEBACK_PILOT,
        ),
        RunEnd::Finished | RunEnd::Interrupted | RunEnd::WindowClosed => {}
    }
}

/// Explains why a run is still a pilot if no flag of this call asked for it.
fn explain_pilot(context: &Context) {
    let pilot = context.call.flag("pilot").and_then(|pilot| Some((pilot, pilot.origin.as_deref()?)));
    let Some((pilot, origin)) = pilot else { return };
    let number =
        pilot.values.first().map(|number| sanitize::for_terminal(&number.to_string_lossy())).unwrap_or_default();
    context
        .reporter
        .notice(format!("--pilot {number} comes from {origin}, so each run takes the next {number} accounts."));
}
