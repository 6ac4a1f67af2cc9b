//! `rehearse`: runs the whole job against the embedded simulator.

use super::{
    conditions,
    faults::faults,
    logging::LoggingGraph,
    look_up, pace, plan_json,
    plan_report::{self, Scope},
    planning::{create, discard},
    result, rows,
    sending::{AfterPilot, send},
    show,
    system::{Clock, runtime},
    target::Target,
    wanted,
};
use crate::cli::{
    args::{JobArgs, NOT_FOR_A_REHEARSAL, SimulatorArgs},
    console::{End, Event},
    context::Context,
    failure::Failure,
};
use passwave::{
    account::upn::Upn,
    ledger::{LedgerError, ReadLedger},
    outcome::Status,
    simulator::{Account, Faults, Simulator, SimulatorConfig},
};

/// Latency of a batch in a rehearsal without faults, in milliseconds: similar to Graph's.
pub const LATENCY_MILLIS: u64 = 300;

/// Share of the accounts that an on-premises directory manages, in a rehearsal with `--writeback` and without faults that
/// say it.
const SYNCED: f64 = 0.5;

/// Runs the whole job in virtual time, against a tenant with the roster's accounts.
pub fn rehearse(context: &Context, job: &JobArgs, simulator: &SimulatorArgs) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    context.flags_without_meaning(&NOT_FOR_A_REHEARSAL);
    show::must_be_possible(reporter, job.run.show)?;
    show::must_be_readable(job.run.show, rows::passwords(&job.plan))?;
    let mut config = SimulatorConfig::new(job.run.pace.write_quota, simulator.seed);
    let mut calm = Faults::default();
    calm.latency_ms = LATENCY_MILLIS;
    config.faults = faults(simulator, calm)?;
    let is_hybrid = job.plan.rules.writeback;
    let plays_synced = is_hybrid && config.faults.synced <= 0.0 && config.faults.accounts.is_empty();
    if plays_synced {
        config.faults.synced = SYNCED;
    }
    let runtime = runtime(Clock::Virtual)?;
    let mut ledger = create(context, job, Target::Simulator)?;
    reporter.notice("REHEARSAL: the embedded simulator stands in for the tenant, and the passwords are thrown away.");
    if plays_synced {
        reporter.notice(
            "A rehearsal cannot know which accounts an on-premises directory manages: it takes half of them. --faults \
             '{\"synced\": 0.2}' takes another share.",
        );
    }
    let now = wanted::now(context, &ledger, &job.run, None)?;
    let mut options = pace::options(reporter, &job.run.pace, job.run.pilot, &now)?;
    options.pace.seed = simulator.seed;
    let tenant = Simulator::new(config);
    add_accounts(&tenant, &ledger)?;
    if is_hybrid {
        tenant.sign_in_as_person();
    }
    let tenant = LoggingGraph::new(&tenant, reporter);
    let looked = look_up::look(reporter, &mut ledger, &tenant, &options.pace, &now.wanted);
    if let Some(code) = runtime.block_on(looked)? {
        return Ok(code);
    }
    if let Err(failure) = conditions::must_be_few(context, &ledger, &job.limit) {
        return Err(discard(reporter, ledger, failure));
    }
    let quota = job.run.pace.write_quota;
    let left = f64::from(quota.units.get());
    plan_report::tell(reporter, &ledger, (quota, left), &now.wanted, Scope::Whole)?;
    if job.dry_run {
        let summary = result::reports_now(context, &mut ledger)?;
        plan_json::print(context, &ledger, &summary, (job, left))?;
        reporter.tell(&Event::Ends(End::Planned));
        return Ok(0);
    }
    let code = runtime.block_on(send(context, &mut ledger, &tenant, options, &now.wanted, AfterPilot::End))?;
    show::passwords(reporter, &ledger, job.run.show)?;
    Ok(code)
}

/// Adds the accounts to be reset to the tenant.
pub fn add_accounts(tenant: &Simulator, ledger: &ReadLedger) -> Result<(), LedgerError> {
    ledger.for_each_row(|row| {
        if row.status == Status::Pending
            && let Ok(upn) = Upn::parse(&row.user_principal_name)
        {
            tenant.add(Account::from(&upn));
        }
        Ok(())
    })
}
