//! `plan` over many tenants: everything but the change, in each of them.

use super::{
    begin::{Start, must_be_few},
    create::create,
    outcome,
    ready::Ready,
    told::tell_plan,
};
use crate::cli::{
    args::{JobArgs, LookupName, NOT_FOR_A_PLAN, TextOrJson},
    commands::{
        conditions::{Consent, RunConditions},
        connect::SignIn,
        look_up,
        rows::Source,
        system::{Clock, runtime},
        target::Target,
        wanted,
    },
    console::{End, Event},
    context::Context,
    failure::{AWAY, Failure, INTERRUPTED},
};
use passwave::{
    fleet::{Fleet, FleetSummary},
    ledger::Ledger,
    outcome::Status,
    util::sanitize,
};
use serde_json::json;
use std::io::Write;

/// Writes the fleet's folder, and reports the plan.
pub fn plan(context: &Context, job: &JobArgs, column: &str) -> Result<u8, Failure> {
    Source::of(&context.call, &job.plan)?;
    context.flags_without_meaning(&NOT_FOR_A_PLAN);
    let looks = match job.plan.rules.lookup {
        LookupName::Off => false,
        LookupName::Auto => job.plan.rules.writeback || SignIn::is_offered(&job.connect),
        LookupName::Required => true,
    };
    let fleet = create(context, job, column, Target::Tenant)?;
    let discard = |_: &Failure| drop(std::fs::remove_dir_all(fleet.folder()));
    let terms =
        RunConditions { run: &job.run, limit: &job.limit, expect: None, consent: Consent::Given, says_yes: false };
    let start = Start { context, fleet: &fleet, connect: &job.connect, open: None };
    let prepared = start.prepare(&terms, looks).inspect_err(discard)?;
    let ready = if looks {
        let clients = prepared.clients();
        runtime(Clock::Real)?.block_on(async {
            tokio::select! {
                biased;
                ready = start.make_ready(&prepared, &clients) => ready,
                () = prepared.watch.pass_on_stop(&context.reporter) => Vec::new(),
            }
        })
    } else {
        let why = match job.plan.rules.lookup {
            LookupName::Off => "--lookup off was given",
            _ => "the environment contains no credentials",
        };
        context
            .reporter
            .warn(format!("accounts are not looked up, because {why}: the plan uses the names in the roster"));
        without_a_look(&prepared.contexts, &fleet, why, &terms)?
    };
    must_be_few(ready.iter().map(|one| one.pending).sum(), job.limit.max_accounts).inspect_err(discard)?;
    let summary = outcome::reports(context, &fleet, Some(&prepared.watch))?;
    print(context, &fleet, &summary, job)?;
    tell_plan(context, &fleet, &prepared.watch, &ready, job.run.pace.write_quota)?;
    if let Some(step) = outcome::next(context, &fleet) {
        context.offer("Nothing was sent.", &step);
    }
    context.reporter.tell(&Event::Ends(End::Planned));
    Ok(match () {
        () if prepared.watch.is_stopped() => INTERRUPTED,
        () if prepared.watch.trouble().is_empty() => 0,
        () => AWAY,
    })
}

fn without_a_look(
    contexts: &[Context],
    fleet: &Fleet,
    why: &str,
    terms: &RunConditions<'_>,
) -> Result<Vec<Ready>, Failure> {
    let mut all = Vec::new();
    for (at, member) in fleet.manifest().tenants.iter().enumerate() {
        let mut ledger = Ledger::open(&fleet.folder_of(member))?;
        look_up::without_words(&mut ledger, why)?;
        let now = wanted::now(&contexts[at], &ledger, terms.run, None)?;
        all.push(Ready { at, pending: ledger.counts().pending(), now, signed_in: None });
    }
    Ok(all)
}

/// Prints the plan as one JSON object, if that was requested.
pub fn print(context: &Context, fleet: &Fleet, summary: &FleetSummary, job: &JobArgs) -> Result<(), Failure> {
    if job.format == TextOrJson::Text {
        return Ok(());
    }
    let pending =
        |counts: &std::collections::BTreeMap<&'static str, u64>| counts.get("pending").copied().unwrap_or_default();
    let tenants: Vec<_> = summary
        .tenants
        .iter()
        .map(|tenant| {
            json!({
                "name": tenant.name,
                "tenant_id": tenant.tenant_id,
                "run_dir": fleet.folder().join(&tenant.folder),
                "fingerprint": tenant.fingerprint,
                "rows": tenant.rows,
                "accounts": pending(&tenant.counts),
                "counts": tenant.counts,
                "trouble": tenant.trouble,
            })
        })
        .collect();
    let plan = json!({
        "fingerprint": summary.fingerprint,
        "run_dir": fleet.folder(),
        "roster": summary.roster,
        "tenant_column": summary.tenant_column,
        "rows": summary.rows,
        "accounts": summary.count(Status::Pending),
        "counts": summary.counts,
        "tenants": tenants,
        "write_quota": job.run.pace.write_quota.to_string(),
        "next": outcome::next(context, fleet).filter(|_| !summary.rehearsal).map(|step| step.to_string()),
    });
    let plan = sanitize::json(&plan.to_string());
    Ok(context.reporter.output(|out| writeln!(out, "{plan}"))?)
}
