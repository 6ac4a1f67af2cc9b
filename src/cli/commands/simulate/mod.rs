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
    graph::quota::Quota,
    roster::{HiddenRows, Roster, RosterOptions},
    simulator::{Account, Faults, ServerTls, Simulator, SimulatorConfig, serve, serve_tls},
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
        let tenant = Arc::new(Simulator::new(config));
        populate(&tenant, population)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
            Failure::usage(format!("port {port} is not available: {error}")).hint("--port 0 takes a free one")
        })?;
        let port = listener.local_addr().map_err(Failure::away)?.port();
        // `localhost` is this address, too. It is missing where IPv6 is turned off.
        let other = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
        announce(reporter, &tenant, port, protection.as_ref(), address)?;
        let tls = protection.as_ref().map(|protection| &protection.tls);
        tokio::select! {
            () = serve_on(&tenant, Some(listener), tls) => {}
            () = serve_on(&tenant, other, tls) => {}
            () = interrupted(reporter) => {}
        }
        Ok(0)
    })
}

/// Serves for ever, if there is a listener.
async fn serve_on(tenant: &Arc<Simulator>, listener: Option<TcpListener>, tls: Option<&ServerTls>) {
    match (listener, tls) {
        (None, _) => pending().await,
        (Some(listener), None) => serve(Arc::clone(tenant), listener, pending()).await,
        (Some(listener), Some(tls)) => serve_tls(Arc::clone(tenant), listener, tls.clone(), pending()).await,
    }
}

fn populate(tenant: &Simulator, population: &Population<'_>) -> Result<(), Failure> {
    for file in &population.app.app_certificate {
        tls::read(file).and_then(|pem| {
            tenant.register_certificates(pem.as_bytes()).map_err(|error| {
                Failure::usage(format!("{}: {error}", file.display())).hint(hints::certificate::of_application(&error))
            })
        })?;
    }
    for (issuer, subject) in &population.app.federated_credential {
        tenant.trust_federation(issuer, subject);
    }
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
    tenant: &Simulator,
    port: u16,
    protection: Option<&Protection>,
    address: &AddressArgs,
) -> Result<(), Failure> {
    let credentials = tenant.credentials();
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
    if let Some(authority) = protection.and_then(|protection| protection.authority.as_ref()) {
        line["ca_file"] = json!(authority.file());
    }
    Ok(reporter.output(|out| writeln!(out, "{line}"))?)
}
