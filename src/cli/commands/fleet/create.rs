//! Turns a roster with a column of tenants into a fleet: a folder with a planned run for each tenant.

use super::resolve;
use crate::cli::{
    args::JobArgs,
    commands::{
        access,
        planning::{WhatToPlan, folder_for, settings, what_to_plan},
        roster_remarks, rows,
        target::Target,
    },
    context::Context,
    failure::Failure,
    hints,
};
use passwave::{
    fleet::{Assigned, Fleet, Manifest, Member, Split},
    ledger::Ledger,
    password::Generator,
    plan::{Plan, Settings},
    report,
    util::format::counted,
};
use std::path::Path;

/// How many tenants of domains are listed.
const LINES_MAX: usize = 20;

/// Makes the fleet.
pub fn create(context: &Context, job: &JobArgs, column: &str, target: Target) -> Result<Fleet, Failure> {
    let reporter = &context.reporter;
    if context.call.flag("ledger").is_some() && !target.is_rehearsal() {
        return Err(Failure::usage(
            "the runs of many tenants are in folders, so --ledger cannot be used; nothing was sent",
        )
        .hint("leave --ledger out, and unset PASSWAVE_LEDGER"));
    }
    let what = what_to_plan(context, job, target)?;
    let split = Split::of(&what.roster, column)?;
    roster_remarks::notes(reporter, &what.roster);
    let ids = resolve::ids(reporter, &split, &job.connect, target)?;
    let assigned = split.assign(&ids);
    show(context, &assigned, target);
    if assigned.iter().all(|one| one.tenant.is_none()) {
        return Err(Failure::usage("no row names a tenant that exists; nothing was sent")
            .hint("name each row's tenant by its id or one of its domains, in the column of --tenant-column"));
    }
    let folder = job.plan.run_dir.clone().unwrap_or_else(|| folder_for(&rows::stem(&what.roster), target));
    Fleet::make_folder(&folder)?;
    let made = fill(context, job, target, &folder, &what, &assigned);
    let members = made.inspect_err(|_| drop(std::fs::remove_dir_all(&folder)))?;
    let manifest = Manifest::new(what.roster.name(), column, target.is_rehearsal(), members);
    Ok(Fleet::complete(&folder, manifest)?)
}

/// Plans the run of each tenant.
fn fill(
    context: &Context,
    job: &JobArgs,
    target: Target,
    folder: &Path,
    what: &WhatToPlan<'_>,
    assigned: &[Assigned],
) -> Result<Vec<Member>, Failure> {
    let WhatToPlan { source, policy, roster, exclusions } = what;
    let usual = settings(&context.reporter, job, target, Settings::new(roster, policy.clone()))?;
    if usual.sealing.is_some() && usual.password_column.is_some() && !job.dry_run && context.call.verb == "reset" {
        return Err(Failure::usage(
            "passwords from the roster cannot be sealed and sent in one call over many tenants; nothing was sent",
        )
        .hint("plan first, then give the key to `passwave run`"));
    }
    if !usual.rehearsal && usual.sealing.is_none() {
        access::warn(&context.reporter, folder);
    }
    let mut members = Vec::new();
    for one in assigned {
        let part = roster.part(one.part.clone());
        let mut settings = usual.clone();
        settings.tenant.clone_from(&one.tenant);
        let plan = Plan::new(&part, Generator::new(policy)?).without(exclusions.clone());
        let created = Ledger::create(&folder.join(&one.folder), settings, plan)?;
        roster_remarks::note(&created.ledger, roster)?;
        if let Some(file) = source.file().filter(|_| !source.is_stdin()) {
            created.ledger.set_roster_file(file)?;
        }
        if one.tenant.is_none() {
            // No run ever writes it.
            report::write(&created.ledger)?;
        }
        members.push(member(one, target));
    }
    Ok(members)
}

fn member(one: &Assigned, target: Target) -> Member {
    let tenant = one.tenant.as_ref();
    // In a rehearsal, nobody knows the id of a domain.
    let id = tenant.map(|tenant| tenant.id.clone()).filter(|id| !target.is_rehearsal() || !id.contains('.'));
    Member {
        name: tenant.map(|tenant| tenant.name.clone()).unwrap_or_default(),
        tenant_id: id,
        names: tenant.map(|tenant| tenant.names.clone()).unwrap_or_default(),
        folder: one.folder.clone(),
        rows: one.part.len() as u64,
    }
}

/// Reports which tenant each domain is, and rows whose tenant is not certain.
fn show(context: &Context, assigned: &[Assigned], target: Target) {
    let reporter = &context.reporter;
    let tenants: Vec<_> = assigned.iter().filter_map(|one| one.tenant.as_ref()).collect();
    let has_domains = |tenant: &&&passwave::plan::NamedTenant| tenant.names.iter().any(|name| *name != tenant.id);
    let looked_up: Vec<_> = tenants.iter().filter(has_domains).collect();
    if !target.is_rehearsal() {
        for tenant in looked_up.iter().take(LINES_MAX) {
            let names: Vec<&str> = tenant.names.iter().map(String::as_str).filter(|name| *name != tenant.id).collect();
            reporter.notice(format!("Tenant {} is {}", tenant.id, names.join(", ")));
        }
        if looked_up.len() > LINES_MAX {
            reporter.notice(format!("… and {} more: fleet.json has all", looked_up.len() - LINES_MAX));
        }
    } else if looked_up.len() > 1 {
        reporter
            .detail(1, || "a rehearsal asks nobody which domains are the same tenant: each is one of its own".into());
    }
    if let Some(nowhere) = assigned.iter().find(|one| one.tenant.is_none()) {
        let rows = counted(nowhere.part.len() as u64, "row is", "rows are");
        reporter.warn_with(
            format!("{rows} skipped, because their tenant is not certain (tenant_missing or tenant_unknown)"),
            hints::outcome::of_skip(passwave::outcome::Skip::TenantUnknown),
        );
    }
}
