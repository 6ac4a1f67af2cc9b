//! `evidence --audit`: finds the resets in the tenant's audit log before the evidence is written.

use super::{
    connect::SignIn,
    destination::Destination,
    logging::LoggingGraph,
    opening::open_real,
    signals::interrupted,
    system::{Clock, runtime},
};
use crate::cli::{
    args::ConnectArgs,
    context::Context,
    failure::{Failure, INTERRUPTED},
};
use passwave::{
    engine::audit::{AuditEnd, matches, read_audit},
    graph::client::auth::Needs,
    ledger::Ledger,
    util::format::{counted, grouped},
};
use std::path::Path;

/// Reads the log and stores what was found; returns the exit code if it was interrupted.
pub fn audit(context: &Context, folder: &Path, connect: &ConnectArgs) -> Result<Option<u8>, Failure> {
    let reporter = &context.reporter;
    let mut ledger = open_real(context, folder)?;
    let destination = Destination::of_run(&context.call, connect, ledger.settings())?;
    let sign_in = SignIn::open(reporter, connect, &destination, Needs::AUDIT)?;
    sign_in.must_be_the_same(&ledger)?;
    reporter.notice(format!("Signing in with {sign_in}"));
    runtime(Clock::Real)?.block_on(audit_one(context, &mut ledger, &sign_in))
}

/// Signs in, reads the log of one run's tenant, and stores what was found; returns the exit code if it was interrupted.
pub async fn audit_one(context: &Context, ledger: &mut Ledger, sign_in: &SignIn) -> Result<Option<u8>, Failure> {
    let reporter = &context.reporter;
    let graph = sign_in.client(reporter);
    sign_in.complete(reporter, &graph, ledger).await?;
    let told = &mut |records| reporter.detail(1, || format!("audit log: {records} records"));
    let end = read_audit(ledger, &LoggingGraph::new(&graph, reporter), interrupted(reporter), told).await?;
    tell(context, ledger, end)
}

fn tell(context: &Context, ledger: &Ledger, end: AuditEnd) -> Result<Option<u8>, Failure> {
    let reporter = &context.reporter;
    match end {
        AuditEnd::Interrupted => return Ok(Some(INTERRUPTED)),
        AuditEnd::Nothing => reporter.warn("the run has sent nothing, so the audit log has nothing of it"),
        AuditEnd::Denied(said) => {
            let step = context.step("evidence", ledger.folder()).switch("audit");
            let failure = Failure::away(format!("the audit log cannot be read: {said}"))
                .hint("grant the application AuditLog.Read.All with admin consent");
            return Err(failure.about("permission").then(format!("Then write it with:  {step}"), step.to_string()));
        }
        AuditEnd::Finished { records, found, missing } => {
            let counts = matches(ledger)?;
            let number = |how| counts.get(how).copied().unwrap_or(0u64);
            reporter.notice(format!(
                "Audit log: {} read; found {} of {} ({} by our id of the request, {} by that of its batch, {} by account and time)",
                counted(records, "record", "records"),
                grouped(found),
                counted(found + missing, "row that was sent", "rows that were sent"),
                grouped(number("request")),
                grouped(number("batch")),
                grouped(number("time")),
            ));
            if missing > 0 {
                reporter.warn_with(
                    format!("the audit log has no record of {}", counted(missing, "row", "rows")),
                    "records can come some minutes late; try again later, but before they expire",
                );
            }
        }
    }
    Ok(None)
}
