//! What is told about all tenants together: the plan, its fingerprint, and which work begins.

use super::{ready::Ready, watch::Watch};
use crate::cli::{
    console::{Event, FleetPlan, FleetWork, ReadTask},
    context::Context,
    failure::Failure,
};
use passwave::{engine::pace::AllTenants, fleet::Fleet, graph::quota::Quota, ledger::ReadLedger};
use std::time::Duration;

/// Shows the progress of writing in all tenants together.
pub fn writing_begins(context: &Context, fleet: &Fleet, ready: &[Ready], is_rehearsal: bool) {
    let tenants: Vec<usize> = ready.iter().map(|one| one.at).collect();
    begins(context, fleet, &tenants, (None, is_rehearsal));
}

/// Shows the progress of reading in all tenants together.
pub fn reading_begins(context: &Context, fleet: &Fleet, tenants: &[usize], task: ReadTask) {
    begins(context, fleet, tenants, (Some(task), fleet.manifest().rehearsal));
}

/// A ledger that cannot be read is reported where it is used.
fn begins(context: &Context, fleet: &Fleet, tenants: &[usize], (task, is_rehearsal): (Option<ReadTask>, bool)) {
    let is_part =
        |ledger: &ReadLedger| task != Some(ReadTask::LookUp) || !ledger.lookup_has_ended().unwrap_or_default();
    let counts = |at: &usize| {
        let ledger = fleet.read(*at).ok().filter(is_part)?;
        Some((fleet.manifest().tenants[*at].name.clone(), ledger.counts()))
    };
    let tenants = tenants.iter().filter_map(counts).collect();
    context.reporter.tell(&Event::FleetBegins(&FleetWork { task, tenants, is_rehearsal }));
}

/// The fingerprint of all plans.
pub fn fingerprint(
    fleet: &Fleet,
    of: impl Fn(&ReadLedger) -> Result<String, passwave::ledger::LedgerError>,
) -> Result<String, Failure> {
    let runs = 0..fleet.manifest().tenants.len();
    let all = runs.map(|at| of(&fleet.read(at)?)).collect::<Result<Vec<_>, _>>()?;
    Ok(fleet.fingerprint(&all))
}

/// Reports what will be done in each tenant.
pub fn tell_plan(
    context: &Context,
    fleet: &Fleet,
    watch: &Watch,
    ready: &[Ready],
    quota: Quota,
) -> Result<(), Failure> {
    let (mut rows, mut skipped, mut tenants) = (0, 0, Vec::new());
    for (at, member) in fleet.manifest().tenants.iter().enumerate() {
        let counts = fleet.read(at)?.counts();
        rows += counts.rows();
        skipped += counts.skipped;
        if !member.name.is_empty() {
            let id = member.tenant_id.clone().filter(|id| *id != member.name);
            tenants.push((member.name.clone(), id, counts.pending(), watch.has_trouble(at)));
        }
    }
    let accounts = ready.iter().map(|one| one.pending).sum();
    let least = ready.iter().map(|one| quota.least_time(one.pending)).max().unwrap_or(Duration::ZERO);
    let least = least.max(AllTenants::new(quota).least_time(accounts));
    let fingerprint = fingerprint(fleet, ReadLedger::fingerprint)?;
    context.reporter.tell(&Event::FleetPlanned(&FleetPlan {
        folder: fleet.folder(),
        roster: &fleet.manifest().roster,
        rows,
        accounts,
        skipped,
        tenants,
        fingerprint: &fingerprint,
        quota,
        least,
        is_rehearsal: fleet.manifest().rehearsal,
    }));
    Ok(())
}
