//! `verify`: what the directory says of each account that was reset.

use super::{
    connect::Door,
    destination::Destination,
    next_step::NextStep,
    process::{interrupted, runtime},
    starting,
    told::Told,
    work,
};
use crate::{
    cli::{ConnectArgs, NOT_FOR_VERIFYING, PaceArgs},
    events::{self, Event},
    failure::{Failure, INTERRUPTED},
    progress::ReadProgress,
    terminal::{counted, say, short},
};
use passwave::{
    graph::Graph,
    ledger::{Ledger, Verdict},
    outcome::Status,
    traffic::Pace,
    verify::{VerifyEnd, VerifyEvent, verify as read_back},
    wanted::Wanted,
};
use std::path::Path;

/// Reads back what was reset, and reports.
pub fn verify(folder: &Path, args: &PaceArgs, connect: &ConnectArgs) -> Result<u8, Failure> {
    starting::without_meaning("verify", &NOT_FOR_VERIFYING);
    let mut ledger = work::open_real(folder)?;
    let destination = Destination::of_run(connect, ledger.settings())?;
    let (door, pace) = (Door::open(connect, &destination)?, work::pace(args));
    door.must_be_the_same(&ledger)?;
    say(&format!("Signing in with {door}"));
    let end = runtime(false)?.block_on(async {
        let graph = door.client();
        door.enter(&graph, &ledger).await?.tell();
        let end = look(&mut ledger, &Told::new(&graph), &pace).await?;
        denied(&ledger, &end).map(|()| end)
    })?;
    let summary = work::reports(&mut ledger)?;
    events::note_end(if end == VerifyEnd::Interrupted { "interrupted" } else { "verified" });
    work::tell(&ledger, &summary, &Wanted { verify: true, ..ledger.settings().wanted.clone() });
    let shown = |verdict: Verdict| summary.verified.get(verdict.as_str()).copied().unwrap_or_default();
    let unseen = shown(Verdict::NotYetVisible) + shown(Verdict::Unread);
    Ok(if end == VerifyEnd::Interrupted { INTERRUPTED } else { u8::from(unseen > 0) })
}

/// The same at the end of a run.
pub async fn look_back(ledger: &mut Ledger, graph: &impl Graph, pace: &Pace) -> Result<(), Failure> {
    let end = look(ledger, graph, pace).await?;
    denied(ledger, &end)
}

async fn look(ledger: &mut Ledger, graph: &impl Graph, pace: &Pace) -> Result<VerifyEnd, Failure> {
    let mut progress = ReadProgress::new("verified");
    let end = read_back(ledger, graph, pace, interrupted(), &mut |event| match event {
        VerifyEvent::Begins(accounts) => progress.begin(accounts),
        VerifyEvent::Reading(event) => progress.show(&event),
        VerifyEvent::NotYetVisible(changes, wait) => {
            events::tell(&Event::NotYetVisible { changes, seconds: wait.as_secs_f64() });
            progress.tell(&format!(
                "{} not visible yet; the directory is asked again in {}",
                counted(changes, "change is", "changes are"),
                short(wait)
            ));
        }
    })
    .await;
    progress.end();
    if events::are_on() {
        ledger.for_each_standing(Some(Status::Reset), |standing| {
            if standing.verdict.is_some() {
                events::account(standing);
            }
            Ok::<_, Failure>(())
        })?;
    }
    Ok(end?)
}

fn denied(ledger: &Ledger, end: &VerifyEnd) -> Result<(), Failure> {
    match end {
        VerifyEnd::Denied(said) => {
            let step = NextStep::verify(ledger).to_string();
            let failure = Failure::away(format!(
                "what was reset cannot be verified: {said}\nhint: grant the application User.Read.All with admin consent"
            ));
            Err(failure.about("permission").then(format!("Then verify with:  {step}"), step))
        }
        VerifyEnd::Finished | VerifyEnd::Interrupted => Ok(()),
    }
}
