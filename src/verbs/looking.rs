//! Looking the accounts up, with a bar, and telling what was found on the way.

use super::{process::interrupted, work};
use crate::{
    events,
    failure::{Failure, INTERRUPTED},
    progress::ReadProgress,
    terminal::warn,
};
use passwave::{
    graph::Graph,
    ledger::Ledger,
    lookup::{self, LookupEnd, LookupEvent, look_up},
    traffic::Pace,
};

/// Completes the plan with a look at the accounts, unless that has been done; the exit code where it was interrupted.
pub async fn look(
    ledger: &mut Ledger,
    graph: &impl Graph,
    pace: &Pace,
    revokes_sessions: bool,
) -> Result<Option<u8>, Failure> {
    if ledger.lookup_has_ended()? {
        return Ok(None);
    }
    let mut progress = ReadProgress::new("looked up");
    let mut warnings = Vec::new();
    let end = look_up(ledger, graph, pace, revokes_sessions, interrupted(), &mut |event| match event {
        LookupEvent::Begins(accounts) => progress.begin(accounts),
        LookupEvent::Reading(event) => progress.show(&event),
        LookupEvent::Warning(warning) => warnings.push(warning),
    })
    .await;
    progress.end();
    tell(ledger, &warnings)?;
    match end? {
        LookupEnd::Done | LookupEnd::Without => Ok(None),
        LookupEnd::Interrupted => {
            work::reports(ledger)?;
            events::note_end("interrupted");
            Ok(Some(INTERRUPTED))
        }
    }
}

/// Under which the warnings of the look-up are noted.
const WARNINGS: &str = "warnings";

/// Completes the plan by the roster's names alone.
pub fn without(ledger: &mut Ledger, why: &str) -> Result<(), Failure> {
    let mut warnings = vec![format!("accounts are not looked up, as {why}: the plan goes by the names in the roster")];
    warnings.extend(lookup::without(ledger, why)?.map(str::to_owned));
    tell(ledger, &warnings)
}

/// What was warned of when the accounts were looked up.
pub fn warnings(ledger: &Ledger) -> Result<Vec<String>, Failure> {
    let noted = ledger.note(WARNINGS)?.unwrap_or_else(|| "[]".into());
    serde_json::from_str(&noted).map_err(Failure::away)
}

fn tell(ledger: &Ledger, warnings: &[String]) -> Result<(), Failure> {
    warnings.iter().for_each(|warning| warn(warning));
    Ok(ledger.set_note(WARNINGS, &serde_json::to_string(warnings).map_err(Failure::away)?)?)
}
