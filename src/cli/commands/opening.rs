//! Opens a run, in its folder or in a database. If one cannot be made or opened, the error has the command that helps.

use super::database;
use crate::cli::{console::Event, context::Context, failure::Failure};
use passwave::{
    ledger::{Ledger, LedgerError, ReadLedger},
    util::sanitize,
};
use std::path::Path;

/// Opens the ledger of a run in a tenant.
pub fn open_real(context: &Context, folder: &Path) -> Result<Ledger, Failure> {
    let server = database::of_call(context)?;
    if server.is_none() && context.call.flag("standby").is_some() {
        return Err(Failure::usage("--standby is for runs in a database").hint("add --ledger postgresql://…"));
    }
    let ledger = match server {
        Some(server) => database::open(context, &server, folder)?,
        None => Ledger::open(folder).map_err(|error| not_opened(context, error, folder))?,
    };
    context.reporter.tell(&Event::Standing(&ledger));
    must_be_real(&ledger)?;
    Ok(ledger)
}

/// Opens the ledger of a run in a tenant or of a rehearsal, to remove its passwords.
pub fn open_to_remove(context: &Context, folder: &Path) -> Result<Ledger, Failure> {
    match database::of_call(context)? {
        Some(server) => database::open(context, &server, folder),
        None => Ledger::open(folder).map_err(|error| not_opened(context, error, folder)),
    }
}

/// Opens it for reading only, without a lock.
pub fn open_to_read(context: &Context, folder: &Path) -> Result<ReadLedger, Failure> {
    match database::of_call(context)? {
        Some(server) => database::open_to_read(context, &server, folder),
        None => Ledger::open_to_read(folder).map_err(|error| not_opened(context, error, folder)),
    }
}

/// Refuses a rehearsal.
pub fn must_be_real(ledger: &ReadLedger) -> Result<(), Failure> {
    if !ledger.settings().rehearsal {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} is a rehearsal: its passwords are not for a real tenant",
        ledger.operand().display()
    ))
    .hint("plan the real run with `passwave plan` or `reset`"))
}

/// The error for a run folder that cannot be made, with what to do.
pub fn not_made(context: &Context, error: LedgerError, folder: &Path) -> Failure {
    let LedgerError::Exists(_) = error else { return error.into() };
    match Ledger::open_to_read(folder) {
        Ok(ledger) if ledger.settings().rehearsal => {
            Failure::from(error).hint("it holds a rehearsal: remove it, or name another folder with --run-dir")
        }
        Ok(ledger) => {
            let step = context.run_again(&ledger);
            let failure = Failure::from(error).hint("name another folder with --run-dir, or continue the run in it");
            failure.then(format!("Continue it:  {step}"), step.to_string())
        }
        Err(LedgerError::Unfinished(_)) => Failure::from(error)
            .hint("planning was cut off in it, and nothing was sent: remove it, or name another folder with --run-dir"),
        Err(_) => Failure::from(error).hint("name another folder with --run-dir"),
    }
}

/// The error for a run folder that cannot be opened.
fn not_opened(context: &Context, error: LedgerError, folder: &Path) -> Failure {
    if folder.is_file() {
        let plan = context.step("plan", folder);
        let text =
            format!("{} is a file, not a run folder; nothing was sent", sanitize::sentence(&folder.to_string_lossy()));
        let hint = "`reset` and `plan` take a roster; they create the run folder";
        let failure = Failure::usage(text).hint(hint).about("ledger");
        return failure.then(format!("If it is a roster, plan it with:  {plan}"), plan.to_string());
    }
    match error {
        LedgerError::Rescued { .. } | LedgerError::Moved { .. } => moved(context, error),
        error => error.into(),
    }
}

/// Where a moved run continues.
fn moved(context: &Context, error: LedgerError) -> Failure {
    let now = match &error {
        LedgerError::Rescued { copy, .. } => Some(copy.clone()),
        LedgerError::Moved { now, .. } => now.clone(),
        _ => None,
    };
    let failure = Failure::from(error);
    let Some(now) = now else { return failure };
    let step = context.step("run", &now);
    failure.then(format!("Continue with:  {step}"), step.to_string())
}
