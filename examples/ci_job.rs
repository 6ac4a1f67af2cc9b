//! A nightly pipeline gives its test accounts fresh passwords: plan in one job, approve, run in the next.
//!
//! ```text
//! cargo run --example ci_job
//! ```
//!
//! Here the real client signs in and writes over HTTP, to the simulator on loopback. Against a tenant only the two
//! endpoints and the secret's origin differ. The exit code tells the pipeline how it went.

#![expect(clippy::print_stdout, reason = "an example tells what it did")]

use passwave::{
    graph::{
        client::{ClientSecret, GraphClient, endpoint, http_client},
        simulator::{Account, Credentials, Simulator, SimulatorConfig, serve},
    },
    ledger::Ledger,
    password::{ForceChange, Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    run::{self, RunOptions},
};
use std::{error::Error, future::pending, path::Path, process::ExitCode, sync::Arc};
use tokio::net::TcpListener;

const ROSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rosters/test-accounts.txt");

/// The real clock this time: time-outs of the network know no other.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The folder is what the first job hands to the second, as a protected artifact: it holds the passwords.
    let place = tempfile::tempdir()?;
    let folder = place.path().join("nightly");

    let (roster, fingerprint) = plan_job(&folder)?;
    println!("planned {} with fingerprint {}…", roster.name(), &fingerprint[..16]);

    let (url, credentials) = tenant_of(&roster).await?;
    let code = run_job(&folder, &fingerprint, &url, credentials).await?;
    Ok(ExitCode::from(code))
}

/// Job 1: decide everything, change nothing. What is approved is the fingerprint: accounts and settings, no secrets.
fn plan_job(folder: &Path) -> Result<(Roster, String), Box<dyn Error>> {
    let roster = Roster::open(Path::new(ROSTER), &RosterOptions::default())?;
    let policy = PasswordPolicy::default();
    // Nobody sits before a test account, so its password must stand as it is.
    let settings = Settings { force_change: Some(ForceChange::No), ..Settings::new(&roster, policy.clone()) };
    let created = Ledger::create(folder, settings, Plan::new(&roster, Generator::new(&policy)?))?;
    // A pipeline should stop at a bad row rather than skip it and stay green.
    if let Some(row) = created.skipped.first() {
        return Err(row.message.clone().into());
    }
    let fingerprint = created.ledger.fingerprint()?;
    Ok((roster, fingerprint))
}

/// Job 2: do exactly what was approved. Killed and started again, it goes on where it was.
async fn run_job(folder: &Path, approved: &str, url: &str, credentials: Credentials) -> Result<u8, Box<dyn Error>> {
    let mut ledger = Ledger::open(folder)?;
    if ledger.fingerprint()? != approved {
        return Err("this is not the plan that was approved".into());
    }
    // For a tenant: https://login.microsoftonline.com and https://graph.microsoft.com, and a secret from the vault.
    let (authority, graph) = (endpoint(url)?, endpoint(url)?);
    let Credentials { tenant_id, client_id, client_secret } = credentials;
    let http = http_client(true)?;
    let door = ClientSecret::new(http.clone(), &authority, &graph, &tenant_id, &client_id, client_secret)?;
    let client = GraphClient::new(http, &graph, door);
    // A wrong secret shows here, before anything is sent.
    client.sign_in().await?;
    // Whoever reads the summary later wants to know where this was.
    ledger.set_note("tenant_id", &tenant_id)?;
    ledger.set_note("client_id", &client_id)?;

    run::run(&mut ledger, &client, &RunOptions::default(), pending(), &mut |_event| {}).await?;
    let summary = report::write(&ledger)?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(summary.exit_code)
}

/// A tenant with the roster's accounts, served on a free port of loopback as `passwave simulate` does.
async fn tenant_of(roster: &Roster) -> Result<(String, Credentials), Box<dyn Error>> {
    let tenant = Arc::new(Simulator::new(SimulatorConfig::default()));
    for row in roster.rows() {
        if let Ok(upn) = row?.address {
            tenant.add(Account::from(&upn));
        }
    }
    let credentials = tenant.credentials().clone();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(serve(tenant, listener, pending()));
    Ok((url, credentials))
}
