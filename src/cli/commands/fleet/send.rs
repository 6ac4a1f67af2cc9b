//! Sends what is planned for one tenant, with the limit that it shares with the others.

use super::ready::{Common, Ready};
use crate::cli::{
    commands::{
        approval,
        conditions::RunConditions,
        other_runs::Guard,
        pace, result,
        sending::{self, AfterPilot},
    },
    context::Context,
    failure::Failure,
};
use passwave::{engine::pace::AllTenants, graph::Graph};
use std::path::Path;

/// Sends one tenant's batches until its run ends, and writes its reports; the exit code of the run.
pub async fn send<G: Graph>(
    context: &Context,
    folder: &Path,
    graph: &G,
    (ready, common): (&Ready, &Common<'_>),
    terms: Option<&RunConditions<'_>>,
    (limit, pilot, seed): (AllTenants, Option<u64>, Option<u64>),
) -> Result<u8, Failure> {
    let mut ledger = common.open(folder)?;
    let mut options = pace::options(&context.reporter, &common.run.pace, pilot, &ready.now)?;
    options.pace.all_tenants = Some(limit);
    options.pace.seed = seed.unwrap_or(options.pace.seed);
    let (Some(signed_in), Some(terms)) = (&ready.signed_in, terms) else {
        return sending::send(context, &mut ledger, graph, options, &ready.now.wanted, AfterPilot::End).await;
    };
    options.trusts_earlier_writeback = terms.says_yes;
    let guard = Guard::new(context, &ledger, signed_in, terms.run)?;
    guard.check(&ledger)?;
    // Written now, so that after a crash the folder has every password that may be in force.
    result::reports_now(context, &mut ledger)?;
    signed_in.note_in(&ledger)?;
    ledger.note_approval(approval::of(terms, ledger.has_begun()?))?;
    ledger.note_begun()?;
    guard.begin(&ledger)?;
    options.left_by_others = guard.left_by_others();
    let ended = sending::send(context, &mut ledger, graph, options, &ready.now.wanted, AfterPilot::End).await;
    guard.leave(&ledger);
    ended
}
