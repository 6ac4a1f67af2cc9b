//! The output after work on a run: the reports, the result, what is left, and why it stopped.

use super::attention;
use crate::cli::{
    console::{Event, RunResult, SealedReport, Stage, not_verified},
    context::Context,
    failure::{AWAY, Failure, INTERRUPTED},
    next_step::{NextStep, quoted},
};
use passwave::{
    engine::run::RunEnd,
    ledger::{Ledger, ReadLedger},
    plan::wanted::Wanted,
    report::{self, IDENTITY_NAME, NotReplaced, SEALED_NAME, Summary},
    seal::Sealing,
    util::{format::counted, sanitize},
};
use std::path::Path;

/// The kind of a failure to write the reports.
const REPORT: &str = "report";
/// The situation if even the reports could not be written.
const STOPPED: &str = "What was recorded is kept.";

/// Writes the reports into the run folder. If that is gone, its content is saved first.
pub fn reports(ledger: &mut Ledger) -> Result<Summary, Failure> {
    ledger.must_be_in_place()?;
    report::write(ledger).map_err(|error| ledger.must_be_in_place().map_or_else(Failure::from, |()| error.into()))
}

/// The same before more is done: says at once which files could not be replaced.
pub fn reports_now(context: &Context, ledger: &mut Ledger) -> Result<Summary, Failure> {
    let summary = reports(ledger)?;
    not_replaced(context, ledger, &summary);
    Ok(summary)
}

/// Reports what this process has done, and returns the exit code.
pub fn finish(context: &Context, ledger: &mut Ledger, end: Option<&RunEnd>, wanted: &Wanted) -> u8 {
    let summary = match reports(ledger) {
        Ok(summary) => summary,
        Err(failure) => return without_reports(context, ledger, failure),
    };
    tell(context, ledger, &summary, wanted);
    leave_to_a_person(context, ledger, end);
    match end {
        Some(RunEnd::Interrupted) => INTERRUPTED,
        Some(RunEnd::PilotEnded | RunEnd::Halted(_) | RunEnd::WindowClosed | RunEnd::WritebackPilotFailed(_)) => AWAY,
        Some(RunEnd::Finished) | None => summary.exit_code,
    }
}

/// If a rule stopped the run, no worker continues it by itself.
#[cfg(feature = "postgres")]
fn leave_to_a_person(context: &Context, ledger: &Ledger, end: Option<&RunEnd>) {
    let why = match end {
        Some(RunEnd::Halted(halt)) => format!("--halt-on {halt}"),
        Some(RunEnd::WritebackPilotFailed(row)) => format!("writeback failed for row {row}"),
        _ => return,
    };
    if let Err(error) = ledger.note_stop(&why) {
        context.reporter.problem(error);
    }
}

/// A run folder has no workers.
#[cfg(not(feature = "postgres"))]
const fn leave_to_a_person(_: &Context, _: &Ledger, _: Option<&RunEnd>) {}

/// The result comes first, even if the reports cannot be written.
pub fn without_reports(context: &Context, ledger: &mut Ledger, failure: Failure) -> u8 {
    let code = failure.code;
    if failure.kind != REPORT || !tell_without_reports(context, ledger) {
        return broken_off(context, ledger, failure);
    }
    let step = context.step("report", ledger.operand()).to_string();
    let is_last = is_all_done(ledger);
    let failure = if is_last { failure.then(format!("Write the reports with:  {step}"), step) } else { failure };
    context.reporter.tell(&Event::Failed(&failure));
    code
}

/// Whether no account and no session is left, so that the result names no next command.
fn is_all_done(ledger: &ReadLedger) -> bool {
    ledger.counts().pending() + ledger.counts().sessions_pending() == 0
}

/// Tells the result of a run whose reports cannot be written; `false` if even the ledger cannot be read.
fn tell_without_reports(context: &Context, ledger: &ReadLedger) -> bool {
    let Ok(summary) = Summary::of(ledger) else { return false };
    let wanted = &ledger.settings().wanted;
    let result = RunResult { ledger, summary: &summary, wanted, sealed: None, has_reports: false };
    context.reporter.tell(&Event::Result(&result));
    what_is_left(context, ledger, &summary, wanted);
    tell_pipeline(context, ledger, &summary, Stage::Ended);
    true
}

/// The cause comes first; then the results of the rows are still reported.
pub fn broken_off(context: &Context, ledger: &mut Ledger, failure: Failure) -> u8 {
    context.reporter.tell(&Event::Failed(&failure));
    if ledger.is_overtaken() {
        // The reports are the other process's now, and this one no longer knows how the rows stand.
        return failure.code;
    }
    context.reporter.tell(&Event::Standing(ledger));
    match reports(ledger) {
        Ok(summary) => {
            tell(context, ledger, &summary, &ledger.settings().wanted.clone());
            // The result names the next command only if accounts or sessions are left.
            if is_all_done(ledger) {
                context.go_on(STOPPED, ledger);
            }
        }
        Err(again) if again.to_string() == failure.to_string() => context.go_on(STOPPED, ledger),
        Err(error) => {
            let is_told = error.kind == REPORT && tell_without_reports(context, ledger);
            context.reporter.problem(error);
            if !is_told || is_all_done(ledger) {
                context.go_on(STOPPED, ledger);
            }
        }
    }
    failure.code
}

