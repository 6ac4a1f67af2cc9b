//! A nightly pipeline resets the passwords of its test accounts: plan in one job, approve, run in the next.
//!
//! ```text
//! cargo run --example ci_job
//! ```
//!
//! The real client signs in and writes over HTTP, here to the simulator on loopback. For a tenant, only the two
//! endpoints and the source of the secret differ. The exit code tells the pipeline the result.

#![expect(clippy::print_stdout, reason = "an example prints what it did")]

use passwave::{
    engine::run::{self, RunOptions},
    graph::client::{ClientSecret, GraphClient, ProxyUse, endpoint, http_client},
    ledger::{Ledger, SignedInAs},
    password::{ForceChange, Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    simulator::{Account, Credentials, Simulator, SimulatorConfig, serve},
};
use std::{error::Error, future::pending, path::Path, process::ExitCode, sync::Arc};
use tokio::net::TcpListener;

const ROSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rosters/test-accounts.txt");

/// The real clock this time: network time-outs use no other.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The first job passes this folder to the second, as a protected artifact: it contains the passwords.
    let place = tempfile::tempdir()?;
    let folder = place.path().join("nightly");

    let (roster, fingerprint) = plan_job(&folder)?;
    println!("planned {} with fingerprint {}…", roster.name(), &fingerprint[..16]);

    let (url, credentials) = tenant_of(&roster).await?;
    let code = run_job(&folder, &fingerprint, &url, credentials).await?;
    Ok(ExitCode::from(code))
}

/// Job 1: make all decisions, change nothing. The fingerprint is approved: accounts and settings, no secrets.
fn plan_job(folder: &Path) -> Result<(Roster, String), Box<dyn Error>> {
    let roster = Roster::open(Path::new(ROSTER), &RosterOptions::default())?;
    let policy = PasswordPolicy::default();
    // Nobody signs in to a test account by hand, so its password must not have to be changed.
    let mut settings = Settings::new(&roster, policy.clone());
    settings.force_change = Some(ForceChange::No);
    let created = Ledger::create(folder, settings, Plan::new(&roster, Generator::new(&policy)?))?;
    // A pipeline should stop at an invalid row instead of skipping it and staying green.
    if let Some(row) = created.skipped.first() {
        return Err(row.message.clone().into());
    }
    let fingerprint = created.ledger.fingerprint()?;
    Ok((roster, fingerprint))
}

/// Job 2: run exactly what was approved. If it is killed and started again, it continues.
async fn run_job(folder: &Path, approved: &str, url: &str, credentials: Credentials) -> Result<u8, Box<dyn Error>> {
    let mut ledger = Ledger::open(folder)?;
    if ledger.fingerprint()? != approved {
        return Err("this is not the plan that was approved".into());
    }
    // For a tenant: https://login.microsoftonline.com and https://graph.microsoft.com, and a secret from the vault.
    let (authority, graph) = (endpoint(url)?, endpoint(url)?);
    let Credentials { tenant_id, client_id, client_secret } = credentials;
    let http = http_client(ProxyUse::Never)?;
    let credential = ClientSecret::new(http.clone(), &authority, &graph, &tenant_id, &client_id, client_secret)?;
    let client = GraphClient::new(http, &graph, credential);
    // A wrong secret shows here, before anything is sent.
    client.sign_in().await?;
    // A later reader of the summary wants to know in which tenant this was.
    let signed_in = SignedInAs { tenant_id: Some(tenant_id), client_id: Some(client_id), ..SignedInAs::default() };
    let mut options = RunOptions::default();
    options.signed_in = Some(signed_in);
    run::run(&mut ledger, &client, &options, pending(), &mut |_event| {}).await?;
    let summary = report::write(&ledger)?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(summary.exit_code)
}

/// A tenant with the roster's accounts, served on a free loopback port as `passwave simulate` does.
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
