//! What is told when a run starts, and why one could not be made or opened: each with the command that helps.

use super::{next_step::NextStep, shell};
use crate::{
    cli::call,
    failure::Failure,
    terminal::{counted, detail, grouped, say, short},
};
use passwave::{
    clean,
    ledger::{Counts, Ledger, LedgerError},
    quota::Quota,
    seal::Sealing,
};
use std::path::Path;

/// Recipients that are named one by one.
const RECIPIENTS_MAX: usize = 8;

/// Tells with `-v` which flags of this call mean nothing to `verb`.
pub fn without_meaning(verb: &str, ids: &[&str]) {
    let flags = call().flags.iter().filter(|flag| flag.origin.is_none() && ids.contains(&&*flag.id));
    let flags: Vec<String> = flags.map(|flag| format!("--{}", flag.long)).collect();
    if !flags.is_empty() {
        detail(1, || format!("without meaning for `{verb}`, and not minded: {}", flags.join(", ")));
    }
}

/// What an earlier process has done of the run, as a part of the plan's first line; nothing if it has done nothing.
pub fn done_before(counts: &Counts) -> String {
    let done =
        [(counts.reset, "were reset before"), (counts.failed, "failed before"), (counts.in_doubt, "are in doubt")];
    let parts = done.into_iter().filter(|(number, _)| *number > 0);
    parts.map(|(number, what)| format!(", {} {what}", grouped(number))).collect()
}

/// How long the quota makes it take at least.
pub fn estimate(pending: u64, quota: Quota) -> String {
    let least = quota.least_time(pending);
    let time = if least.is_zero() { "under a minute".into() } else { format!("about {}", short(least)) };
    format!(
        "{time}, where the quota is {} writes in {} s and nobody else uses it",
        grouped(u64::from(quota.units.get())),
        quota.per.as_secs()
    )
}

/// Who can read the sealed passwords, by name.
pub fn recipients(sealing: &Sealing) {
    for recipient in sealing.recipients.iter().take(RECIPIENTS_MAX) {
        say(&format!("           {}", clean::for_terminal(recipient)));
    }
    if sealing.recipients.len() > RECIPIENTS_MAX {
        say(&format!("           … and {} more", sealing.recipients.len() - RECIPIENTS_MAX));
    }
    if sealing.identity.is_some() {
        say("           (one of these keys is locked with the passphrase of --seal-passphrase)");
    }
}

/// What can be done if a run folder is not made.
pub fn not_made(error: LedgerError, folder: &Path) -> Failure {
    let LedgerError::Exists(_) = error else { return error.into() };
    match Ledger::open_to_read(folder) {
        Ok(ledger) if ledger.settings().rehearsal => {
            Failure::from(error).hinting("it holds a rehearsal: remove it, or name another folder with --run-dir")
        }
        Ok(ledger) => {
            let step = NextStep::run(&ledger);
            let failure =
                Failure::from(error).hinting("name another folder with --run-dir, or go on with the run in it");
            failure.then(format!("Go on with it:  {step}"), step.to_string())
        }
        Err(LedgerError::Unfinished(_)) => Failure::from(error).hinting(
            "planning was cut off in it, and nothing was sent: remove it, or name another folder with --run-dir",
        ),
        Err(_) => Failure::from(error).hinting("name another folder with --run-dir"),
    }
}

/// Why a run folder cannot be opened.
pub fn not_opened(error: LedgerError, folder: &Path) -> Failure {
    if folder.is_file() {
        let plan = NextStep::new("plan", folder);
        let text =
            format!("{} is a file, and no run folder; nothing was sent", clean::sentence(&folder.to_string_lossy()));
        let hint = "a roster is what `reset` and `plan` take; they make the run folder";
        let failure = Failure::usage(format!("{text}\nhint: {hint}")).about("ledger");
        return failure.then(format!("If it is a roster, plan it with:  {plan}"), plan.to_string());
    }
    match error {
        LedgerError::Rescued { .. } | LedgerError::Moved { .. } => moved(error),
        error => error.into(),
    }
}

/// Where a run that was moved goes on.
fn moved(error: LedgerError) -> Failure {
    let now = match &error {
        LedgerError::Rescued { copy, .. } => Some(copy.clone()),
        LedgerError::Moved { now, .. } => now.clone(),
        _ => None,
    };
    let failure = Failure::from(error);
    let Some(now) = now else { return failure };
    let step = NextStep::new("run", &now);
    failure.then(format!("Go on with:  {step}"), step.to_string())
}

/// Why a pilot goes on being one, if no flag of this call asked for it.
pub fn lasting_pilot() {
    if let Some((pilot, origin)) = call().flag("pilot").and_then(|pilot| Some((pilot, pilot.origin.as_deref()?))) {
        let number =
            pilot.values.first().map(|number| clean::for_terminal(&number.to_string_lossy())).unwrap_or_default();
        say(&format!("--pilot {number} comes from {origin}, so each run takes the next {number} accounts."));
    }
}

/// A name that no shell shows as it is, is told so once.
pub fn unusual_name(folder: &Path) {
    if !shell::can_be_shown(folder) {
        say("The name of this folder is not plain text: the commands below spell it out for the shell.");
    }
}

/// Nothing is left of a run that has ended.
pub fn nothing_left(ledger: &Ledger) {
    let accounts = counted(ledger.counts().settled(), "account has", "accounts have");
    say(&format!("Nothing is left to do: {accounts} ended."));
}
