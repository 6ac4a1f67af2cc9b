//! `verify` and `sweep` over a fleet: the accounts of all tenants are read side by side, each with its own sign-in.
//!
//! Invariant: a tenant that cannot be read does not stop the others.

use super::{
    super::claims_in_words,
    door::{Doors, Limits},
    outcome,
    told::reading_begins,
    watch::Watch,
};
use crate::cli::{
    args::{ConnectArgs, NOT_FOR_VERIFYING, PaceArgs, SweepArgs},
    commands::{
        connect::SignIn,
        destination::Destination,
        opening::{must_be_real, open_real},
        pace::pace,
        sweep::sweep_one,
        system::{Clock, files, runtime},
        verify::verify_one,
    },
    console::{End, Event, ReadTask},
    context::Context,
    failure::{Failure, INTERRUPTED},
};
use passwave::{
    engine::{dispatch::Pace, pace::AllTenants},
    fleet::{Fleet, FleetSummary, OPEN_MAX, TenantSummary, in_turn, side_by_side},
    graph::{client::auth::Needs, quota::Quota},
    ledger::Ledger,
    util::sanitize,
};
use std::{cell::RefCell, path::Path, sync::Arc};

/// How many tenants are listed.
const TENANTS_MAX: usize = 20;

/// Verifies the reset accounts of each tenant.
pub fn verify(context: &Context, folder: &Path, args: &PaceArgs, connect: &ConnectArgs) -> Result<u8, Failure> {
    context.flags_without_meaning(&NOT_FOR_VERIFYING);
    let (fleet, task) = (Fleet::open(folder)?, Some(ReadTask::Verify));
    let asked = Asked { connect, quota: args.write_quota, needs: Needs::READ, task };
    let (watch, code) = each(context, &fleet, &asked, async |own, mut ledger, (sign_in, limit)| {
        verify_one(own, &mut ledger, sign_in, &paced(args, limit)).await
    })?;
    ends(context, code, End::Verified);
    outcome::told(context, &fleet, &watch).map(|_| code)
}

/// Finds out in each tenant who has not chosen a password yet.
pub fn sweep(context: &Context, folder: &Path, args: &SweepArgs, connect: &ConnectArgs) -> Result<u8, Failure> {
    let (fleet, task) = (Fleet::open(folder)?, Some(ReadTask::Sweep));
    let asked = Asked { connect, quota: args.pace.write_quota, needs: Needs::READ, task };
    let (watch, code) = each(context, &fleet, &asked, async |own, mut ledger, (sign_in, limit)| {
        sweep_one(own, &mut ledger, args, (sign_in, &paced(&args.pace, limit))).await
    })?;
    ends(context, code, End::Swept);
    let summary = outcome::told(context, &fleet, &watch)?;
    tell_claims(context, &summary);
    Ok(code)
}

fn paced(args: &PaceArgs, limit: AllTenants) -> Pace {
    let mut pace = pace(args);
    pace.all_tenants = Some(limit);
    pace
}

/// What is asked of all tenants.
pub struct Asked<'a> {
    pub connect: &'a ConnectArgs,
    pub quota: Quota,
    pub needs: Needs,
    /// Which accounts the bar counts, if there is one.
    pub task: Option<ReadTask>,
}

/// Does the same for each run of a fleet, side by side; the exit code is the worst one.
pub fn each(
    context: &Context,
    fleet: &Fleet,
    asked: &Asked<'_>,
    work: impl AsyncFn(&Context, Ledger, (&SignIn, AllTenants)) -> Result<u8, Failure>,
) -> Result<(Arc<Watch>, u8), Failure> {
    files()?;
    let first = fleet.read(0)?;
    must_be_real(&first)?;
    let destination = Destination::of_run(&context.call, asked.connect, first.settings())?;
    drop(first);
    let doors = Doors::open(&context.reporter, asked.connect, &destination, fleet)?;
    let (watch, members) = (Watch::new(Vec::new()), &fleet.manifest().tenants);
    let contexts = watch.contexts(context, fleet);
    let tenants: Vec<usize> = (0..members.len()).filter(|at| !members[*at].name.is_empty()).collect();
    let sizes: Vec<u64> = tenants.iter().map(|at| members[*at].rows).collect();
    let limits = RefCell::new(Limits::default());
    let one = async |at: usize| -> Result<u8, Failure> {
        let (own, member) = (&contexts[at], &members[at]);
        let sign_in = doors.of(own, member, asked.needs, false)?;
        let ledger = open_real(own, &fleet.folder_of(member))?;
        sign_in.must_be_the_same(&ledger)?;
        let limit = limits.borrow_mut().of(sign_in.client_id(), asked.quota);
        work(own, ledger, (&sign_in, limit)).await
    };
    asked.task.into_iter().for_each(|task| reading_begins(context, fleet, &tenants, task));
    let codes = runtime(Clock::Real)?.block_on(async {
        let all = side_by_side(in_turn(&sizes), OPEN_MAX, async |nth| {
            let at = tenants[nth];
            if watch.is_stopped() {
                return INTERRUPTED;
            }
            one(at).await.unwrap_or_else(|failure| {
                contexts[at].reporter.tell(&Event::Failed(&failure));
                failure.code
            })
        });
        tokio::select! {
            biased;
            codes = all => codes,
            () = watch.pass_on_stop(&context.reporter) => vec![INTERRUPTED],
        }
    });
    context.reporter.tell(&Event::FleetEnds);
    Ok((watch, outcome::worst_of(&codes)))
}

/// How the command ends, for programs.
fn ends(context: &Context, code: u8, end: End) {
    context.reporter.tell(&Event::Ends(if code == INTERRUPTED { End::Interrupted } else { end }));
}

/// The claims over all tenants, and of those in which somebody has not chosen yet.
fn tell_claims(context: &Context, summary: &FleetSummary) {
    let Some(all) = &summary.claimed else { return };
    let reporter = &context.reporter;
    reporter.notice(format!("Claimed: {}", claims_in_words(all)));
    let open = |tenant: &&TenantSummary| tenant.claimed.is_some_and(|claims| claims.yes < claims.all());
    let tenants: Vec<&TenantSummary> = summary.tenants.iter().filter(open).collect();
    for tenant in tenants.iter().take(TENANTS_MAX) {
        let claims = tenant.claimed.unwrap_or_default();
        reporter.notice(format!("  {}: {}", sanitize::for_terminal(&tenant.name), claims_in_words(&claims)));
    }
    if tenants.len() > TENANTS_MAX {
        reporter.notice(format!("  … and {} more: summary.json has all", tenants.len() - TENANTS_MAX));
    }
}
