//! Looks up the accounts with a progress bar, and reports what was found.

use super::{reading::Reading, result, signals::interrupted};
use crate::cli::{
    console::{End, Event, ReadTask, Reporter},
    failure::{Failure, INTERRUPTED},
};
use passwave::{
    engine::{
        dispatch::Pace,
        lookup::{self, LookupEnd, LookupEvent, LookupOptions, look_up},
    },
    graph::Graph,
    ledger::Ledger,
    plan::wanted::Wanted,
};

/// Completes the plan with a lookup, unless that is already done; the exit code if it was interrupted.
pub async fn look(
    reporter: &Reporter,
    ledger: &mut Ledger,
    graph: &impl Graph,
    pace: &Pace,
    wanted: &Wanted,
) -> Result<Option<u8>, Failure> {
    if ledger.lookup_has_ended()? {
        return Ok(None);
    }
    let mut reading = Reading::begin(reporter, ReadTask::LookUp);
    let mut warnings = Vec::new();
    let mut options = LookupOptions::new(pace.clone());
    options.revokes_sessions = wanted.revoke_sessions;
    let end = look_up(ledger, graph, &options, interrupted(reporter), &mut |event| match event {
        LookupEvent::Begins(accounts) => reading.of(accounts),
        LookupEvent::Reading(event) => reading.tell(&event),
        LookupEvent::Warning(warning) => warnings.push(warning),
        _ => {}
    })
    .await;
    reading.end();
    tell(reporter, ledger, &warnings)?;
    match end? {
        LookupEnd::Done | LookupEnd::Without => Ok(None),
        LookupEnd::Interrupted => {
            result::reports(ledger)?;
            reporter.tell(&Event::Ends(End::Interrupted));
            Ok(Some(INTERRUPTED))
        }
    }
}

/// Completes the plan by the roster's names alone.
pub fn without(reporter: &Reporter, ledger: &mut Ledger, why: &str) -> Result<(), Failure> {
    let mut warnings =
        vec![format!("accounts are not looked up, because {why}: the plan uses the names in the roster")];
    warnings.extend(lookup::without(ledger, why)?.map(str::to_owned));
    tell(reporter, ledger, &warnings)
}

/// The same without words, for one of several tenants.
pub fn without_words(ledger: &mut Ledger, why: &str) -> Result<(), Failure> {
    Ok(lookup::without(ledger, why).map(drop)?)
}

fn tell(reporter: &Reporter, ledger: &Ledger, warnings: &[String]) -> Result<(), Failure> {
    warnings.iter().for_each(|warning| reporter.warn(warning));
    Ok(ledger.set_warnings(warnings)?)
}
