//! What is told when the work on a fleet ends: the reports over all tenants, the result, and the command that continues.

use super::watch::Watch;
use crate::cli::{
    console::{End, Event, FleetResult},
    context::Context,
    failure::{AWAY, Failure, INTERRUPTED, USAGE},
    next_step::NextStep,
};
use passwave::{
    fleet::{self, Fleet, FleetSummary},
    outcome::Status,
    util::{format::counted, private_file},
};

/// The file that notes that the work on all tenants was agreed to.
const BEGUN_NAME: &str = "fleet.begun";

/// Writes the reports over all tenants, and says which files are not in their usual place.
pub fn reports(context: &Context, fleet: &Fleet, watch: Option<&Watch>) -> Result<FleetSummary, Failure> {
    let trouble = watch.map(Watch::trouble);
    let (summary, not_replaced) = fleet::write(fleet, trouble.as_ref())?;
    if let Some(first) = not_replaced.first() {
        let names: Vec<&str> = not_replaced.iter().map(|file| file.written_as.as_str()).collect();
        context.reporter.warn_with(
            format!(
                "{} could not be replaced ({}), so the new content is in {}",
                first.file,
                first.why,
                names.join(", ")
            ),
            "close the program that has it open, then write the reports again with `passwave report`",
        );
    }
    Ok(summary)
}

/// Reports what was done in all tenants; the exit code is the worst one. `codes` are those of the tenants' runs.
pub fn finish(context: &Context, fleet: &Fleet, watch: &Watch, codes: &[u8]) -> Result<u8, Failure> {
    let summary = reports(context, fleet, Some(watch))?;
    context.reporter.tell(&Event::FleetResult(&FleetResult { folder: fleet.folder(), summary: &summary }));
    if let Some(rule) = watch.halted() {
        context.reporter.warn(format!(
            "stopped by --halt-on {rule}, over all tenants together: look at the causes before you continue"
        ));
    }
    what_is_left(context, fleet, &summary);
    let code = worst(codes, watch.halted().is_some(), &summary);
    if code == INTERRUPTED {
        context.reporter.tell(&Event::Ends(End::Interrupted));
    }
    Ok(code)
}

/// The worst of all exit codes. That nothing was sent (2) is true of one tenant, but not of all.
fn worst(codes: &[u8], is_halted: bool, summary: &FleetSummary) -> u8 {
    let trouble = summary.tenants.iter().any(|tenant| tenant.trouble.is_some() && !tenant.finished);
    match () {
        () if codes.contains(&INTERRUPTED) && !is_halted => INTERRUPTED,
        () if trouble || codes.iter().any(|code| [AWAY, USAGE, INTERRUPTED].contains(code)) => AWAY,
        () => summary.exit_code,
    }
}

/// The worst exit code of the same work in several tenants.
pub fn worst_of(codes: &[u8]) -> u8 {
    match () {
        () if codes.contains(&INTERRUPTED) => INTERRUPTED,
        () if codes.contains(&AWAY) || codes.contains(&USAGE) => AWAY,
        () => codes.iter().copied().max().unwrap_or_default(),
    }
}

/// Reports over all tenants. What went wrong now is noted; what an earlier process noted stays.
pub fn told(context: &Context, fleet: &Fleet, watch: &Watch) -> Result<FleetSummary, Failure> {
    let now = Some(watch).filter(|watch| !watch.trouble().is_empty());
    let summary = reports(context, fleet, now)?;
    context.reporter.tell(&Event::FleetResult(&FleetResult { folder: fleet.folder(), summary: &summary }));
    Ok(summary)
}

/// What is not done yet, and the command that continues.
pub fn what_is_left(context: &Context, fleet: &Fleet, summary: &FleetSummary) {
    let pending = summary.count(Status::Pending);
    if pending == 0 {
        if summary.exit_code == 1 {
            context.reporter.notice("Exit code 1: some rows need attention; the report says which.");
        }
        return;
    }
    let left = format!("{} not finished.", counted(pending, "account is", "accounts are"));
    if summary.rehearsal {
        context.reporter.notice(format!("{left} A rehearsal ends here."));
    } else if let Some(step) = next(context, fleet) {
        context.offer(&left, &step);
    }
}

/// Notes that somebody agreed to the work on all tenants, so that it continues without another question.
pub fn note_begun(fleet: &Fleet) -> Result<(), Failure> {
    if !has_begun(fleet) {
        private_file::create_file(&fleet.folder().join(BEGUN_NAME))?;
    }
    Ok(())
}

/// Whether somebody agreed to the work on all tenants.
pub fn has_begun(fleet: &Fleet) -> bool {
    fleet.folder().join(BEGUN_NAME).exists()
}

/// The command that continues the fleet.
pub fn next(context: &Context, fleet: &Fleet) -> Option<NextStep> {
    let tenants = 0..fleet.manifest().tenants.len();
    let unfinished = tenants.filter_map(|at| fleet.read(at).ok()).find(|ledger| ledger.counts().pending() > 0)?;
    let step = context.run_again(&unfinished).of_fleet(fleet.folder());
    // A tenant may have been begun by itself.
    let is_known = has_begun(fleet) || !unfinished.has_begun().unwrap_or_default();
    let is_asked = context.call.is_attended && !context.call.has_argument("yes");
    Some(if is_known || is_asked { step } else { step.switch("yes") })
}
