//! `rehearse` and `simulate`: the embedded simulator, in process and served.

use super::{
    conditions, looking, plan,
    process::{interrupted, runtime},
    rows, show, starting,
    telling::{self, Manner},
    told::Told,
    wanted, work,
};
use crate::{
    cli::{JobArgs, NOT_FOR_A_REHEARSAL, SimulatorArgs},
    events,
    failure::Failure,
    terminal::{print, say},
};
use passwave::{
    graph::simulator::{Account, Faults, Simulator, SimulatorConfig, serve},
    ledger::{Ledger, LedgerError},
    outcome::Status,
    quota::Quota,
    roster::{HiddenRows, Roster, RosterOptions},
    text_file::{self, ReadError},
    upn::Upn,
};
use secrecy::ExposeSecret;
use serde_json::json;
use std::{io::Write, net::Ipv4Addr, path::Path, sync::Arc};

/// The domain of accounts that no roster names.
const DOMAIN: &str = "contoso.com";

/// What a batch takes in a rehearsal that is told no faults, in milliseconds: the order of what Graph takes.
const LATENCY_MILLIS: u64 = 300;
/// Most bytes of a file of faults.
const FAULTS_BYTES_MAX: u64 = 8 << 20;

/// The whole job in virtual time, against a tenant that has the roster's accounts.
pub fn rehearse(job: &JobArgs, simulator: &SimulatorArgs) -> Result<u8, Failure> {
    starting::without_meaning("rehearse", &NOT_FOR_A_REHEARSAL);
    show::must_be_possible(job.run.show)?;
    show::must_be_readable(job.run.show, rows::seals(&job.plan), false)?;
    let mut config = SimulatorConfig::new(job.run.pace.write_quota, simulator.seed);
    config.faults = faults(simulator, Faults { latency_ms: LATENCY_MILLIS, ..Faults::default() })?;
    let runtime = runtime(true)?;
    let created = plan::create(job, true)?;
    telling::skipped(&created);
    let mut ledger = created.ledger;
    say("REHEARSAL: the embedded simulator stands in for the tenant, and the passwords are thrown away.");
    let now = wanted::now(&ledger, &job.run, false)?;
    let mut options = work::options(&job.run.pace, job.run.pilot, &now)?;
    options.pace.seed = simulator.seed;
    let tenant = Simulator::new(config);
    enrol(&tenant, &ledger)?;
    let tenant = Told::new(&tenant);
    let looked = looking::look(&mut ledger, &tenant, &options.pace, now.wanted.revoke_sessions);
    if let Some(code) = runtime.block_on(looked)? {
        return Ok(code);
    }
    if let Err(failure) = conditions::must_be_few(&ledger, &job.limit) {
        return Err(plan::discarded(ledger, failure));
    }
    telling::plan(&ledger, &Manner { quota: job.run.pace.write_quota, wanted: &now.wanted, is_brief: false })?;
    if job.dry_run {
        let summary = work::reports(&mut ledger)?;
        plan::as_printed(&ledger, &summary, job)?;
        events::note_end("planned");
        return Ok(0);
    }
    let code = runtime.block_on(work::send(&mut ledger, &tenant, options, &now.wanted, false))?;
    show::passwords(&ledger, job.run.show)?;
    Ok(code)
}

/// Gives the tenant the accounts that are to be reset.
fn enrol(tenant: &Simulator, ledger: &Ledger) -> Result<(), LedgerError> {
    ledger.for_each_row(|row| {
        if row.status == Status::Pending.as_str()
            && let Ok(upn) = Upn::parse(&row.user_principal_name)
        {
            tenant.add(Account::from(&upn));
        }
        Ok(())
    })
}

/// Serves until it is asked to stop.
pub fn simulate(
    port: u16,
    roster: Option<&Path>,
    accounts: u64,
    quota: Quota,
    args: &SimulatorArgs,
) -> Result<u8, Failure> {
    let mut config = SimulatorConfig::new(quota, args.seed);
    config.faults = faults(args, Faults::default())?;
    let runtime = runtime(false)?;
    runtime.block_on(async {
        let tenant = Arc::new(Simulator::new(config));
        populate(&tenant, roster, accounts)?;
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
            Failure::usage(format!("port {port} cannot be had: {error}\nhint: --port 0 takes a free one"))
        })?;
        let address = listener.local_addr().map_err(Failure::away)?;
        announce(&tenant, address.port())?;
        serve(tenant, listener, interrupted()).await;
        Ok(0)
    })
}

fn populate(tenant: &Simulator, roster: Option<&Path>, accounts: u64) -> Result<(), Failure> {
    let Some(roster) = roster else {
        (1..=accounts).for_each(|nth| tenant.add(Account::normal(format!("user{nth}@{DOMAIN}"))));
        return Ok(());
    };
    for row in
        Roster::open(roster, &RosterOptions { hidden_rows: HiddenRows::Include, ..RosterOptions::default() })?.rows()
    {
        if let Ok(upn) = row?.address {
            tenant.add(Account::from(&upn));
        }
    }
    Ok(())
}

fn announce(tenant: &Simulator, port: u16) -> Result<(), Failure> {
    let credentials = tenant.credentials();
    let line = json!({
        "url": format!("http://127.0.0.1:{port}"),
        "tenant_id": credentials.tenant_id,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret.expose_secret(),
    });
    Ok(print(|out| writeln!(out, "{line}"))?)
}

/// What `--faults` says, or what is `usual` where it is not given.
fn faults(args: &SimulatorArgs, usual: Faults) -> Result<Faults, Failure> {
    let Some(file) = &args.faults else { return Ok(usual) };
    let unreadable = |error: ReadError| Failure::usage(format!("{}: {error}", file.display()));
    let text = text_file::read(file, FAULTS_BYTES_MAX).map_err(unreadable)?;
    Faults::from_json(&text).map_err(|error| {
        Failure::usage(format!("{}: {error}\nhint: the fields are described in the README", file.display()))
    })
}