/// Reports what was done, what is left and what needs attention, to users and to the pipeline.
pub fn tell(context: &Context, ledger: &ReadLedger, summary: &Summary, wanted: &Wanted) {
    tell_result(context, ledger, summary, wanted);
    tell_pipeline(context, ledger, summary, Stage::Ended);
}

/// The same for users alone.
pub fn tell_result(context: &Context, ledger: &ReadLedger, summary: &Summary, wanted: &Wanted) {
    let sealed = ledger
        .settings()
        .sealing
        .as_ref()
        .filter(|_| ledger.sealed_to().is_some())
        .map(|sealing| sealed_report(context, ledger, sealing, summary));
    context.reporter.tell(&Event::Result(&RunResult { ledger, summary, wanted, sealed, has_reports: true }));
    not_replaced(context, ledger, summary);
    password_location(context, ledger, summary);
    what_is_left(context, ledger, summary, wanted);
    attention::tell(context, ledger, summary);
}

/// The same for a pipeline alone.
pub fn tell_pipeline(context: &Context, ledger: &ReadLedger, summary: &Summary, stage: Stage) {
    let go_on = context.run_again(ledger).to_string();
    context.reporter.tell(&Event::Summary { ledger, summary, stage, go_on: &go_on });
}

/// Warns about reports that are not in their usual place.
pub fn not_replaced(context: &Context, ledger: &ReadLedger, summary: &Summary) {
    let files = summary.not_replaced.as_slice();
    let Some(first) = files.first() else { return };
    let all = |name: fn(&NotReplaced) -> &str| files.iter().map(name).collect::<Vec<_>>().join(", ");
    let (old, new) = (all(|file| file.file), all(|file| &file.written_as));
    let step = context.step("report", ledger.operand());
    context.reporter.warn_with(
        format!("{old} could not be replaced ({}), so the new content is in {new}, in the same folder", first.why),
        &format!("close the program that has it open, then write it again with:  {step}"),
    );
}

/// Says where to find the password of a single account from the command line.
fn password_location(context: &Context, ledger: &ReadLedger, summary: &Summary) {
    let [user] = ledger.settings().users.as_slice() else { return };
    let is_there = summary.sealed_to.is_empty() && summary.passwords_removed_at.is_none();
    if summary.counts["reset"] == 1 && !summary.rehearsal && is_there {
        let step = context.step("report", ledger.operand()).with("format", "csv");
        context.reporter.notice(format!(
            "The new password of {} is in that report. See it here:  {step}",
            sanitize::for_terminal(user)
        ));
    }
}

/// What is not done yet, and the command that continues. A rehearsal ends with its process.
fn what_is_left(context: &Context, ledger: &ReadLedger, summary: &Summary, wanted: &Wanted) {
    let (counts, unseen) = (ledger.counts(), not_verified(summary));
    if counts.pending() > 0 {
        let left = format!("{} not finished.", counted(counts.pending(), "account is", "accounts are"));
        match summary.rehearsal {
            true => context.reporter.notice(format!("{left} A rehearsal ends here.")),
            false => context.go_on(&left, ledger),
        }
    } else if counts.sessions_pending() > 0 && !summary.rehearsal {
        let left = counted(counts.sessions_pending(), "account", "accounts");
        context.go_on(&format!("Sessions of {left} are still to be revoked."), ledger);
    } else if summary.sessions_failed > 0 && !summary.rehearsal {
        let left = counted(summary.sessions_failed, "account", "accounts");
        let step = context.run_again(ledger).switch("revoke-sessions");
        context.offer(&format!("Sessions of {left} could not be revoked; correct the cause, then try again."), &step);
    } else if wanted.verify && unseen > 0 && !summary.rehearsal {
        let left = counted(unseen, "account was", "accounts were");
        context.offer(&format!("{left} not verified."), &NextStep::verify(&context.call, ledger));
    }
}

/// The commands that decrypt a sealed report, and add the passwords that an earlier process sealed.
fn sealed_report(context: &Context, ledger: &ReadLedger, sealing: &Sealing, summary: &Summary) -> SealedReport {
    let (step, folder) = (context.step("report", ledger.operand()), ledger.folder());
    let step = match context.call.flag("identity").or_else(|| context.call.flag("passphrase")) {
        Some(_) => step,
        None if sealing.identity.is_some() => step.switch("passphrase"),
        None => step.switch("identity KEYFILE"),
    };
    let key = key_file(context, &folder.join(summary.place_of(IDENTITY_NAME)), sealing);
    let read_with = format!("age -d -i {key} {}", quoted(&folder.join(summary.place_of(SEALED_NAME))));
    SealedReport { read_with, add_with: step.to_string() }
}

/// The key file for the sealed files: the one of this call, the run's own with a passphrase, or the reader's.
fn key_file(context: &Context, own: &Path, sealing: &Sealing) -> String {
    let given = context.call.flag("identity").and_then(|flag| flag.values.first());
    match given {
        Some(file) => quoted(Path::new(file)),
        None if sealing.identity.is_some() => quoted(own),
        None => "KEYFILE".into(),
    }
}
