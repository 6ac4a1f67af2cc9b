//! `rehearse` over many tenants: a simulated tenant for each, in virtual time.

use super::{
    begin::must_be_few,
    create::create,
    door::Limits,
    outcome, plan,
    ready::{self, Common, Ready},
    send::send,
    told::{reading_begins, tell_plan, writing_begins},
    watch::Watch,
};
use crate::cli::{
    args::{JobArgs, NOT_FOR_A_REHEARSAL, SimulatorArgs},
    commands::{
        faults::faults,
        logging::LoggingGraph,
        rehearse::{LATENCY_MILLIS, add_accounts},
        rows, show,
        system::{Clock, runtime},
        target::Target,
    },
    console::{End, Event, ReadTask},
    context::Context,
    failure::{Failure, INTERRUPTED},
};
use passwave::{
    account::tenant::TenantName,
    fleet::{Fleet, OPEN_MAX, in_turn, side_by_side},
    graph::Graph,
    simulator::{Faults, Simulator, SimulatorConfig, Tenants},
};
use std::{cell::RefCell, sync::Arc};

/// Runs the whole job in virtual time, against a simulated tenant for each tenant of the roster.
pub fn rehearse(context: &Context, job: &JobArgs, simulator: &SimulatorArgs, column: &str) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    context.flags_without_meaning(&NOT_FOR_A_REHEARSAL);
    show::must_be_possible(reporter, job.run.show)?;
    show::must_be_readable(job.run.show, rows::passwords(&job.plan))?;
    let mut config = SimulatorConfig::new(job.run.pace.write_quota, simulator.seed);
    let mut calm = Faults::default();
    calm.latency_ms = LATENCY_MILLIS;
    config.faults = faults(simulator, calm)?;
    let runtime = runtime(Clock::Virtual)?;
    let fleet = create(context, job, column, Target::Simulator)?;
    reporter.notice("REHEARSAL: the embedded simulator stands in for each tenant, and the passwords are thrown away.");
    let watch = Watch::new(job.run.halt_on.clone());
    let rehearsal = Rehearsal {
        contexts: watch.contexts(context, &fleet),
        common: Common { run: &job.run, expect: None, keys: None },
        fleet: &fleet,
        watch,
        seed: simulator.seed,
        tenants: runtime.block_on(async { tenants(&fleet, &config) }),
        limits: RefCell::default(),
    };
    runtime.block_on(async {
        tokio::select! {
            biased;
            code = rehearsal.work(context, job) => code,
            () = rehearsal.watch.pass_on_stop(reporter) => Ok(INTERRUPTED),
        }
    })
}

/// A simulated tenant for each tenant of the fleet.
fn tenants(fleet: &Fleet, config: &SimulatorConfig) -> Tenants {
    let names = fleet.manifest().tenants.iter().filter_map(|member| TenantName::parse(&member.name).ok());
    Tenants::new(&names.collect::<Vec<_>>(), config)
}

struct Rehearsal<'a> {
    contexts: Vec<Context>,
    common: Common<'a>,
    fleet: &'a Fleet,
    watch: Arc<Watch>,
    seed: u64,
    tenants: Tenants,
    limits: RefCell<Limits>,
}

impl Rehearsal<'_> {
    async fn work(&self, context: &Context, job: &JobArgs) -> Result<u8, Failure> {
        let members = &self.fleet.manifest().tenants;
        let open: Vec<usize> = (0..members.len()).filter(|at| !members[*at].name.is_empty()).collect();
        reading_begins(context, self.fleet, &open, ReadTask::LookUp);
        let ready = side_by_side(open, OPEN_MAX, async |at| match self.ready(at, job).await {
            Ok(ready) => Some(ready),
            Err(failure) => {
                self.contexts[at].reporter.tell(&Event::Failed(&failure));
                None
            }
        });
        let ready: Vec<Ready> = ready.await.into_iter().flatten().collect();
        context.reporter.tell(&Event::FleetEnds);
        let few = must_be_few(ready.iter().map(|one| one.pending).sum(), job.limit.max_accounts);
        few.inspect_err(|_| drop(std::fs::remove_dir_all(self.fleet.folder())))?;
        tell_plan(context, self.fleet, &self.watch, &ready, job.run.pace.write_quota)?;
        if job.dry_run {
            let summary = outcome::reports(context, self.fleet, Some(&self.watch))?;
            plan::print(context, self.fleet, &summary, job)?;
            context.reporter.tell(&Event::Ends(End::Planned));
            return Ok(0);
        }
        let codes = self.send(context, job, &ready).await;
        let code = outcome::finish(context, self.fleet, &self.watch, &codes)?;
        for at in 0..members.len() {
            if job.run.show.is_some() {
                show::passwords(&context.reporter, &self.fleet.read(at)?, job.run.show)?;
            }
        }
        Ok(code)
    }

    /// The simulated tenant of a member.
    fn tenant(&self, at: usize) -> &Simulator {
        let name = &self.fleet.manifest().tenants[at].name;
        self.tenants.get(name).map_or_else(|| self.tenants.first(), Arc::as_ref)
    }

    async fn ready(&self, at: usize, job: &JobArgs) -> Result<Ready, Failure> {
        let (context, tenant) = (&self.contexts[at], self.tenant(at));
        let mut ledger = self.common.open(&self.fleet.folder_of(&self.fleet.manifest().tenants[at]))?;
        add_accounts(tenant, &ledger)?;
        if job.plan.rules.writeback {
            tenant.sign_in_as_person();
        }
        tenant.claims().await.map_err(|error| Failure::away(error).about("sign_in"))?;
        let now = ready::asked(context, &mut ledger, &self.common)?;
        let graph = LoggingGraph::new(tenant, &context.reporter);
        let limit = self.limits.borrow_mut().of(None, job.run.pace.write_quota);
        ready::look(context, &mut ledger, &graph, (&self.common, limit), &now).await?;
        Ok(ready::ready(at, &ledger, now, None)?)
    }

    async fn send(&self, context: &Context, job: &JobArgs, ready: &[Ready]) -> Vec<u8> {
        let sizes: Vec<u64> = ready.iter().map(|one| one.pending).collect();
        writing_begins(context, self.fleet, ready, true);
        let codes = side_by_side(in_turn(&sizes), OPEN_MAX, async |nth| {
            let one = &ready[nth];
            let own = &self.contexts[one.at];
            if self.watch.is_stopped() {
                return INTERRUPTED;
            }
            let limit = self.limits.borrow_mut().of(None, job.run.pace.write_quota);
            let folder = self.fleet.folder_of(&self.fleet.manifest().tenants[one.at]);
            let graph = LoggingGraph::new(self.tenant(one.at), &own.reporter);
            let with = (limit, job.run.pilot, Some(self.seed));
            let sent = send(own, &folder, &graph, (one, &self.common), None, with).await;
            sent.unwrap_or_else(|failure| {
                own.reporter.tell(&Event::Failed(&failure));
                failure.code
            })
        });
        let codes = codes.await;
        context.reporter.tell(&Event::FleetEnds);
        codes
    }
}
