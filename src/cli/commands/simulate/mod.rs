//! `simulate`: serves the simulator on loopback, plain or over TLS.

mod tls;

use super::{
    faults::faults,
    signals::interrupted,
    system::{Clock, runtime},
};
use crate::cli::{
    args::{AddressArgs, AppArgs, SimulatorArgs},
    console::Reporter,
    failure::Failure,
    hints,
};
use passwave::{
    account::tenant::TenantName,
    graph::quota::Quota,
    roster::{HiddenRows, Part, Roster, RosterOptions},
    simulator::{Account, Faults, ServerTls, Simulator, SimulatorConfig, Tenants, serve, serve_tls},
};
use secrecy::ExposeSecret;
use serde_json::json;
use std::{
    future::pending,
    io::Write,
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::Arc,
};
use tls::Protection;
use tokio::net::TcpListener;

/// The domain of accounts without a roster.
const DOMAIN: &str = "contoso.com";

/// Who is in the tenant.
pub struct Population<'a> {
    pub roster: Option<&'a Path>,
    /// The roster's column with the tenants, if there are several.
    pub tenants: Option<&'a str>,
    /// How many accounts, if there is no roster.
    pub accounts: u64,
    /// How the application may sign in, besides its secret.
    pub app: &'a AppArgs,
}

/// Serves until it is asked to stop.
pub fn simulate(
    reporter: &Reporter,
    port: u16,
    population: &Population<'_>,
    quota: Quota,
    address: &AddressArgs,
    args: &SimulatorArgs,
) -> Result<u8, Failure> {
    let mut config = SimulatorConfig::new(quota, args.seed);
    config.faults = faults(args, Faults::default())?;
    config.public_url.clone_from(&address.public_url);
    let protection = tls::protection(address)?;
    let runtime = runtime(Clock::Real)?;
    runtime.block_on(async {
        let tenants = match (population.roster, population.tenants) {
            (Some(roster), Some(column)) => many(roster, column, &config, population)?,
            _ => {
                let tenant = Arc::new(Simulator::new(config));
                populate(&tenant, population)?;
                Tenants::from(tenant)
            }
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
            Failure::usage(format!("port {port} is not available: {error}")).hint("--port 0 takes a free one")
        })?;
        let port = listener.local_addr().map_err(Failure::away)?.port();
        // `localhost` is this address, too. It is missing where IPv6 is turned off.
        let other = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        announce(reporter, &tenants, port, protection.as_ref(), address)?;
        let tls = protection.as_ref().map(|protection| &protection.tls);
        tokio::select! {
            () = serve_on(&tenants, Some(listener), tls) => {}
            () = serve_on(&tenants, other, tls) => {}
            () = interrupted(reporter) => {}
        }
        Ok(0)
    })
}

/// Serves for ever, if there is a listener.
async fn serve_on(tenants: &Tenants, listener: Option<TcpListener>, tls: Option<&ServerTls>) {
    match (listener, tls) {
        (None, _) => pending().await,
        (Some(listener), None) => serve(tenants.clone(), listener, pending()).await,
        (Some(listener), Some(tls)) => serve_tls(tenants.clone(), listener, tls.clone(), pending()).await,
    }
}

/// A tenant for each name in a column of the roster, with its accounts.
fn many(
    roster: &Path,
    column: &str,
    config: &SimulatorConfig,
    population: &Population<'_>,
) -> Result<Tenants, Failure> {
    let mut options = RosterOptions::default();
    options.hidden_rows = HiddenRows::Include;
    let roster = Roster::open(roster, &options)?;
    let groups = roster.groups_by(column)?;
    let named: Vec<_> =
        groups.iter().filter_map(|group| Some((TenantName::parse(&group.value).ok()?, group))).collect();
    if named.is_empty() {
        return Err(Failure::usage("no row names a tenant").hint("name tenants by an id or a domain"));
    }
    let names: Vec<TenantName> = named.iter().map(|(name, _)| name.clone()).collect();
    let tenants = Tenants::new(&names, config);
    for ((_, group), (_, tenant)) in named.iter().zip(tenants.iter()) {
        register(tenant, population.app)?;
        for row in roster.part(Part::of(&[group])).rows() {
            if let Ok(upn) = row?.address {
                tenant.add(Account::from(&upn));
            }
        }
    }
    Ok(tenants)
}

/// Lets the application sign in with what the flags name.
fn register(tenant: &Simulator, app: &AppArgs) -> Result<(), Failure> {
    for file in &app.app_certificate {
        tls::read(file).and_then(|pem| {
            tenant.register_certificates(pem.as_bytes()).map_err(|error| {
                Failure::usage(format!("{}: {error}", file.display())).hint(hints::certificate::of_application(&error))
            })
        })?;
    }
    for (issuer, subject) in &app.federated_credential {
        tenant.trust_federation(issuer, subject);
    }
    Ok(())
}

fn populate(tenant: &Simulator, population: &Population<'_>) -> Result<(), Failure> {
    register(tenant, population.app)?;
    let Some(roster) = population.roster else {
        (1..=population.accounts).for_each(|nth| tenant.add(Account::normal(format!("user{nth}@{DOMAIN}"))));
        return Ok(());
    };
    let mut options = RosterOptions::default();
    options.hidden_rows = HiddenRows::Include;
    for row in Roster::open(roster, &options)?.rows() {
        if let Ok(upn) = row?.address {
            tenant.add(Account::from(&upn));
        }
    }
    Ok(())
}

fn announce(
    reporter: &Reporter,
    tenants: &Tenants,
    port: u16,
    protection: Option<&Protection>,
    address: &AddressArgs,
) -> Result<(), Failure> {
    let credentials = tenants.first().credentials();
    let own = match protection {
        // Clients compare names with the certificate, and some take no address.
        Some(_) => format!("https://localhost:{port}"),
        None => format!("http://127.0.0.1:{port}"),
    };
    let mut line = json!({
        "url": address.public_url.as_ref().unwrap_or(&own),
        "tenant_id": credentials.tenant_id,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret.expose_secret(),
    });
    let named: serde_json::Map<String, serde_json::Value> = tenants
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, tenant)| (name.to_owned(), tenant.credentials().tenant_id.clone().into()))
        .collect();
    if !named.is_empty() {
        line["tenants"] = named.into();
    }
    if let Some(authority) = protection.and_then(|protection| protection.authority.as_ref()) {
        line["ca_file"] = json!(authority.file());
    }
    Ok(reporter.output(|out| writeln!(out, "{line}"))?)
}
